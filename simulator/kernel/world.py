"""The simulated world a protocol acts in: a clock, processors, links, and a recorder that sees every leg.

A protocol is a plain generator function. It asks the world to compute or to send, and yields the event it gets back::

    def hello(world):
        yield world.compute(0, [leg])
        yield world.send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 1e6)])

Where devices may leave, a request comes in two kinds. What is asked for plainly is begun again when a device that was
needed is back; what is only *attempted* is given up, and the event's value, an outcome, says so.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Generator, Sequence
from typing import Any

import simpy

from analysis.records import Recorder
from analysis.runs import RunError
from devices.conditions import Conditions
from devices.fleet import SERVER_ID, Fleet
from devices.names import Names
from models.split import ComputeLeg
from simulator.collector import seldom_collecting
from simulator.kernel.chain import Chain, Message
from simulator.kernel.disturbed import DisturbedMachinery, SteppedChain
from simulator.kernel.foretold import ForetoldMachinery
from simulator.kernel.network import Network

Process = Generator[simpy.Event, Any, None]
"""What a protocol's generator functions return."""

Road = Chain | SteppedChain
"""What a device does again and again without waiting for anybody."""

Payload = Sequence[tuple[str, float]]
"""What one message carries: kinds and bytes."""


class World:
    """A fleet in simulated time.

    Args:
        fleet: the devices.
        network: how links carry messages.
        recorder: what is told of every leg.
        conditions: what disturbs whom; None for nobody.

    Attributes:
        env: the event loop.
        fleet: the devices.
        network: how links carry messages.
        recorder: what is told of every leg.
        keeps_state: whether a device that returns still has what it had.
    """

    def __init__(
        self, fleet: Fleet, network: Network, recorder: Recorder, conditions: Conditions | None = None
    ) -> None:
        self.env = simpy.Environment()
        self.fleet = fleet
        self.network = network
        self.recorder = recorder
        self.keeps_state = conditions is None or conditions.keeps_state
        self._told_until_s = 0.0
        self._disturbed: DisturbedMachinery | None = None
        if is_quiet(fleet, network, conditions):
            self._machinery: ForetoldMachinery | DisturbedMachinery = ForetoldMachinery(
                self.env, fleet, network, recorder
            )
        else:
            conditions = conditions or Conditions(Names(fleet))
            self._disturbed = DisturbedMachinery(self.env, fleet, network, conditions, recorder)
            self._machinery = self._disturbed

    @property
    def now_s(self) -> float:
        """The simulated time, in seconds since the run began."""
        return float(self.env.now)

    @property
    def server_works_in_parallel(self) -> bool:
        """Whether the server may compute several things at once: it has lanes, or shares itself out."""
        profile = self.fleet.server.profile
        return profile.lanes > 1 or profile.processor_sharing

    def compute(self, device: int, legs: Sequence[ComputeLeg]) -> simpy.Event:
        """Compute consecutive legs on a device, again where it left in between; return the event of their end."""
        return self._machinery.compute(device, legs, once=False)

    def attempt_compute(self, device: int, legs: Sequence[ComputeLeg]) -> simpy.Event:
        """Compute consecutive legs unless the device leaves; the event's value is an :class:`Outcome`."""
        return self._machinery.compute(device, legs, once=True)

    def send(self, source: int, target: int, payload: Payload, seconds: float | None = None) -> simpy.Event:
        """Send one message, again where either end left; return the event of its arrival.

        Args:
            source: who sends it.
            target: who gets it.
            payload: what it carries, ``(kind, bytes)``, one or more.
            seconds: how long it takes, where it has a link of its own; left out = as long as the network says.
        """
        return self._machinery.send(Message(source, target, payload, seconds), once=False)

    def attempt_send(
        self, source: int, target: int, payload: Payload, seconds: float | None = None
    ) -> simpy.Event:
        """Send one message unless either end is away or leaves; the event's value is an :class:`Outcome`."""
        return self._machinery.send(Message(source, target, payload, seconds), once=True)

    def chain(
        self,
        device: int,
        legs: Sequence[ComputeLeg],
        received: Message | None = None,
        sent: Message | None = None,
    ) -> Road:
        """Forge what a device does again and again without waiting for anybody; see :class:`Chain`.

        The device must do one thing at a time: a task that would overtake a foretold one is refused.
        """
        return self._machinery.chain(device, legs, received, sent)

    def chains(
        self,
        clients: Sequence[int],
        legs: Sequence[ComputeLeg],
        received: Payload | None = None,
        sent: Payload | None = None,
    ) -> list[Road]:
        """Forge the same chain for many clients, which receive from the server and send to it; see :meth:`chain`."""
        return list(self._machinery.chains(clients, legs, received, sent))

    def is_online(self, device: int) -> bool:
        """Whether a device is there now."""
        return self._disturbed is None or self._disturbed.stations[device].is_online(self.env.now)

    def returns_s(self, device: int) -> float:
        """Return from when on a device is there: now, where it is; infinite where it never comes back."""
        if self._disturbed is None:
            return self.now_s
        return self._disturbed.stations[device].returns_s(self.env.now)

    def back(self, device: int) -> simpy.Event:
        """Return the event of a device's return: at once, where it is there; never, where it never comes back.

        Raises:
            RunError: It is the server, and never comes back.
        """
        returns_s = self.returns_s(device)
        if returns_s < math.inf:
            return self.env.timeout(returns_s - self.env.now)
        if device == SERVER_ID:
            raise RunError(f"after {self.now_s} s the server never comes back")
        return self.env.event()

    def was_away(self, device: int, since_s: float) -> bool:
        """Whether a device has been away at some time since a moment."""
        if self._disturbed is None:
            return False
        return bool(self._disturbed.stations[device].absences(since_s, self.env.now))

    def end_round(self, round_: int) -> None:
        """Close a round in the records: who was away in it, and what is under way as it ends."""
        now_s = self.now_s
        if self._disturbed is None:
            self.recorder.end_round(round_, now_s)
            return
        for device, station in self._disturbed.stations.items():
            for gone_s, back_s in station.absences(self._told_until_s, now_s):
                self.recorder.absent(device, gone_s, back_s)
        self._told_until_s = now_s
        self.recorder.end_round(round_, now_s, self._disturbed.under_way.legs())

    @seldom_collecting()
    def play(self, process: Process) -> None:
        """Run the event loop until a process has ended; an exception in any process ends the run.

        Raises:
            RunError: Nothing is left that could happen, and the process waits.
        """
        # What exists by now lives as long as the run; the garbage collector need not search it again and again.
        ours = gc.get_freeze_count() == 0
        if ours:
            gc.freeze()
        playing = self.env.process(process)
        try:
            self.env.run(until=playing)
        except RuntimeError as error:
            # SimPy's own has no other class: a violated invariant is one, and must be told as it is.
            if type(error) is not RuntimeError or not playing.is_alive or self.env.peek() < math.inf:
                raise
            raise RunError(f"after {self.now_s} s nobody is left who could go on") from error
        finally:
            if ours:
                gc.unfreeze()


def is_quiet(fleet: Fleet, network: Network, conditions: Conditions | None) -> bool:
    """Whether everything can be foretold: nobody leaves, nothing changes, is lost or shared."""
    undisturbed = conditions is None or conditions.quiet
    plain = all(not one.profile.loss and one.profile.battery_j is None for one in fleet.devices)
    server = fleet.server.profile
    return undisturbed and plain and not network.shares and server.lanes == 1 and not server.processor_sharing


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
