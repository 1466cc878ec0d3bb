"""The problem every cut selector solves: one cut per client, the shortest iteration, within every device's memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.fleet import Device, Fleet
from devices.profile import DeviceProfile
from models.memory import memory_bytes, server_memory_bytes
from models.split import Cut
from models.workload import Workload
from simulator.closed_form import Floats, Genes, IterationModel
from simulator.kernel.network import Network


class NoFeasibleCutError(ValueError):
    """Cuts do not fit a device's memory. The message says "what came; what is allowed".

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
        iteration_latency_s: the closed form's latency of one iteration under them.
        seconds: real time the selector took.
        evaluations: assignments it scored.
        optimality_gap: proven relative gap to the optimum, or ``None`` where nothing is proven.
    """

    selector: str
    cuts: tuple[Cut, ...]
    iteration_latency_s: float
    seconds: float
    evaluations: int
    optimality_gap: float | None = None


class CutProblem:
    """Scores assignments of cuts, vectorised, and knows which of them fit.

    Attributes:
        model: the closed form of an iteration.
        allowed: ``[N, C]``, whether a cut fits a client's memory.
        groups: for each kind of client (same profile, same batch) its members, as index arrays.
        evaluations: assignments scored so far.
    """

    def __init__(self, workload: Workload, fleet: Fleet, network: Network, batches: Sequence[int]) -> None:
        self.model = IterationModel(workload, fleet, network, batches)
        self.evaluations = 0
        self._costs = workload.costs
        self._fleet = fleet
        self._batches = tuple(batches)
        self.allowed = self._fitting_cuts()
        self.groups = self._groups()
        self._server_bytes = self._server_shares()
        self._check_server(self.model.cuts_of(self.lightest_for_server()))

    @property
    def clients(self) -> int:
        """Number of clients."""
        return len(self._batches)

    def lightest_for_server(self) -> Genes:
        """Return the assignment ``[N]`` that leaves the server the least memory to hold, within the clients' own."""
        return np.asarray(np.where(self.allowed, self._server_bytes, np.inf).argmin(axis=1), dtype=np.intp)

    def score(self, genes: Genes) -> Floats:
        """Return the latencies ``[P]`` of assignments ``[P, N]``; infinite where one does not fit."""
        genes = np.atleast_2d(genes)
        self.evaluations += len(genes)
        latency_s = self.model.latency_s(genes)
        fits = self.allowed[np.arange(self.clients), genes].all(axis=1) & self._server_holds(genes)
        return np.where(fits, latency_s, np.inf)

    def select(self, selector: str, genes: Genes, seconds: float) -> Selection:
        """Wrap an assignment ``[N]`` as a selector's answer.

        Raises:
            NoFeasibleCutError: where the assignment does not fit.
        """
        latency_s = float(self.model.latency_s(genes[None, :])[0])
        cuts = self.model.cuts_of(genes)
        self.check(cuts)
        return Selection(selector, cuts, latency_s, seconds, self.evaluations)

    def check(self, cuts: Sequence[Cut]) -> None:
        """Raise :class:`NoFeasibleCutError` where an assignment exceeds a client's or the server's memory."""
        for device, cut, batch in zip(self._fleet.clients, cuts, self._batches, strict=True):
            needed = memory_bytes(self._costs, cut, batch)
            limit = device.profile.memory_bytes
            if limit is not None and needed > limit:
                raise NoFeasibleCutError(
                    "cuts",
                    f"cut {list(cut.as_tuple())} needs {_megabytes(needed)} on {_describe(device)}; "
                    f"it has {_megabytes(limit)} (batch {batch})",
                )
        self._check_server(cuts)

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
            batch: np.array([memory_bytes(self._costs, cut, batch) for cut in choices])
            for batch in set(self._batches)
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

    def _server_holds(self, genes: Genes) -> NDArray[np.bool_]:
        limit = self._fleet.server.profile.memory_bytes
        if limit is None:
            return np.ones(len(genes), dtype=bool)
        needed = self._server_bytes[np.arange(self.clients), genes].sum(axis=1)
        return np.asarray(needed + server_memory_bytes(self._costs, [], []) <= limit)

    def _server_shares(self) -> Floats:
        """Return what each client's rows add to the server's memory under each cut, in bytes, ``[N, C]``."""
        empty = server_memory_bytes(self._costs, [], [])
        shares = {
            batch: [server_memory_bytes(self._costs, [cut], [batch]) - empty for cut in self.model.choices]
            for batch in set(self._batches)
        }
        return np.array([shares[batch] for batch in self._batches], dtype=np.float64)

    def _groups(self) -> tuple[NDArray[np.intp], ...]:
        members: dict[tuple[DeviceProfile, int], list[int]] = {}
        for client, (device, batch) in enumerate(zip(self._fleet.clients, self._batches, strict=True)):
            members.setdefault((device.profile, batch), []).append(client)
        return tuple(np.array(clients, dtype=np.intp) for clients in members.values())


def _describe(device: Device) -> str:
    return f"{device.name} ({device.profile.name})"


def _megabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:,.4g} MB"
