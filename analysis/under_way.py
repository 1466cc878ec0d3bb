"""Legs that the end of a round cuts in two.

A leg belongs to the round in which it ends; its time is that of every round it touches. Two kinds of legs reach over
the end of a round: those that were told with an end that lies beyond it, which are carried over, and those of which
only the beginning is known, which are announced as the round is closed. What begins before the open round and is
neither was missing from the accounts of the rounds before, so it is refused.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.legs import (
    NO_COMPUTATIONS,
    NO_TRANSFERS,
    Computations,
    LegBuffer,
    RecordError,
    Transfers,
    joined,
)
from analysis.occupancy import BoolArray, FloatArray, IntArray, tolerance_s

COMPUTE, TRANSFER = "compute", "transfer"

Announcement = tuple[int, str, float]
"""A leg that has begun and whose end is not known yet: device id, ``compute`` or ``transfer``, start in seconds."""


@dataclass(frozen=True, slots=True)
class RoundSpan:
    """A round that is being closed."""

    number: int
    start_s: float
    end_s: float

    @property
    def allowed_s(self) -> float:
        """Return the rounding allowed when its times are compared, seconds."""
        return tolerance_s(self.end_s)

    def __str__(self) -> str:
        return f"round {self.number} ({self.start_s} s to {self.end_s} s)"


class Announced(NamedTuple):
    """Announced legs as arrays of shape ``[n]``; ``device`` is the device row (id + 1)."""

    device: IntArray
    computes: BoolArray
    start_s: FloatArray


class UnderWay:
    """Keeps what is under way from one round to the next.

    Args:
        legs: The buffer the legs come from; it knows the devices' names.
    """

    def __init__(self, legs: LegBuffer) -> None:
        self._legs = legs
        self._transfers, self._work = NO_TRANSFERS, NO_COMPUTATIONS
        self._expected: dict[tuple[int, str], list[float]] = {}
        self._unseen: set[tuple[int, str, float]] = set()

    def admit(
        self, span: RoundSpan, transfers: Transfers, work: Computations
    ) -> tuple[Transfers, Computations]:
        """Add the legs carried over to those told in a round.

        Raises:
            RecordError: A leg that was told began before the round and was not announced when that began.
        """
        before_s = span.start_s - span.allowed_s
        describe_work, describe_transfer = self._legs.describe_computation, self._legs.describe_transfer
        for i in np.flatnonzero(work.start_s < before_s).tolist():
            if not self._expects(span, int(work.device[i]), COMPUTE, float(work.start_s[i])):
                raise _unannounced(span, describe_work(work, i), self._legs.names[work.device[i]])
        for i in np.flatnonzero(transfers.start_s < before_s).tolist():
            for row in (int(transfers.source[i]), int(transfers.target[i])):
                if not self._expects(span, row, TRANSFER, float(transfers.start_s[i])):
                    raise _unannounced(span, describe_transfer(transfers, i), self._legs.names[row])
        if len(self._transfers.start_s):
            transfers = Transfers(*joined(NO_TRANSFERS, [self._transfers, transfers]))
        if len(self._work.start_s):
            work = Computations(*joined(NO_COMPUTATIONS, [self._work, work]))
        return transfers, work

    def announce(self, span: RoundSpan, under_way: Sequence[Announcement]) -> Announced:
        """Take the legs that have begun by the end of a round and were not told; they must be told, or announced again.

        Raises:
            RecordError: An announcement is impossible, or its leg began before the round and was not announced
                then; or a leg that was announced then has neither been told since nor is it announced now.
        """
        expected: dict[tuple[int, str], list[float]] = {}
        for device, what, start_s in under_way:
            self._check(span, device, what, start_s)
            # What begins as the round ends lies in the next one.
            if start_s < span.end_s - span.allowed_s:
                expected.setdefault((device + 1, what), []).append(start_s)
        if self._unseen:
            row, what, start_s = min(self._unseen)
            leg = f"{self._legs.names[row]}, {what} since {start_s} s"
            raise RecordError(
                f"under way when {span} began, neither told in it nor under way at its end: {leg}"
            )
        self._expected = {key: sorted(set(starts_s)) for key, starts_s in expected.items()}
        self._unseen = {(*key, start_s) for key, starts_s in self._expected.items() for start_s in starts_s}
        rows = [(row, what == COMPUTE, start_s) for row, what, start_s in sorted(self._unseen)]
        columns = zip(*rows, strict=True) if rows else ((), (), ())
        kinds = (np.int64, np.bool_, np.float64)
        return Announced._make(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True))

    def carry(
        self, span: RoundSpan, transfers: Transfers, work: Computations
    ) -> tuple[Transfers, Computations]:
        """Return the legs that ended in a round; those that end later are carried over to the next one."""
        limit_s = span.end_s + span.allowed_s
        ended, done = transfers.end_s <= limit_s, work.end_s <= limit_s
        self._transfers, self._work = NO_TRANSFERS, NO_COMPUTATIONS
        if not ended.all():
            self._transfers = Transfers._make(column[~ended] for column in transfers)
            transfers = Transfers._make(column[ended] for column in transfers)
        if not done.all():
            self._work = Computations._make(column[~done] for column in work)
            work = Computations._make(column[done] for column in work)
        return transfers, work

    def describe(self, announced: Announced, i: int) -> str:
        """Say in words what the i-th announced leg is."""
        what = "computing" if announced.computes[i] else "transferring"
        return (
            f"{self._legs.names[announced.device[i]]}, {what} since {announced.start_s[i]} s and not told yet"
        )

    def _expects(self, span: RoundSpan, row: int, what: str, start_s: float) -> bool:
        """Tell whether a leg was announced when the open round began; it was seen then.

        Several that began at once, but for rounding, cannot be told apart: they are seen together.
        """
        starts_s = self._expected.get((row, what), [])
        first = bisect_left(starts_s, start_s - span.allowed_s)
        same_s = starts_s[first : bisect_right(starts_s, start_s + span.allowed_s)]
        self._unseen.difference_update((row, what, one_s) for one_s in same_s)
        return bool(same_s)

    def _check(self, span: RoundSpan, device: int, what: str, start_s: float) -> None:
        """Check one announcement, and find the one before of the same leg."""
        leg = f"device {device}, {what} since {start_s} s"
        if not -1 <= device <= len(self._legs.names) - 2 or what not in (COMPUTE, TRANSFER):
            allowed = f"a device of -1..{len(self._legs.names) - 2}, {COMPUTE} or {TRANSFER}"
            raise RecordError(f"under way at the end of {span}: {leg}; allowed: {allowed}")
        if not -math.inf < start_s <= span.end_s + span.allowed_s:
            raise RecordError(f"under way at the end of {span}: {leg}; it must have begun")
        early = start_s < span.start_s - span.allowed_s
        if early and not self._expects(span, device + 1, what, start_s):
            raise _unannounced(span, leg, self._legs.names[device + 1])


def _unannounced(span: RoundSpan, leg: str, device: str) -> RecordError:
    return RecordError(
        f"begun before {span}, and not announced of {device} as under way when that began: {leg}"
    )
