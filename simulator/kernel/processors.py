"""Processors of a disturbed world: they may be slowed down, leave in mid-work, have lanes, or share themselves out.

A leg is one piece: of a leg that is broken off nothing is kept, and its work is lost. Of consecutive legs those that
were finished stay done.
"""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import Any

import simpy

from analysis.records import Recorder
from analysis.runs import RunError
from devices.fleet import SERVER_ID
from models.split import ComputeLeg
from simulator.kernel.flows_in_time import FlowEnd, FlowsInTime
from simulator.kernel.fluid import LEAST
from simulator.kernel.leg_time import leg_seconds
from simulator.kernel.outcome import Outcome
from simulator.kernel.station import Station
from simulator.kernel.under_way import UnderWay
from simulator.kernel.varying import work_between

Work = Generator[simpy.Event, Any, Outcome]
"""A process that computes."""


MOST_TRIES = 100_000
"""Times that a leg may be begun again before a run is given up."""


def never_done(what: str, time_s: float) -> RunError:
    """Return the error of a leg that was broken off too often."""
    return RunError(
        f"up to {time_s:.6g} s {what} was broken off {MOST_TRIES} times in a row: "
        "devices are away again before it is done"
    )


def back_s(station: Station, time_s: float) -> float:
    """Return when a device is there again.

    Raises:
        RunError: It never is, and something waits for it.
    """
    returns_s = station.returns_s(time_s)
    if returns_s == math.inf:
        why = "its battery is used up" if station.battery is not None else "it never comes back"
        cure = "; huscf_gan and fedgan go on without it where strategy.patience is of the kind deadline or quorum"
        raise RunError(
            f"at {time_s:.6g} s everything waits for {station.device.name}, and {why}"
            + (cure if station.device.id != SERVER_ID else "")
        )
    return returns_s


class StationProcessor(ABC):
    """What computes on one device.

    Args:
        env: whose time it is.
        station: the device, and when it is there.
        recorder: what is told of its work.
    """

    def __init__(self, env: simpy.Environment, station: Station, recorder: Recorder) -> None:
        self._env = env
        self._station = station
        self._recorder = recorder

    @abstractmethod
    def work(self, legs: Sequence[ComputeLeg], once: bool) -> Work:
        """Compute legs one after the other; ``once`` gives up when the device leaves, else it begins a leg again."""

    def _tell(self, leg: ComputeLeg, start_s: float, end_s: float, flops: float, lost: bool) -> None:
        device = self._station.device.id
        if end_s > start_s or not lost:
            lost_flops = flops if lost else 0.0
            self._recorder.compute(device, start_s, end_s, flops, lost_flops, (leg.phase, leg.what))
        if self._station.battery is not None:
            self._station.battery.compute(start_s, end_s)


