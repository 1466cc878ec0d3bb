"""The plan of Federated Split GANs: the generator on the server, a discriminator in every household."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from devices.fleet import SERVER_ID, Device
from models.memory import network_memory_bytes
from models.split import ComputeLeg, Work
from simulator.closed_form import ClientTime, IterationTime
from simulator.local_plan import payload_of, seconds_of
from simulator.memory_check import check_memory
from simulator.plan import Plan, batches_of, check_latency, steps_of_a_round
from simulator.setting import Setting
from simulator.strategies.fsl_gan.household import (
    PART_NAMES,
    Holding,
    Household,
    device_memory_bytes,
    make_households,
)
from simulator.strategies.fsl_gan.step import PASSES, HouseholdStep, Lan, Transfer, household_step

GENERATION, UPDATE = "generation", "generator_update"
"""The server's two turns: it makes the fakes, and it learns."""

PHASES = (GENERATION, *(str(phase) for phase, _ in PASSES), UPDATE)


@dataclass(frozen=True)
class FslGanPlan(Plan):
    """A run of Federated Split GANs; its clients are households.

    Attributes:
        households: who lives where, and holds what.
        steps: what happens in each of them in an iteration.
        generation: what the server computes first.
        update: what it computes on the households' answers.
        uploads: the way of each household's parts to the server.
        downloads: and their way back.
    """

    households: tuple[Household, ...]
    steps: tuple[HouseholdStep, ...]
    generation: ComputeLeg
    update: ComputeLeg
    uploads: tuple[tuple[Transfer, ...], ...]
    downloads: tuple[tuple[Transfer, ...], ...]

    @property
    def phases(self) -> tuple[str, ...]:
        """The server's turn, the discriminator's three passes, and the server's turn again.

        A phase that households end at different times ends with the last of them.
        """
        return PHASES

    def closed_form(self) -> IterationTime:
        """Return an iteration's time: F_G, the slowest household's step, and B_G.

        Within a household nothing overlaps: its step is the sum of its messages and legs.
        """
        server = self.setting.fleet.server
        made_s = seconds_of(server, (self.generation,))
        account = _Account(self)
        ends_s = [account.pass_ends_s(step) for step in self.steps]
        reached_s = [made_s + max(ends) for ends in zip(*ends_s, strict=True)]
        latency_s = reached_s[-1] + seconds_of(server, (self.update,))
        times_s = (made_s, *reached_s, latency_s)
        return IterationTime(latency_s, dict(zip(PHASES, times_s, strict=True)), account.clients(latency_s))

    def aggregation_seconds(self) -> float:
        """Return the slowest household's way up, and the slowest's way down."""
        return sum(
            max(sum(self.transfer_seconds(one) for one in way) for way in ways)
            for ways in (self.uploads, self.downloads)
        )

    def transfer_seconds(self, transfer: Transfer) -> float:
        """Return how long a message takes, on the LAN or through the network."""
        if transfer.seconds is not None:
            return transfer.seconds
        return self.setting.network.seconds(transfer.source, transfer.target, transfer.n_bytes)

    def links(self, source: int, target: int) -> tuple[str, ...]:
        """Return the LAN of a household where both are at home, else the links through the network."""
        if SERVER_ID in (source, target):
            return super().links(source, target)
        return (f"household-{self._home[source]} LAN",)

    @cached_property
    def _home(self) -> Mapping[int, int]:
        """The household of every device, by id."""
        return {device.id: household.id for household in self.households for device in household.devices}

    def memory_bytes(self) -> tuple[int, ...]:
        """Return what each household needs on all its devices together, in bytes."""
        return tuple(
            sum(needed for _, needed, _ in _memory_needs(self.setting, household))
            for household in self.households
        )

    def memory_marks(self) -> Mapping[int, float]:
        """Return what each device of a household needs, and the server's generator, in bytes."""
        return {device.id: float(needed) for device, needed, _ in _memory_needs_of(self)}

    def placement_columns(self, client: int) -> Mapping[str, Any]:
        """Return a household's name, its devices and their profiles, and who holds which part."""
        household = self.households[client]
        return {
            "client": f"household-{client}",
            "profile": " ".join(device.profile.name for device in household.devices),
            "devices": " ".join(device.name for device in household.devices),
            **{
                f"part_{name.lower()}": device.name
                for name, device in zip(PART_NAMES, household.parts, strict=True)
            },
        }


