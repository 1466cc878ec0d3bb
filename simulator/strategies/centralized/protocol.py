"""Centralised training in simulated time: one upload of all images, and then the server is alone."""

from __future__ import annotations

from devices.fleet import SERVER_ID
from models.local_step import LOCAL_STEP
from simulator.commits import CommitLog
from simulator.kernel.world import Process, World
from simulator.rounds import play_rounds
from simulator.strategies.centralized.plan import CentralizedPlan


def play(world: World, plan: CentralizedPlan, log: CommitLog) -> Process:
    """Play a whole run: the upload, and rounds of the server's iterations, at whose end nothing is exchanged."""
    step_of_the_server = world.chain(SERVER_ID, plan.legs)

    def play_round(round_: int) -> Process:
        for step in range(plan.steps_per_round):
            start_s = world.now_s
            yield step_of_the_server.play()
            log.commit("iteration", plan.clients, round=round_, step=step)
            index = round_ * plan.steps_per_round + step
            phases = {LOCAL_STEP: world.now_s - start_s}
            world.recorder.iteration(round_, index, start_s, world.now_s, phases, *log.losses)
        log.commit("aggregate", plan.clients, round=round_)

    return play_rounds(world, plan, log, play_round, setup=_upload(world, plan))


def _upload(world: World, plan: CentralizedPlan) -> Process:
    """Let all clients send their images at once; the server begins when it has them all."""
    uploads = zip(plan.clients, plan.uploads, strict=True)
    yield world.env.all_of([world.send(client, SERVER_ID, upload) for client, upload in uploads])
