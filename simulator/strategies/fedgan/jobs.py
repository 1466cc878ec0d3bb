"""Jobs in simulated time: a client downloads the server's networks, takes its local steps, and uploads the outcome."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog
from simulator.kernel.outcome import Outcome
from simulator.kernel.world import World
from simulator.local_rounds import forge_steps
from simulator.strategies.fedgan.plan import FedganPlan

Work = Generator[simpy.Event, Any, bool]
"""A process that works on a job; whether its outputs have reached the server."""


@dataclass(slots=True)
class Job:
    """One job.

    Attributes:
        number: which of the run.
        client: whose.
        version: how often the server's networks had changed when it was dispatched.
        steps: how many of its local steps are done.
        left: whether it was broken off, since its client or the server left.
        cut_off: whether a link between them is closed for good.
    """

    number: int
    client: int
    version: int
    steps: int = 0
    left: bool = False
    cut_off: bool = False


class Jobs:
    """What is common to all servers of jobs: dispatching them, working on them, losing them.

    Args:
        world: where it happens.
        plan: the run.
        log: where it is committed.

    Attributes:
        version: how often the server's networks have changed.
        round: the open round.
    """

    def __init__(self, world: World, plan: FedganPlan, log: CommitLog) -> None:
        self._world, self._plan, self._log = world, plan, log
        self._steps = dict(zip(plan.clients, forge_steps(world, plan), strict=True))
        self._steps_done = dict.fromkeys(plan.clients, 0)
        self._seen_s: dict[int, float] = {}
        self._dispatched = 0
        self.version = 0
        self.round = 0

    def dispatch(self, client: int) -> Job:
        """Give a client a job; one that was away and has lost its state meanwhile begins with fresh optimisers."""
        seen_s = self._seen_s.get(client)
        lost_all = seen_s is not None and self._forgets(client, seen_s)
        if lost_all:
            self._log.commit("rejoin", [client], round=self.round)
        self._seen_s[client] = self._world.now_s
        job = Job(self._dispatched, client, self.version)
        self._dispatched += 1
        first_step = self._steps_done[client]
        self._log.commit(
            "dispatch", [client], round=self.round, job=job.number, version=job.version, first_step=first_step
        )
        return job

    def work(self, job: Job, once: bool) -> Work:
        """Work on a job; ``once`` breaks it off where client or server leave, else what was begun is repeated."""
        if (yield from self._send(job, SERVER_ID, job.client, once)):
            yield from self._compute(job, once)
            if job.steps == self._plan.steps_per_round and (
                yield from self._send(job, job.client, SERVER_ID, once)
            ):
                self._steps_done[job.client] += job.steps
                return True
        job.left = True
        self._steps_done[job.client] += job.steps
        return False

    def lose(self, job: Job) -> None:
        """Note that a job has come to nothing; its client's optimisers have gone through it all the same."""
        # Where the client has lost its state, they have not.
        kept = not (job.left and self._forgets(job.client, self._seen_s[job.client]))
        self._log.commit(
            "lost", [job.client], round=self.round, job=job.number, steps=job.steps if kept else 0
        )

    def _forgets(self, client: int, since_s: float) -> bool:
        """Whether a client has lost what it had since a moment: it was away, or is, and keeps no state."""
        world = self._world
        return not world.keeps_state and (world.was_away(client, since_s) or not world.is_online(client))

    def _compute(self, job: Job, once: bool) -> Generator[simpy.Event, Any, None]:
        step = self._steps[job.client]
        for _ in range(self._plan.steps_per_round):
            if once:
                outcome: Outcome = yield step.attempt()
                if not outcome.completed:
                    return
            else:
                yield step.play()
            job.steps += 1

    def _send(self, job: Job, source: int, target: int, once: bool) -> Work:
        send = self._world.attempt_send if once else self._world.send
        outcome: Outcome = yield send(source, target, self._plan.payload)
        job.cut_off = outcome.closed
        return outcome.completed
