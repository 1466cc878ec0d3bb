"""Walking the crossings of an iteration: when everybody arrives, when the server runs what, when everybody is done.

All arrays have the shape ``[P, N]``: ``P`` candidate assignments of ``N`` clients. Where the clients' seconds come
from is not this module's business: tables for the cut selectors, or arrays of a very large fleet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from devices.profile import DeviceProfile
from models.split import ComputeLeg
from models.workload import Workload

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ServerRun:
    """When the server runs one joined batch, in seconds since the iteration began."""

    number: int
    position: int
    last_arrival_s: float
    """When the last of the rows that join here had come; minus infinity where none join."""
    start_s: float
    end_s: float


class Crossing(NamedTuple):
    """What one crossing asks of the clients under their cuts; all arrays have the shape ``[P, N]``."""

    finish_s: Floats
    """Compute that ends the phase before."""
    prepare_s: Floats
    """Compute that makes what is sent."""
    up_s: Floats
    down_s: Floats
    entry: Positions
    """Position at which rows enter."""
    exit: Positions


class CrossingTimes(NamedTuple):
    """When the clients are where in one crossing, ``[P, N]``.

    The names are told by :class:`~simulator.closed_form.IterationTrace`.
    """

    finished_s: Floats
    begun_s: Floats
    prepared_s: Floats
    arrived_s: Floats
    left_s: Floats
    ready_s: Floats


class Crossings(Protocol):
    """The clients' part in an iteration."""

    def crossing(self, number: int) -> Crossing:
        """Return a crossing; each is asked for once, in order."""
        ...

    def after_s(self) -> Floats:
        """Return how long clients compute after the last crossing, ``[P, N]``."""
        ...


class Observer(Protocol):
    """What may look on as an iteration is walked."""

    def crossed(self, times: CrossingTimes) -> None:
        """See a crossing that is over."""
        ...

    def ran(self, run: ServerRun) -> None:
        """See joined work of the server; told of the first assignment alone."""
        ...


@np.errstate(over="ignore")  # what takes for ever is refused by who asked, with the key that is to blame
def walk(
    workload: Workload,
    server: ServerTimes,
    rows: Floats,
    crossings: Crossings,
    observer: Observer | None = None,
) -> Floats:
    """Walk the crossings of an iteration; return when each client is done, ``[P, N]``.

    Args:
        workload: what an iteration consists of.
        server: how long its joined work takes.
        rows: charged rows of each client, ``[N]``.
        crossings: the clients' part.
        observer: what looks on.
    """
    ready: Floats | float = 0.0
    server_idle: Floats | float = 0.0
    for number in range(len(workload.visits)):
        own = crossings.crossing(number)
        begun = finished = ready + own.finish_s
        if workload.lockstep:
            begun = np.broadcast_to(finished.max(axis=1, keepdims=True), finished.shape)
        prepared = begun + own.prepare_s
        arrived = prepared + own.up_s
        left, server_idle = _cross(workload, server, rows, number, own, arrived, server_idle, observer)
        ready = left + own.down_s
        if observer is not None:
            observer.crossed(CrossingTimes(finished, begun, prepared, arrived, left, ready))
    return ready + crossings.after_s()


def _cross(
    workload: Workload,
    server: ServerTimes,
    rows: Floats,
    number: int,
    own: Crossing,
    arrived: Floats,
    server_idle: Floats | float,
    observer: Observer | None,
) -> tuple[Floats, Floats | float]:
    """Run the server's positions of one crossing; return when rows leave and when the server falls idle."""
    clock = server_idle
    left = np.empty_like(arrived)
    for position in workload.positions(number):
        joined = np.where((own.entry <= position) & (position <= own.exit), rows, 0.0).sum(axis=1)
        last_arrival = np.where(own.entry == position, arrived, -np.inf).max(axis=1)
        start = np.maximum(clock, last_arrival)
        done = start + server.seconds(number, position, joined)
        if observer is not None and joined[0] > 0:
            times_s = (float(last_arrival[0]), float(start[0]), float(done[0]))
            observer.ran(ServerRun(number, position, *times_s))
        clock = np.where(joined > 0, done, clock)
        left = np.where(own.exit == position, clock[:, None], left)
    return left, clock


def phase_ends_s(workload: Workload, finished_s: Sequence[float], latency_s: float) -> dict[str, float]:
    """Return when each phase ends.

    Args:
        workload: what an iteration consists of.
        finished_s: for each crossing, when the last client was through with the phase before.
        latency_s: when the last client is done.
    """
    visits = workload.visits
    # The first crossing finishes nothing; of a phase's crossings the last one counts.
    ends = {visits[number - 1].phase: finished_s[number] for number in range(1, len(visits))}
    ends[visits[-1].phase] = latency_s
    return {phase: ends[phase] for phase in workload.phases}


class ServerTimes:
    """Seconds of the server's joined work: linear in the rows for FLOPs and bytes, plus a constant."""

    def __init__(self, workload: Workload, profile: DeviceProfile) -> None:
        self._profile = profile
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
