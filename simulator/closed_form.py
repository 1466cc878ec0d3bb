"""The closed form of one iteration: the longest path through the legs, for many cut assignments at once.

Without contention, jitter and absence an iteration is a fixed graph of legs. Its length is found by walking the
crossings in order: rows arrive, the server runs one position after another as soon as the last contributor has
come, and rows leave where their client's cut says. In lockstep every crossing waits for the slowest client of the
one before. The event simulation plays the same :class:`~models.split.ClientLegs`; law 5 holds the two together to
1e-9.

All arrays have the shape ``[P, N]``: ``P`` candidate assignments of ``N`` clients. A gene is the index of a cut in
``choices``.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from devices.fleet import Fleet
from models.split import ComputeLeg, Cut
from models.workload import Workload
from simulator.iteration_walk import (
    Crossing,
    CrossingTimes,
    Observer,
    ServerRun,
    ServerTimes,
    phase_ends_s,
    walk,
)
from simulator.kernel.network import Network
from simulator.leg_columns import ClientColumns

Floats = NDArray[np.float64]
Genes = NDArray[np.intp]


@dataclass(frozen=True)
class ClientTime:
    """Where one client's time goes in one iteration, in seconds; the three sum to the iteration's latency."""

    compute_s: float
    transfer_s: float
    wait_s: float


@dataclass(frozen=True)
class IterationTime:
    """One iteration in the closed form."""

    latency_s: float
    phase_end_s: Mapping[str, float]
    clients: tuple[ClientTime, ...]


@dataclass
class IterationTrace:
    """When everything of one assignment happens, in seconds since the iteration began.

    Lists have an entry per crossing, arrays one per client, ``[N]``.
    """

    finished_s: list[Floats] = field(default_factory=list)
    """The client is through with the phase before."""
    begun_s: list[Floats] = field(default_factory=list)
    """It prepares what it sends; in lockstep only when everybody has finished."""
    prepared_s: list[Floats] = field(default_factory=list)
    arrived_s: list[Floats] = field(default_factory=list)
    """Its rows are at the server."""
    left_s: list[Floats] = field(default_factory=list)
    """The server is through with them."""
    ready_s: list[Floats] = field(default_factory=list)
    """They are back at the client."""
    done_s: Floats = field(default_factory=lambda: np.zeros(0))
    """The client is through with the iteration."""
    server: list[ServerRun] = field(default_factory=list)
    """The server's joined work, in order."""

    def crossed(self, times: CrossingTimes) -> None:
        """Keep a crossing's times; there is one assignment."""
        for name, values in times._asdict().items():
            getattr(self, name).append(values[0])

    def ran(self, run: ServerRun) -> None:
        """Keep joined work."""
        self.server.append(run)

    @property
    def latency_s(self) -> float:
        """When the last client is done."""
        return float(self.done_s.max())


@dataclass(frozen=True)
class LegTables:
    """Seconds of every client under every choice; the leading axis is the crossing."""

    finish: Floats
    """``[V, N, C]``: compute that ends the phase before."""
    prepare: Floats
    """``[V, N, C]``: compute that makes what is sent."""
    up: Floats
    down: Floats
    after: Floats
    """``[N, C]``: compute after the last crossing."""
    entry: NDArray[np.intp]
    """``[V, C]``: position at which rows enter."""
    exit: NDArray[np.intp]


class IterationModel:
    """The closed form for one fleet, workload and set of batch sizes.

    Args:
        workload: what an iteration consists of.
        fleet: the devices.
        network: how long messages take.
        batches: rows per iteration of every client.
        choices: the cuts a client may have; every one the model allows by default.
    """

    def __init__(
        self,
        workload: Workload,
        fleet: Fleet,
        network: Network,
        batches: Sequence[int],
        choices: Sequence[Cut] | None = None,
    ) -> None:
        if len(batches) != len(fleet.clients):
            raise ValueError(
                f"{len(batches)} batch sizes for {len(fleet.clients)} clients; one each is needed"
            )
        self.choices = tuple(choices) if choices is not None else workload.costs.cut_choices()
        self.workload = workload
        self.rows = np.array([workload.charged_rows(batch) for batch in batches], dtype=np.float64)
        self._clients = np.arange(len(batches))
        self.tables = _empty_tables(workload, self.choices, self.rows)
        _fill(self, ClientColumns.of(fleet, network, self._clients), self._clients)
        self.server = ServerTimes(workload, fleet.server.profile)

    def genes_of(self, cuts: Sequence[Cut]) -> Genes:
        """Return the genes ``[N]`` of an assignment; ``ValueError`` for a cut that is no choice."""
        index = {cut: gene for gene, cut in enumerate(self.choices)}
        return np.array([index[cut] for cut in cuts], dtype=np.intp)

    def cuts_of(self, genes: Genes) -> tuple[Cut, ...]:
        """Return the assignment that genes ``[N]`` stand for."""
        return tuple(self.choices[gene] for gene in genes)

    def latency_s(self, genes: Genes) -> Floats:
        """Return the iteration latencies ``[P]`` of assignments ``[P, N]``, in seconds."""
        ready = self._play(np.atleast_2d(genes))
        return np.asarray(ready.max(axis=1))

    def client_seconds(self) -> tuple[Floats, Floats]:
        """Return how long each client computes, and how long it transfers, under each choice: two times ``[N, C]``."""
        tables = self.tables
        compute_s = (tables.finish + tables.prepare).sum(axis=0) + tables.after
        return compute_s, (tables.up + tables.down).sum(axis=0)

    def time(self, cuts: Sequence[Cut]) -> IterationTime:
        """Return one assignment's iteration in detail."""
        genes, trace = self.genes_of(cuts), self.trace(cuts)
        latency_s = trace.latency_s
        phase_ends = phase_ends_s(self.workload, [float(one.max()) for one in trace.finished_s], latency_s)
        own_s = (table[self._clients, genes].tolist() for table in self.client_seconds())
        clients = tuple(
            ClientTime(compute_s, transfer_s, latency_s - compute_s - transfer_s)
            for compute_s, transfer_s in zip(*own_s, strict=True)
        )
        return IterationTime(latency_s, phase_ends, clients)

    def trace(self, cuts: Sequence[Cut]) -> IterationTrace:
        """Return when everything of one assignment's iteration happens."""
        trace = IterationTrace()
        (trace.done_s,) = self._play(self.genes_of(cuts)[None, :], trace)
        return trace

    def with_devices(self, fleet: Fleet, network: Network, clients: Iterable[int]) -> IterationModel:
        """Return the closed form of a changed fleet: another server perhaps, and others at some clients' places.

        Args:
            fleet: as many devices as before.
            network: the network of the new fleet.
            clients: whose computing or links have changed; all, where the server's links have.
        """
        changed = copy.copy(self)
        old = self.tables
        copies = {
            name: getattr(old, name).copy(order="K") for name in ("finish", "prepare", "up", "down", "after")
        }
        changed.tables = dataclasses.replace(old, **copies)
        places = np.array(list(clients), dtype=np.intp)
        _fill(changed, ClientColumns.of(fleet, network, places), places)
        changed.server = ServerTimes(self.workload, fleet.server.profile)
        return changed

    def _play(self, genes: Genes, observer: Observer | None = None) -> Floats:
        """Walk the crossings; return when each client is done, ``[P, N]``."""
        chosen = _Chosen(self.tables, self._clients, genes)
        return walk(self.workload, self.server, self.rows, chosen, observer)


