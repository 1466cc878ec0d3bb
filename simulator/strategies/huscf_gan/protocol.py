"""HuSCF-GAN in simulated time: who computes, who sends what, who arrives when.

The protocol of arXiv 2507.12979. In the dataflow timeline a client goes on as soon as it has what it needs; in the
authors' own plan it waits after every crossing for all others (``cost_model: paper``). The server waits where a joined
batch must be complete. Two kinds of process play one iteration: every client walks its legs, and the server walks the
crossings, block by block. They meet at barriers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from simpy import Environment, Event

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog, Pass
from simulator.kernel.world import Barrier, Process, Road, World
from simulator.reselection import Reselector
from simulator.rounds import play_rounds
from simulator.split_plan import SplitPlan
from simulator.strategies.huscf_gan.impatient import play_impatient
from simulator.strategies.huscf_gan.options import HuscfGanOptions
from simulator.strategies.huscf_gan.recutting import recut
from simulator.strategies.huscf_gan.roads import PASSES, dataflow_roads, roads_in_lockstep, roads_of


def play(world: World, plan: SplitPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of split iterations, each ended by a clustered aggregation."""
    if not waits_for_everybody(plan.setting.scenario.strategy):
        return play_impatient(world, plan, log)
    roads, reselector = _Roads(world, plan), Reselector(plan)
    first = plan

    def play_round(round_: int) -> Process:
        nonlocal plan, roads
        for step in range(plan.steps_per_round):
            yield from _iteration(world, plan, roads, log, round_, step)
        yield from _aggregation(world, plan, log, round_)
        there = [client for client in plan.clients if world.is_online(client)]
        new = yield from recut(
            world, plan, log, reselector, there, round_, lambda _, process: world.env.process(process)
        )
        if new is not plan:
            plan, roads = new, _Roads(world, new)

    return play_rounds(world, first, log, play_round, memory_marks=lambda: plan.memory_marks())


def _iteration(
    world: World, plan: SplitPlan, roads: _Roads, log: CommitLog, round_: int, step: int
) -> Process:
    """Play one iteration, and commit it: it ends when the last client has applied its gradients."""
    meeting = _Iteration(world, plan, roads)
    yield from meeting.play()
    passes = tuple(Pass(name, plan.clients, plan.clients) for name in PASSES)
    log.commit("iteration", plan.clients, passes, round=round_, step=step)
    index = round_ * plan.steps_per_round + step
    world.recorder.iteration(
        round_, index, meeting.start_s, world.now_s, meeting.phase_seconds(), *log.losses
    )


def play_iteration(world: World, plan: SplitPlan) -> Process:
    """Play one iteration of which nothing is learned and nothing told."""
    yield from _Iteration(world, plan, _Roads(world, plan)).play()


class _Roads:
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


class _Iteration:
    """One iteration's barriers, and the processes that meet at them."""

    def __init__(self, world: World, plan: SplitPlan, roads: _Roads) -> None:
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


def waits_for_everybody(options: HuscfGanOptions) -> bool:
    """Whether every barrier of a run waits for every client."""
    return options.patience.lossless and options.client_share == 1.0


def _aggregation(world: World, plan: SplitPlan, log: CommitLog, round_: int) -> Process:
    """End a round: segments go up, the server clusters and averages, the averages come down.

    The core's activations, on which clusters are found, are the server's own: nothing else needs sending. The
    arithmetic of the averages is not charged (two FLOPs a parameter and client).
    """
    payloads = [(client, plan.round_payload[client]) for client in plan.clients]
    yield world.env.all_of([world.send(client, SERVER_ID, payload) for client, payload in payloads])
    log.commit("aggregate", plan.clients, round=round_)
    yield world.env.all_of([world.send(SERVER_ID, client, payload) for client, payload in payloads])
