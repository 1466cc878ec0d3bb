"""What a trace is made of: the legs of a window of iterations, kept as the records are closed.

A leg belongs to the window if it begins in it, or goes on in it. The window ends with its last iteration; where that is
the last of its round, with the round: the exchange that ends a round belongs to the iteration before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.legs import NO_COMPUTATIONS, NO_TRANSFERS, Computations, LegBuffer, Transfers, joined
from analysis.occupancy import BoolArray, FloatArray, IntArray
from analysis.routines import Work

MOST_LEGS = 200_000
"""Legs after which a window is closed with the round: a trace has room for fewer."""


@dataclass(frozen=True, slots=True)
class TracedIteration:
    """An iteration of the window.

    Attributes:
        round: its round.
        number: its number in the run.
        start_s: when it began, simulated seconds.
        end_s: when it became final.
        phases: name and seconds of each phase, in their order.
        losses: mean losses of discriminator and generator, NaN where nothing is trained.
    """

    round: int
    number: int
    start_s: float
    end_s: float
    phases: tuple[tuple[str, float], ...]
    losses: tuple[float, float]


@dataclass(frozen=True)
class Traced:
    """What was kept of a window.

    Attributes:
        devices: the names of all devices, by row.
        works: what was computed, by code.
        first_iteration: the number of the first iteration that was asked for.
        length: how many were.
        start_s: when it begins, simulated seconds.
        end_s: when it ends; infinite where the run ended before.
        iterations: its iterations, in order; none where the run had not so many.
        exchanges: of each round whose last iteration is in the window: the round, when the iteration ended, and when
            the round did.
        transfers: the transfers, round by round.
        transfer_round: the round in which each ended, shape ``[n]``.
        computations: the computations, round by round.
        computation_round: as ``transfer_round``.
        full_s: from when on legs were not kept, because there were too many; infinite where all were.
        left_out: how many transfers and computations that was.
    """

    devices: tuple[str, ...]
    works: tuple[Work, ...]
    first_iteration: int
    length: int
    start_s: float
    end_s: float
    iterations: tuple[TracedIteration, ...]
    exchanges: tuple[tuple[int, float, float], ...]
    transfers: Transfers
    transfer_round: IntArray
    computations: Computations
    computation_round: IntArray
    full_s: float = math.inf
    left_out: tuple[int, int] = (0, 0)


class Window:
    """Keeps a window of iterations, as a run goes on.

    Args:
        first_iteration: the number of its first iteration, in the whole run.
        length: how many iterations it has; 0 keeps nothing.
    """

    def __init__(self, first_iteration: int, length: int) -> None:
        self.first_iteration, self.length = first_iteration, length
        self._iterations: list[TracedIteration] = []
        self._exchanges: list[tuple[int, float, float]] = []
        self._end_s = self._full_s = math.inf
        self._transfers, self._computations = _Kept(NO_TRANSFERS), _Kept(NO_COMPUTATIONS)

    def wants(self, iteration: int) -> bool:
        """Whether an iteration is one of the window's."""
        return self.first_iteration <= iteration < self.first_iteration + self.length

    def iteration(self, one: TracedIteration) -> None:
        """Note an iteration that the window wants, in their order."""
        self._iterations.append(one)

    @property
    def _start_s(self) -> float:
        """When the window begins: what comes before a run's first iteration belongs to it."""
        return 0.0 if self.first_iteration == 0 or not self._iterations else self._iterations[0].start_s

    def close_round(
        self, round_: int, end_s: float, last_iteration: int, transfers: Transfers, work: Computations
    ) -> None:
        """Keep what of a round lies in the window.

        Args:
            round_: The round.
            end_s: When it ended, simulated seconds.
            last_iteration: The number of its last iteration.
            transfers: The transfers that ended in it.
            work: The computations that ended in it.
        """
        if not self._iterations:
            return
        last = self._iterations[-1]
        if last.round == round_ and last.number == last_iteration:
            self._exchanges.append((round_, last.end_s, end_s))
        if last.number == self.first_iteration + self.length - 1 and self._end_s == math.inf:
            self._end_s = end_s if last.number == last_iteration else last.end_s
        for kept, legs in ((self._transfers, transfers), (self._computations, work)):
            inside = self._inside(legs.start_s, legs.end_s)
            kept.add(round_, legs, inside & (legs.start_s < self._full_s))
            kept.left_out += int((inside & (legs.start_s >= self._full_s)).sum())
        if self._full_s == math.inf and self._transfers.count + self._computations.count > MOST_LEGS:
            self._full_s = end_s

    def _inside(self, start_s: FloatArray, end_s: FloatArray) -> BoolArray:
        """Tell which legs begin in the window, as far as it is known by now, or go on in it."""
        begun = (end_s > self._start_s) | (start_s >= self._start_s)
        inside: BoolArray = begun & (start_s < self._end_s)
        return inside

    def traced(self, legs: LegBuffer) -> Traced:
        """Return what was kept; the buffer that the legs come from knows what devices and work are called."""
        transfers, computations = self._transfers.joined(), self._computations.joined()
        return Traced(
            tuple(map(str, legs.names)),
            tuple(legs.works),
            self.first_iteration,
            self.length,
            self._start_s,
            self._end_s,
            tuple(self._iterations),
            tuple(self._exchanges),
            Transfers(*transfers),
            self._transfers.rounds(),
            Computations(*computations),
            self._computations.rounds(),
            self._full_s,
            (self._transfers.left_out, self._computations.left_out),
        )


class _Kept:
    """Legs of one kind, round by round.

    Args:
        nothing: their columns without any.

    Attributes:
        count: how many there are.
        left_out: how many came when it was full.
    """

    def __init__(self, nothing: tuple[Any, ...]) -> None:
        self._nothing = nothing
        self._parts: list[Sequence[Any]] = []
        self._rounds: list[tuple[int, int]] = []
        self.count = self.left_out = 0

    def add(self, round_: int, legs: Sequence[Any], keep: BoolArray) -> None:
        count = int(keep.sum())
        if count:
            self._parts.append([column[keep] for column in legs])
            self._rounds.append((round_, count))
            self.count += count

    def joined(self) -> list[Any]:
        return joined(self._nothing, self._parts)

    def rounds(self) -> IntArray:
        rounds, counts = zip(*self._rounds, strict=True) if self._rounds else ((), ())
        return np.repeat(np.array(rounds, dtype=np.int64), np.array(counts, dtype=np.int64))
