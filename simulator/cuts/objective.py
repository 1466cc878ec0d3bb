"""What cuts are judged by: a weighted sum of four quantities of one iteration, within limits on them.

=============  =====================================================================================
latency        seconds from the start of an iteration to the next
energy         joules of all clients: busy power while computing, idle power for the rest of the
               iteration, and the radio's energy per byte sent or received; the server has none
server load    seconds the server computes
traffic        bytes the clients send and receive
=============  =====================================================================================

By default the latency alone counts. These options belong to every selector, so that their answers can be compared.
"""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from devices.units import Bytes, Joules, Kind, Seconds, humanize, to_text
from simulator.cuts.reselect_options import ReselectOptions

SMALLEST_WEIGHT, GREATEST_WEIGHT = 1e-30, 1e30
"""Beyond these an objective would come near what a float can tell from 0 or from infinity."""


def _weighable(weight: float) -> float:
    if weight and not SMALLEST_WEIGHT <= weight <= GREATEST_WEIGHT:
        raise ValueError(f"{weight:g}; allowed: 0, or {SMALLEST_WEIGHT:g} to {GREATEST_WEIGHT:g}")
    return weight


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(_weighable)]

QUANTITIES = ("latency_s", "energy_j", "server_s", "traffic_bytes")
"""What is weighed and limited, in this order wherever four numbers stand for them."""

LIMIT_KEYS = ("latency", "energy", "server_load", "traffic")
"""The same quantities as the keys of ``cuts.limits``."""

KINDS = (Kind.SECONDS, Kind.JOULES, Kind.SECONDS, Kind.BYTES)

LIMIT_TOLERANCE = 1e-9
"""Relative excess that still keeps a limit: sums in another order differ by far less."""


class ObjectiveOptions(BaseModel):
    """The weights of the sum to be made small, each per unit of its quantity."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    latency_s: Weight = Field(1.0, description="Weight of a second of an iteration's latency.")
    energy_j: Weight = Field(0.0, description="Weight of a joule that the clients use in an iteration.")
    server_s: Weight = Field(0.0, description="Weight of a second that the server computes in an iteration.")
    traffic_bytes: Weight = Field(0.0, description="Weight of a byte that a client sends or receives.")

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any(getattr(self, name) > 0 for name in QUANTITIES):
            raise ValueError("every weight is 0; allowed: at least one of them greater than 0")
        return self


class LimitOptions(BaseModel):
    """What an iteration may cost at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    latency: Seconds | None = Field(None, description="Longest iteration; left out = no limit.")
    energy: Joules | None = Field(
        None, description="Most energy of all clients together; left out = no limit."
    )
    server_load: Seconds | None = Field(
        None, description="Longest time the server computes; left out = no limit."
    )
    traffic: Bytes | None = Field(
        None, description="Most bytes that all clients together send and receive; left out = no limit."
    )


class SelectorOptions(BaseModel):
    """What every selector may be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    objective: ObjectiveOptions = Field(
        default_factory=ObjectiveOptions, description="What is to be made small: a weighted sum."
    )
    limits: LimitOptions = Field(
        default_factory=LimitOptions, description="What an iteration may cost at most."
    )
    reselect: ReselectOptions | None = Field(
        None, description="When cuts are chosen anew during the run; left out = never."
    )


class Objective:
    """The weights and limits as numbers, in the order of :data:`QUANTITIES`; no limit is infinity."""

    def __init__(self, options: SelectorOptions | None = None) -> None:
        stated = options or SelectorOptions()
        self.weights = tuple(float(getattr(stated.objective, name)) for name in QUANTITIES)
        limits = [getattr(stated.limits, key) for key in LIMIT_KEYS]
        self.limits = tuple(math.inf if limit is None else float(limit) for limit in limits)

    @property
    def needed(self) -> tuple[bool, ...]:
        """Which of the four quantities have a weight or a limit."""
        return tuple(
            weight > 0 or limit < math.inf for weight, limit in zip(self.weights, self.limits, strict=True)
        )

    @property
    def is_latency(self) -> bool:
        """Whether nothing but the latency counts, without limits."""
        return not any(self.needed[1:]) and self.limits[0] == math.inf

    @property
    def kept_limits(self) -> tuple[float, ...]:
        """The greatest values that still keep the limits: with their tolerance."""
        return tuple(limit * (1 + LIMIT_TOLERANCE) for limit in self.limits)

    @property
    def limited(self) -> tuple[int, ...]:
        """The quantities that have a limit."""
        return tuple(index for index, limit in enumerate(self.limits) if limit < math.inf)

    def told(self, index: int, value: float) -> str:
        """Return a value of one quantity for a message, with as many digits as tell it from its limit."""
        limit = self.limits[index]
        text = humanize(value, KINDS[index])
        exactly = value == limit or text == humanize(limit, KINDS[index])
        return to_text(value, KINDS[index]) if exactly else text
