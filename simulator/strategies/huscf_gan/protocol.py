"""HuSCF-GAN in simulated time: who computes, who sends what, who arrives when.

The protocol of arXiv 2507.12979 in the dataflow timeline: a client goes on as soon as it has what it needs; the
server waits where a joined batch must be complete. Two kinds of process play one iteration: every client walks
its legs, and the server walks the eight crossings, block by block. They meet at barriers alone.
"""

from __future__ import annotations

from simpy import Event

from devices.fleet import SERVER_ID
from models.split import Phase
from simulator.commits import CommitLog, Pass
from simulator.kernel.world import Barrier, Process, World
from simulator.plan import Plan

PASSES = (
    Phase.GENERATOR_FORWARD,
    Phase.DISCRIMINATOR_FAKE,
    Phase.DISCRIMINATOR_REAL,
    Phase.DISCRIMINATOR_FOR_GENERATOR,
)
"""The passes of an iteration whose joined batches a commit names; the generator's pass is named by its forward."""


def play(world: World, plan: Plan, log: CommitLog) -> Process:
    """Play a whole run: rounds of split iterations, each ended by a clustered aggregation."""
    _evaluate(plan, log, round_=-1)
    for round_ in range(plan.rounds):
        for step in range(plan.steps_per_round):
            yield from _iteration(world, plan, log, round_, step)
        yield from _aggregation(world, plan, log, round_)
        world.recorder.end_round(round_, world.now_s)
        if plan.evaluates_after(round_):
            _evaluate(plan, log, round_)


def _evaluate(plan: Plan, log: CommitLog, round_: int) -> None:
    """Evaluation is a commit too; it costs no simulated time."""
    log.commit("evaluate", plan.clients, round=round_)


def _iteration(world: World, plan: Plan, log: CommitLog, round_: int, step: int) -> Process:
    """Play one iteration: it ends when the last client has applied its gradients."""
    meeting = _Iteration(world, plan)
    everybody_done = world.env.all_of([world.env.process(meeting.client(client)) for client in plan.clients])
    world.env.process(meeting.server())
    yield everybody_done
    passes = tuple(Pass(name, plan.clients, plan.clients) for name in PASSES)
    log.commit("iteration", plan.clients, passes, round=round_, step=step)
    index = round_ * plan.steps_per_round + step
    world.recorder.iteration(
        round_, index, meeting.start_s, world.now_s, meeting.phase_seconds(), *log.losses
    )


class _Iteration:
    """One iteration's barriers, and the processes that meet at them."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self.start_s = world.now_s
        self._phase_end_s = dict.fromkeys(Phase, self.start_s)
        self._joined: dict[tuple[int, int], Barrier] = {
            place: Barrier(world.env, clients) for place, clients in plan.joins.items()
        }
        self._left: dict[tuple[int, int], Event] = {place: world.env.event() for place in plan.exits}

    def client(self, client: int) -> Process:
        """Walk one client's legs: eight times compute, send up, wait for the server, receive."""
        world, legs = self._world, self._plan.legs[client]
        for number, visit in enumerate(legs.visits):
            if visit.finish:
                yield world.compute(client, visit.finish)
                self._phase_end_s[visit.finish[0].phase] = world.now_s
            yield world.compute(client, visit.prepare)
            yield world.send(client, SERVER_ID, ((visit.up.kind, visit.up.n_bytes),))
            self._joined[number, visit.entry].arrive()
            yield self._left[number, visit.exit]
            yield world.send(SERVER_ID, client, ((visit.down.kind, visit.down.n_bytes),))
        yield world.compute(client, legs.after)
        self._phase_end_s[Phase.GENERATOR_BACKWARD] = world.now_s

    def server(self) -> Process:
        """Walk the crossings: at every position wait for the last contributor, run the joined batch, let rows leave."""
        world, plan = self._world, self._plan
        for number, position, leg in plan.server_program:
            barrier = self._joined.get((number, position))
            if barrier is not None:
                yield barrier.event
            yield world.compute(SERVER_ID, (leg,))
            leaving = self._left.get((number, position))
            if leaving is not None:
                leaving.succeed()

    def phase_seconds(self) -> dict[str, float]:
        """Return how long each phase took: from the end of the one before to when its last client was through."""
        seconds, start_s = {}, self.start_s
        for phase in Phase:
            seconds[str(phase)] = self._phase_end_s[phase] - start_s
            start_s = self._phase_end_s[phase]
        return seconds


def _aggregation(world: World, plan: Plan, log: CommitLog, round_: int) -> Process:
    """End a round: segments go up, the server clusters and averages, the averages come down.

    The core's activations, on which clusters are found, are the server's own: nothing else needs sending. The
    arithmetic of the averages is not charged (two FLOPs a parameter and client).
    """
    payloads = [(client, plan.round_payload[client]) for client in plan.clients]
    yield world.env.all_of([world.send(client, SERVER_ID, payload) for client, payload in payloads])
    log.commit("aggregate", plan.clients, round=round_)
    yield world.env.all_of([world.send(SERVER_ID, client, payload) for client, payload in payloads])
