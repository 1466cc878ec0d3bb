"""FedGAN's plan: a whole GAN on every client, and both networks up and down at a round's end."""

from __future__ import annotations

from dataclasses import dataclass

from models.local_step import local_step_legs, network_payload
from simulator.local_plan import (
    LocalPlan,
    Payload,
    exchange_seconds,
    memory_of_networks,
    payload_bytes,
    payload_of,
)
from simulator.memory_check import check_memory
from simulator.plan import batches_of, check_latency, steps_of_a_round
from simulator.setting import Setting


@dataclass(frozen=True)
class FedganPlan(LocalPlan):
    """A FedGAN run.

    Attributes:
        payload: what every client sends, and gets back, at a round's end.
    """

    payload: Payload

    def aggregation_seconds(self) -> float:
        """Return the slowest upload and the slowest download of both networks."""
        return exchange_seconds(self.setting, (self.payload,) * len(self.clients))

    def memory_bytes(self) -> tuple[int, ...]:
        """Return what both networks need in training."""
        return tuple(memory_of_networks(self.setting, batch, 1, 1) for batch in self.batches)

    def server_memory_bytes(self) -> int:
        """Return what the server needs to average: the sum of what has come, and the message that is added to it."""
        return 2 * int(payload_bytes(self.payload))


def make_plan(setting: Setting) -> FedganPlan:
    """Lay a FedGAN run out.

    Raises:
        ScenarioError: where a device's memory cannot hold a whole GAN in training, or the server's not an average.
    """
    batches, workload = batches_of(setting), setting.workload
    plan = FedganPlan(
        setting=setting,
        clients=tuple(device.id for device in setting.fleet.clients),
        batches=batches,
        rounds=setting.scenario.strategy.rounds,
        steps_per_round=steps_of_a_round(setting, batches),
        legs=tuple(local_step_legs(workload, workload.charged_rows(batch)) for batch in batches),
        payload=payload_of(*network_payload(setting.costs, "generator", "discriminator")),
    )
    needs = [
        (device, needed, "a whole GAN in training")
        for device, needed in zip(setting.fleet.clients, plan.memory_bytes(), strict=True)
    ]
    server = (setting.fleet.server, plan.server_memory_bytes(), "an average of both networks")
    check_memory(setting, [server, *needs])
    check_latency(setting, plan.closed_form().latency_s)
    return plan
