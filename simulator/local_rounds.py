"""Local iterations in simulated time: every client goes on by itself, and an iteration is final with the slowest."""

from __future__ import annotations

from collections.abc import Sequence

from models.local_step import LOCAL_STEP
from simulator.commits import CommitLog
from simulator.kernel.world import Barrier, Process, Road, World
from simulator.local_plan import LocalPlan


def forge_steps(world: World, plan: LocalPlan) -> list[Road]:
    """Forge every client's local step, to be played in every iteration."""
    return [world.chain(client, legs) for client, legs in zip(plan.clients, plan.legs, strict=True)]


def play_local_steps(
    world: World, plan: LocalPlan, log: CommitLog, steps: Sequence[Road], round_: int
) -> Process:
    """Play a round's iterations: fast clients run ahead, and wait for the others at the round's end.

    Iteration i is committed when the slowest client has done its i-th step; what a fast client has done beyond it
    touches nobody else.
    """
    env = world.env
    done = [Barrier(env, len(plan.clients)) for _ in range(plan.steps_per_round)]

    def run(step: Road) -> Process:
        for barrier in done:
            yield step.play()
            barrier.arrive()

    for own in steps:
        env.process(run(own))
    for step, barrier in enumerate(done):
        start_s = world.now_s
        yield barrier.event
        log.commit("iteration", plan.clients, round=round_, step=step)
        index = round_ * plan.steps_per_round + step
        phases = {LOCAL_STEP: world.now_s - start_s}
        world.recorder.iteration(round_, index, start_s, world.now_s, phases, *log.losses)
