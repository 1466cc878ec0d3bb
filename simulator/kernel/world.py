"""The simulated world a protocol acts in: a clock, processors, links, and a recorder that sees every leg.

A protocol is a plain generator function. It asks the world to compute or to send, and yields the event it gets back::

    def hello(world):
        yield world.compute(0, [leg])
        yield world.send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 1e6)])
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import simpy

from analysis.records import Recorder
from devices.fleet import Fleet
from models.split import ComputeLeg
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
        devices = (fleet.server, *fleet.clients)
        self._processors = {device.id: Processor(self.env, device, recorder) for device in devices}

    @property
    def now_s(self) -> float:
        """The simulated time, in seconds since the run began."""
        return float(self.env.now)

    def compute(self, device: int, legs: Sequence[ComputeLeg]) -> simpy.Event:
        """Queue consecutive legs on a device; return the event of their end."""
        return self._processors[device].compute(legs)

    def send(self, source: int, target: int, payload: Sequence[tuple[str, float]]) -> simpy.Event:
        """Send one message of one or more payload kinds ``(kind, bytes)``; return the event of its arrival."""
        start_s = self.env.now
        seconds = self.network.seconds(source, target, sum(n_bytes for _, n_bytes in payload))
        for kind, n_bytes in payload:
            self.recorder.transfer(source, target, kind, n_bytes, start_s, start_s + seconds)
        return self.env.timeout(seconds)

    def play(self, process: Process) -> None:
        """Run the event loop until a process has ended; an exception in any process ends the run."""
        self.env.run(until=self.env.process(process))


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
