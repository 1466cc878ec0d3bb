"""Functions of simulated time: how fast a device or link is, and whether a device is there.

All are piecewise constant, hold from a change on (right-continuous) and are pure: an answer depends on the time asked
about, never on what was asked before. Endless ones are drawn on as far as they are asked about, from a generator of
their own.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

Point: TypeAlias = tuple[float, float]
"""A time in seconds, and the value from then on."""

Span: TypeAlias = tuple[float, float]
"""From when until when, in seconds; the end may be infinite."""


class Factor(ABC):
    """A share, 0 or more, as a function of time: of a compute rate, or of a link's rate."""

    @abstractmethod
    def piece(self, time_s: float) -> tuple[float, float]:
        """Return the value at a time, and the end of what is known to have it: strictly later, inf if for good.

        Raises:
            ValueError: The time is negative or not finite.
        """

    def value(self, time_s: float) -> float:
        """Return the value at a time."""
        return self.piece(time_s)[0]

    def next_change_s(self, time_s: float) -> float:
        """Return when the value may next change, in seconds: strictly later than ``time_s``, inf if never."""
        return self.piece(time_s)[1]

    def end_s(self, start_s: float, seconds: float) -> float:
        """Return when a piece of work is done.

        Exact: the integral of the function from the start to the end is ``seconds``. It goes from change to change,
        so a long run costs as many steps as there are changes in it.

        Args:
            start_s: When the work begins.
            seconds: How long it would take at the value 1; 0 or more.

        Returns:
            The end in seconds; inf if it is never done. Without work, ``start_s``.
        """
        now_s, left_s = start_s, seconds
        while left_s > 0:
            value, until_s = self.piece(now_s)
            if value > 0 and now_s + left_s / value <= until_s:
                return now_s + left_s / value
            if math.isinf(until_s):
                return math.inf
            left_s -= (until_s - now_s) * value
            now_s = until_s
        return now_s


class Steps(Factor):
    """Values from listed moments on; the last one stays, or is followed by those of an endless iterator.

    Args:
        points: Times, the first of them 0 and none before its predecessor, with the values from then on.
        later: More of them, each at a later time and of another value than its predecessor, without end; taken one
            by one as they are asked for.
    """

    def __init__(self, points: Iterable[Point], later: Iterator[Point] | None = None) -> None:
        self._times: list[float] = []
        self._values: list[float] = []
        self._later = later
        for point in points:
            self._append(*point)
        if not self._times or self._times[0] != 0:
            raise ValueError(f"steps that begin at {self._times[:1]}; the first must be at 0 s")

    def _append(self, time_s: float, value: float) -> None:
        if not 0 <= value < math.inf:
            raise ValueError(f"the value {value} at {time_s} s; it must be 0 or more and finite")
        if self._times and not self._times[-1] <= time_s < math.inf:
            raise ValueError(f"a step at {time_s} s after one at {self._times[-1]} s; times must not fall")
        if self._times and time_s == self._times[-1]:
            # The step before lasted no time at all: it never was.
            self._times.pop()
            self._values.pop()
        if not self._values or value != self._values[-1]:
            self._times.append(time_s)
            self._values.append(value)

    @property
    def points(self) -> list[Point]:
        """The points known so far at which the value changes."""
        return list(zip(self._times, self._values, strict=True))

    def piece(self, time_s: float) -> tuple[float, float]:
        """See `Factor.piece`."""
        _check(time_s)
        while self._later is not None and self._times[-1] <= time_s:
            self._append(*next(self._later))
        index = bisect_right(self._times, time_s)
        return self._values[index - 1], self._times[index] if index < len(self._times) else math.inf


