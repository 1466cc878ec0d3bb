"""One iteration of HuSCF-GAN in which everybody waits for everybody.

Two kinds of process play it: every client walks its legs, and the server walks the crossings, block by block. They meet
at barriers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from simpy import Environment, Event

from devices.fleet import SERVER_ID
from simulator.kernel.world import Barrier, Process, Road, World
from simulator.split_plan import SplitPlan
from simulator.strategies.huscf_gan.roads import dataflow_roads, roads_in_lockstep, roads_of


def play_iteration(world: World, plan: SplitPlan) -> Process:
    """Play one iteration of which nothing is learned and nothing told."""
    yield from Iteration(world, plan, IterationRoads(world, plan)).play()


class IterationRoads:
    """What everybody does between two meetings, forged once and played in every iteration.

    Attributes:
        clients: each client's roads, in the order it takes them.
        server: the server's joined work: crossing, position, chain.
    """

    def __init__(self, world: World, plan: SplitPlan) -> None:
        forge = roads_in_lockstep if plan.setting.workload.lockstep else dataflow_roads
        self.clients = roads_of(world, plan, forge)
        self.server = [
            (number, position, world.chain(SERVER_ID, [leg])) for number, position, leg in plan.server_program
        ]


class Iteration:
    """One iteration's barriers, and the processes that meet at them."""

    def __init__(self, world: World, plan: SplitPlan, roads: IterationRoads) -> None:
        self._world = world
        self._plan = plan
        self._roads = roads
        self.start_s = world.now_s
        self.everybody_done = Barrier(world.env, len(plan.clients))
        self._phase_end_s: dict[str, float] = dict.fromkeys(plan.phases, self.start_s)
        self._last_phase = plan.phases[-1]
        self._lockstep = plan.setting.workload.lockstep
        self._phase_barriers = [Barrier(world.env, len(plan.clients)) for _ in self._phase_end_s]
        self._joined: dict[tuple[int, int], Barrier] = {
            place: Barrier(world.env, clients) for place, clients in plan.joins.items()
        }
        self._left: dict[tuple[int, int], Event] = {place: world.env.event() for place in plan.exits}

    def play(self) -> Process:
        """Let everybody walk; it is over when the last client is done."""
        for client in self._plan.clients:
            self._world.env.process(self.client(client))
        self._world.env.process(self.server())
        yield self.everybody_done.event

    def client(self, client: int) -> Process:
        """Walk one client's roads through all crossings, and in the end home."""
        return self._client_in_lockstep(client) if self._lockstep else self._dataflow_client(client)

    def _dataflow_client(self, client: int) -> Process:
        """Go on as soon as the rows are back: eight times up to the server, and home."""
        *up, home = self._roads.clients[client]
        for number, (visit, road) in enumerate(zip(self._plan.legs[client].visits, up, strict=True)):
            start_s = yield road.play()
            if visit.finish:
                finished_s = road.leg_ends_s[len(visit.finish) - 1]
                self._reach(visit.finish[-1].phase, start_s + finished_s)
            self._joined[number, visit.entry].arrive()
            yield self._left[number, visit.exit]
        yield home.play()
        self._reach(self._last_phase, self._world.now_s)
        self.everybody_done.arrive()

    def _client_in_lockstep(self, client: int) -> Process:
        """Go on when everybody is through with the crossing before."""
        visits, roads = self._plan.legs[client].visits, self._roads.clients[client]
        for number, (phase, barrier) in enumerate(zip(self._phase_end_s, self._phase_barriers, strict=True)):
            yield roads[2 * number].play()
            self._joined[number, visits[number].entry].arrive()
            yield self._left[number, visits[number].exit]
            yield roads[2 * number + 1].play()
            self._reach(phase, self._world.now_s)
            barrier.arrive()
            yield barrier.event
        self.everybody_done.arrive()

    def server(self) -> Process:
        """Walk the crossings, one after the other; a server that can do several things at once all side by side."""
        if not self._world.server_works_in_parallel:
            return self._walk_server(self._roads.server)
        crossings = groupby(self._roads.server, key=itemgetter(0))
        env = self._world.env
        return _all_of(env, [env.process(self._walk_server(list(program))) for _, program in crossings])

    def _walk_server(self, program: Sequence[tuple[int, int, Road]]) -> Process:
        """At every position wait for the last contributor, run the joined batch, let rows leave."""
        for number, position, work in program:
            barrier = self._joined.get((number, position))
            if barrier is not None:
                yield barrier.event
            yield work.play()
            leaving = self._left.get((number, position))
            if leaving is not None:
                leaving.succeed()

    def _reach(self, phase: str, time_s: float) -> None:
        """Note that a client has ended a phase; the phase ends with the last one."""
        if time_s > self._phase_end_s[phase]:
            self._phase_end_s[phase] = time_s

    def phase_seconds(self) -> dict[str, float]:
        """Return how long each phase took: from the end of the one before to when its last client was through."""
        seconds, start_s = {}, self.start_s
        for phase in self._phase_end_s:
            seconds[str(phase)] = self._phase_end_s[phase] - start_s
            start_s = self._phase_end_s[phase]
        return seconds


def _all_of(env: Environment, events: Sequence[Event]) -> Process:
    yield env.all_of(events)
