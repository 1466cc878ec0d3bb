"""Which of several tracks each of many intervals is drawn on, so that none overlap, and how many of them are open.

Times are integers, in nanoseconds: what a trace can hold, and what its viewers compare.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np

Interval = tuple[int, int]
"""Start and end."""


def first_free(intervals: Iterable[Interval]) -> list[int]:
    """Return for each interval the first lane, from 0, that is free when it begins.

    Args:
        intervals: What is to be drawn, in the order of their starts.

    Example:
        >>> first_free([(0, 4), (1, 2), (2, 5), (4, 6)])
        [0, 1, 1, 0]
    """
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    lanes = []
    for start, end in intervals:
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, lane))
        lanes.append(lane)
    return lanes


def beside(intervals: Iterable[Interval], taken: Sequence[Sequence[Interval]], most: int) -> list[int] | None:
    """Return for each interval the first lane on which nothing overlaps it; None where the lanes do not suffice.

    Args:
        intervals: What is to be drawn, in the order of their starts.
        taken: What is drawn already: of each lane disjoint intervals in their order.
        most: How many lanes there are.
    """
    starts = [[start for start, _ in lane] for lane in taken]
    reached = [0] * most
    lanes = []
    for start, end in intervals:
        for lane in range(most):
            if reached[lane] <= start and _is_free(taken, starts, lane, start, end):
                break
        else:
            return None
        reached[lane] = end
        lanes.append(lane)
    return lanes


def _is_free(
    taken: Sequence[Sequence[Interval]], starts: Sequence[Sequence[int]], lane: int, start: int, end: int
) -> bool:
    """Whether nothing that is drawn on a lane already overlaps an interval."""
    if lane >= len(taken):
        return True
    before = bisect_left(starts[lane], end) - 1
    return before < 0 or taken[lane][before][1] <= start


def open_at(intervals: Sequence[Interval], from_: int, until: int) -> list[tuple[int, int]]:
    """Return how many intervals are open, as steps: times and the number from then on.

    Args:
        intervals: In any order.
        from_: The first time that is told.
        until: The last time that is told.

    Example:
        >>> open_at([(0, 4), (1, 2), (2, 5)], 0, 5)
        [(0, 1), (1, 2), (4, 1), (5, 0)]
    """
    edges = np.array(intervals, dtype=np.int64).reshape(-1, 2)
    changes = np.repeat([[1, -1]], len(edges), axis=0)
    times, at = np.unique(edges.clip(from_, until), return_inverse=True)
    counts = np.bincount(at.ravel(), weights=changes.ravel(), minlength=len(times)).cumsum().astype(int)
    steps = list(zip(times.tolist(), counts.tolist(), strict=True))
    if not steps or steps[0][0] > from_:
        steps.insert(0, (from_, 0))
    return [one for index, one in enumerate(steps) if index == 0 or one[1] != steps[index - 1][1]]
