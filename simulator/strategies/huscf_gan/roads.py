"""What a client does between two meetings with the server, forged once and played in every iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.split import ClientLegs, Phase, TransferLeg
from simulator.kernel.world import Payload, Road, World
from simulator.split_plan import SplitPlan

PASSES = (
    Phase.GENERATOR_FORWARD,
    Phase.DISCRIMINATOR_FAKE,
    Phase.DISCRIMINATOR_REAL,
    Phase.DISCRIMINATOR_FOR_GENERATOR,
)
"""The passes of an iteration whose joined batches a commit names; the generator's pass is named by its forward."""


Forge = Callable[[World, Sequence[int], ClientLegs], list[list[Road]]]
"""Forges roads for clients with the same legs; returns, step by step, the road of each of them."""


def roads_of(world: World, plan: SplitPlan, forge: Forge) -> dict[int, tuple[Road, ...]]:
    """Return the roads of every client, in the order it takes them; clients that do the same are forged together."""
    like: dict[int, list[int]] = {}
    for client, legs in zip(plan.clients, plan.legs, strict=True):
        like.setdefault(id(legs), []).append(client)
    roads: dict[int, tuple[Road, ...]] = {}
    for clients in like.values():
        steps = forge(world, clients, plan.legs[clients[0]])
        roads.update(zip(clients, zip(*steps, strict=True), strict=True))
    return roads


def dataflow_roads(world: World, clients: Sequence[int], legs: ClientLegs) -> list[list[Road]]:
    """Forge clients' roads: receive (but for the first), compute, send up (but for the last)."""
    roads, received = [], None
    for visit in legs.visits:
        roads.append(world.chains(clients, visit.finish + visit.prepare, received, _payload(visit.up)))
        received = _payload(visit.down)
    return [*roads, world.chains(clients, legs.after, received)]


def roads_in_lockstep(world: World, clients: Sequence[int], legs: ClientLegs) -> list[list[Road]]:
    """Forge clients' roads in turns: compute and send up; receive and compute, to meet all others."""
    roads = []
    finishes = [*(visit.finish for visit in legs.visits[1:]), legs.after]
    for visit, finish in zip(legs.visits, finishes, strict=True):
        roads.append(world.chains(clients, visit.prepare, sent=_payload(visit.up)))
        roads.append(world.chains(clients, finish, received=_payload(visit.down)))
    return roads


def _payload(leg: TransferLeg) -> Payload:
    return ((leg.kind, leg.n_bytes),)
