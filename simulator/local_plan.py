"""Plans of strategies whose clients train whole networks by themselves between exchanges."""

from __future__ import annotations

import math
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


def payload_bytes(payload: Payload) -> float:
    """Return the size of a message."""
    return sum(n_bytes for _, n_bytes in payload)


def exchange_seconds(setting: Setting, payloads: Sequence[Payload]) -> float:
    """Return how long it takes until all clients have sent something to the server, and then have got as much back.

    Args:
        setting: the run's setting.
        payloads: of each client, what it sends, and what it gets.
    """
    network, server = setting.network, setting.fleet.server.id
    loads = [
        (device.id, payload_bytes(own)) for device, own in zip(setting.fleet.clients, payloads, strict=True)
    ]
    up_s = max(network.seconds(client, server, load) for client, load in loads)
    return up_s + max(network.seconds(server, client, load) for client, load in loads)


def made_image_bytes(setting: Setting) -> int:
    """Return the bytes of an image as the generator makes it: a number of the run's precision for every value."""
    return setting.costs.generator.blocks[-1].output_bytes


def raw_image_bytes(setting: Setting) -> int:
    """Return the bytes of an image as it lies in its data set: one for each pixel and channel."""
    return math.prod(setting.architecture.image_shape)


def memory_of_networks(setting: Setting, batch: int, generators: int, discriminators: int) -> int:
    """Return the memory of whole networks in training on one device, in bytes."""
    costs = setting.costs
    return generators * network_memory_bytes(costs.generator, batch) + discriminators * network_memory_bytes(
        costs.discriminator, batch
    )
