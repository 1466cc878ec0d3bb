"""One iteration of a split strategy in arrays: who has which cut, and the crossings walked for all at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.memory import memory_bytes, server_memory_bytes
from models.split import ClientLegs, Cut, segment_bytes
from simulator.arrays.ground import Floats, Ground
from simulator.arrays.times import ArrayTimes, ChosenCuts, exchange_seconds
from simulator.iteration_walk import Crossing, CrossingTimes, ServerRun, ServerTimes, phase_ends_s, walk

Genes = NDArray[np.intp]


@dataclass(frozen=True)
class Kinds:
    """The clients by what they do: those with the same cut and the same batch do the same.

    Attributes:
        cuts: the cut of each kind.
        batches: the batch of each kind.
        kind_of: the kind of each client, ``[N]``.
        count: the clients of each kind.
    """

    cuts: tuple[Cut, ...]
    batches: tuple[int, ...]
    kind_of: Genes
    count: tuple[int, ...]

    @classmethod
    def of(cls, ground: Ground, cuts: ChosenCuts) -> Kinds:
        """Tell the kinds of an assignment."""
        distinct, batch_of = np.unique(ground.batches, return_inverse=True)
        codes = cuts.gene_of * len(distinct) + batch_of
        used, kind_of, count = np.unique(codes, return_inverse=True, return_counts=True)
        genes, batches = np.divmod(used, len(distinct))
        return cls(
            tuple(cuts.choices[gene] for gene in genes.tolist()),
            tuple(distinct[batches].tolist()),
            kind_of,
            tuple(count.tolist()),
        )

    def server_bytes(self, ground: Ground) -> float:
        """Return what the server needs for its copies of the blocks, and for everybody's rows."""
        empty = server_memory_bytes(ground.costs, [], [])
        shares = (
            count * (server_memory_bytes(ground.costs, [cut], [batch]) - empty)
            for cut, batch, count in zip(self.cuts, self.batches, self.count, strict=True)
        )
        return empty + sum(shares)

    def client_bytes(self, ground: Ground) -> Floats:
        """Return what each client needs at its peak, ``[N]``."""
        needed = [memory_bytes(ground.costs, *one) for one in zip(self.cuts, self.batches, strict=True)]
        return np.array(needed, dtype=np.float64)[self.kind_of]


def play_split(ground: Ground, cuts: ChosenCuts) -> ArrayTimes:
    """Return the times of an assignment of cuts, in detail."""
    kinds = Kinds.of(ground, cuts)
    crossings, seen = _Crossings(ground, kinds), _LastFinished()
    latency_s = _walk(ground, crossings, seen)
    sent = np.array([sum(segment_bytes(ground.costs, cut)) for cut in kinds.cuts], dtype=np.float64)
    return ArrayTimes(
        latency_s=latency_s,
        phase_end_s=phase_ends_s(ground.workload, seen.finished_s, latency_s),
        compute_s=crossings.compute_s,
        transfer_s=crossings.transfer_s,
        aggregation_s=exchange_seconds(ground.columns, sent[kinds.kind_of]),
        cuts=cuts,
    )


def latency_s(ground: Ground, cuts: ChosenCuts) -> float:
    """Return an iteration's latency under an assignment of cuts, in seconds."""
    return _walk(ground, _Crossings(ground, Kinds.of(ground, cuts)))


def _walk(ground: Ground, crossings: _Crossings, seen: _LastFinished | None = None) -> float:
    server = ServerTimes(ground.workload, ground.fleet.server)
    done_s = walk(ground.workload, server, crossings.rows, crossings, seen)
    return float(done_s.max())


class _Crossings:
    """The clients' part in an iteration, worked out as it is asked for; ``P`` is 1."""

    def __init__(self, ground: Ground, kinds: Kinds) -> None:
        workload = ground.workload
        charged = [workload.charged_rows(batch) for batch in kinds.batches]
        self._legs: list[ClientLegs] = [
            workload.client_legs(*one) for one in zip(kinds.cuts, charged, strict=True)
        ]
        self._columns = ground.columns
        self._kind_of = kinds.kind_of
        self.rows = self._spread_out(charged)
        self.compute_s = np.zeros(ground.fleet.size)
        self.transfer_s = np.zeros(ground.fleet.size)

    def crossing(self, number: int) -> Crossing:
        """Return a crossing."""
        visits = [legs.visits[number] for legs in self._legs]
        finish_s = self._columns.compute_of_kinds_s([visit.finish for visit in visits], self._kind_of)
        prepare_s = self._columns.compute_of_kinds_s([visit.prepare for visit in visits], self._kind_of)
        up_s = self._columns.up_s(self._spread_out([visit.up.n_bytes for visit in visits]))
        down_s = self._columns.down_s(self._spread_out([visit.down.n_bytes for visit in visits]))
        self.compute_s += finish_s + prepare_s
        self.transfer_s += up_s + down_s
        entry = np.array([visit.entry for visit in visits], dtype=np.intp)[self._kind_of]
        exit_ = np.array([visit.exit for visit in visits], dtype=np.intp)[self._kind_of]
        return Crossing(finish_s[None], prepare_s[None], up_s[None], down_s[None], entry[None], exit_[None])

    def after_s(self) -> Floats:
        """Return what clients compute after the last crossing."""
        after_s = self._columns.compute_of_kinds_s([legs.after for legs in self._legs], self._kind_of)
        self.compute_s += after_s
        return after_s[None]

    def _spread_out(self, of_kinds: list[float] | list[int]) -> Floats:
        return np.array(of_kinds, dtype=np.float64)[self._kind_of]


@dataclass
class _LastFinished:
    """Notes when the last client was through with the phase before each crossing."""

    finished_s: list[float] = field(default_factory=list)

    def crossed(self, times: CrossingTimes) -> None:
        """Note it."""
        self.finished_s.append(float(times.finished_s.max()))

    def ran(self, run: ServerRun) -> None:
        """Leave the server's work alone."""
