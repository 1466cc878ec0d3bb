"""Exact cuts for a part of the problem with one number of two values: a sweep of barrier values, without a solver.

A client's end is *short* (the server runs the block between) or *long* (the client does). In each segment a bound on
the long clients' seconds decides who may be long. Whoever may be, should be: that makes the server's rows fewer, and
the server's seconds never grow when rows become fewer, and it takes a short client off the path. So the best
assignment is among those in which exactly the clients below one bound per segment are long, and as many bounds need
trying as there are kinds of clients. Where two segments order the clients alike, one bound stands for both.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.closed_form import Floats
from simulator.cuts.parts import Part
from simulator.cuts.segments import Segment

SHORT, LONG = 0, 1

MOST_CELLS = 20_000_000
"""Sweeps of more kinds times bounds than this are left to the solver."""

CELLS_AT_A_TIME = 1_000_000


@dataclass(frozen=True)
class Swept:
    """The best of a sweep: how many clients of each kind take each of the two values, and the part's seconds."""

    chosen: NDArray[np.intp]
    seconds: float


def can_sweep(part: Part) -> bool:
    """Whether a part is a choice between two values that every client may make, and small enough to be swept."""
    if len(part.genes) != 2 or not part.allowed.all():
        return False
    if not all(
        place.passes[SHORT] and not place.passes[LONG]
        for segment in part.segments
        for place in segment.places
    ):
        return False
    if not all(np.isfinite(segment.client_s).all() for segment in part.segments):
        return False
    *outer, inner = _orders(part)
    return math.prod(int(order.max()) + 1 for order in outer) * len(inner) <= MOST_CELLS


def sweep(part: Part) -> Swept:
    """Return the best assignment of a part that :func:`can_sweep`."""
    *outer, inner = _orders(part)
    bounds = np.array(
        list(itertools.product(*(range(int(order.max()) + 1) for order in outer))), dtype=np.intp
    )
    sorted_ = inner.argsort(kind="stable")
    at_a_time = max(1, CELLS_AT_A_TIME // len(inner))
    best_s, best_long = math.inf, np.zeros(len(inner), dtype=bool)
    for start in range(0, len(bounds), at_a_time):
        chunk = bounds[start : start + at_a_time]
        may = np.ones((len(chunk), len(inner)), dtype=bool)
        for dimension, order in enumerate(outer):
            may &= order[sorted_] <= chunk[:, dimension, None]
        seconds = sum(_growing(part, segment, may, sorted_) for segment in part.segments)
        place = int(np.argmin(seconds))
        row, longs = divmod(place, len(inner) + 1)
        if np.ravel(seconds)[place] < best_s:
            best_s = float(np.ravel(seconds)[place])
            best_long = np.zeros(len(inner), dtype=bool)
            best_long[sorted_[:longs]] = may[row, :longs]
    chosen = np.zeros((len(inner), 2), dtype=np.intp)
    chosen[:, LONG] = np.where(best_long, part.counts, 0)
    chosen[:, SHORT] = part.counts - chosen[:, LONG]
    return Swept(chosen, best_s)


def _orders(part: Part) -> list[NDArray[np.intp]]:
    """Return the distinct orders ``[G]`` in which bounds on the segments' long seconds admit the kinds."""
    orders: dict[bytes, NDArray[np.intp]] = {}
    for segment in part.segments:
        _, order = np.unique(segment.client_s[:, LONG], return_inverse=True)
        orders[order.tobytes()] = order.reshape(-1)
    # The order with the most steps is walked in one go, so it comes last.
    return sorted(orders.values(), key=lambda order: int(order.max()))


def _growing(part: Part, segment: Segment, may: NDArray[np.bool_], order: NDArray[np.intp]) -> Floats:
    """Return a segment's seconds ``[B, G + 1]`` when the first 0, 1, ... G kinds in order are long if they may be."""
    short_s, long_s = segment.client_s[order, SHORT], segment.client_s[order, LONG]
    rows = (part.rows * part.counts)[order]
    grown = np.zeros((len(may), len(order) + 1))
    np.cumsum(np.where(may, rows, 0.0), axis=1, out=grown[:, 1:])
    shrunk = rows.sum() - grown
    longest = np.full_like(grown, -np.inf)
    np.maximum.accumulate(np.where(may, long_s, -np.inf), axis=1, out=longest[:, 1:])
    left = np.full_like(grown, -np.inf)
    left[:, :-1] = np.maximum.accumulate(np.where(may, short_s, -np.inf)[:, ::-1], axis=1)[:, ::-1]
    left = np.maximum(left, np.where(may, -np.inf, short_s).max(axis=1, keepdims=True))
    # The server's own path never is the longest: whose rows it works on passes all its positions, or nobody is short.
    left = left + sum(place.seconds(shrunk) for place in segment.places)
    return np.asarray(np.maximum(left, longest) + segment.core_s)
