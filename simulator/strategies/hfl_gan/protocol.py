"""After HFL-GAN in simulated time: clients train by themselves, edges average, and now and then so does the cloud."""

from __future__ import annotations

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog, Decision
from simulator.kernel.world import Process, World
from simulator.local_rounds import forge_steps, play_local_steps
from simulator.rounds import play_rounds
from simulator.strategies.hfl_gan.assignment import members_of, reassigned
from simulator.strategies.hfl_gan.plan import HflGanPlan


def play(world: World, plan: HflGanPlan, log: CommitLog) -> Process:
    """Play a whole run: edge rounds, some of which end in the cloud."""
    steps = forge_steps(world, plan)
    assignment = plan.assignment
    everybody = world.env.all_of

    def play_round(round_: int) -> Process:
        nonlocal assignment
        yield from play_local_steps(world, plan, log, steps, round_)
        ways = [(client, plan.edge_id(assignment[client])) for client in plan.clients]
        yield everybody([world.send(client, edge, plan.networks) for client, edge in ways])
        if plan.meets_cloud(round_):
            edges = {
                plan.edge_id(edge): plan.report(len(own)) for edge, own in members_of(assignment).items()
            }
            yield everybody([world.send(edge, SERVER_ID, report) for edge, report in edges.items()])
            decision: Decision | None = log.commit("aggregate", plan.clients, round=round_)
            yield everybody([world.send(SERVER_ID, edge, plan.global_generator) for edge in edges])
            assignment = reassigned(assignment, decision.clusters if decision is not None else ())
        else:
            log.commit("aggregate", plan.clients, round=round_)
        yield everybody([world.send(edge, client, plan.networks) for client, edge in ways])

    return play_rounds(world, plan, log, play_round)
