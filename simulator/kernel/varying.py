"""Rates and speeds that change with time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from analysis.runs import RunError
from devices.conditions import Factor

MOST_CLOSED = 100_000
"""Changes in a row in which no byte may pass before links are said to be never open together."""


def work_between(factor: Factor, start_s: float, end_s: float) -> float:
    """Return the integral of a factor over a span, in seconds at factor 1."""
    done_s, at_s = 0.0, start_s
    while at_s < end_s:
        next_s = min(end_s, factor.next_change_s(at_s))
        done_s += factor.value(at_s) * (next_s - at_s)
        at_s = next_s
    return done_s


class VaryingRate:
    """The rate of a message that is alone on its way: that of the narrowest of its links, as they are at the time.

    Args:
        links: of each link its rate in bytes per second, and the factor of it; None for always 1. Without a link the
            rate is infinite.
        way: what a message calls it.

    Raises:
        RunError: by all its methods, where the links are never open together though none is closed for good.
    """

    def __init__(self, links: Sequence[tuple[float, Factor | None]], way: str = "the way") -> None:
        self._links = tuple(links)
        self._way = way

    def end_s(self, start_s: float, n_bytes: float) -> float:
        """Return when so many bytes have passed that begin to flow at ``start_s``; infinite if they never have."""
        if not self._links or not n_bytes:
            return start_s
        for from_s, until_s, rate in self._spans(start_s):
            if rate * (until_s - from_s) >= n_bytes and rate > 0.0:
                return from_s + n_bytes / rate
            if until_s == math.inf:
                break
            n_bytes -= rate * (until_s - from_s)
        return math.inf

    def stops_s(self, start_s: float) -> float:
        """Return from when on nothing passes any more; infinite if something always does."""
        for from_s, until_s, rate in self._spans(start_s):
            if until_s == math.inf:
                return from_s if rate == 0.0 else math.inf
        return math.inf

    def carried(self, start_s: float, end_s: float) -> float:
        """Return how many bytes pass in a span."""
        total = 0.0
        for from_s, until_s, rate in self._spans(start_s):
            if from_s >= end_s:
                break
            total += rate * (min(until_s, end_s) - from_s)
        return total

    def _spans(self, start_s: float) -> Iterator[tuple[float, float, float]]:
        """Yield spans of one rate: from, until, bytes per second."""
        at_s, closed = start_s, 0
        while at_s < math.inf:
            rates, changes_s = zip(*(self._piece(link, at_s) for link in self._links), strict=True)
            closed_s = [change_s for rate, change_s in zip(rates, changes_s, strict=True) if rate == 0.0]
            # While a link is closed no other one matters: an endless series of their changes must not be waited for.
            until_s = max(closed_s) if closed_s else min(changes_s)
            closed = closed + 1 if closed_s else 0
            if closed > MOST_CLOSED:
                raise RunError(
                    f"no byte passes {self._way} from {start_s} s to {until_s} s, in {closed} changes of its links: "
                    "they are never open together"
                )
            yield at_s, until_s, min(rates)
            at_s = until_s

    @staticmethod
    def _piece(link: tuple[float, Factor | None], at_s: float) -> tuple[float, float]:
        """Return a link's rate at a time, and until when it stays."""
        rate, factor = link
        return (rate, math.inf) if factor is None else (rate * factor.value(at_s), factor.next_change_s(at_s))
