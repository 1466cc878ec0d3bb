"""An iteration as a sum of segments, the form in which the exact selector optimises it.

Every client's rows pass the core of every crossing, so nothing after a core can begin before the core is done: the
iteration's latency is the *sum* of the times between one core and the next. Between the core of crossing ``v`` and
that of ``v + 1`` a path runs through the server's positions after the core up to some client's exit, through that
client, and through the server's positions from its entry to the next core; or it stays on the server. A segment's
time is the longest of these paths. In lockstep a barrier of all clients lies between two cores and splits their
segment in two; the server is still on the path, because rows leave after the last position that has rows.

The server's positions around a core belong to one segment each, so segments share nothing but the cuts that decide
them. :func:`segments_of` reads them off the tables of the closed form (:mod:`simulator.closed_form`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.closed_form import Floats, IterationModel

Line = tuple[float, float]
"""Seconds without rows, and seconds per row."""


@dataclass(frozen=True)
class Place:
    """A position of the server that only some clients' rows pass.

    Attributes:
        passes: ``[C]``, whether the rows of a client with that choice pass it.
        lines: its seconds are the greatest of these, where there are rows at all, and 0 where there are none.
    """

    passes: NDArray[np.bool_]
    lines: tuple[Line, ...]

    def seconds(self, rows: Floats) -> Floats:
        """Return the seconds for joined rows, of any shape."""
        busy = np.max([constant + slope * rows for constant, slope in self.lines], axis=0)
        return np.asarray(np.where(rows > 0, busy, 0.0))


@dataclass(frozen=True)
class Segment:
    """One stretch of an iteration between two barriers.

    Attributes:
        client_s: ``[N, C]``, seconds each client adds under each choice.
        core_s: seconds of the core at its end, which all rows pass whatever the cuts.
        places: the server's other positions in it.
    """

    client_s: Floats
    core_s: float
    places: tuple[Place, ...]

    def seconds(self, genes: NDArray[np.intp], rows: Floats) -> Floats:
        """Return its time ``[P]`` under assignments ``[P, N]`` of clients with ``rows`` ``[N]``."""
        clients = np.arange(len(rows))
        path_s = self.client_s[clients, genes]
        server_s = np.zeros(len(genes))
        for place in self.places:
            passing = place.passes[genes]
            place_s = place.seconds(np.where(passing, rows, 0.0).sum(axis=1))
            path_s = path_s + np.where(passing, place_s[:, None], 0.0)
            server_s += place_s
        return np.asarray(np.maximum(path_s.max(axis=1), server_s) + self.core_s)


def segments_of(model: IterationModel) -> tuple[Segment, ...]:
    """Return the segments of an iteration, in order; the latency is the sum of their times."""
    tables, crossings = model.tables, len(model.workload.visits)
    finish = [*tables.finish, tables.after]
    makes = [tables.prepare[v] + tables.up[v] for v in range(crossings)]
    if model.workload.lockstep:
        segments = [Segment(finish[0], 0.0, ())]
        for v in range(crossings):
            segments.append(Segment(makes[v], _core_s(model, v), _before_core(model, v)))
            segments.append(Segment(tables.down[v] + finish[v + 1], 0.0, _after_core(model, v)))
        return tuple(segments)
    segments = [Segment(finish[0] + makes[0], _core_s(model, 0), _before_core(model, 0))]
    for v in range(1, crossings):
        places = _after_core(model, v - 1) + _before_core(model, v)
        segments.append(Segment(tables.down[v - 1] + finish[v] + makes[v], _core_s(model, v), places))
    segments.append(Segment(tables.down[-1] + finish[-1], 0.0, _after_core(model, crossings - 1)))
    return tuple(segments)


def deciding_numbers(segment: Segment, cuts: NDArray[np.intp]) -> frozenset[int]:
    """Return which of a cut's four numbers make a difference to a segment (0 = g_head ... 3 = d_tail).

    Args:
        segment: the segment.
        cuts: ``[C, 4]``, the cut of each choice: all cuts, in lexicographic order.
    """
    shape = tuple(cuts.max(axis=0))
    facts = [segment.client_s, *(place.passes[None, :] for place in segment.places)]
    tables = [fact.reshape(-1, *shape) for fact in facts]
    return frozenset(
        number
        for number in range(4)
        if any((table != table.take([0], axis=number + 1)).any() for table in tables)
    )


def _core_s(model: IterationModel, number: int) -> float:
    return float(model.server.seconds(number, model.workload.core(number), model.rows.sum()))


def _before_core(model: IterationModel, number: int) -> tuple[Place, ...]:
    core, entry = model.workload.core(number), model.tables.entry[number]
    positions = [p for p in model.workload.positions(number) if p < core]
    return _places(model, number, [(position, entry <= position) for position in positions])


def _after_core(model: IterationModel, number: int) -> tuple[Place, ...]:
    core, exit_ = model.workload.core(number), model.tables.exit[number]
    positions = [p for p in model.workload.positions(number) if p > core]
    return _places(model, number, [(position, exit_ >= position) for position in positions])


def _places(
    model: IterationModel, number: int, positions: Sequence[tuple[int, NDArray[np.bool_]]]
) -> tuple[Place, ...]:
    return tuple(
        Place(passes, model.server.lines(number, position)) for position, passes in positions if passes.any()
    )
