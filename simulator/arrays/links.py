"""Links without sharing, over arrays: what a message takes under the models ``ideal``, ``dedicated`` and ``paper``.

They are the formulas of :mod:`simulator.kernel.network` on a star.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.fleet_arrays import FleetArrays
from simulator.leg_columns import ClientColumns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ends:
    """The access links of some devices; numbers, or arrays of the same shape."""

    uplink_bytes_per_s: float | Floats
    downlink_bytes_per_s: float | Floats
    latency_s: float | Floats
    loss: float | Floats

    @classmethod
    def of_clients(cls, fleet: FleetArrays) -> Ends:
        """Return the links of all clients."""
        return cls(fleet.uplink_bytes_per_s, fleet.downlink_bytes_per_s, fleet.latency_s, fleet.loss)

    @classmethod
    def of_server(cls, fleet: FleetArrays) -> Ends:
        """Return the server's link."""
        one = fleet.server
        return cls(one.uplink_bytes_per_s, one.downlink_bytes_per_s, one.latency_s, one.loss)


def pace(network: str, source: Ends, target: Ends) -> tuple[float | Floats, float | Floats]:
    """Return the latency of a message, in seconds, and the rate at which its bytes arrive.

    Args:
        network: the network model's name.
        source: who sends.
        target: who gets it.
    """
    latency_s = source.latency_s + target.latency_s
    match network:
        case "ideal":
            return latency_s, np.inf
        case "dedicated":
            arriving = (1.0 - source.loss) * (1.0 - target.loss)
            return latency_s, np.minimum(source.uplink_bytes_per_s, target.downlink_bytes_per_s) * arriving
        case "paper":
            return 0.0, source.uplink_bytes_per_s
        case _:
            raise ValueError(f"network {network!r} has no array path; allowed: ideal, dedicated, paper")


def client_columns(fleet: FleetArrays, network: str) -> ClientColumns:
    """Return what decides how long clients compute, and send to the server and back."""
    clients, server = Ends.of_clients(fleet), Ends.of_server(fleet)
    links = *pace(network, clients, server), *pace(network, server, clients)
    return ClientColumns(
        fleet.rate_flops_per_s,
        fleet.memory_bandwidth_bytes_per_s,
        fleet.kernel_overhead_s,
        *(np.broadcast_to(np.asarray(one, dtype=np.float64), fleet.size) for one in links),
    )


def slowest_move_s(fleet: FleetArrays, network: str, receivers: NDArray[np.intp], n_bytes: float) -> float:
    """Return how long it takes until every client's message has come to another client; 0 where nobody sends.

    Args:
        fleet: the devices.
        network: the network model's name.
        receivers: to whom each client sends, ``[N]`` or empty.
        n_bytes: the size of each message.
    """
    if not len(receivers):
        return 0.0
    clients = Ends.of_clients(fleet)
    targets = Ends(
        fleet.uplink_bytes_per_s[receivers],
        fleet.downlink_bytes_per_s[receivers],
        fleet.latency_s[receivers],
        fleet.loss[receivers],
    )
    latency_s, bytes_per_s = pace(network, clients, targets)
    return float(np.max(latency_s + n_bytes / bytes_per_s))
