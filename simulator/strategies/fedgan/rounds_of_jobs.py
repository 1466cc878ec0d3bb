"""Rounds whose server may draw its clients, and need not wait for all of them.

A round begins with a job for each of its clients that is there and has none. The server waits as its patience says, and
averages what has come. Whoever is late works on: its job is lost when it ends, and then the client is free for the next
round that begins.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import simpy

from analysis.runs import RunError
from devices.fleet import SERVER_ID
from models.local_step import LOCAL_STEP
from simulator.commits import CommitLog
from simulator.kernel.deadline import Deadline
from simulator.kernel.world import Process, World
from simulator.strategies.fedgan.jobs import Job, Jobs
from simulator.strategies.fedgan.plan import FedganPlan
from simulator.strategies.patience import sampled

MOST_BEGINNINGS = 1000
"""Times in a row that all jobs of a round may be lost before a run is given up."""


class Round:
    """The jobs of a round, as they end.

    Args:
        env: whose time it is.

    Attributes:
        running: how many are worked on.
        arrived: who has sent what came of its job.
        is_open: whether the server still takes jobs in.
        changed: comes with the next job that ends.
    """

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self.running = 0
        self.arrived: list[int] = []
        self.is_open = True
        self.changed = env.event()

    def end(self, job: Job, arrived: bool) -> None:
        """Note that one of its jobs has ended."""
        self.running -= 1
        if arrived:
            self.arrived.append(job.client)
        changed, self.changed = self.changed, self._env.event()
        changed.succeed()


class RoundsOfJobs:
    """The server of a run in rounds, and its clients.

    Args:
        world: where it happens.
        plan: the run.
        log: where it is committed.
    """

    def __init__(self, world: World, plan: FedganPlan, log: CommitLog) -> None:
        self._world, self._plan, self._log = world, plan, log
        self._options = plan.options
        self._jobs = Jobs(world, plan, log)
        self._busy: set[int] = set()
        self._cut_off: set[int] = set()
        self._freed = world.env.event()

    def play_round(self, round_: int) -> Process:
        """Hand jobs out, wait, and average what has come; where all were broken off, hand out others."""
        world = self._world
        self._jobs.round = round_
        start_s = world.now_s
        this = Round(world.env)
        beginnings = 0
        while not this.arrived:
            beginnings += 1
            if beginnings > MOST_BEGINNINGS:
                raise RunError(
                    f"{MOST_BEGINNINGS} times in a row, up to {world.now_s} s, all jobs of round {round_} were lost"
                )
            called = yield from self._who_is_called(round_)
            opened_s = world.now_s
            this.running = len(called)
            for job in [self._jobs.dispatch(client) for client in called]:
                self._busy.add(job.client)
                world.env.process(self._client(job, this))
            yield from self._wait(this, self._options.patience.needed(len(called)), opened_s)
        this.is_open = False
        self._log.commit("aggregate", this.arrived, round=round_)
        self._jobs.version += 1
        phases = {LOCAL_STEP: world.now_s - start_s}
        world.recorder.iteration(round_, round_, start_s, world.now_s, phases, *self._log.losses)

    def _who_is_called(self, round_: int) -> Generator[simpy.Event, Any, Sequence[int]]:
        """Return the clients that get a job: those drawn that can begin now.

        If none of them can, the server draws again among those that can, and waits until anybody can where nobody
        does. With patience for all, everybody drawn is called: who is away begins when it is back.
        """
        draw = self._plan.setting.streams, self._options.client_share
        drawn = sampled(draw[0], self._plan.clients, draw[1], round_)
        if self._options.patience.lossless:
            return drawn
        called = [client for client in drawn if self._can_begin(client)]
        while not called:
            able = [client for client in self._plan.clients if self._can_begin(client)]
            if able:
                called = list(sampled(draw[0], able, draw[1], round_))
            else:
                yield self._somebody_may_begin()
        return called

    def _can_begin(self, client: int) -> bool:
        world = self._world
        unable = client in self._busy or client in self._cut_off
        return not unable and world.is_online(client) and world.is_online(SERVER_ID)

    def _somebody_may_begin(self) -> simpy.Event:
        """Return the event after which it is worth while to look again who can begin.

        Raises:
            RunError: There is none, as nobody works and nobody comes back.
        """
        world = self._world
        if not world.is_online(SERVER_ID):
            return world.back(SERVER_ID)
        away = [
            client
            for client in self._plan.clients
            if client not in self._cut_off
            and not world.is_online(client)
            and world.returns_s(client) < math.inf
        ]
        if not away and not self._busy:
            raise RunError(
                f"after {world.now_s:.6g} s no client is left: all have gone for good, or are cut off"
            )
        return world.env.any_of([self._freed, *(world.back(client) for client in away)])

    def _wait(self, this: Round, needed: int, opened_s: float) -> Process:
        """Wait until enough jobs have come, or none is worked on any more.

        Enough are those that the patience needs; after the deadline, which counts from the moment the jobs were handed
        out, one.
        """
        deadline = Deadline(self._world.env, opened_s + self._options.patience.longest_s)
        while this.running and len(this.arrived) < (1 if deadline.processed else needed):
            waited_for = [this.changed] if deadline.processed else [this.changed, deadline]
            yield self._world.env.any_of(waited_for)

    def _client(self, job: Job, this: Round) -> Process:
        """Work on a job, which is in time or lost."""
        arrived = yield from self._jobs.work(job, once=not self._options.patience.lossless)
        in_time = arrived and this.is_open
        if not in_time:
            self._jobs.lose(job)
        if job.cut_off:
            self._cut_off.add(job.client)
        self._busy.remove(job.client)
        this.end(job, in_time)
        freed, self._freed = self._freed, self._world.env.event()
        freed.succeed()
