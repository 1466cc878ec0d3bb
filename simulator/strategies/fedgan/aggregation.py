"""How FedGAN's server takes in what clients have trained: in rounds, or each as it comes, by its staleness.

A job's staleness is the number of times that the server's networks changed between the job's dispatch and its merge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from simulator.strategies.kinds import chosen_by_kind


class _Options(BaseModel):
    """What all of them share: they are frozen and refuse unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ConstantStaleness(_Options):
    """Old work counts as much as new: ``s = 1`` (FedAsync, arXiv 1903.03934)."""

    kind: Literal["constant"] = Field("constant", description="Old work counts as much as new.")

    def factor(self, staleness: int) -> float:
        """Return what a job's weight is multiplied by."""
        del staleness
        return 1.0


class PolynomialStaleness(_Options):
    """Old work counts less and less: ``s = (staleness + 1)^-exponent`` (FedAsync; FedBuff's with 1/2)."""

    kind: Literal["polynomial"] = Field(
        "polynomial", description="Old work counts (staleness + 1)^-exponent."
    )
    exponent: float = Field(0.5, ge=0, allow_inf_nan=False, description="How fast old work loses its weight.")

    def factor(self, staleness: int) -> float:
        """Return what a job's weight is multiplied by."""
        return float((staleness + 1.0) ** -self.exponent)


class HingeStaleness(_Options):
    """Work counts fully up to a staleness ``b``, and ``1 / (a (staleness - b) + 1)`` beyond (FedAsync)."""

    kind: Literal["hinge"] = Field(
        "hinge", description="Work counts fully up to a staleness b, and 1 / (a (staleness - b) + 1) beyond."
    )
    a: float = Field(10.0, ge=0, allow_inf_nan=False, description="How fast older work loses its weight.")
    b: float = Field(4.0, ge=0, allow_inf_nan=False, description="Staleness up to which work counts fully.")

    def factor(self, staleness: int) -> float:
        """Return what a job's weight is multiplied by."""
        return 1.0 if staleness <= self.b else 1.0 / (self.a * (staleness - self.b) + 1.0)


AnyStaleness: TypeAlias = ConstantStaleness | PolynomialStaleness | HingeStaleness

STALENESS: Mapping[str, type[AnyStaleness]] = {
    "constant": ConstantStaleness,
    "polynomial": PolynomialStaleness,
    "hinge": HingeStaleness,
}


def _staleness(default: str) -> BeforeValidator:
    return BeforeValidator(chosen_by_kind("staleness", STALENESS, default))


class SyncAggregation(_Options):
    """In rounds: the server averages what has come, weighted by the numbers of images (arXiv 2006.07228)."""

    kind: Literal["sync"] = Field("sync", description="In rounds, averaged by the numbers of images.")


class _Asynchronous(_Options):
    """What the ways without rounds share. There, a round is a number of merges, after which images may be judged."""

    merges_per_round: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        strict=True,
        examples=[10],
        description="Jobs merged in a round; left out = as many as there are clients.",
    )


class FedAsyncAggregation(_Asynchronous):
    """FedAsync (Xie et al. 2019, arXiv 1903.03934): ``w <- (1 - a_t) w + a_t w_job``, ``a_t = mixing s(staleness)``.

    Without the paper's proximal term in the clients' losses.
    """

    kind: Literal["fedasync"] = Field(
        "fedasync", description="Each job is mixed into the server's networks as it comes (FedAsync)."
    )
    mixing: float = Field(0.6, gt=0, le=1, description="Share that a fresh job gets (alpha in the paper).")
    staleness: Annotated[AnyStaleness, _staleness("constant")] = Field(
        ConstantStaleness(), description="How old work is weighed down."
    )


class FedBuffAggregation(_Asynchronous):
    """FedBuff (Nguyen et al. 2022, arXiv 2106.06639): steps by the mean of every ``buffer`` weighted differences."""

    kind: Literal["fedbuff"] = Field(
        "fedbuff", description="The server steps by the mean of the differences of every K jobs (FedBuff)."
    )
    buffer: int = Field(10, ge=1, le=1_000_000, strict=True, description="Jobs of a server step (K).")
    server_rate: float = Field(
        1.0, gt=0, allow_inf_nan=False, description="Length of a server step, as a factor (eta_g)."
    )
    staleness: Annotated[AnyStaleness, _staleness("polynomial")] = Field(
        PolynomialStaleness(), description="How old work is weighed down."
    )


AnyAggregation: TypeAlias = SyncAggregation | FedAsyncAggregation | FedBuffAggregation

AGGREGATIONS: Mapping[str, type[AnyAggregation]] = {
    "sync": SyncAggregation,
    "fedasync": FedAsyncAggregation,
    "fedbuff": FedBuffAggregation,
}

Aggregation: TypeAlias = Annotated[
    AnyAggregation, BeforeValidator(chosen_by_kind("aggregation", AGGREGATIONS, "sync"))
]
"""The options of `aggregation`, chosen by `kind`."""
