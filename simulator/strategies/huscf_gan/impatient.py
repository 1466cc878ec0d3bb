"""HuSCF-GAN that does not wait for everybody: iterations go on without who is late, leaves, or was not drawn.

The dataflow iteration of ``protocol.py`` with barriers that may close (:mod:`.crossing`). A client that is late for a
barrier, or leaves, is out of the iteration; it ends what it does, and takes part in the next one that begins when it is
there and idle. What a pass needs of it counts if it came in time: its rows are in the forward batch, and its losses in
the backward pass, exactly as the commit says.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

import simpy

from analysis.runs import RunError
from devices.fleet import SERVER_ID
from models.memory import server_memory_bytes
from simulator.commits import CommitLog, Pass
from simulator.kernel.outcome import Outcome
from simulator.kernel.world import Process, Road, World
from simulator.local_plan import Payload
from simulator.reselection import Reselector
from simulator.rounds import play_rounds
from simulator.split_plan import SplitPlan
from simulator.strategies.huscf_gan.crew import Crew
from simulator.strategies.huscf_gan.crossing import Crossing
from simulator.strategies.huscf_gan.gathering import deliver, gather
from simulator.strategies.huscf_gan.recutting import recut
from simulator.strategies.huscf_gan.roads import PASSES, dataflow_roads, roads_of
from simulator.strategies.patience import sampled

D_IS_APPLIED_IN = 5
"""The crossing before whose sending a client applies its step of the discriminator."""

CROSSINGS_OF_PASS = ((0, 7), (1, 2), (3, 4), (5, 6))
"""Of each pass the crossings of its forward and its backward."""

Roads = Mapping[int, Sequence[Road]]
"""Each client's roads, in the order it takes them."""

MOST_BEGINNINGS = 1000
"""Iterations in a row that may come to nothing before a run is given up: there is no way to the server any more."""

REAL = 2
"""The pass on real images, which clusters are found on."""


