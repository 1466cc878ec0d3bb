"""The end of a round that does not wait for everybody: who is there sends its segments, who is in time is averaged."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import simpy

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog
from simulator.kernel.outcome import Outcome
from simulator.kernel.world import Process, World
from simulator.split_plan import SplitPlan
from simulator.strategies.huscf_gan.crew import Crew
from simulator.strategies.huscf_gan.crossing import Crossing


def gather(
    world: World, plan: SplitPlan, log: CommitLog, crew: Crew, round_: int, learned: Sequence[int]
) -> Process:
    """Average the segments of those that learned from real images in this round, are there and come in time.

    Without any of them nothing is averaged, and no aggregation is committed. The round ends when all that were averaged
    have what comes of it, or have left; who left gets it first thing when it is back. With patience for all, everybody
    that learned is waited for.
    """
    patience = plan.setting.scenario.strategy.patience
    members = crew.ready(learned)
    if not members:
        return
    barrier = Crossing(world.env, patience, dict.fromkeys(members, 0), len(members))
    averaged = world.env.event()
    handed = {client: world.env.event() for client in members}
    once = not patience.lossless

    def take_part(client: int) -> Process:
        ends = (client, SERVER_ID, plan.round_payload[client])
        outcome: Outcome = yield world.attempt_send(*ends) if once else world.send(*ends)
        if outcome.closed:
            crew.cut_off(client)
        if not (outcome.completed and barrier.arrive(client)):
            barrier.expect_no_more(client)
            return
        yield averaged
        if once:
            yield from deliver(world, crew, client, plan.round_payload[client], handed[client])
        else:
            yield world.send(SERVER_ID, client, plan.round_payload[client])
            handed[client].succeed()

    for client in members:
        crew.begin(client, take_part(client))
    barrier.open()
    yield barrier.complete(0)
    if barrier.arrived:
        log.commit("aggregate", barrier.arrived, round=round_)
        averaged.succeed()
        yield world.env.all_of([handed[client] for client in barrier.arrived])


def deliver(
    world: World,
    crew: Crew,
    client: int,
    payload: Sequence[tuple[str, float]],
    tried: simpy.Event | None = None,
) -> Generator[simpy.Event, Any, bool]:
    """Send a client what it must have, as often as it takes; not to one that never comes back.

    Args:
        world: where it happens.
        crew: where one that is cut off from the server is taken off.
        client: who gets it.
        payload: what it gets.
        tried: triggered after the first try.

    Returns:
        Whether it has got it.
    """
    while True:
        outcome: Outcome = yield world.attempt_send(SERVER_ID, client, payload)
        if tried is not None and not tried.triggered:
            tried.succeed()
        if outcome.closed:
            crew.cut_off(client)
        gone = max(world.returns_s(client), world.returns_s(SERVER_ID)) == math.inf
        if outcome.completed or outcome.closed or gone:
            return outcome.completed
        yield world.env.all_of([world.back(client), world.back(SERVER_ID)])
