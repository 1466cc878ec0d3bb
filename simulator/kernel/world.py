"""The simulated world a protocol acts in: a clock, processors, links, and a recorder that sees every leg.

A protocol is a plain generator function. It asks the world to compute or to send, and yields the event it gets back::

    def hello(world):
        yield world.compute(0, [leg])
        yield world.send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 1e6)])
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Sequence
from typing import Any

import simpy

from analysis.records import Recorder
from devices.fleet import Fleet
from models.split import ComputeLeg
from simulator.kernel.chain import Chain, Message, Transport
from simulator.kernel.compute import Processor
from simulator.kernel.network import Network

Process = Generator[simpy.Event, Any, None]
"""What a protocol's generator functions return."""


class World:
    """A fleet in simulated time."""

    def __init__(self, fleet: Fleet, network: Network, recorder: Recorder) -> None:
        self.env = simpy.Environment()
        self.fleet = fleet
        self.network = network
        self.recorder = recorder
        self._processors = {device.id: Processor(device) for device in fleet.devices}

    @property
    def now_s(self) -> float:
        """The simulated time, in seconds since the run began."""
        return float(self.env.now)

    def compute(self, device: int, legs: Sequence[ComputeLeg]) -> simpy.Event:
        """Queue consecutive legs on a device; return the event of their end.

        One event serves them all: nothing can come between them.
        """
        processor = self._processors[device]
        reached_s = now_s = self.env.now
        for leg in legs:
            seconds = processor.seconds(leg)
            start_s = processor.queue(reached_s, seconds)
            reached_s = start_s + seconds
            self.recorder.compute(device, start_s, reached_s, leg.flops)
        return self.env.timeout(reached_s - now_s)

    def send(
        self,
        source: int,
        target: int,
        payload: Sequence[tuple[str, float]],
        seconds: float | None = None,
    ) -> simpy.Event:
        """Send one message; return the event of its arrival.

        Args:
            source: who sends it.
            target: who gets it.
            payload: what it carries, ``(kind, bytes)``, one or more.
            seconds: how long it takes, where it has a link of its own; left out = as long as the network says.
        """
        transport = self._transport(Message(source, target, payload, seconds))
        start_s, seconds = self.env.now, transport.seconds
        for kind, n_bytes in payload:
            self.recorder.transfer(source, target, kind, n_bytes, start_s, start_s + seconds)
        return self.env.timeout(seconds)

    def chain(
        self,
        device: int,
        legs: Sequence[ComputeLeg],
        received: Message | None = None,
        sent: Message | None = None,
    ) -> Chain:
        """Forge what a device does again and again without waiting for anybody; see :class:`Chain`.

        The device must do one thing at a time: a task that would overtake a foretold one is refused.
        """
        return Chain(
            self.env,
            self.recorder,
            self._processors[device],
            legs,
            self._transport(received) if received else None,
            self._transport(sent) if sent else None,
        )

    def _transport(self, message: Message) -> Transport:
        if message.seconds is not None:
            return Transport(message, message.seconds)
        return Transport(message, self.network.seconds(message.source, message.target, message.n_bytes))

    def play(self, process: Process) -> None:
        """Run the event loop until a process has ended; an exception in any process ends the run."""
        # What exists by now lives as long as the run; the garbage collector need not search it again and again.
        ours = gc.get_freeze_count() == 0
        if ours:
            gc.freeze()
        try:
            self.env.run(until=self.env.process(process))
        finally:
            if ours:
                gc.unfreeze()


class Barrier:
    """An event that comes when a known number of parties have arrived."""

    def __init__(self, env: simpy.Environment, parties: int) -> None:
        if parties < 1:
            raise ValueError(f"parties is {parties}; a barrier waits for one party at least")
        self._missing = parties
        self.event = env.event()

    def arrive(self) -> None:
        """Count one arrival; the last one triggers the event."""
        self._missing -= 1
        if self._missing == 0:
            self.event.succeed()