def play_impatient(world: World, plan: SplitPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of iterations in which whoever is missing is missing."""
    options, first = plan.setting.scenario.strategy, plan
    roads, reselector = _roads(world, plan), Reselector(plan)
    marks: dict[int, float] = {}
    open_round = 0

    def restore(client: int) -> Process:
        if (yield from deliver(world, crew, client, plan.round_payload[client])) and world.is_online(client):
            log.commit("rejoin", (client,), round=open_round)

    crew = Crew(world, plan.clients, None if world.keeps_state else restore, options.patience.lossless)

    def hand(client: int, payload: Payload) -> simpy.Event:
        """Send a client new blocks; whoever is still busy, or leaves, gets them later and holds nobody up."""
        tried, patient = world.env.event(), options.patience.lossless
        idle = crew.is_idle(client)
        done = crew.begin_when_idle(client, deliver(world, crew, client, payload, tried))
        if patient:
            return done
        return tried if idle else world.env.timeout(0.0)

    def play_round(round_: int) -> Process:
        nonlocal open_round, plan, roads
        open_round = round_
        marks.clear()
        members = sampled(plan.setting.streams, plan.clients, options.client_share, round_)
        learned: set[int] = set()
        for step in range(plan.steps_per_round):
            iteration = yield from _begin(world, plan, roads, crew, members, round_)
            iteration.commit(log, (round_, step))
            learned.update(iteration.in_forward(REAL))
            for device, n_bytes in iteration.memory_marks().items():
                marks[device] = max(n_bytes, marks.get(device, 0.0))
        yield from gather(world, plan, log, crew, round_, sorted(learned))
        there = [client for client in plan.clients if world.is_online(client)]
        new = yield from recut(world, plan, log, reselector, there, round_, hand)
        if new is not plan:
            plan, roads = new, _roads(world, new)

    return play_rounds(world, first, log, play_round, memory_marks=lambda: marks)


def _roads(world: World, plan: SplitPlan) -> Roads:
    return roads_of(world, plan, dataflow_roads)


def _begin(
    world: World, plan: SplitPlan, roads: Roads, crew: Crew, members: Sequence[int], round_: int
) -> Generator[simpy.Event, Any, _Iteration]:
    """Play an iteration and return it; where nobody is there, or all leave before anything is learned, begin again.

    Where of the clients drawn for the round none can take part, others are drawn among those that can.
    """
    options = plan.setting.scenario.strategy
    patient = options.patience.lossless
    least = len(members) if patient else 1
    start_s = world.now_s
    for _ in range(MOST_BEGINNINGS):
        if not world.is_online(SERVER_ID):
            yield world.back(SERVER_ID)
        there = crew.ready(members)
        while len(there) < least:
            others = [] if patient else crew.ready(plan.clients)
            if others:
                there = list(sampled(plan.setting.streams, others, options.client_share, round_))
                continue
            waited_for = members if patient else plan.clients
            yield crew.somebody([client for client in waited_for if client not in there])
            there = crew.ready(members)
        iteration = _Iteration(world, plan, roads, crew, there, start_s)
        yield from iteration.play()
        if iteration.in_forward(0):
            return iteration
    raise RunError(
        f"{MOST_BEGINNINGS} iterations in a row, up to {world.now_s} s, came to nothing: nobody reached the server"
    )


class _Iteration:
    """One iteration: its crossings, and who walks through them."""

    def __init__(
        self,
        world: World,
        plan: SplitPlan,
        roads: Roads,
        crew: Crew,
        clients: Sequence[int],
        start_s: float,
    ) -> None:
        self._world, self._plan, self._roads, self._crew = world, plan, roads, crew
        self._clients = tuple(clients)
        self._start_s = start_s
        self._rows = {client: plan.legs[client].batch for client in clients}
        patience = plan.setting.scenario.strategy.patience
        self._once = not patience.lossless
        numbers = range(len(plan.setting.workload.visits))
        self._crossings = [
            Crossing(
                world.env,
                patience,
                {client: plan.legs[client].visits[number].entry for client in clients},
                len(self._clients),
                partial(self._late_for, number),
            )
            for number in numbers
        ]
        self._core_done = [world.env.event() for _ in numbers]
        self._phase_end_s: dict[str, float] = dict.fromkeys(plan.phases, world.now_s)
        self._skips_discriminator: set[int] = set()
        self._skips_generator: set[int] = set()

    def play(self) -> Process:
        """Let everybody walk; the iteration ends with the server, and with the last that it let go home."""
        walking = {client: self._crew.begin(client, self._walk(client)) for client in self._clients}
        if self._world.server_works_in_parallel:
            yield self._world.env.all_of(
                [self._world.env.process(self._cross(number)) for number in range(len(self._crossings))]
            )
        else:
            for number in range(len(self._crossings)):
                yield from self._cross(number)
        yield self._world.env.all_of([walking[client] for client in self._crossings[-1].arrived])

    def in_forward(self, number: int) -> list[int]:
        """Return the clients that were in the forward batch of a pass."""
        return self._crossings[CROSSINGS_OF_PASS[number][0]].arrived

    def memory_marks(self) -> dict[int, float]:
        """Return what the clients that began, and the server with their rows, need of their memory, in bytes."""
        plan, needed = self._plan, self._plan.memory_bytes()
        held = [(plan.cuts[client], plan.batches[client]) for client in self._clients]
        cuts, batches = zip(*held, strict=True)
        marks: dict[int, float] = {client: needed[client] for client in self._clients}
        return marks | {SERVER_ID: server_memory_bytes(plan.setting.costs, cuts, batches)}

    def commit(self, log: CommitLog, when: tuple[int, int]) -> None:
        """Write what became final: who was in each pass, and who came back."""
        (round_, step), world = when, self._world
        passes = tuple(
            Pass(name, *(tuple(sorted(self._crossings[number].arrived)) for number in numbers))
            for name, numbers in zip(PASSES, CROSSINGS_OF_PASS, strict=True)
        )
        took_part = {client for one in passes for client in one.forward}
        skips = {
            "skips_d": sorted(self._skips_discriminator & set(passes[REAL].backward)),
            "skips_g": sorted(self._skips_generator),
        }
        told = {key: clients for key, clients in skips.items() if clients}
        log.commit("iteration", took_part, passes, round=round_, step=step, **told)
        index = round_ * self._plan.steps_per_round + step
        world.recorder.iteration(
            round_, index, self._start_s, world.now_s, self._phase_seconds(), *log.losses
        )

    def _walk(self, client: int) -> Process:
        """Walk a client's roads as far as it is in time."""
        *up, home = self._roads[client]
        visits = self._plan.legs[client].visits
        for number, (visit, road) in enumerate(zip(visits, up, strict=True)):
            outcome = yield from self._take(client, road)
            finished = len(outcome.leg_ends_s) >= len(visit.finish)
            if finished and visit.finish:
                self._reach(visit.finish[-1].phase, outcome.leg_ends_s[len(visit.finish) - 1])
            if number == D_IS_APPLIED_IN and not finished:
                self._skips_discriminator.add(client)
            if not (outcome.completed and self._crossings[number].arrive(client)):
                self._out(client, number)
                return
            yield self._crossings[number].left(visit.exit)
        outcome = yield from self._take(client, home)
        if outcome.completed:
            self._reach(self._plan.phases[-1], self._world.now_s)
        else:
            self._skips_generator.add(client)

    def _take(self, client: int, road: Road) -> Generator[simpy.Event, Any, Outcome]:
        """Walk one road: once, unless the client has lost what it needs for it; or for as long as it takes."""
        outcome: Outcome
        if self._once:
            if self._crew.has_lost_all(client):
                return Outcome(completed=False, start_s=self._world.now_s, end_s=self._world.now_s)
            outcome = yield road.attempt()
            if outcome.closed:
                self._crew.cut_off(client)
            return outcome
        start_s = self._world.now_s
        base_s = yield road.play()
        ends_s = tuple(base_s + leg_s for leg_s in road.leg_ends_s)
        return Outcome(True, start_s, self._world.now_s, ends_s)

    def _late_for(self, number: int, clients: frozenset[int]) -> None:
        """Have no later barrier wait for those that were late for one: they are out of the iteration already."""
        for client in sorted(clients):
            self._out(client, number + 1)

    def _out(self, client: int, number: int) -> None:
        """Have nobody wait for a client any more in this iteration."""
        for crossing in self._crossings[number:]:
            crossing.expect_no_more(client)

    def _cross(self, number: int) -> Process:
        """Walk the server through a crossing: wait, run the joined batch, let rows leave, position by position."""
        crossing, workload = self._crossings[number], self._plan.setting.workload
        if number and self._world.server_works_in_parallel:
            yield self._core_done[number - 1]
        crossing.open()
        for position in workload.positions(number):
            yield crossing.complete(position)
            rows = self._rows_at(number, position)
            if rows:
                yield self._world.compute(SERVER_ID, [workload.server_leg(number, position, rows)])
            crossing.let_leave(position)
            if position == workload.core(number):
                self._core_done[number].succeed()

    def _rows_at(self, number: int, position: int) -> int:
        visits = (
            (client, self._plan.legs[client].visits[number]) for client in self._crossings[number].arrived
        )
        return sum(self._rows[client] for client, visit in visits if visit.entry <= position <= visit.exit)

    def _reach(self, phase: str, time_s: float) -> None:
        self._phase_end_s[phase] = max(self._phase_end_s[phase], time_s)

    def _phase_seconds(self) -> dict[str, float]:
        """Return how long each phase took; one that nobody ended took no time."""
        seconds, reached_s = {}, self._start_s
        for phase, end_s in self._phase_end_s.items():
            end_s = max(end_s, reached_s)
            seconds[str(phase)] = end_s - reached_s
            reached_s = end_s
        return seconds
