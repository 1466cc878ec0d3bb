"""The cut problem in independent parts, with equal clients gathered into kinds.

A segment of the iteration looks at some of a cut's four numbers only. Where nothing but the latency counts and no
memory can bind, numbers that meet in no segment can be chosen apart, and the best cuts of the parts together are the
best cuts. In the authors' formula all four numbers are apart; in the dataflow iteration the generator's tail and the
discriminator's head meet, because a client goes from one to the other at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.closed_form import Floats, Genes
from simulator.cuts.problem import CutProblem
from simulator.cuts.segments import Place, Segment, deciding_numbers


@dataclass(frozen=True)
class Part:
    """Some of a cut's numbers, the segments that look at them, and the kinds of clients that differ in them.

    ``G`` kinds choose among ``C`` combinations of these numbers.

    Attributes:
        independent: whether it is chosen apart from others, for its segments' time alone.
        genes: ``[C]``, a gene for each combination; the other numbers are the smallest.
        kind_of: ``[N]``, the kind of each client.
        counts: ``[G]``, how many clients are of a kind.
        rows: ``[G]``, rows of one of them.
        allowed: ``[G, C]``, whether a combination fits its memory.
        segments: the segments, with ``client_s`` as ``[G, C]``.
        server_bytes: ``[G, C]``, what one client adds to the server's memory.
        traffic_bytes: ``[G, C]``, what it sends and receives.
        own_j: ``[G, C]``, its energy beyond idling, 0 where no energy counts.
    """

    independent: bool
    genes: Genes
    kind_of: Genes
    counts: NDArray[np.intp]
    rows: Floats
    allowed: NDArray[np.bool_]
    segments: tuple[Segment, ...]
    server_bytes: Floats
    traffic_bytes: Floats
    own_j: Floats

    def chosen(self, genes: Genes, cuts: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return how many clients of each kind take each combination ``[G, C]`` under an assignment ``[N]``.

        Args:
            genes: the assignment.
            cuts: ``[choices, 4]``, the cut that each gene stands for.
        """
        numbers = (cuts[self.genes] > 1).any(axis=0)
        like = (cuts[:, None, numbers] == cuts[None, self.genes][:, :, numbers]).all(axis=2).argmax(axis=1)
        counts = np.zeros(self.allowed.shape, dtype=np.intp)
        np.add.at(counts, (self.kind_of, like[genes]), 1)
        return counts

    def seconds(self, chosen: NDArray[np.intp]) -> float:
        """Return the time of its segments where ``chosen`` ``[G, C]`` clients of each kind take each combination."""
        total_s, rows = 0.0, chosen * self.rows[:, None]
        for segment in self.segments:
            path_s = np.where(chosen > 0, segment.client_s, -np.inf)
            server_s = 0.0
            for place in segment.places:
                place_s = float(place.seconds(rows[:, place.passes].sum()))
                path_s = path_s + place_s * place.passes
                server_s += place_s
            total_s += max(float(path_s.max()), server_s) + segment.core_s
        return total_s

    def assign(self, chosen: NDArray[np.intp]) -> Genes:
        """Return the genes ``[N]`` where ``chosen`` ``[G, C]`` clients of each kind take each combination.

        Clients of one kind take the combinations in order, the first clients the first ones.
        """
        genes = np.empty(len(self.kind_of), dtype=np.intp)
        order = self.kind_of.argsort(kind="stable")
        genes[order] = np.concatenate([np.repeat(self.genes, counts) for counts in chosen])
        return genes


def is_separable(problem: CutProblem) -> bool:
    """Whether nothing ties a cut's numbers together but the segments: no memory that can bind, no further quantity."""
    fullest = problem.server_bytes.max(axis=1).sum()
    return bool(
        problem.objective.is_latency and problem.allowed.all() and fullest <= problem.server_room_bytes
    )


def parts_of(problem: CutProblem) -> tuple[Part, ...]:
    """Return the independent parts of a problem: one of all numbers where they are not independent."""
    segments, cuts = problem.quantities.segments, problem.cuts
    if not is_separable(problem):
        return (_part(problem, np.arange(len(cuts)), segments, independent=False),)
    looked_at = [deciding_numbers(segment, cuts) for segment in segments]
    parts = []
    for numbers in _joined(looked_at):
        others = [number for number in range(4) if number not in numbers]
        genes = np.flatnonzero((cuts[:, others] == 1).all(axis=1))
        own = [segment for segment, looks in zip(segments, looked_at, strict=True) if looks & numbers]
        parts.append(_part(problem, genes, own, independent=True))
    return tuple(parts)


def constant_seconds(problem: CutProblem) -> float:
    """Return the time of all segments that no cut changes."""
    nobody = np.zeros((1, problem.clients), dtype=np.intp)
    return sum(
        float(segment.seconds(nobody, problem.model.rows)[0])
        for segment in problem.quantities.segments
        if not deciding_numbers(segment, problem.cuts)
    )


def combined(problem: CutProblem, parts: Sequence[Genes]) -> Genes:
    """Return the assignment ``[N]`` whose numbers are the greatest of those of the parts, the others' being 1."""
    if not parts:
        return np.zeros(problem.clients, dtype=np.intp)
    cuts = problem.cuts
    longest = cuts.max(axis=0)
    numbers = np.max([cuts[genes] for genes in parts], axis=0) - 1
    return np.asarray(np.ravel_multi_index(tuple(numbers.T), tuple(longest)))


def _joined(looked_at: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Join numbers that meet in a segment into groups, in the order of their first number."""
    groups: list[frozenset[int]] = []
    for looks in looked_at:
        if looks:
            meeting = [group for group in groups if group & looks]
            groups = [group for group in groups if not group & looks]
            groups.append(looks.union(*meeting))
    return sorted(groups, key=min)


def _part(problem: CutProblem, genes: Genes, segments: Sequence[Segment], *, independent: bool) -> Part:
    quantities = problem.quantities
    energy = quantities.energy if problem.objective.needed[1] else None
    shape = (problem.clients, len(genes))
    tables = [
        problem.allowed[:, genes].astype(float),
        problem.server_bytes[:, genes],
        quantities.traffic_bytes[:, genes],
        np.zeros(shape) if energy is None else energy.own_j[:, genes],
        *(segment.client_s[:, genes] for segment in segments),
    ]
    _, first, kind_of, counts = np.unique(
        np.hstack([problem.model.rows[:, None], *tables]),
        axis=0,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    allowed, server_bytes, traffic_bytes, own_j, *client_s = (table[first] for table in tables)
    return Part(
        independent=independent,
        genes=genes,
        kind_of=kind_of.reshape(-1),
        counts=counts,
        rows=problem.model.rows[first],
        allowed=allowed > 0,
        segments=tuple(
            Segment(seconds, segment.core_s, tuple(Place(p.passes[genes], p.lines) for p in segment.places))
            for seconds, segment in zip(client_s, segments, strict=True)
        ),
        server_bytes=server_bytes,
        traffic_bytes=traffic_bytes,
        own_j=own_j,
    )
