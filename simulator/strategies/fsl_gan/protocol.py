"""Federated Split GANs in simulated time: the server makes, every household judges as a chain, the server learns."""

from __future__ import annotations

from collections.abc import Sequence

from devices.fleet import SERVER_ID
from simulator.commits import CommitLog
from simulator.kernel.chain import Message
from simulator.kernel.world import Process, Road, World
from simulator.rounds import play_rounds
from simulator.strategies.fsl_gan.plan import GENERATION, UPDATE, FslGanPlan
from simulator.strategies.fsl_gan.step import PASSES, HouseholdStep, Transfer


def play(world: World, plan: FslGanPlan, log: CommitLog) -> Process:
    """Play a whole run: rounds of steps, each ended by an average of the discriminators."""
    players = _Players(world, plan)

    def play_round(round_: int) -> Process:
        for step in range(plan.steps_per_round):
            yield from _play_step(world, plan, players, log, round_, step)
        yield from _everybody(world, plan.uploads)
        log.commit("aggregate", plan.clients, round=round_)
        yield from _everybody(world, plan.downloads)

    return play_rounds(world, plan, log, play_round)


class _Players:
    """What is computed in every iteration, forged once.

    Attributes:
        generation: the server's first turn.
        update: its second.
        households: for each household, the turns of each pass.
    """

    def __init__(self, world: World, plan: FslGanPlan) -> None:
        self.generation = world.chain(SERVER_ID, [plan.generation])
        self.update = world.chain(SERVER_ID, [plan.update])
        self.households = [_forge(world, step) for step in plan.steps]


def _forge(world: World, step: HouseholdStep) -> list[list[Road]]:
    return [
        [
            world.chain(turn.device.id, turn.legs, sent=_message(turn.sent) if turn.sent else None)
            for turn in turns
        ]
        for turns in step.passes
    ]


def _message(transfer: Transfer) -> Message:
    return Message(transfer.source, transfer.target, transfer.payload, transfer.seconds)


def _play_step(
    world: World, plan: FslGanPlan, players: _Players, log: CommitLog, round_: int, step: int
) -> Process:
    """Play one iteration: the server waits for every household's answer."""
    start_s = world.now_s
    yield players.generation.play()
    ends_s = {GENERATION: world.now_s}
    households = [
        world.env.process(_play_household(world, own, passes, ends_s))
        for own, passes in zip(plan.steps, players.households, strict=True)
    ]
    yield world.env.all_of(households)
    yield players.update.play()
    ends_s[UPDATE] = world.now_s
    log.commit("iteration", plan.clients, round=round_, step=step)
    phases, reached_s = {}, start_s
    for phase in plan.phases:
        phases[phase] = ends_s[phase] - reached_s
        reached_s = ends_s[phase]
    index = round_ * plan.steps_per_round + step
    world.recorder.iteration(round_, index, start_s, world.now_s, phases, *log.losses)


def _play_household(
    world: World, step: HouseholdStep, passes: Sequence[Sequence[Road]], ends_s: dict[str, float]
) -> Process:
    """Play a household's step, one thing after the other; the last household to end a pass leaves its time."""
    yield from _on_the_way(world, step.received)
    for (phase, _), turns in zip(PASSES, passes, strict=True):
        for turn in turns:
            yield turn.play()
        ends_s[phase] = world.now_s
    yield from _on_the_way(world, step.answered)
    ends_s[PASSES[-1][0]] = world.now_s


def _everybody(world: World, ways: Sequence[Sequence[Transfer]]) -> Process:
    """Let all households send at once, and wait for the slowest."""
    yield world.env.all_of([world.env.process(_on_the_way(world, way)) for way in ways])


def _on_the_way(world: World, transfers: Sequence[Transfer]) -> Process:
    """Send messages one after the other."""
    for one in transfers:
        yield world.send(one.source, one.target, one.payload, one.seconds)
