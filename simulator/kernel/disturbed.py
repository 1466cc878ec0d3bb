"""A disturbed world: devices leave and return, slow down, share links and processors.

Every step is an event of its own.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import simpy

from analysis.records import Recorder
from devices.conditions import Conditions
from devices.fleet import SERVER_ID, Fleet
from models.split import ComputeLeg
from simulator.kernel.chain import Message
from simulator.kernel.like_chains import Payload
from simulator.kernel.network import Network
from simulator.kernel.outcome import Outcome
from simulator.kernel.processors import FifoProcessor, SharedProcessor, StationProcessor
from simulator.kernel.station import Station
from simulator.kernel.transmission import Transmission
from simulator.kernel.under_way import UnderWay


class DisturbedMachinery:
    """What computes and sends in a disturbed world.

    Args:
        env: whose time it is.
        fleet: the devices.
        network: how links carry messages.
        conditions: what disturbs whom.
        recorder: what is told of everything.

    Attributes:
        stations: where every device is, by id.
        under_way: what has begun and is not told yet.
    """

    def __init__(
        self,
        env: simpy.Environment,
        fleet: Fleet,
        network: Network,
        conditions: Conditions,
        recorder: Recorder,
    ) -> None:
        self._env = env
        self.under_way = UnderWay()
        self.stations: Mapping[int, Station] = {
            device.id: Station(device, conditions.presence(device.id), conditions.speed(device.id))
            for device in fleet.devices
        }
        self._processors = {
            device: self._processor(station, recorder) for device, station in self.stations.items()
        }
        self._transmission = Transmission(
            env, fleet, network, conditions, self.stations, recorder, self.under_way
        )

    def _processor(self, station: Station, recorder: Recorder) -> StationProcessor:
        if station.device.profile.processor_sharing:
            return SharedProcessor(self._env, station, recorder, self.under_way)
        return FifoProcessor(self._env, station, recorder)

    def compute(self, device: int, legs: Sequence[ComputeLeg], once: bool) -> simpy.Event:
        """Compute legs one after the other."""
        return self._env.process(self._processors[device].work(legs, once))

    def send(self, message: Message, once: bool) -> simpy.Event:
        """Send a message."""
        return self._env.process(self._transmission.send(message, once))

    def chain(
        self, device: int, legs: Sequence[ComputeLeg], received: Message | None, sent: Message | None
    ) -> SteppedChain:
        """Forge a chain that is played step by step."""
        return SteppedChain(
            self._env, self._transmission, self._processors[device], tuple(legs), received, sent
        )

    def chains(
        self,
        clients: Sequence[int],
        legs: Sequence[ComputeLeg],
        received: Payload | None,
        sent: Payload | None,
    ) -> list[SteppedChain]:
        """Forge the same chain for many clients."""
        return [
            self.chain(
                client,
                legs,
                Message(SERVER_ID, client, received) if received else None,
                Message(client, SERVER_ID, sent) if sent else None,
            )
            for client in clients
        ]


class SteppedChain:
    """Receiving, computing and sending, each for itself; the counterpart of :class:`simulator.kernel.chain.Chain`.

    Attributes:
        leg_ends_s: when each leg of the latest performance ended, in seconds from the value of its event.
    """

    __slots__ = ("_env", "_legs", "_processor", "_received", "_sent", "_transmission", "leg_ends_s")

    def __init__(
        self,
        env: simpy.Environment,
        transmission: Transmission,
        processor: StationProcessor,
        legs: tuple[ComputeLeg, ...],
        received: Message | None,
        sent: Message | None,
    ) -> None:
        self._env, self._transmission, self._processor = env, transmission, processor
        self._legs, self._received, self._sent = legs, received, sent
        self.leg_ends_s: tuple[float, ...] = ()

    def play(self) -> simpy.Event:
        """Begin now, and begin steps again that are broken off; ``leg_ends_s`` counts from the event's value."""
        return self._env.process(self._play())

    def attempt(self) -> simpy.Event:
        """Begin now, and give up where the device, or who it talks to, leaves; the event's value is an outcome."""
        return self._env.process(self._walk(once=True))

    def _play(self) -> Generator[simpy.Event, Any, float]:
        outcome = yield from self._walk(once=False)
        self.leg_ends_s = outcome.leg_ends_s
        return 0.0

    def _walk(self, once: bool) -> Generator[simpy.Event, Any, Outcome]:
        start_s = self._env.now
        if self._received is not None:
            got = yield from self._transmission.send(self._received, once)
            if not got.completed:
                return got
        worked = yield from self._processor.work(self._legs, once)
        if worked.completed and self._sent is not None:
            sent = yield from self._transmission.send(self._sent, once)
            return Outcome(sent.completed, start_s, sent.end_s, worked.leg_ends_s, sent.closed)
        return worked
