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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.fleet import SERVER_ID, Fleet
from devices.profile import DeviceProfile
from models.split import ComputeLeg, Cut, Phase
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
    phase_end_s: dict[Phase, float]
    clients: tuple[ClientTime, ...]


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
        self.tables = _tables(workload, fleet, network, batches, self.choices)
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
        ready = self._play(np.atleast_2d(genes), phase_ends=None)
        return np.asarray(ready.max(axis=1))

    def client_seconds(self) -> tuple[Floats, Floats]:
        """Return how long each client computes, and how long it transfers, under each choice: two times ``[N, C]``."""
        tables = self.tables
        compute_s = (tables.finish + tables.prepare).sum(axis=0) + tables.after
        return compute_s, (tables.up + tables.down).sum(axis=0)

    def time(self, cuts: Sequence[Cut]) -> IterationTime:
        """Return one assignment's iteration in detail."""
        genes = self.genes_of(cuts)
        phase_ends: dict[Phase, float] = {}
        latency_s = float(self._play(genes[None, :], phase_ends).max())
        phase_ends[self.workload.visits[-1].phase] = latency_s
        own_s = (table[self._clients, genes].tolist() for table in self.client_seconds())
        clients = tuple(
            ClientTime(compute_s, transfer_s, latency_s - compute_s - transfer_s)
            for compute_s, transfer_s in zip(*own_s, strict=True)
        )
        return IterationTime(latency_s, {phase: phase_ends[phase] for phase in self.workload.phases}, clients)

    def _play(self, genes: Genes, phase_ends: dict[Phase, float] | None) -> Floats:
        """Walk the crossings; return when each client is done, ``[P, N]``."""
        tables, clients = self.tables, self._clients
        ready = np.zeros(genes.shape)
        server_idle = np.zeros(len(genes))
        visits = self.workload.visits
        for number in range(len(visits)):
            finished = ready + tables.finish[number, clients, genes]
            if phase_ends is not None and number:
                phase_ends[visits[number - 1].phase] = float(finished.max())
            if self.workload.lockstep:
                finished = finished.max(axis=1, keepdims=True)
            arrive = finished + tables.prepare[number, clients, genes] + tables.up[number, clients, genes]
            entry, exit_ = tables.entry[number][genes], tables.exit[number][genes]
            leave, server_idle = self._cross(number, arrive, entry, exit_, server_idle)
            ready = leave + tables.down[number, clients, genes]
        return ready + tables.after[clients, genes]

    def _cross(
        self, number: int, arrive: Floats, entry: Genes, exit_: Genes, server_idle: Floats
    ) -> tuple[Floats, Floats]:
        """Run the server's positions of one crossing; return when rows leave and when the server falls idle."""
        clock = server_idle
        leave = np.empty_like(arrive)
        for position in self.workload.positions(number):
            rows = np.where((entry <= position) & (position <= exit_), self.rows, 0.0).sum(axis=1)
            last_arrival = np.where(entry == position, arrive, -np.inf).max(axis=1)
            done = np.maximum(clock, last_arrival) + self.server.seconds(number, position, rows)
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


def _seconds(profile: DeviceProfile, legs: Sequence[ComputeLeg]) -> float:
    return sum(leg_seconds(profile, leg) for leg in legs)


def _tables(
    workload: Workload, fleet: Fleet, network: Network, batches: Sequence[int], choices: tuple[Cut, ...]
) -> LegTables:
    """Fill the tables, computing identical clients (same profile, same rows) once."""
    shape = (len(workload.visits), len(batches), len(choices))
    finish, prepare, up, down = (np.zeros(shape) for _ in range(4))
    after = np.zeros(shape[1:])
    rows = [workload.charged_rows(batch) for batch in batches]
    legs_of = {own: [workload.client_legs(cut, own) for cut in choices] for own in set(rows)}
    first_like: dict[tuple[DeviceProfile, int], int] = {}
    for client, (device, own) in enumerate(zip(fleet.clients, rows, strict=True)):
        twin = first_like.setdefault((device.profile, own), client)
        if twin != client:
            for table in (finish, prepare, up, down):
                table[:, client] = table[:, twin]
            after[client] = after[twin]
            continue
        for choice, legs in enumerate(legs_of[own]):
            column = (slice(None), client, choice)
            finish[column] = [_seconds(device.profile, visit.finish) for visit in legs.visits]
            prepare[column] = [_seconds(device.profile, visit.prepare) for visit in legs.visits]
            up[column] = [network.seconds(device.id, SERVER_ID, visit.up.n_bytes) for visit in legs.visits]
            down[column] = [
                network.seconds(SERVER_ID, device.id, visit.down.n_bytes) for visit in legs.visits
            ]
            after[client, choice] = _seconds(device.profile, legs.after)
    some = next(iter(legs_of.values()))
    crossings = range(shape[0])
    entry = np.array([[legs.visits[v].entry for legs in some] for v in crossings], dtype=np.intp)
    exit_ = np.array([[legs.visits[v].exit for legs in some] for v in crossings], dtype=np.intp)
    return LegTables(finish, prepare, up, down, after, entry, exit_)
