"""Many kinds of clients as few: like kinds share a bucket, rounded up for an answer and down for a bound.

Clients share a bucket only if they have the same rows, the same memory and so the same allowed cuts. With every
member's seconds rounded up to the slowest of its bucket, an assignment is in truth at most as slow as it looks; with
seconds rounded down to the fastest, no assignment is in truth faster than the best one looks.
"""

from __future__ import annotations

import dataclasses
import heapq

import numpy as np
from numpy.typing import NDArray

from simulator.closed_form import Floats
from simulator.cuts.parts import Part
from simulator.cuts.segments import Segment


def in_buckets(part: Part, most: int, longest_s: float) -> tuple[Part, Part]:
    """Return a part with about ``most`` kinds at most, its seconds rounded up and rounded down.

    Args:
        part: the part.
        most: buckets to aim at; clients that differ in rows or memory never share one, so there may be more.
        longest_s: no assignment of interest takes longer, so longer times need not be told apart.
    """
    client_s = np.stack([segment.client_s for segment in part.segments])
    buckets = _buckets(part, np.minimum(client_s, longest_s), most)
    of_kind = np.empty(len(part.counts), dtype=np.intp)
    for number, members in enumerate(buckets):
        of_kind[members] = number
    first = np.array([members[0] for members in buckets])
    rounded = []
    for extreme in (np.max, np.min):
        segments = tuple(
            Segment(_each(extreme, segment.client_s, buckets), segment.core_s, segment.places)
            for segment in part.segments
        )
        rounded.append(
            dataclasses.replace(
                part,
                kind_of=of_kind[part.kind_of],
                counts=np.array([part.counts[members].sum() for members in buckets]),
                rows=part.rows[first],
                allowed=part.allowed[first],
                segments=segments,
                server_bytes=part.server_bytes[first],
                traffic_bytes=part.traffic_bytes[first],
                own_j=_each(extreme, part.own_j, buckets),
            )
        )
    return rounded[0], rounded[1]


def _each(extreme: object, table: Floats, buckets: list[NDArray[np.intp]]) -> Floats:
    return np.array([extreme(table[members], axis=0) for members in buckets])  # type: ignore[operator]


def _buckets(part: Part, client_s: Floats, most: int) -> list[NDArray[np.intp]]:
    """Split the bucket with the widest spread of seconds in its middle, again and again."""
    same = np.hstack([part.rows[:, None], part.allowed, part.server_bytes, part.traffic_bytes])
    _, alike = np.unique(same, axis=0, return_inverse=True)
    queue: list[tuple[float, int, int, NDArray[np.intp]]] = []

    def add(members: NDArray[np.intp]) -> None:
        own = client_s[:, members]
        spread = np.where(part.allowed[members[0]], own.max(axis=1) - own.min(axis=1), 0.0)
        widest = int(spread.argmax())
        heapq.heappush(queue, (-float(spread.flat[widest]), int(members[0]), widest, members))

    for group in range(int(alike.max()) + 1):
        add(np.flatnonzero(alike.reshape(-1) == group))
    while len(queue) < most and queue[0][0] < 0:
        _, _, widest, members = heapq.heappop(queue)
        segment, combination = np.unravel_index(widest, (client_s.shape[0], client_s.shape[2]))
        seconds = client_s[segment, members, combination]
        low = seconds <= (seconds.min() + seconds.max()) / 2
        add(members[low])
        add(members[~low])
    return [members for *_, members in sorted(queue, key=lambda one: one[1])]
