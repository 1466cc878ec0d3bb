"""When devices were off: told once an interval, and cut by the ends of rounds."""

from __future__ import annotations

import math

import numpy as np

from analysis.legs import RecordError
from analysis.occupancy import Spans, TextArray, merged
from analysis.under_way import RoundSpan


class Absences:
    """Collects absences, and hands out each round's part of them.

    Args:
        names: Names of the devices by row (id + 1).
    """

    def __init__(self, names: TextArray) -> None:
        self._names = names
        self._told: list[tuple[int, float, float]] = []
        self._carried: list[tuple[int, float, float]] = []

    def absent(self, device: int, start_s: float, end_s: float) -> None:
        """Record that a device is off.

        Args:
            device: Id of the device.
            start_s: Simulated time at which it leaves, seconds; not before the open round.
            end_s: Simulated time at which it is back, seconds; infinite where it never is. It may lie beyond the
                open round: an interval is told once.

        Raises:
            RecordError: Now or when the round is closed: unknown id, or impossible times.
        """
        if not -1 <= device <= len(self._names) - 2:
            raise RecordError(f"device {device} is not one of -1..{len(self._names) - 2}")
        if not (0.0 <= start_s < math.inf and start_s <= end_s):
            raise RecordError(f"{self._names[device + 1]} cannot be off from {start_s} s to {end_s} s")
        self._told.append((device + 1, float(start_s), float(end_s)))

    def take(self, span: RoundSpan) -> Spans:
        """Return a round's absences: disjoint, sorted by device and time, cut at the round's ends.

        Raises:
            RecordError: An absence was told after the end of a round it lies in.
        """
        for row, start_s, end_s in self._told:
            if start_s < span.start_s - span.allowed_s:
                when = f"{self._names[row]} was off from {start_s} s to {end_s} s"
                raise RecordError(f"{when}, which was told too late: only in {span}")
        known = self._carried + self._told
        self._told = []
        self._carried = [one for one in known if one[2] > span.end_s]
        now = [one for one in known if one[1] < span.end_s and one[2] > span.start_s]
        rows, starts_s, ends_s = zip(*now, strict=True) if now else ((), (), ())
        times_s = (np.array(times, np.float64) for times in (starts_s, ends_s))
        spans = Spans(np.array(rows, np.int64), *times_s)
        return merged(spans.within(span.start_s, span.end_s))