class Repeated(Factor):
    """Steps that begin again after every period.

    Args:
        points: As for `Steps`, all of them within the period; one at its very end has no effect.
        period_s: Its length.
    """

    def __init__(self, points: Iterable[Point], period_s: float) -> None:
        known = Steps(point for point in points if point[0] != period_s).points
        self._times = [time_s for time_s, _ in known]
        self._values = [value for _, value in known]
        self._period_s = period_s
        if not self._times[-1] < period_s < math.inf:
            raise ValueError(
                f"a step at {self._times[-1]} s; it must come before the period's end, {period_s} s"
            )

    def piece(self, time_s: float) -> tuple[float, float]:
        """See `Factor.piece`."""
        _check(time_s)
        if len(self._times) == 1:
            return self._values[0], math.inf
        turn = self._turn(time_s)
        index = self._step(turn, time_s)
        if index + 1 < len(self._times):
            return self._values[index], self._at(turn, index + 1)
        # Where a period ends as it begins, nothing changes there.
        next_step = 1 if self._values[-1] == self._values[0] else 0
        return self._values[index], self._at(turn + 1, next_step)

    def _at(self, turn: int, step: int) -> float:
        """When a step comes. Rounded, but always alike: what is compared is this, never a remainder."""
        return turn * self._period_s + self._times[step]

    def _turn(self, time_s: float) -> int:
        turn = int(time_s // self._period_s)
        while self._at(turn, 0) > time_s:
            turn -= 1
        while self._at(turn + 1, 0) <= time_s:
            turn += 1
        return turn

    def _step(self, turn: int, time_s: float) -> int:
        step = bisect_right(self._times, time_s - self._at(turn, 0)) - 1
        while self._at(turn, step) > time_s:
            step -= 1
        while step + 1 < len(self._times) and self._at(turn, step + 1) <= time_s:
            step += 1
        return step


class Product(Factor):
    """The product of other functions; at most one of them may be 0 again and again without end."""

    def __init__(self, factors: Sequence[Factor]) -> None:
        self._factors = tuple(factors)

    def piece(self, time_s: float) -> tuple[float, float]:
        """See `Factor.piece`."""
        pieces = [factor.piece(time_s) for factor in self._factors]
        zero_until = [until_s for value, until_s in pieces if value == 0]
        if zero_until:
            # One of them is 0 until then, whatever the others do.
            return 0.0, max(zero_until)
        return math.prod(value for value, _ in pieces), min(until_s for _, until_s in pieces)


class Presence:
    """Whether a device is there, as a function of time.

    Args:
        share: 0 while it is away, any other value while it is there.
    """

    def __init__(self, share: Factor) -> None:
        self._share = share

    def is_online(self, time_s: float) -> bool:
        """Tell whether it is there at a time."""
        return self._share.value(time_s) > 0

    def leaves_s(self, time_s: float) -> float:
        """Return the first moment from ``time_s`` on at which it is away: ``time_s`` itself if it is, inf if never."""
        return self._first_s(time_s, online=False)

    def returns_s(self, time_s: float) -> float:
        """Return the first moment from ``time_s`` on at which it is there: ``time_s`` itself if it is, inf if never."""
        return self._first_s(time_s, online=True)

    def absences(self, start_s: float, end_s: float) -> list[Span]:
        """Return from when until when it is away within a span of time, in order and none touching the next."""
        found = []
        gone_s = self.leaves_s(start_s) if start_s < end_s else math.inf
        while gone_s < end_s:
            back_s = self.returns_s(gone_s)
            found.append((gone_s, min(back_s, end_s)))
            gone_s = self.leaves_s(back_s) if back_s < end_s else math.inf
        return found

    def _first_s(self, time_s: float, online: bool) -> float:
        while not math.isinf(time_s):
            value, until_s = self._share.piece(time_s)
            if (value > 0) == online:
                return time_s
            time_s = until_s
        return math.inf


def timeline(points: Iterable[Point], period_s: float | None) -> Factor:
    """Return the function with these steps, played once or again after every period."""
    return Steps(points) if period_s is None else Repeated(points, period_s)


def alternating(
    rng: np.random.Generator, values: tuple[float, float], means_s: tuple[float, float], first: int
) -> Factor:
    """Return an endless function that alternates between two values for exponentially drawn times.

    Args:
        rng: Where the times are drawn from; nobody else may draw from it.
        values: Two different values.
        means_s: The mean time at each.
        first: Index of the value it begins with.
    """

    def changes() -> Iterator[Point]:
        time_s, state = 0.0, first
        while True:
            # However short the draw, a step comes after its predecessor, and the end told of that one stays true.
            time_s = max(time_s + float(rng.exponential(means_s[state])), math.nextafter(time_s, math.inf))
            state = 1 - state
            yield time_s, values[state]

    return Steps([(0.0, values[first])], changes())


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, with those that overlap or touch made one."""
    whole: list[Span] = []
    for start_s, end_s in sorted(spans):
        if whole and start_s <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end_s))
        else:
            whole.append((start_s, end_s))
    return whole


def during(spans: Iterable[Span], inside: float, outside: float) -> list[Point]:
    """Return the points of a function that has one value within spans of time, and another before and after them."""
    points = [(0.0, outside)]
    for start_s, end_s in merged(spans):
        points.append((start_s, inside))
        if not math.isinf(end_s):
            points.append((end_s, outside))
    return points


def product(factors: Iterable[Factor | None]) -> Factor | None:
    """Return the product of those that are not None; None if all are, which means always 1."""
    some = [factor for factor in factors if factor is not None]
    return Product(some) if len(some) > 1 else next(iter(some), None)


def _check(time_s: float) -> None:
    if not 0 <= time_s < math.inf:
        raise ValueError(f"the time {time_s} s; it must be 0 or more and finite")
