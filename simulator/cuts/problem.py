"""The problem every cut selector solves: one cut per client, the best iteration, within memory and limits.

The best iteration is the shortest, unless the scenario weighs other quantities too (:mod:`simulator.cuts.objective`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from devices.fleet import Device, Fleet
from devices.profile import DeviceProfile
from models.memory import memory_bytes, server_memory_bytes
from models.split import Cut
from models.workload import Workload
from simulator.closed_form import Floats, Genes, IterationModel
from simulator.cuts.objective import LIMIT_KEYS, LIMIT_TOLERANCE, Objective
from simulator.cuts.quantities import Quantities, UnknownPowerError
from simulator.kernel.network import Network

WORST_FEASIBLE = 1e200
"""Where :meth:`CutProblem.guide` begins to count what does not fit: above the objective of anything that does."""

MOST_CELLS = 1_000_000
"""Assignments times clients scored at a time: the closed form holds a score of such arrays."""


LatencyOf = Callable[[Genes], Floats]
"""Returns the iteration latencies ``[P]`` of assignments ``[P, N]``, in seconds."""


class NoFeasibleCutError(ValueError):
    """Cuts do not fit a device's memory or a limit. The message says "what came; what is allowed".

    Attributes:
        key_path: the scenario's key to blame.
    """

    def __init__(self, key_path: str, message: str) -> None:
        super().__init__(message)
        self.key_path = key_path


@dataclass(frozen=True)
class Selection:
    """A selector's answer.

    Attributes:
        selector: its name.
        cuts: one cut per client.
        iteration_latency_s: the latency of one iteration under them, by what the selector scored with.
        seconds: real time the selector took.
        evaluations: assignments it scored.
        optimality_gap: proven relative gap to the optimum, ``(objective - bound) / objective``, or ``None`` where
            nothing is proven.
        objective: the value that was to be made small; the latency, unless the scenario weighs more.
        energy_j: energy of all clients in an iteration, or ``None`` where a profile does not say what it draws.
        server_s: seconds the server computes in an iteration.
        traffic_bytes: bytes that all clients send and receive in an iteration.
        scored_by: what told the latencies: ``formula``, the closed form, or ``events``, the event simulation.
    """

    selector: str
    cuts: tuple[Cut, ...]
    iteration_latency_s: float
    seconds: float
    evaluations: int
    optimality_gap: float | None
    objective: float
    energy_j: float | None
    server_s: float
    traffic_bytes: float
    scored_by: str = "formula"


class CutProblem:
    """Scores assignments of cuts, vectorised, and knows which of them fit.

    Args:
        workload: what an iteration consists of.
        fleet: the devices.
        network: how long messages take.
        batches: rows per iteration of every client.
        objective: what is weighed and limited; the latency alone by default.
        latency_of: returns the iteration latencies ``[P]`` of assignments ``[P, N]``; by default the closed form's.

    Attributes:
        model: the closed form of an iteration.
        objective: what is weighed and limited.
        quantities: what an iteration costs besides its latency.
        allowed: ``[N, C]``, whether a cut fits a client's memory.
        evaluations: assignments scored so far.

    Raises:
        NoFeasibleCutError: where no cuts fit some device's memory.
        UnknownPowerError: where energy counts and a profile does not say what it draws.
    """

    def __init__(
        self,
        workload: Workload,
        fleet: Fleet,
        network: Network,
        batches: Sequence[int],
        objective: Objective | None = None,
        latency_of: LatencyOf | None = None,
    ) -> None:
        self.model = IterationModel(workload, fleet, network, batches)
        self.latency_of = latency_of or self.model.latency_s
        self.objective = objective or Objective()
        self.quantities = Quantities(self.model, fleet)
        self.evaluations = 0
        self._costs = workload.costs
        self._fleet = fleet
        self._batches = tuple(batches)
        self._memory_of = lru_cache(maxsize=None)(lambda cut, batch: memory_bytes(workload.costs, cut, batch))
        self.allowed = self._fitting_cuts()
        self.server_bytes = self._server_shares()
        self._check_server(self.model.cuts_of(self.lightest_for_server()))
        if self.objective.needed[1] and self.quantities.energy is None:
            weighed = self.objective.weights[1] > 0
            key_path = "cuts.objective.energy_j" if weighed else "cuts.limits.energy"
            raise UnknownPowerError(key_path, self.quantities.powerless())

    @property
    def clients(self) -> int:
        """Number of clients."""
        return len(self._batches)

    @cached_property
    def cuts(self) -> NDArray[np.intp]:
        """The cut of each choice, ``[C, 4]``: all cuts, in lexicographic order."""
        return np.array([cut.as_tuple() for cut in self.model.choices])

    @property
    def server_room_bytes(self) -> float:
        """What the server's memory has for rows, besides its own copies of the blocks; infinite without a limit."""
        limit = self._fleet.server.profile.memory_bytes
        return math.inf if limit is None else limit - server_memory_bytes(self._costs, [], [])

    def lightest_for_server(self) -> Genes:
        """Return the assignment ``[N]`` that leaves the server the least memory to hold, within the clients' own."""
        return np.asarray(np.where(self.allowed, self.server_bytes, np.inf).argmin(axis=1), dtype=np.intp)

    def score(self, genes: Genes) -> Floats:
        """Return the objective ``[P]`` of assignments ``[P, N]``; infinite where one does not fit."""
        value, excess = self._judge(genes)
        return np.where(excess > 0, np.inf, value)

    def guide(self, genes: Genes) -> Floats:
        """Return what a search makes small: the objective, and for what does not fit how far it is from fitting.

        Everything that fits is below everything that does not; a cut beyond a client's own memory is infinite.
        """
        value, excess = self._judge(genes)
        with np.errstate(over="ignore"):
            return np.where(excess > 0, WORST_FEASIBLE * (1 + excess), value)

    def measure(self, genes: Genes) -> tuple[Floats | None, ...]:
        """Return the four quantities ``[P]`` of assignments, in order; ``None`` for those that do not count."""
        latency_s = self.latency_of(genes)
        _, energy, server, traffic = self.objective.needed
        quantities = self.quantities
        return (
            latency_s,
            quantities.energy_j(genes, latency_s) if energy else None,
            quantities.server_s(genes) if server else None,
            quantities.traffic(genes) if traffic else None,
        )

    def select(
        self, selector: str, genes: Genes, seconds: float, optimality_gap: float | None = None
    ) -> Selection:
        """Wrap an assignment ``[N]`` as a selector's answer.

        Raises:
            NoFeasibleCutError: where the assignment does not fit, or breaks a limit.
        """
        cuts = self.model.cuts_of(genes)
        self.check(cuts)
        one = genes[None, :]
        self._check_limits(selector, one)
        latency_s = self.latency_of(one)
        quantities = self.quantities
        energy = None if quantities.energy is None else float(quantities.energy_j(one, latency_s)[0])
        return Selection(
            selector,
            cuts,
            float(latency_s[0]),
            seconds,
            self.evaluations,
            optimality_gap,
            float(self._weighed(self.measure(one))[0]),
            energy,
            float(quantities.server_s(one)[0]),
            float(quantities.traffic(one)[0]),
            "formula" if self.latency_of == self.model.latency_s else "events",
        )

    def check(self, cuts: Sequence[Cut]) -> None:
        """Raise :class:`NoFeasibleCutError` where an assignment exceeds a client's or the server's memory."""
        for client, cut in enumerate(cuts):
            self.check_memory(client, cut, "cuts")
        self._check_server(cuts)

    def check_memory(self, client: int, cut: Cut, key_path: str) -> None:
        """Raise :class:`NoFeasibleCutError`, blaming a key, where a client's cut exceeds its memory."""
        device, batch = self._fleet.clients[client], self._batches[client]
        needed, limit = self._memory_of(cut, batch), device.profile.memory_bytes
        if limit is not None and needed > limit:
            raise NoFeasibleCutError(
                key_path,
                f"cut {list(cut.as_tuple())} needs {_megabytes(needed)} on {_describe(device)}; "
                f"it has {_megabytes(limit)} (batch {batch})",
            )

    def _judge(self, genes: Genes) -> tuple[Floats, Floats]:
        """Return the objective ``[P]`` and by how much, relatively, assignments do not fit: 0 for those that do."""
        genes = np.atleast_2d(genes)
        self.evaluations += len(genes)
        at_a_time = max(1, MOST_CELLS // self.clients)
        judged = [self._judge_some(genes[at : at + at_a_time]) for at in range(0, len(genes), at_a_time)]
        return np.concatenate([value for value, _ in judged]), np.concatenate(
            [excess for _, excess in judged]
        )

    def _judge_some(self, genes: Genes) -> tuple[Floats, Floats]:
        measured = self.measure(genes)
        excess = self._server_excess(genes)
        for index in self.objective.limited:
            excess = excess + _excess(measured[index], self.objective.limits[index], LIMIT_TOLERANCE)
        own = self.allowed[np.arange(self.clients), genes].all(axis=1)
        return self._weighed(measured), np.where(own, excess, np.inf)

    def _weighed(self, measured: tuple[Floats | None, ...]) -> Floats:
        weighed = zip(self.objective.weights, measured, strict=True)
        return np.asarray(sum(weight * values for weight, values in weighed if weight and values is not None))

    def _server_excess(self, genes: Genes) -> Floats:
        room = self.server_room_bytes
        if room == math.inf:
            return np.zeros(len(genes))
        return _excess(self.server_bytes[np.arange(self.clients), genes].sum(axis=1), room, 0.0)

    def _check_limits(self, selector: str, genes: Genes) -> None:
        measured = self.measure(genes)
        for index in self.objective.limited:
            values, limit = measured[index], self.objective.limits[index]
            if values is not None and _excess(values, limit, LIMIT_TOLERANCE)[0] > 0:
                came, allowed = (
                    self.objective.told(index, float(values[0])),
                    self.objective.told(index, limit),
                )
                raise NoFeasibleCutError(
                    f"cuts.limits.{LIMIT_KEYS[index]}",
                    f"an iteration takes {came} under the cuts of selector {selector}; the limit is {allowed}: "
                    "a higher limit, other cuts or selector exact, which tells whether any cuts keep it, would do",
                )

    def check_cut(self, cut: Cut) -> None:
        """Raise ``ValueError`` where a cut is out of range for the model."""
        self._costs.check(cut)

    def _check_server(self, cuts: Sequence[Cut]) -> None:
        limit = self._fleet.server.profile.memory_bytes
        if limit is None:
            return
        needed = server_memory_bytes(self._costs, cuts, self._batches)
        if needed > limit:
            raise NoFeasibleCutError(
                "devices.server",
                f"{_describe(self._fleet.server)} would hold {_megabytes(needed)}; it has {_megabytes(limit)}: longer "
                "heads and tails, a smaller batch_size or model.width, or more memory, would do",
            )

    def _fitting_cuts(self) -> NDArray[np.bool_]:
        choices = self.model.choices
        needed = {
            batch: np.array([self._memory_of(cut, batch) for cut in choices]) for batch in set(self._batches)
        }
        allowed = np.ones((self.clients, len(choices)), dtype=bool)
        for client, (device, batch) in enumerate(zip(self._fleet.clients, self._batches, strict=True)):
            limit = device.profile.memory_bytes
            if limit is None:
                continue
            allowed[client] = needed[batch] <= limit
            if not allowed[client].any():
                least = choices[int(needed[batch].argmin())]
                raise NoFeasibleCutError(
                    "devices.clients",
                    f"no cut fits {_describe(device)}; it has {_megabytes(limit)}, the smallest cut "
                    f"{list(least.as_tuple())} needs {_megabytes(needed[batch].min())} at batch {batch}: "
                    "a smaller batch_size or model.width, or more memory, would do",
                )
        return allowed

    def _server_shares(self) -> Floats:
        """Return what each client's rows add to the server's memory under each cut, in bytes, ``[N, C]``."""
        empty = server_memory_bytes(self._costs, [], [])
        shares = {
            batch: [server_memory_bytes(self._costs, [cut], [batch]) - empty for cut in self.model.choices]
            for batch in set(self._batches)
        }
        return np.array([shares[batch] for batch in self._batches], dtype=np.float64)

    @cached_property
    def groups(self) -> tuple[NDArray[np.intp], ...]:
        """For each kind of client (same profile, same batch) its members, as index arrays."""
        members: dict[tuple[DeviceProfile, int], list[int]] = {}
        for client, (device, batch) in enumerate(zip(self._fleet.clients, self._batches, strict=True)):
            members.setdefault((device.profile, batch), []).append(client)
        return tuple(np.array(clients, dtype=np.intp) for clients in members.values())


def _excess(values: Floats | None, limit: float, tolerance: float) -> Floats:
    """Return by how much, relatively, values ``[P]`` are above a limit; 0 where they are not."""
    if values is None:
        raise ValueError("a quantity that has a limit was not measured")
    with np.errstate(over="ignore", divide="ignore"):
        return np.where(values > limit * (1 + tolerance), (values - limit) / max(limit, 1e-300), 0.0)


def _describe(device: Device) -> str:
    return f"{device.name} ({device.profile.name})"


def _megabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:,.4g} MB"
