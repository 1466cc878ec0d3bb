"""What an iteration costs besides its latency: energy, server load and traffic, for many assignments at once.

Given the latency, all of them are sums over clients and server positions (:mod:`simulator.cuts.objective` says of
what), which is why the exact selector can weigh and limit them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from devices.fleet import Fleet
from simulator.closed_form import Floats, Genes, IterationModel
from simulator.cuts.segments import Segment, segments_of

POWER_KEYS = {"busy_power_w": "busy_power", "idle_power_w": "idle_power", "radio_j_per_byte": "radio_energy"}
"""Numbers of a profile that energy needs, and their keys in a scenario."""


class UnknownPowerError(ValueError):
    """Energy counts, but a profile does not say what it draws. The message says "what came; what is allowed".

    Attributes:
        key_path: the scenario's key that makes energy count.
    """

    def __init__(self, key_path: str, missing: str) -> None:
        keys = ", ".join(POWER_KEYS.values())
        super().__init__(f"{missing}; energy needs {keys} of every client")
        self.key_path = key_path


@dataclass(frozen=True)
class ClientEnergy:
    """The clients' energy, given the latency.

    Attributes:
        own_j: ``[N, C]``, joules of each client under each choice beyond idling through the iteration.
        idle_w: watts of all clients together when idle.
    """

    own_j: Floats
    idle_w: float


class Quantities:
    """Computes the four quantities of assignments ``[P, N]`` (``P`` candidates of ``N`` clients)."""

    def __init__(self, model: IterationModel, fleet: Fleet) -> None:
        self.model = model
        self._fleet = fleet
        self._clients = np.arange(len(model.rows))

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The iteration as a sum of segments."""
        return segments_of(self.model)

    @cached_property
    def traffic_bytes(self) -> Floats:
        """``[N, C]``: bytes each client sends and receives in an iteration under each choice."""
        of_rows = {
            rows: [self._bytes_moved(choice, int(rows)) for choice in range(len(self.model.choices))]
            for rows in set(self.model.rows.tolist())
        }
        return np.array([of_rows[rows] for rows in self.model.rows.tolist()])

    @cached_property
    def energy(self) -> ClientEnergy | None:
        """The clients' energy; ``None`` where a profile does not say what it draws."""
        return None if self.powerless() else self._client_energy()

    def powerless(self) -> str:
        """Name the first client whose profile leaves a power unknown, and the keys it lacks; empty if none does."""
        for device in self._fleet.clients:
            missing = [key for field, key in POWER_KEYS.items() if getattr(device.profile, field) is None]
            if missing:
                return f"profile {device.profile.name} of {device.name} has no {', '.join(missing)}"
        return ""

    def energy_j(self, genes: Genes, latency_s: Floats) -> Floats:
        """Return the clients' energy ``[P]`` of assignments with these latencies.

        Raises:
            ValueError: where a profile does not say what it draws.
        """
        if self.energy is None:
            raise ValueError(self.powerless())
        own_j = self.energy.own_j[self._clients, genes].sum(axis=1)
        return np.asarray(own_j + self.energy.idle_w * latency_s)

    def server_s(self, genes: Genes) -> Floats:
        """Return how long the server computes, ``[P]``."""
        rows = self.model.rows
        total_s = np.full(len(genes), sum(segment.core_s for segment in self.segments))
        for segment in self.segments:
            for place in segment.places:
                total_s += place.seconds(np.where(place.passes[genes], rows, 0.0).sum(axis=1))
        return total_s

    def traffic(self, genes: Genes) -> Floats:
        """Return the bytes that all clients send and receive, ``[P]``."""
        return np.asarray(self.traffic_bytes[self._clients, genes].sum(axis=1))

    def _bytes_moved(self, choice: int, rows: int) -> float:
        legs = self.model.workload.client_legs(self.model.choices[choice], rows)
        return sum(visit.up.n_bytes + visit.down.n_bytes for visit in legs.visits)

    def _client_energy(self) -> ClientEnergy:
        compute_s, _ = self.model.client_seconds()
        profiles = [device.profile for device in self._fleet.clients]
        busy_w, idle_w, radio = (
            np.array([getattr(profile, field) for profile in profiles])[:, None] for field in POWER_KEYS
        )
        return ClientEnergy((busy_w - idle_w) * compute_s + radio * self.traffic_bytes, float(idle_w.sum()))
