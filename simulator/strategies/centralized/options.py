"""The options of centralised training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.strategies.options import LocalTrainingOptions


class CentralizedOptions(LocalTrainingOptions):
    """Centralised training: clients upload all their images once, and the server alone trains.

    No method that keeps data where they are can know more than this one: it is the bound of quality. ``batch_size``
    and epochs are of the pooled images, and ``init: independent`` gives every GAN weights of its own.
    """

    name: Literal["centralized"] = Field(
        "centralized", description="One conditional GAN on the server, which is sent all images."
    )
    generators: Literal["one", "per_domain"] = Field(
        "one", description="One GAN for the images of all domains, or one for each domain."
    )