class _Account:
    """Where every device's time goes, as the steps of the households are walked."""

    def __init__(self, plan: FslGanPlan) -> None:
        self._plan = plan
        self._compute_s: dict[int, float] = defaultdict(float)
        self._transfer_s: dict[int, float] = defaultdict(float)

    def pass_ends_s(self, step: HouseholdStep) -> list[float]:
        """Walk a step; return when each pass is over, the last with the answer's arrival at the server."""
        reached_s = self._sent(step.received)
        ends_s = []
        for turns in step.passes:
            for turn in turns:
                reached_s += self._computed(turn.device, turn.legs)
                reached_s += self._sent((turn.sent,) if turn.sent else ())
            ends_s.append(reached_s)
        ends_s[-1] += self._sent(step.answered)
        return ends_s

    def clients(self, latency_s: float) -> tuple[ClientTime, ...]:
        """Return the times of all of the fleet's devices; who has no part waits, or hands on."""
        times_s = (
            (self._compute_s[device.id], self._transfer_s[device.id])
            for device in self._plan.setting.fleet.clients
        )
        return tuple(
            ClientTime(compute_s, transfer_s, latency_s - compute_s - transfer_s)
            for compute_s, transfer_s in times_s
        )

    def _computed(self, device: Device, legs: Sequence[ComputeLeg]) -> float:
        seconds = seconds_of(device, legs)
        self._compute_s[device.id] += seconds
        return seconds

    def _sent(self, transfers: Sequence[Transfer]) -> float:
        """Take messages one after the other; both ends are busy with each."""
        total_s = 0.0
        for transfer in transfers:
            seconds = self._plan.transfer_seconds(transfer)
            self._transfer_s[transfer.source] += seconds
            self._transfer_s[transfer.target] += seconds
            total_s += seconds
        return total_s


def make_plan(setting: Setting) -> FslGanPlan:
    """Lay a run of Federated Split GANs out.

    Raises:
        ScenarioError: where the parts do not fit the discriminator, or a device's memory not its part.
    """
    batches, workload, options = batches_of(setting), setting.workload, setting.scenario.strategy
    households = make_households(setting)
    made_rows = workload.charged_rows(options.batch_size)
    ways = [_ways_of_parts(setting, household) for household in households]
    plan = FslGanPlan(
        setting=setting,
        clients=tuple(household.id for household in households),
        batches=batches,
        rounds=options.rounds,
        steps_per_round=steps_of_a_round(setting, batches),
        households=households,
        steps=tuple(
            household_step(setting, household, batch)
            for household, batch in zip(households, batches, strict=True)
        ),
        generation=workload.network_leg("generator", Work.FORWARD, made_rows, GENERATION),
        update=workload.network_leg("generator", Work.BACKWARD, made_rows, UPDATE),
        uploads=tuple(up for up, _ in ways),
        downloads=tuple(down for _, down in ways),
    )
    _check_memory(plan)
    check_latency(setting, plan.closed_form().latency_s)
    return plan


def _ways_of_parts(
    setting: Setting, household: Household
) -> tuple[tuple[Transfer, ...], tuple[Transfer, ...]]:
    """Return the way of a household's parts to the server, and back: all through the gateway.

    Over the LAN each message is charged the latency, and they follow one another.
    """
    options, gateway = setting.scenario.strategy, household.gateway

    def lan() -> Lan:
        return Lan(options.lan_rate, options.lan_latency, {one.id for one in household.devices})

    others = [one for one in household.holdings if one.device is not gateway]
    collected = [lan().carry(one.device, gateway, _parameters(setting, [one])) for one in others]
    handed_out = [lan().carry(gateway, one.device, _parameters(setting, [one])) for one in others]
    whole = _parameters(setting, household.holdings)
    up, down = Transfer(gateway.id, SERVER_ID, whole), Transfer(SERVER_ID, gateway.id, whole)
    return (*collected, up), (down, *handed_out)


def _parameters(setting: Setting, holdings: Sequence[Holding]) -> tuple[tuple[str, float], ...]:
    """Return a message of all parameters and statistics that these hold."""
    costs = [setting.costs.discriminator.blocks[block] for one in holdings for block in one.blocks]
    return payload_of(
        float(sum(cost.parameter_bytes for cost in costs)),
        float(sum(cost.statistics_bytes for cost in costs)),
    )


def _memory_needs_of(plan: FslGanPlan) -> list[tuple[Device, int, str]]:
    """Return what each device and the server need, and what for."""
    setting = plan.setting
    needs = [need for household in plan.households for need in _memory_needs(setting, household)]
    generator = network_memory_bytes(setting.costs.generator, setting.scenario.strategy.batch_size)
    return [*needs, (setting.fleet.server, generator, "the generator in training")]


def _check_memory(plan: FslGanPlan) -> None:
    """Refuse a run whose devices or server cannot hold what they train."""
    check_memory(plan.setting, _memory_needs_of(plan))


def _memory_needs(setting: Setting, household: Household) -> list[tuple[Device, int, str]]:
    """Return what each of a household's devices needs that holds anything, and what for."""
    return [
        (
            one.device,
            device_memory_bytes(setting, one.blocks, one.device is household.gateway),
            _what(one, household),
        )
        for one in household.memory_holdings
    ]


def _what(holding: Holding, household: Household) -> str:
    passing = "a household's images and discriminator on their way"
    if not holding.blocks:
        return passing
    first, last = holding.blocks[0] + 1, holding.blocks[-1] + 1
    which = f"block {first}" if first == last else f"blocks {first} to {last}"
    training = f"{which} of a household's discriminator in training"
    return f"{training}, with {passing}," if _passes_on(holding, household) else training


def _passes_on(holding: Holding, household: Household) -> bool:
    """Whether a device is the gateway for parts that others hold."""
    return holding.device is household.gateway and len(household.holdings) > 1
