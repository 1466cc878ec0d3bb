"""FedGAN in simulated time: clients train by themselves; at a round's end all meet at the server.

So it goes where the server waits for everybody. Where it goes on without the late, draws the clients of a round, or
takes each client's work as it comes, they work job by job (``rounds_of_jobs.py``, ``asynchronous.py``).
"""

from __future__ import annotations

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog
from simulator.kernel.world import Process, World
from simulator.local_rounds import forge_steps, play_local_steps
from simulator.rounds import play_rounds
from simulator.strategies.fedgan.asynchronous import AsynchronousServer
from simulator.strategies.fedgan.plan import FedganPlan
from simulator.strategies.fedgan.rounds_of_jobs import RoundsOfJobs


def play(world: World, plan: FedganPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of local steps, each ended by an average of both networks; or of jobs."""
    if plan.options.asynchronous:
        return play_rounds(world, plan, log, AsynchronousServer(world, plan, log).play_round)
    if plan.options.by_jobs:
        return play_rounds(world, plan, log, RoundsOfJobs(world, plan, log).play_round)
    steps = forge_steps(world, plan)

    def play_round(round_: int) -> Process:
        yield from play_local_steps(world, plan, log, steps, round_)
        yield world.env.all_of([world.send(client, SERVER_ID, plan.payload) for client in plan.clients])
        log.commit("aggregate", plan.clients, round=round_)
        yield world.env.all_of([world.send(SERVER_ID, client, plan.payload) for client in plan.clients])

    return play_rounds(world, plan, log, play_round)