class FifoProcessor(StationProcessor):
    """First come, first served, in as many lanes as the device has: what will happen is known when a task comes."""

    def __init__(self, env: simpy.Environment, station: Station, recorder: Recorder) -> None:
        super().__init__(env, station, recorder)
        self._idle_at_s = [0.0] * station.device.profile.lanes

    def work(self, legs: Sequence[ComputeLeg], once: bool) -> Work:
        """Queue a task; its legs stay on one lane."""
        came_s = self._env.now
        free_s = heapq.heappop(self._idle_at_s)
        start_s = reached_s = max(came_s, free_s)
        if once and self._station.leaves_s(came_s, computing=False) <= start_s and start_s > came_s:
            outcome = self._left_in_the_queue(came_s, free_s)
        else:
            ends_s: list[float] = []
            completed = True
            for leg in legs:
                reached_s, completed = self._foretell(leg, reached_s, once)
                if not completed:
                    break
                ends_s.append(reached_s)
            heapq.heappush(self._idle_at_s, max(reached_s, free_s))
            outcome = Outcome(completed, start_s, reached_s, tuple(ends_s))
        yield self._env.timeout(max(0.0, outcome.end_s - came_s))
        return outcome

    def _left_in_the_queue(self, came_s: float, free_s: float) -> Outcome:
        heapq.heappush(self._idle_at_s, free_s)
        left_s = self._station.leaves_s(came_s, computing=False)
        return Outcome(completed=False, start_s=left_s, end_s=left_s)

    def _foretell(self, leg: ComputeLeg, start_s: float, once: bool) -> tuple[float, bool]:
        """Return when a leg ends that would begin at ``start_s``, and whether it is done then."""
        station, seconds = self._station, leg_seconds(self._station.device.profile, leg)
        tries = 0
        while True:
            tries += 1
            if tries > MOST_TRIES:
                raise never_done(f"a computation of {seconds:.3g} s on {station.device.name}", start_s)
            if not station.is_online(start_s):
                if once:
                    return start_s, False
                start_s = back_s(station, start_s)
            end_s = station.speed.end_s(start_s, seconds) if station.speed is not None else start_s + seconds
            leaves_s = station.leaves_s(start_s, computing=True)
            if leaves_s <= start_s and station.battery is not None:
                # What is left would not last until the next moment that a float can tell.
                station.battery.run_out(start_s)
                continue
            if end_s <= leaves_s:
                if end_s == math.inf:
                    raise RunError(f"{station.device.name} stands still from {start_s} s on, and for ever")
                self._tell(leg, start_s, end_s, leg.flops, lost=False)
                return end_s, True
            done = leg.flops * self._share(start_s, leaves_s, seconds)
            self._tell(leg, start_s, leaves_s, done, lost=True)
            if once:
                return leaves_s, False
            start_s = leaves_s

    def _share(self, start_s: float, end_s: float, seconds: float) -> float:
        """Return which share of a leg's work was done by a moment before its end."""
        speed = self._station.speed
        done_s = end_s - start_s if speed is None else work_between(speed, start_s, end_s)
        return min(1.0, done_s / seconds) if seconds else 0.0


class SharedProcessor(StationProcessor):
    """Processor sharing: all tasks at once, each with an equal share, of one lane at most.

    With one lane it is the egalitarian processor sharing of queueing theory (M/M/1-PS).
    """

    def __init__(
        self, env: simpy.Environment, station: Station, recorder: Recorder, under_way: UnderWay
    ) -> None:
        super().__init__(env, station, recorder)
        self._flows = FlowsInTime(env, [float(station.device.profile.lanes)], [station.device.name])
        self._under_way = under_way
        if station.speed is not None:
            self._flows.follow(0, station.speed)

    def work(self, legs: Sequence[ComputeLeg], once: bool) -> Work:
        """Begin at once, beside whatever else is computed."""
        started_s = self._env.now
        ends_s: list[float] = []
        for leg in legs:
            tries = 0
            while not (yield from self._try(leg)):
                tries += 1
                if tries > MOST_TRIES:
                    raise never_done(f"a computation on {self._station.device.name}", self._env.now)
                if once:
                    return Outcome(False, started_s, self._env.now, tuple(ends_s))
                yield self._env.timeout(back_s(self._station, self._env.now) - self._env.now)
            ends_s.append(self._env.now)
        return Outcome(True, started_s, self._env.now, tuple(ends_s))

    def _try(self, leg: ComputeLeg) -> Generator[simpy.Event, Any, bool]:
        start_s, station = self._env.now, self._station
        if not station.is_online(start_s):
            return False
        seconds = leg_seconds(station.device.profile, leg)
        if seconds:
            # The least that flows can count, and far less than the time of an event can tell.
            seconds = max(seconds, LEAST)
        until_s = station.leaves_s(start_s, computing=True)
        with self._under_way.entry((station.device.id,), "compute", start_s):
            end: FlowEnd = yield self._flows.start(seconds, (0,), cap=1.0, until_s=until_s)
        done = leg.flops if end.completed or not seconds else leg.flops * (1.0 - end.missing / seconds)
        self._tell(leg, start_s, self._env.now, done, lost=not end.completed)
        return end.completed
