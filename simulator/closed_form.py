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

import numpy as np
from numpy.typing import NDArray

from devices.fleet import SERVER_ID, Fleet
from devices.profile import DeviceProfile
from models.split import ClientLegs, ComputeLeg, Cut
from models.workload import Workload
from simulator.kernel.leg_time import leg_seconds
from simulator.kernel.network import Network

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


@dataclass(frozen=True, slots=True)
class ServerRun:
    """When the server runs one joined batch, in seconds since the iteration began."""

    number: int
    position: int
    last_arrival_s: float
    """When the last of the rows that join here had come; minus infinity where none join."""
    start_s: float
    end_s: float


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
        self.tables = _tables(workload, fleet, network, self.rows, self.choices)
        self.server = ServerTimes(workload, fleet)

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
        latency_s, visits = trace.latency_s, self.workload.visits
        # The first crossing finishes nothing; of a phase's crossings the last one counts.
        phase_ends = {
            visits[number - 1].phase: float(trace.finished_s[number].max())
            for number in range(1, len(visits))
        }
        phase_ends[visits[-1].phase] = latency_s
        own_s = (table[self._clients, genes].tolist() for table in self.client_seconds())
        clients = tuple(
            ClientTime(compute_s, transfer_s, latency_s - compute_s - transfer_s)
            for compute_s, transfer_s in zip(*own_s, strict=True)
        )
        return IterationTime(latency_s, {phase: phase_ends[phase] for phase in self.workload.phases}, clients)

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
        copies = {name: getattr(old, name).copy() for name in ("finish", "prepare", "up", "down", "after")}
        changed.tables = dataclasses.replace(old, **copies)
        _fill(changed.tables, self.workload, fleet, network, self.rows, self.choices, clients)
        changed.server = ServerTimes(self.workload, fleet)
        return changed

    def _play(self, genes: Genes, trace: IterationTrace | None = None) -> Floats:
        """Walk the crossings; return when each client is done, ``[P, N]``.

        Args:
            genes: the assignments, ``[P, N]``.
            trace: filled with all times of the only assignment.
        """
        tables, clients = self.tables, self._clients
        ready = np.zeros(genes.shape)
        server_idle = np.zeros(len(genes))
        for number in range(len(self.workload.visits)):
            begun = finished = ready + tables.finish[number, clients, genes]
            if self.workload.lockstep:
                begun = np.broadcast_to(finished.max(axis=1, keepdims=True), finished.shape)
            prepared = begun + tables.prepare[number, clients, genes]
            arrived = prepared + tables.up[number, clients, genes]
            entry, exit_ = tables.entry[number][genes], tables.exit[number][genes]
            left, server_idle = self._cross(number, arrived, entry, exit_, server_idle, trace)
            ready = left + tables.down[number, clients, genes]
            if trace is not None:
                trace.finished_s.append(finished[0])
                trace.begun_s.append(begun[0])
                trace.prepared_s.append(prepared[0])
                trace.arrived_s.append(arrived[0])
                trace.left_s.append(left[0])
                trace.ready_s.append(ready[0])
        return ready + tables.after[clients, genes]

    def _cross(
        self,
        number: int,
        arrive: Floats,
        entry: Genes,
        exit_: Genes,
        server_idle: Floats,
        trace: IterationTrace | None,
    ) -> tuple[Floats, Floats]:
        """Run the server's positions of one crossing; return when rows leave and when the server falls idle."""
        clock = server_idle
        leave = np.empty_like(arrive)
        for position in self.workload.positions(number):
            rows = np.where((entry <= position) & (position <= exit_), self.rows, 0.0).sum(axis=1)
            last_arrival = np.where(entry == position, arrive, -np.inf).max(axis=1)
            start = np.maximum(clock, last_arrival)
            done = start + self.server.seconds(number, position, rows)
            if trace is not None and rows[0] > 0:
                times_s = (float(last_arrival[0]), float(start[0]), float(done[0]))
                trace.server.append(ServerRun(number, position, *times_s))
            clock = np.where(rows > 0, done, clock)
            leave = np.where(exit_ == position, clock[:, None], leave)
        return leave, clock


