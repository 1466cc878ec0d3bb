"""The plan of a run after HFL-GAN: local steps with two generators, edge rounds, and cloud rounds now and then."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devices.fleet import Device
from models.local_step import local_step_legs, network_payload
from simulator.local_plan import LocalPlan, Payload, memory_of_networks, payload_bytes, payload_of
from simulator.memory_check import check_memory
from simulator.plan import batches_of, check_latency, steps_of_a_round
from simulator.setting import BYTES_PER_VALUE, Setting
from simulator.strategies.hfl_gan.assignment import Assignment, first_assignment, members_of

log = logging.getLogger(__name__)

PROJECTED_NUMBERS = 64
"""Numbers that tell the cloud of a member's discriminator."""

GENERATORS = 2
"""The edge generator and the global one."""


@dataclass(frozen=True)
class HflGanPlan(LocalPlan):
    """A run after HFL-GAN.

    Attributes:
        networks: what a client and its edge send each other: both generators and the discriminator.
        global_generator: what an edge gets from the cloud.
        assignment: who belongs to which edge at first.
    """

    networks: Payload
    global_generator: Payload
    assignment: Assignment

    @property
    def period(self) -> int:
        """Every so many rounds the edges meet in the cloud."""
        return int(self.setting.scenario.strategy.cloud_every)

    def meets_cloud(self, round_: int) -> bool:
        """Whether a round ends in the cloud."""
        return (round_ + 1) % self.period == 0

    def report(self, members: int) -> Payload:
        """Return what an edge with so many members sends the cloud: the global generator, and what tells them apart."""
        bytes_per_value = BYTES_PER_VALUE[self.setting.scenario.execution.precision]
        parameters, statistics = network_payload(self.setting.costs, "generator")
        return payload_of(parameters, statistics + members * PROJECTED_NUMBERS * bytes_per_value)

    def edge_id(self, edge: int) -> int:
        """Return the id of the edge server of a number."""
        return self.setting.fleet.edges[edge].id

    def aggregation_seconds(self) -> float:
        """Return how long a round's end takes: the mean of one that meets the cloud, and those before it.

        Members as at first: what an edge reports grows with their number, by ``PROJECTED_NUMBERS`` each.
        """
        return self._edge_seconds() + self._cloud_seconds() / self.period

    def memory_bytes(self) -> tuple[int, ...]:
        """Return what both generators and the discriminator need in training."""
        return tuple(memory_of_networks(self.setting, batch, GENERATORS, 1) for batch in self.batches)

    def memory_marks(self) -> Mapping[int, float]:
        """Return what clients, edges and the cloud need, in bytes."""
        return {device.id: float(needed) for device, needed, _ in _memory_needs(self)}

    def placement_columns(self, client: int) -> Mapping[str, Any]:
        """Return a client's first edge server."""
        return {"edge": self.setting.fleet.edges[self.assignment[client]].name}

    def _edge_seconds(self) -> float:
        """Return the slowest way of all three networks up to an edge, and the slowest down."""
        seconds, n_bytes = self.setting.network.seconds, payload_bytes(self.networks)
        ways = [(client, self.edge_id(self.assignment[client])) for client in self.clients]
        up_s = max(seconds(client, edge, n_bytes) for client, edge in ways)
        return up_s + max(seconds(edge, client, n_bytes) for client, edge in ways)

    def _cloud_seconds(self) -> float:
        """Return the slowest report to the cloud, and the slowest way of its average down to an edge."""
        seconds, server = self.setting.network.seconds, self.setting.fleet.server.id
        edges = {self.edge_id(edge): len(own) for edge, own in members_of(self.assignment).items()}
        up_s = max(
            seconds(edge, server, payload_bytes(self.report(members))) for edge, members in edges.items()
        )
        return up_s + max(seconds(server, edge, payload_bytes(self.global_generator)) for edge in edges)


def make_plan(setting: Setting) -> HflGanPlan:
    """Lay a run after HFL-GAN out.

    Raises:
        ScenarioError: where a device's memory cannot hold its part.
    """
    batches, workload = batches_of(setting), setting.workload
    plan = HflGanPlan(
        setting=setting,
        clients=tuple(device.id for device in setting.fleet.clients),
        batches=batches,
        rounds=setting.scenario.strategy.rounds,
        steps_per_round=steps_of_a_round(setting, batches),
        legs=tuple(local_step_legs(workload, workload.charged_rows(batch), GENERATORS) for batch in batches),
        networks=payload_of(*network_payload(setting.costs, "generator", "generator", "discriminator")),
        global_generator=payload_of(*network_payload(setting.costs, "generator")),
        assignment=first_assignment(len(setting.fleet.clients), len(setting.fleet.edges)),
    )
    _warn_without_cloud(plan)
    check_memory(setting, _memory_needs(plan))
    check_latency(setting, plan.closed_form().latency_s)
    return plan


def _warn_without_cloud(plan: HflGanPlan) -> None:
    """Say that a run is over before its edges meet: its global generators are then averaged within edges alone."""
    if plan.rounds < plan.period:
        log.warning(
            "strategy.cloud_every is %d, but the run has %d rounds: its edges never meet in the cloud",
            plan.period,
            plan.rounds,
        )


def _memory_needs(plan: HflGanPlan) -> list[tuple[Device, int, str]]:
    """Return what everybody needs: whoever averages adds up what comes, one message at a time."""
    fleet = plan.setting.fleet
    needs = [
        (device, needed, "two generators and a discriminator in training")
        for device, needed in zip(fleet.clients, plan.memory_bytes(), strict=True)
    ]
    needs += [
        (edge, 2 * int(payload_bytes(plan.networks)), "an average of three networks") for edge in fleet.edges
    ]
    return [*needs, (fleet.server, 2 * int(payload_bytes(plan.global_generator)), "an average of generators")]
