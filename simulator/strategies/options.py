"""What the options of all strategies share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class EdgeTier:
    """Edge servers that a strategy asks for, all alike.

    Attributes:
        count: how many; the key ``edges`` of the strategy.
        profile: name or path of their profile; the key ``edge`` of the strategy.
    """

    count: int
    profile: str


class StrategyOptions(BaseModel):
    """Common to all strategies: immutable, an unknown key is an error, and who holds data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holders: ClassVar[str] = "devices"
    """What those that hold data are called, in the plural."""

    timing_keys: ClassVar[frozenset[str]] = frozenset({"rounds"})
    """Keys that decide nothing of what an iteration or an exchange teaches: time alone, or how many there are."""

    log_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys that decide who takes part and nothing else: what comes of them stands in the log, name by name."""

    @property
    def final_kind(self) -> str:
        """The kind of the commits that tell what was trained: with each of them comes a row of the iterations."""
        return "iteration"

    def is_lossless(self) -> bool:
        """Whether everybody's work counts, however long it takes: only then time decides nothing that is learned."""
        return True

    def training_options(self) -> dict[str, Any]:
        """Return the options that decide the weights besides the commit log, as JSON can hold them."""
        return self.model_dump(mode="json", exclude=set(self.timing_keys | self.log_keys))

    def data_holders(self, devices: int) -> int:
        """Return how many hold data of their own, in a fleet of so many client devices: every device."""
        return devices

    def edge_tier(self, devices: int) -> EdgeTier | None:
        """Return the edge servers between so many client devices and the server; None where there are none."""
        del devices
        return None


class LocalTrainingOptions(StrategyOptions):
    """What strategies share whose clients train whole networks; a strategy gives ``name`` its literal."""

    name: str
    rounds: int = Field(
        10, ge=1, le=1_000_000, strict=True, description="Rounds; each ends with an exchange between devices."
    )
    local_epochs: int = Field(5, ge=1, le=1_000_000, strict=True, description="Epochs in a round.")
    steps_per_round: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        strict=True,
        examples=[50],
        description="Iterations in a round; left out = local_epochs x the largest client's batches in an epoch.",
    )
    batch_size: int = Field(
        64, ge=2, strict=True, description="Images in a client's batch; min(batch_size, n_k)."
    )
    learning_rate: float = Field(2e-4, gt=0, allow_inf_nan=False, description="Adam's learning rate.")
    init: Literal["common", "independent"] = Field(
        "common",
        description="All copies of a network start from the same weights (common) or from their own (independent).",
    )
