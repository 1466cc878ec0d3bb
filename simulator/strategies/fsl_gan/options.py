"""The options of Federated Split GANs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from devices.link_ranges import LinkLatency, LinkRate
from simulator.strategies.options import LocalTrainingOptions

PARTS = 3
"""Parts of a discriminator."""

_Blocks = Annotated[int, Field(ge=1, strict=True)]


class FslGanOptions(LocalTrainingOptions):
    """Federated Split GANs (arXiv 2207.01750): one generator on the server, a split discriminator in every household.

    A client is a household of several devices on one local network (LAN). ``data.domains.*.clients`` counts
    households. The defaults are the paper's and its code's where they state them.
    """

    holders: ClassVar[str] = "households"
    timing_keys: ClassVar[frozenset[str]] = LocalTrainingOptions.timing_keys | {
        "household_size",
        "parts",
        "selection",
        "placement",
        "lan_latency",
        "lan_rate",
    }

    name: Literal["fsl_gan"] = Field(
        "fsl_gan", description="Federated Split GANs: discriminators split over a household's devices."
    )
    local_epochs: int = Field(
        1, ge=1, le=1_000_000, strict=True, description="Epochs between two averages of the discriminators."
    )
    household_size: int = Field(
        3,
        ge=1,
        le=1_000_000,
        strict=True,
        description="Devices of a household, taken in the order of their ids; the last one may have fewer.",
    )
    parts: Annotated[tuple[_Blocks, ...], Field(min_length=PARTS, max_length=PARTS)] | None = Field(
        None,
        examples=[[2, 2, 1]],
        description="Blocks of the discriminator in its three parts; left out = as even as can be.",
    )
    selection: Literal["random", "fastest"] = Field(
        "random", description="Which of a household's devices get parts first: drawn, or by compute rate."
    )
    placement: Literal["single", "multi"] = Field(
        "single",
        description="Parts on one device: one (the last device takes the rest), or as many as its memory takes.",
    )
    lan_latency: LinkLatency = Field(
        0.05,
        description="Latency of the LAN, once per step for every device with a part.",
    )
    lan_rate: LinkRate = Field(
        50e6,
        description="Rate of the LAN (assumed: 400 Mbit/s, a good wireless LAN).",
    )

    def data_holders(self, devices: int) -> int:
        """Return the number of households."""
        return -(-devices // self.household_size)
