"""Whom a server waits for, and which clients take part in a round."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from devices.units import PositiveSeconds
from simulator.strategies.kinds import chosen_by_kind
from simulator.strategies.options import StrategyOptions
from simulator.streams import Streams

_ROUNDING = 1e-9
"""A share of parties is a whole number but for rounding: seven tenths of ten are seven."""


class _Patience(BaseModel):
    """What all kinds share: they are frozen, refuse unknown keys, and say how many and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def lossless(self) -> bool:
        """Whether nobody is ever left behind."""
        return False

    @property
    def longest_s(self) -> float:
        """How long the server waits, in seconds; after that the first that has come is enough."""
        return math.inf

    def needed(self, parties: int) -> int:
        """Return how many of so many parties are enough, before the deadline."""
        return parties


class PatienceAll(_Patience):
    """The server waits for everybody, also for those that are away: nothing is lost."""

    kind: Literal["all"] = Field("all", description="Whom a barrier waits for: everybody.")

    @property
    def lossless(self) -> bool:
        """Nobody is left behind."""
        return True


class PatienceDeadline(_Patience):
    """The server waits for a time, and goes on with those that have come by then; with the first, if nobody has."""

    kind: Literal["deadline"] = Field(
        "deadline", description="Whom a barrier waits for: those that come within a time."
    )
    deadline: PositiveSeconds = Field(
        description="How long the server waits; if nobody has come by then, for the first.", examples=["2 s"]
    )

    @property
    def longest_s(self) -> float:
        """The deadline, in seconds."""
        return self.deadline


class PatienceQuorum(_Patience):
    """The server goes on when a share of those it waits for has come, or at a deadline."""

    kind: Literal["quorum"] = Field(
        "quorum", description="Whom a barrier waits for: so many as are a share of all."
    )
    share: float = Field(
        0.8, gt=0, le=1, description="Share of those that take part who must have come; one at least."
    )
    deadline: PositiveSeconds | None = Field(
        None,
        description="How long the server waits for them; left out = as long as it takes.",
        examples=["2 s"],
    )

    @property
    def longest_s(self) -> float:
        """The deadline, in seconds; infinite without one."""
        return math.inf if self.deadline is None else self.deadline

    def needed(self, parties: int) -> int:
        """Return the share of so many parties, rounded up."""
        return max(1, math.ceil(self.share * parties - _ROUNDING))


AnyPatience: TypeAlias = PatienceAll | PatienceDeadline | PatienceQuorum

PATIENCE: Mapping[str, type[AnyPatience]] = {
    "all": PatienceAll,
    "deadline": PatienceDeadline,
    "quorum": PatienceQuorum,
}

Patience: TypeAlias = Annotated[AnyPatience, BeforeValidator(chosen_by_kind("patience", PATIENCE, "all"))]
"""The options of `patience`, chosen by `kind`."""


class ParticipationOptions(StrategyOptions):
    """What strategies share whose rounds can do without some clients.

    Both keys decide who takes part, which the log tells name by name; besides the log they decide nothing of what is
    learned. So they need not be facts of a training, but neither do they decide time alone: a run is never retimed
    with others.
    """

    log_keys: ClassVar[frozenset[str]] = frozenset({"client_share"})

    patience: Patience = Field(PatienceAll(), description="Whom the server waits for.")
    client_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Share of the clients that is drawn for a round; one client at least.",
    )

    def is_lossless(self) -> bool:
        """Whether nobody is left behind; who is drawn for a round is known beforehand and loses nothing."""
        return self.patience.lossless


def sampled(streams: Streams, clients: Sequence[int], share: float, round_: int) -> tuple[int, ...]:
    """Draw the clients of a round, without regard to the rounds before.

    Args:
        streams: the run's random numbers.
        clients: those to draw from; one at least.
        share: how many of them, in 0..1, to the nearest whole number; one at least.
        round_: the round.

    Returns:
        Their ids, sorted.
    """
    if share >= 1.0:
        return tuple(sorted(clients))
    count = max(1, math.floor(share * len(clients) + 0.5))
    drawn = streams.draw("sampling", round_).choice(len(clients), count, replace=False)
    return tuple(sorted(clients[index] for index in drawn.tolist()))
