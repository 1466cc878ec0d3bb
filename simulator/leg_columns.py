"""How long legs and messages take on many clients at once: the formulas of a device and of a link, over arrays.

They are those of :meth:`devices.profile.DeviceProfile.compute_seconds` and :class:`simulator.kernel.network.Pace`,
operation by operation, so that they give the same numbers to the last bit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.fleet import SERVER_ID, Fleet
from models.split import ComputeLeg
from simulator.kernel.network import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClientColumns:
    """What decides how long clients compute, and send to the server and back; every array has the shape ``[N]``."""

    rate_flops_per_s: Floats
    memory_bandwidth_bytes_per_s: Floats
    """Infinite where it never limits."""
    kernel_overhead_s: Floats
    up_latency_s: Floats
    """Of a message to the server; the next one is its rate."""
    up_bytes_per_s: Floats
    down_latency_s: Floats
    """Of a message from the server."""
    down_bytes_per_s: Floats

    @classmethod
    def of(cls, fleet: Fleet, network: Network, clients: Iterable[int]) -> ClientColumns:
        """Return the columns of some clients of a fleet, in the order they are named."""
        devices = [fleet.clients[client] for client in clients]
        bandwidths = [device.profile.memory_bandwidth_bytes_per_s for device in devices]
        up = [network.pace(device.id, SERVER_ID) for device in devices]
        down = [network.pace(SERVER_ID, device.id) for device in devices]
        return cls(
            np.array([device.profile.rate_flops_per_s for device in devices], dtype=np.float64),
            np.array([np.inf if one is None else one for one in bandwidths], dtype=np.float64),
            np.array([device.profile.kernel_overhead_s for device in devices], dtype=np.float64),
            np.array([pace.latency_s for pace in up], dtype=np.float64),
            np.array([pace.bytes_per_s for pace in up], dtype=np.float64),
            np.array([pace.latency_s for pace in down], dtype=np.float64),
            np.array([pace.bytes_per_s for pace in down], dtype=np.float64),
        )

    def take(self, places: NDArray[np.intp]) -> ClientColumns:
        """Return the columns of the clients at some places."""
        return ClientColumns(*(getattr(self, field.name)[places] for field in dataclasses.fields(self)))

    def compute_s(self, legs: Sequence[ComputeLeg]) -> Floats:
        """Return how long each client needs for legs, one after the other."""
        return sum(
            (self._leg_s(leg.flops, leg.touched_bytes, leg.kernels) for leg in legs),
            np.zeros_like(self.rate_flops_per_s),
        )

    def compute_of_kinds_s(self, kinds: Sequence[Sequence[ComputeLeg]], kind_of: NDArray[np.intp]) -> Floats:
        """Return how long each client needs for the legs of its kind; all kinds have as many legs."""
        seconds = np.zeros_like(self.rate_flops_per_s)
        for place in range(len(kinds[0])):
            legs = [legs[place] for legs in kinds]
            numbers = (
                [leg.flops for leg in legs],
                [leg.touched_bytes for leg in legs],
                [leg.kernels for leg in legs],
            )
            seconds += self._leg_s(*(np.array(one, dtype=np.float64)[kind_of] for one in numbers))
        return seconds

    def up_s(self, n_bytes: float | Floats) -> Floats:
        """Return how long a message takes from each client to the server."""
        return np.asarray(self.up_latency_s + n_bytes / self.up_bytes_per_s)

    def down_s(self, n_bytes: float | Floats) -> Floats:
        """Return how long a message takes from the server to each client."""
        return np.asarray(self.down_latency_s + n_bytes / self.down_bytes_per_s)

    def _leg_s(self, flops: float | Floats, touched_bytes: float | Floats, kernels: float | Floats) -> Floats:
        busy_s = np.maximum(flops / self.rate_flops_per_s, touched_bytes / self.memory_bandwidth_bytes_per_s)
        return np.asarray(busy_s + kernels * self.kernel_overhead_s)
