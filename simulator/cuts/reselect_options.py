"""When cuts are chosen anew during a run, and what that costs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from devices.units import PositiveSeconds


class ReselectOptions(BaseModel):
    """Choosing cuts anew at the ends of rounds, for the clients that are there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: Literal["fleet_changes", "every_round"] = Field(
        "fleet_changes",
        description="After every round, or only where other clients are there than at the last choice.",
    )
    least_gain: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="Share of the iteration that new cuts must save; otherwise those in use stay.",
    )
    per_evaluation: PositiveSeconds = Field(
        20e-6,
        description="Simulated time that the server computes for each assignment that is scored.",
        examples=["20 us"],
    )
