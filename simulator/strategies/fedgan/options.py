"""The options of FedGAN."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.strategies.options import LocalTrainingOptions


class FedganOptions(LocalTrainingOptions):
    """FedGAN (arXiv 2006.07228): every client trains a whole GAN; both networks are averaged every K steps.

    K is ``steps_per_round``, or as many steps as ``local_epochs`` epochs have. The paper trains an unconditional GAN;
    ours is the conditional one that all strategies share.
    """

    name: Literal["fedgan"] = Field("fedgan", description="FedGAN: whole GANs on the clients, averaged.")
