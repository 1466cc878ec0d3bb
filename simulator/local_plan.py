"""Plans of strategies whose clients train whole networks by themselves between exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devices.fleet import Device
from models.local_step import LOCAL_STEP
from models.memory import network_memory_bytes
from models.split import ComputeLeg, PayloadKind
from simulator.closed_form import ClientTime, IterationTime
from simulator.kernel.leg_time import leg_seconds
from simulator.plan import Plan
from simulator.setting import Setting

Payload = tuple[tuple[str, float], ...]
"""What one message carries: kinds and bytes."""


@dataclass(frozen=True)
class LocalPlan(Plan):
    """A run whose iterations are local steps: no device waits for another within a round.

    Attributes:
        legs: what each client computes in one iteration.
    """

    legs: tuple[tuple[ComputeLeg, ...], ...]

    @property
    def phases(self) -> tuple[str, ...]:
        """The local step alone."""
        return (LOCAL_STEP,)

    def closed_form(self) -> IterationTime:
        """Return the time of an iteration of a round: the slowest client's local step.

        Clients do not wait for each other between two steps, but a round ends with the slowest; the others' waiting
        is told per iteration.
        """
        steps_s = [
            seconds_of(device, legs)
            for device, legs in zip(self.setting.fleet.clients, self.legs, strict=True)
        ]
        latency_s = max(steps_s)
        clients = tuple(ClientTime(own_s, 0.0, latency_s - own_s) for own_s in steps_s)
        return IterationTime(latency_s, {LOCAL_STEP: latency_s}, clients)


def seconds_of(device: Device, legs: Sequence[ComputeLeg]) -> float:
    """Return how long a device needs for legs, one after the other."""
    return sum(leg_seconds(device.profile, leg) for leg in legs)


def payload_of(parameters: float, statistics: float) -> Payload:
    """Return a message of parameters and statistics; what has no bytes is left out."""
    kinds = ((PayloadKind.PARAMETERS, parameters), (PayloadKind.STATISTICS, statistics))
    return tuple((kind, n_bytes) for kind, n_bytes in kinds if n_bytes)


def exchange_seconds(setting: Setting, up: Payload, down: Payload) -> float:
    """Return how long it takes until all clients have sent something to the server, and then have got something.

    Every client sends and gets the same.
    """
    network, server = setting.network, setting.fleet.server.id
    clients = [device.id for device in setting.fleet.clients]
    sent, got = (sum(n_bytes for _, n_bytes in payload) for payload in (up, down))
    up_s = max(network.seconds(client, server, sent) for client in clients) if up else 0.0
    down_s = max(network.seconds(server, client, got) for client in clients) if down else 0.0
    return up_s + down_s


def memory_of_networks(setting: Setting, batch: int, generators: int, discriminators: int) -> int:
    """Return the memory of whole networks in training on one device, in bytes."""
    costs = setting.costs
    return generators * network_memory_bytes(costs.generator, batch) + discriminators * network_memory_bytes(
        costs.discriminator, batch
    )
