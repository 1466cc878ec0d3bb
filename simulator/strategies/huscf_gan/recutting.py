"""New cuts at the end of a round, in simulated time: the server searches, and sends clients the blocks they get."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import simpy

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog
from simulator.kernel.world import World
from simulator.local_plan import Payload
from simulator.reselection import Reselector
from simulator.split_plan import SplitPlan

Hand = Callable[[int, Payload], simpy.Event]
"""Has a client be sent its blocks; returns the event for which the round waits."""


def recut(
    world: World,
    plan: SplitPlan,
    log: CommitLog,
    reselector: Reselector,
    there: Sequence[int],
    round_: int,
    hand: Hand,
) -> Generator[simpy.Event, Any, SplitPlan]:
    """Choose cuts anew, where it is time for that; return the run under the cuts from now on.

    Args:
        world: where it happens.
        plan: the run as it is.
        log: where new cuts are committed.
        reselector: what chooses.
        there: the clients that are there.
        round_: the round that ends.
        hand: has a client be sent its blocks.
    """
    found = reselector.at_round_end(plan, there)
    if found is None:
        return plan
    yield world.compute(SERVER_ID, [found.search])
    if found.plan is None:
        return plan
    cuts = [list(cut.as_tuple()) for cut in found.plan.cuts]
    log.commit("recut", plan.clients, round=round_, cuts=cuts)
    yield world.env.all_of([hand(client, payload) for client, payload in found.gains.items()])
    return found.plan
