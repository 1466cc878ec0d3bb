"""After PFL-GAN in simulated time: clients train by themselves; the server personalises what all have sent it."""

from __future__ import annotations

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog
from simulator.kernel.world import Process, World
from simulator.local_rounds import forge_steps, play_local_steps
from simulator.rounds import play_rounds
from simulator.strategies.pfl_gan.plan import PflGanPlan


def play(world: World, plan: PflGanPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of local steps, each ended by personal generators for all."""
    steps = forge_steps(world, plan)
    everybody = world.env.all_of

    def play_round(round_: int) -> Process:
        yield from play_local_steps(world, plan, log, steps, round_)
        if plan.personalises:
            yield everybody([world.send(client, SERVER_ID, plan.payload) for client in plan.clients])
            yield world.compute(SERVER_ID, plan.server_legs)
        log.commit("aggregate", plan.clients, round=round_)
        if plan.personalises:
            yield everybody([world.send(SERVER_ID, client, plan.payload) for client in plan.clients])

    return play_rounds(world, plan, log, play_round)
