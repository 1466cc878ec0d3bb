"""When a run ends before its last round: after a simulated time, or once its generators are good enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from devices.units import PositiveSeconds
from models.option_errors import allowed_names, located_error


class TargetOptions(BaseModel):
    """A quality at which a run ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field(description="A metric that the run measures.")
    below: float | None = Field(
        None,
        allow_inf_nan=False,
        description="Reached where the metric lies below this number.",
        examples=[20],
    )
    above: float | None = Field(
        None,
        allow_inf_nan=False,
        description="Reached where the metric lies above this number.",
        examples=[0.9],
    )
    domain: str | None = Field(
        None,
        description="The domain that must reach it; left out = every domain, in one evaluation.",
        examples=["mnist5k"],
    )

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.below is None) == (self.above is None):
            came = "neither below nor above" if self.below is None else "both below and above"
            raise ValueError(f"{came}; allowed: exactly one of them, such as {{metric: fid, below: 20}}")
        return self

    def is_reached(self, measured: Mapping[str, Mapping[str, float]]) -> bool:
        """Tell whether one evaluation reaches the target; a value equal to the bound does not.

        Args:
            measured: Domain -> metric -> value, every domain of the run. A metric that was not measured this time
                reaches nothing.
        """
        domains = measured if self.domain is None else (self.domain,)
        return all(self._is_met_by(measured[name].get(self.metric)) for name in domains)

    def _is_met_by(self, value: float | None) -> bool:
        if value is None:
            return False
        return value < self.below if self.below is not None else self.above is not None and value > self.above


class StopOptions(BaseModel):
    """What ends a run early; its last round always does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sim_time: PositiveSeconds | None = Field(
        None,
        description="The run ends with the first round that ends at this simulated time or later.",
        examples=["2 h"],
    )
    target: TargetOptions | None = Field(
        None, description="The run ends with the first evaluation of a trained round that reaches this."
    )


@dataclass(frozen=True)
class Measured:
    """What a run measures, as far as a target depends on it.

    Attributes:
        domains: The names of its domains.
        metrics: What is measured at every evaluation.
        cas_metrics: The metrics of the classification accuracy score.
        cas_every: When that score is due: after so many rounds, `last`, or None for never.
    """

    domains: Sequence[str]
    metrics: Sequence[str]
    cas_metrics: Sequence[str]
    cas_every: int | str | None


def check_target(target: TargetOptions, measured: Measured) -> None:
    """Refuse a target that no evaluation of a run can reach.

    Raises:
        ValidationError: At the key in question, counted from the scenario.
    """
    path = ("stop", "target")
    why = _fault_of_metric(target.metric, measured)
    if why:
        raise located_error((*path, "metric"), why, target.metric)
    if target.domain is not None and target.domain not in measured.domains:
        why = f"no domain is named '{target.domain}'; {allowed_names(target.domain, measured.domains)}"
        raise located_error((*path, "domain"), why, target.domain)


def _fault_of_metric(metric: str, measured: Measured) -> str:
    """Say why a metric cannot be waited for; empty where it can."""
    waits_for_cas = measured.cas_every is not None and measured.cas_every != "last"
    allowed = [*measured.metrics, *(measured.cas_metrics if waits_for_cas else ())]
    if metric in allowed:
        return ""
    names = allowed_names(metric, allowed)
    if metric not in measured.cas_metrics:
        return f"'{metric}' is not among evaluation.metrics; {names}"
    if measured.cas_every is None:
        return f"'{metric}' needs evaluation.cas, which is not given; {names}"
    return f"'{metric}' is measured after the last round alone (evaluation.cas.every); {names}"
