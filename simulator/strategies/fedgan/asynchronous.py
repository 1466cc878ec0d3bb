"""A server without rounds: every client works by itself, job after job, and its work is taken in as it comes.

What is called a round here is a number of merges: after it images may be judged, and the records are closed.
"""

from __future__ import annotations

import simpy

from devices.fleet import SERVER_ID
from models.local_step import LOCAL_STEP
from simulator.commits import CommitLog
from simulator.kernel.world import Process, World
from simulator.strategies.fedgan.aggregation import FedBuffAggregation
from simulator.strategies.fedgan.jobs import Job, Jobs
from simulator.strategies.fedgan.plan import FedganPlan


class AsynchronousServer:
    """FedAsync's and FedBuff's server, and its clients.

    Args:
        world: where it happens.
        plan: the run.
        log: where it is committed.
    """

    def __init__(self, world: World, plan: FedganPlan, log: CommitLog) -> None:
        self._world, self._plan, self._log = world, plan, log
        self._jobs = Jobs(world, plan, log)
        self._arrived = simpy.Store(world.env)
        self._goes_on = world.env.event()
        self._merges = 0
        self._begun = False
        aggregation = plan.options.aggregation
        self._merges_a_step = aggregation.buffer if isinstance(aggregation, FedBuffAggregation) else 1

    def play_round(self, round_: int) -> Process:
        """Merge as many jobs as a round has; what arrives at the same moment beyond them waits for the next."""
        self._jobs.round = round_
        if not self._begun:
            self._begun = True
            for client in self._plan.clients:
                self._world.env.process(self._client(client))
        start_s = self._world.now_s
        for _ in range(self._plan.iterations_per_round):
            # Whoever was merged last goes on now: after the last merge of a run nobody begins anything.
            self._goes_on.succeed()
            job, self._goes_on = yield self._arrived.get()
            self._merge(job, start_s)
            start_s = self._world.now_s

    def _client(self, client: int) -> Process:
        """Work on job after job; one that is broken off is lost, and the next begins when both ends are there.

        A client that is cut off from the server for good begins no other.
        """
        world = self._world
        while True:
            while not (world.is_online(client) and world.is_online(SERVER_ID)):
                yield world.back(client)
                yield world.back(SERVER_ID)
            job = self._jobs.dispatch(client)
            if (yield from self._jobs.work(job, once=True)):
                merged = world.env.event()
                yield self._arrived.put((job, merged))
                yield merged
                continue
            self._jobs.lose(job)
            if job.cut_off:
                return

    def _merge(self, job: Job, start_s: float) -> None:
        """Take a job in; with it an iteration ends, which began with the merge before."""
        self._merges += 1
        steps = self._merges % self._merges_a_step == 0
        staleness = self._jobs.version - job.version
        self._log.commit(
            "merge",
            [job.client],
            round=self._jobs.round,
            job=job.number,
            staleness=staleness,
            server_step=int(steps),
        )
        self._jobs.version += steps
        now_s = self._world.now_s
        phases = {LOCAL_STEP: now_s - start_s}
        self._world.recorder.iteration(
            self._jobs.round, self._merges - 1, start_s, now_s, phases, *self._log.losses
        )
