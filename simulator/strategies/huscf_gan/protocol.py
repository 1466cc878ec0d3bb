"""HuSCF-GAN in simulated time: who computes, who sends what, who arrives when.

The protocol of arXiv 2507.12979. In the dataflow timeline a client goes on as soon as it has what it needs; in the
authors' own plan it waits after every crossing for all others (``cost_model: paper``). The server waits where a joined
batch must be complete. Two kinds of process play one iteration: every client walks its legs, and the server walks the
crossings, block by block. They meet at barriers alone.
"""

from __future__ import annotations

from simpy import Event

from devices.fleet import SERVER_ID
from models.split import ClientLegs, Phase, TransferLeg
from simulator.commits import CommitLog, Pass
from simulator.kernel.chain import Chain, Message
from simulator.kernel.world import Barrier, Process, World
from simulator.rounds import play_rounds
from simulator.split_plan import SplitPlan

PASSES = (
    Phase.GENERATOR_FORWARD,
    Phase.DISCRIMINATOR_FAKE,
    Phase.DISCRIMINATOR_REAL,
    Phase.DISCRIMINATOR_FOR_GENERATOR,
)
"""The passes of an iteration whose joined batches a commit names; the generator's pass is named by its forward."""


def play(world: World, plan: SplitPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of split iterations, each ended by a clustered aggregation."""
    roads = _Roads(world, plan)

    def play_round(round_: int) -> Process:
        for step in range(plan.steps_per_round):
            yield from _iteration(world, plan, roads, log, round_, step)
        yield from _aggregation(world, plan, log, round_)

    return play_rounds(world, plan, log, play_round)


def _iteration(
    world: World, plan: SplitPlan, roads: _Roads, log: CommitLog, round_: int, step: int
) -> Process:
    """Play one iteration: it ends when the last client has applied its gradients."""
    meeting = _Iteration(world, plan, roads)
    for client in plan.clients:
        world.env.process(meeting.client(client))
    world.env.process(meeting.server())
    yield meeting.everybody_done.event
    passes = tuple(Pass(name, plan.clients, plan.clients) for name in PASSES)
    log.commit("iteration", plan.clients, passes, round=round_, step=step)
    index = round_ * plan.steps_per_round + step
    world.recorder.iteration(
        round_, index, meeting.start_s, world.now_s, meeting.phase_seconds(), *log.losses
    )


class _Roads:
    """What everybody does between two meetings, forged once and played in every iteration.

    Attributes:
        clients: each client's roads, in the order it takes them.
        server: the server's joined work: crossing, position, chain.
    """

    def __init__(self, world: World, plan: SplitPlan) -> None:
        forge = _roads_in_lockstep if plan.setting.workload.lockstep else _dataflow_roads
        self.clients = [
            forge(world, client, legs) for client, legs in zip(plan.clients, plan.legs, strict=True)
        ]
        self.server = [
            (number, position, world.chain(SERVER_ID, [leg])) for number, position, leg in plan.server_program
        ]


def _dataflow_roads(world: World, client: int, legs: ClientLegs) -> list[Chain]:
    """Forge a client's roads: receive (but for the first), compute, send up (but for the last)."""
    roads, received = [], None
    for visit in legs.visits:
        sent = _message(client, SERVER_ID, visit.up)
        roads.append(world.chain(client, visit.finish + visit.prepare, received, sent))
        received = _message(SERVER_ID, client, visit.down)
    return [*roads, world.chain(client, legs.after, received)]


def _roads_in_lockstep(world: World, client: int, legs: ClientLegs) -> list[Chain]:
    """Forge a client's roads in turns: compute and send up; receive and compute, to meet all others."""
    roads = []
    finishes = [*(visit.finish for visit in legs.visits[1:]), legs.after]
    for visit, finish in zip(legs.visits, finishes, strict=True):
        roads.append(world.chain(client, visit.prepare, sent=_message(client, SERVER_ID, visit.up)))
        roads.append(world.chain(client, finish, received=_message(SERVER_ID, client, visit.down)))
    return roads


def _message(source: int, target: int, leg: TransferLeg) -> Message:
    return Message(source, target, ((leg.kind, leg.n_bytes),))


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
        """Walk the crossings: at every position wait for the last contributor, run the joined batch, let rows leave."""
        for number, position, work in self._roads.server:
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


def _aggregation(world: World, plan: SplitPlan, log: CommitLog, round_: int) -> Process:
    """End a round: segments go up, the server clusters and averages, the averages come down.

    The core's activations, on which clusters are found, are the server's own: nothing else needs sending. The
    arithmetic of the averages is not charged (two FLOPs a parameter and client).
    """
    payloads = [(client, plan.round_payload[client]) for client in plan.clients]
    yield world.env.all_of([world.send(client, SERVER_ID, payload) for client, payload in payloads])
    log.commit("aggregate", plan.clients, round=round_)
    yield world.env.all_of([world.send(SERVER_ID, client, payload) for client, payload in payloads])