class ServerTimes:
    """Seconds of the server's joined work: linear in the rows for FLOPs and bytes, plus a constant."""

    def __init__(self, workload: Workload, fleet: Fleet) -> None:
        self._profile = fleet.server.profile
        self._legs: dict[tuple[int, int], tuple[ComputeLeg, ComputeLeg]] = {}
        for number in range(len(workload.visits)):
            for position in workload.positions(number):
                legs = workload.server_leg(number, position, 0), workload.server_leg(number, position, 1)
                self._legs[number, position] = legs

    def seconds(self, number: int, position: int, rows: Floats) -> Floats:
        """Return the seconds for ``rows`` ``[P]`` joined rows."""
        none, one = self._legs[number, position]
        flops = one.flops * rows
        touched = none.touched_bytes + (one.touched_bytes - none.touched_bytes) * rows
        bandwidth = self._profile.memory_bandwidth_bytes_per_s or np.inf
        busy = np.maximum(flops / self._profile.rate_flops_per_s, touched / bandwidth)
        return np.asarray(busy + one.kernels * self._profile.kernel_overhead_s)

    def lines(self, number: int, position: int) -> tuple[tuple[float, float], ...]:
        """Return the straight lines whose greatest is ``seconds``: each the seconds at no rows, and per row."""
        none, one = self._legs[number, position]
        overhead_s = one.kernels * self._profile.kernel_overhead_s
        lines = [(overhead_s, one.flops / self._profile.rate_flops_per_s)]
        bandwidth = self._profile.memory_bandwidth_bytes_per_s
        if bandwidth is not None:
            per_row = one.touched_bytes - none.touched_bytes
            lines.append((none.touched_bytes / bandwidth + overhead_s, per_row / bandwidth))
        return tuple(lines)


def _seconds(profile: DeviceProfile, legs: Sequence[ComputeLeg]) -> float:
    return sum(leg_seconds(profile, leg) for leg in legs)


def _tables(
    workload: Workload, fleet: Fleet, network: Network, rows: Floats, choices: tuple[Cut, ...]
) -> LegTables:
    """Return the tables of all clients."""
    shape = (len(workload.visits), len(rows), len(choices))
    some = [workload.client_legs(cut, int(rows[0])) for cut in choices]
    tables = LegTables(
        finish=np.zeros(shape),
        prepare=np.zeros(shape),
        up=np.zeros(shape),
        down=np.zeros(shape),
        after=np.zeros(shape[1:]),
        entry=np.array([[legs.visits[v].entry for legs in some] for v in range(shape[0])], dtype=np.intp),
        exit=np.array([[legs.visits[v].exit for legs in some] for v in range(shape[0])], dtype=np.intp),
    )
    _fill(tables, workload, fleet, network, rows, choices, range(len(rows)))
    return tables


def _fill(
    tables: LegTables,
    workload: Workload,
    fleet: Fleet,
    network: Network,
    rows: Floats,
    choices: tuple[Cut, ...],
    clients: Iterable[int],
) -> None:
    """Fill in the seconds of some clients, computing identical ones (same profile, same rows) once."""
    finish, prepare, up, down, after = tables.finish, tables.prepare, tables.up, tables.down, tables.after
    legs_of: dict[int, list[ClientLegs]] = {}
    first_like: dict[tuple[DeviceProfile, int], int] = {}
    for client in clients:
        device, own = fleet.clients[client], int(rows[client])
        twin = first_like.setdefault((device.profile, own), client)
        if twin != client:
            for table in (finish, prepare, up, down):
                table[:, client] = table[:, twin]
            after[client] = after[twin]
            continue
        if own not in legs_of:
            legs_of[own] = [workload.client_legs(cut, own) for cut in choices]
        for choice, legs in enumerate(legs_of[own]):
            column = (slice(None), client, choice)
            finish[column] = [_seconds(device.profile, visit.finish) for visit in legs.visits]
            prepare[column] = [_seconds(device.profile, visit.prepare) for visit in legs.visits]
            up[column] = [network.seconds(device.id, SERVER_ID, visit.up.n_bytes) for visit in legs.visits]
            down[column] = [
                network.seconds(SERVER_ID, device.id, visit.down.n_bytes) for visit in legs.visits
            ]
            after[client, choice] = _seconds(device.profile, legs.after)