class _Chosen:
    """The crossings of assignments ``[P, N]``, looked up in tables."""

    def __init__(self, tables: LegTables, clients: Genes, genes: Genes) -> None:
        self._tables, self._clients, self._genes = tables, clients, genes

    def crossing(self, number: int) -> Crossing:
        """Return a crossing."""
        tables, genes = self._tables, self._genes
        cells = number, self._clients, genes
        return Crossing(
            finish_s=tables.finish[cells],
            prepare_s=tables.prepare[cells],
            up_s=tables.up[cells],
            down_s=tables.down[cells],
            entry=tables.entry[number][genes],
            exit=tables.exit[number][genes],
        )

    def after_s(self) -> Floats:
        """Return what clients compute after the last crossing."""
        return self._tables.after[self._clients, self._genes]


def _empty_tables(workload: Workload, choices: tuple[Cut, ...], rows: Floats) -> LegTables:
    """Return tables without the seconds of any client."""
    visits, clients = len(workload.visits), len(rows)
    some = [workload.client_legs(cut, int(rows[0])) for cut in choices]

    def table() -> Floats:
        # In memory the clients lie side by side: they are filled in all at once, choice by choice.
        return np.zeros((visits, len(choices), clients)).swapaxes(1, 2)

    return LegTables(
        finish=table(),
        prepare=table(),
        up=table(),
        down=table(),
        after=np.zeros((len(choices), clients)).T,
        entry=np.array([[legs.visits[v].entry for legs in some] for v in range(visits)], dtype=np.intp),
        exit=np.array([[legs.visits[v].exit for legs in some] for v in range(visits)], dtype=np.intp),
    )


def _fill(model: IterationModel, columns: ClientColumns, clients: Genes) -> None:
    """Fill in the seconds of some clients, all those with the same rows at once.

    Args:
        model: whose tables are filled.
        columns: what the clients can do.
        clients: who they are, in the order of the columns.
    """
    tables, rows = model.tables, model.rows[clients]
    for own in np.unique(rows).tolist():
        like = np.flatnonzero(rows == own)
        everybody = np.array_equal(clients[like], np.arange(len(model.rows)))
        # A slice is written faster than places are.
        those = slice(None) if everybody else clients[like]
        seconds = _Seconds(columns.take(like))
        for choice, cut in enumerate(model.choices):
            legs = model.workload.client_legs(cut, int(own))
            for number, visit in enumerate(legs.visits):
                cell = (number, those, choice)
                tables.finish[cell] = seconds.compute_s(visit.finish)
                tables.prepare[cell] = seconds.compute_s(visit.prepare)
                tables.up[cell] = seconds.up_s(visit.up.n_bytes)
                tables.down[cell] = seconds.down_s(visit.down.n_bytes)
            tables.after[those, choice] = seconds.compute_s(legs.after)


class _Seconds:
    """The seconds of clients with the same rows: those of each leg worked out once, however many cuts have it."""

    def __init__(self, columns: ClientColumns) -> None:
        self._columns = columns
        self._known: dict[tuple[tuple[float, float, int], ...], Floats] = {}
        self.up_s = lru_cache(maxsize=None)(columns.up_s)
        self.down_s = lru_cache(maxsize=None)(columns.down_s)

    def compute_s(self, legs: Sequence[ComputeLeg]) -> Floats:
        """Return how long each client needs for legs, one after the other."""
        what = tuple((leg.flops, leg.touched_bytes, leg.kernels) for leg in legs)
        if what not in self._known:
            self._known[what] = self._columns.compute_s(legs)
        return self._known[what]
