"""Chains: what a device does without waiting for anybody: it receives, computes and sends.

Where nothing can come between the steps, the end is known at the beginning: one event serves them all. Durations
are worked out when a chain is forged, so one that is played in every iteration costs little more than its
event.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import simpy

from analysis.records import Recorder
from analysis.routines import RoutineComputation, RoutineTransfer
from models.split import ComputeLeg
from simulator.kernel.compute import Processor
from simulator.kernel.outcome import Outcome


class Message(NamedTuple):
    """What one device sends another at once: payload kinds with their bytes.

    ``seconds`` is how long it takes where it does not cross the network, but a link of its own, say in a house.
    """

    source: int
    target: int
    payload: Sequence[tuple[str, float]]
    seconds: float | None = None

    @property
    def n_bytes(self) -> float:
        """Its whole size."""
        if len(self.payload) == 1:
            return self.payload[0][1]
        return sum(n_bytes for _, n_bytes in self.payload)


class Transport(NamedTuple):
    """A message and how long it takes."""

    message: Message
    seconds: float

    def legs(self, start_s: float, waits: bool) -> list[RoutineTransfer]:
        """Return it as the transfers of a routine in which it begins at ``start_s``."""
        source, target, end_s = self.message.source, self.message.target, start_s + self.seconds
        return [
            RoutineTransfer(source, target, kind, n_bytes, start_s, end_s, waits)
            for kind, n_bytes in self.message.payload
        ]


class Chain:
    """Steps that can be played any number of times, each time as one event.

    Args:
        env: whose time it is played in.
        recorder: what is told of every performance.
        processor: the device's.
        routine: the number of its legs in the records.
        ready_s: when the first leg begins, in seconds from the chain's start, without any waiting.
        leg_ends_s: when each leg ends.
        seconds: how long the whole chain takes.

    Attributes:
        leg_ends_s: when each leg ends, in seconds from the chain's start, without any waiting.
    """

    __slots__ = (
        "_env",
        "_perform",
        "_processor",
        "_ready_s",
        "_routine",
        "_seconds",
        "_work_s",
        "leg_ends_s",
    )

    def __init__(
        self,
        env: simpy.Environment,
        recorder: Recorder,
        processor: Processor,
        routine: int,
        ready_s: float,
        leg_ends_s: tuple[float, ...],
        seconds: float,
    ) -> None:
        self._env, self._processor, self._perform = env, processor, recorder.perform
        self._routine, self._ready_s, self.leg_ends_s, self._seconds = routine, ready_s, leg_ends_s, seconds
        self._work_s = leg_ends_s[-1] - ready_s

    @classmethod
    def forged(
        cls,
        env: simpy.Environment,
        recorder: Recorder,
        processor: Processor,
        legs: Sequence[ComputeLeg],
        received: Transport | None = None,
        sent: Transport | None = None,
    ) -> Chain:
        """Work out a chain's durations, and describe its legs to the recorder.

        Args:
            env: whose time it is played in.
            recorder: what is told of every performance.
            processor: the device's.
            legs: what it computes, one after the other; one leg at least.
            received: what it waits for first, if anything; sent off as the chain begins.
            sent: what it sends when the legs are done, if anything.
        """
        if not legs:
            raise ValueError(f"a chain without a leg for {processor.device.name}; it needs one at least")
        ready_s = received.seconds if received else 0.0
        times_s = list(accumulate((processor.seconds(leg) for leg in legs), initial=ready_s))
        transfers = received.legs(0.0, waits=False) if received else []
        transfers += sent.legs(times_s[-1], waits=True) if sent else []
        routine = recorder.routine(
            transfers,
            [
                RoutineComputation(processor.device.id, start_s, end_s, leg.flops, (leg.phase, leg.what))
                for leg, (start_s, end_s) in zip(legs, pairwise(times_s), strict=True)
            ],
        )
        seconds = times_s[-1] + (sent.seconds if sent else 0.0)
        return cls(env, recorder, processor, routine, ready_s, tuple(times_s[1:]), seconds)

    def play(self) -> simpy.Event:
        """Begin now; return the event of the end.

        The event's value is the time from which ``leg_ends_s`` counts: now, or later by what the legs had to wait
        for a busy processor.
        """
        now_s, wait_s = self._begin()
        return self._env.timeout(self._seconds + wait_s, now_s + wait_s)

    def attempt(self) -> simpy.Event:
        """Begin now; return the event of the end, whose value is an :class:`Outcome`: here nothing can go wrong."""
        now_s, wait_s = self._begin()
        end_s = now_s + wait_s + self._seconds
        legs_s = tuple(now_s + wait_s + leg_s for leg_s in self.leg_ends_s)
        return self._env.timeout(self._seconds + wait_s, Outcome(True, now_s, end_s, legs_s))

    def _begin(self) -> tuple[float, float]:
        """Queue the legs and tell the recorder; return when it began and how long the legs wait."""
        now_s = self._env.now
        ready_s = now_s + self._ready_s
        wait_s = self._processor.queue(ready_s, self._work_s) - ready_s
        self._perform(self._routine, now_s, wait_s)
        return now_s, wait_s
