"""What a client does between two meetings with the server, forged once and played in every iteration."""

from __future__ import annotations

from devices.fleet import SERVER_ID
from models.split import ClientLegs, Phase, TransferLeg
from simulator.kernel.chain import Message
from simulator.kernel.world import Road, World

PASSES = (
    Phase.GENERATOR_FORWARD,
    Phase.DISCRIMINATOR_FAKE,
    Phase.DISCRIMINATOR_REAL,
    Phase.DISCRIMINATOR_FOR_GENERATOR,
)
"""The passes of an iteration whose joined batches a commit names; the generator's pass is named by its forward."""


def dataflow_roads(world: World, client: int, legs: ClientLegs) -> list[Road]:
    """Forge a client's roads: receive (but for the first), compute, send up (but for the last)."""
    roads, received = [], None
    for visit in legs.visits:
        sent = _message(client, SERVER_ID, visit.up)
        roads.append(world.chain(client, visit.finish + visit.prepare, received, sent))
        received = _message(SERVER_ID, client, visit.down)
    return [*roads, world.chain(client, legs.after, received)]


def roads_in_lockstep(world: World, client: int, legs: ClientLegs) -> list[Road]:
    """Forge a client's roads in turns: compute and send up; receive and compute, to meet all others."""
    roads = []
    finishes = [*(visit.finish for visit in legs.visits[1:]), legs.after]
    for visit, finish in zip(legs.visits, finishes, strict=True):
        roads.append(world.chain(client, visit.prepare, sent=_message(client, SERVER_ID, visit.up)))
        roads.append(world.chain(client, finish, received=_message(SERVER_ID, client, visit.down)))
    return roads


def _message(source: int, target: int, leg: TransferLeg) -> Message:
    return Message(source, target, ((leg.kind, leg.n_bytes),))
