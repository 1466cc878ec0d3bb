"""MD-GAN in simulated time: the server makes images, every client answers, the server waits for all of them.

The protocol of arXiv 1811.03850. The server computes its batches one after the other and sends when all are made.
"""

from __future__ import annotations

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog
from simulator.kernel.chain import Message
from simulator.kernel.world import Process, World
from simulator.rounds import play_rounds
from simulator.strategies.md_gan.plan import MdGanPlan
from simulator.strategies.md_gan.work import DISCRIMINATORS, GENERATION, GENERATOR_UPDATE


def play(world: World, plan: MdGanPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of iterations, each ended by the discriminators' moving on."""
    generation, update = world.chain(SERVER_ID, plan.generation), world.chain(SERVER_ID, plan.update)
    answers = [
        world.chain(
            client,
            legs,
            received=Message(SERVER_ID, client, plan.images),
            sent=Message(client, SERVER_ID, plan.feedback),
        )
        for client, legs in zip(plan.clients, plan.legs, strict=True)
    ]

    def play_iteration(round_: int, step: int) -> Process:
        start_s = world.now_s
        yield generation.play()
        made_s = world.now_s
        yield world.env.all_of([answer.play() for answer in answers])
        answered_s = world.now_s
        yield update.play()
        log.commit("iteration", plan.clients, round=round_, step=step)
        phases = {
            GENERATION: made_s - start_s,
            DISCRIMINATORS: answered_s - made_s,
            GENERATOR_UPDATE: world.now_s - answered_s,
        }
        index = round_ * plan.steps_per_round + step
        world.recorder.iteration(round_, index, start_s, world.now_s, phases, *log.losses)

    def play_round(round_: int) -> Process:
        for step in range(plan.steps_per_round):
            yield from play_iteration(round_, step)
        moves = enumerate(plan.receivers(round_))
        yield world.env.all_of([world.send(source, target, plan.discriminator) for source, target in moves])
        log.commit("aggregate", plan.clients, round=round_)

    return play_rounds(world, plan, log, play_round)
