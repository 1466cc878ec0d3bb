"""HuSCF-GAN in simulated time: who computes, who sends what, who arrives when.

The protocol of arXiv 2507.12979. In the dataflow timeline a client goes on as soon as it has what it needs; in the
authors' own plan it waits after every crossing for all others (``cost_model: paper``). The server waits where a joined
batch must be complete.
"""

from __future__ import annotations

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog, Pass
from simulator.kernel.world import Process, World
from simulator.reselection import Reselector
from simulator.rounds import play_rounds
from simulator.split_plan import SplitPlan
from simulator.strategies.huscf_gan.impatient import play_impatient
from simulator.strategies.huscf_gan.iteration import Iteration, IterationRoads
from simulator.strategies.huscf_gan.options import HuscfGanOptions
from simulator.strategies.huscf_gan.recutting import recut
from simulator.strategies.huscf_gan.roads import PASSES


def play(world: World, plan: SplitPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of split iterations, each ended by a clustered aggregation."""
    if not waits_for_everybody(plan.setting.scenario.strategy):
        return play_impatient(world, plan, log)
    roads, reselector = IterationRoads(world, plan), Reselector(plan)
    first = plan

    def play_round(round_: int) -> Process:
        nonlocal plan, roads
        for step in range(plan.steps_per_round):
            yield from _iteration(world, plan, roads, log, round_, step)
        yield from _aggregation(world, plan, log, round_)
        there = [client for client in plan.clients if world.is_online(client)]
        new = yield from recut(
            world, plan, log, reselector, there, round_, lambda *to: world.send(SERVER_ID, *to)
        )
        if new is not plan:
            plan, roads = new, IterationRoads(world, new)

    return play_rounds(world, first, log, play_round, memory_marks=lambda: plan.memory_marks())


def _iteration(
    world: World, plan: SplitPlan, roads: IterationRoads, log: CommitLog, round_: int, step: int
) -> Process:
    """Play one iteration, and commit it: it ends when the last client has applied its gradients."""
    meeting = Iteration(world, plan, roads)
    yield from meeting.play()
    passes = tuple(Pass(name, plan.clients, plan.clients) for name in PASSES)
    log.commit("iteration", plan.clients, passes, round=round_, step=step)
    index = round_ * plan.steps_per_round + step
    world.recorder.iteration(
        round_, index, meeting.start_s, world.now_s, meeting.phase_seconds(), *log.losses
    )


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
