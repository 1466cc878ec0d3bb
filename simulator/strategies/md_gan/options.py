"""The options of MD-GAN."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.strategies.options import LocalTrainingOptions


class MdGanOptions(LocalTrainingOptions):
    """MD-GAN (arXiv 1811.03850): one generator on the server, a discriminator on every client; they change places.

    A round is what the paper calls E epochs: m E / b iterations, and then the discriminators move on.
    """

    name: Literal["md_gan"] = Field(
        "md_gan", description="MD-GAN: one generator on the server, discriminators that move between clients."
    )
    local_epochs: int = Field(
        1, ge=1, le=1_000_000, strict=True, description="Epochs in a round (E in the paper, which takes 1)."
    )
    batches: Literal["log"] | Annotated[int, Field(ge=1, strict=True)] = Field(
        "log",
        description="Batches the generator makes in an iteration (k in the paper): at most one for each client; "
        "log = ceil(ln N), at least 1.",
    )
    discriminator_steps: int = Field(
        1, ge=1, le=1_000, strict=True, description="Steps of every discriminator in an iteration (L)."
    )
    swap: bool = Field(
        True,
        strict=True,
        description="Whether the discriminators move to other clients at the end of every round.",
    )
