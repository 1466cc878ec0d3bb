"""FedGAN's plan: a whole GAN on every client; both networks go up and down at a round's end, or with every job."""

from __future__ import annotations

from dataclasses import dataclass

from models.local_step import LOCAL_STEP, local_step_legs, network_payload
from simulator.closed_form import ClientTime, IterationTime
from simulator.local_plan import (
    LocalPlan,
    Payload,
    exchange_seconds,
    memory_of_networks,
    payload_bytes,
    payload_of,
    seconds_of,
)
from simulator.memory_check import check_memory
from simulator.plan import batches_of, check_latency, steps_of_a_round
from simulator.setting import Setting
from simulator.strategies.fedgan.aggregation import FedBuffAggregation, SyncAggregation
from simulator.strategies.fedgan.options import FedganOptions

_STORED_BY_SERVER = {"sync": 3, "fedasync": 2, "fedbuff": 3}
"""Pairs of networks that a server of jobs stores: its own, what comes, and where it needs one, a sum."""


@dataclass(frozen=True)
class FedganPlan(LocalPlan):
    """A FedGAN run.

    In rounds with everybody, an iteration is a local step. Where clients get their work job by job, it is what the
    server takes in at once: all jobs of a round, or a single merge.

    Attributes:
        payload: what every client sends, and gets back, at a round's end or with a job.
    """

    payload: Payload

    @property
    def options(self) -> FedganOptions:
        """The strategy's options."""
        options: FedganOptions = self.setting.scenario.strategy
        return options

    @property
    def iterations_per_round(self) -> int:
        """As many as there are steps, merges, or averages in a round."""
        aggregation = self.options.aggregation
        if not self.options.by_jobs:
            return self.steps_per_round
        if isinstance(aggregation, SyncAggregation):
            return 1
        return aggregation.merges_per_round or len(self.clients)

    def job_seconds(self) -> list[tuple[float, float]]:
        """Return how long every client computes for a job, and how long its download and upload take together."""
        network, server, n_bytes = (
            self.setting.network,
            self.setting.fleet.server.id,
            payload_bytes(self.payload),
        )
        return [
            (
                self.steps_per_round * seconds_of(device, legs),
                network.seconds(server, device.id, n_bytes) + network.seconds(device.id, server, n_bytes),
            )
            for device, legs in zip(self.setting.fleet.clients, self.legs, strict=True)
        ]

    def closed_form(self) -> IterationTime:
        """Return the time of an iteration where nobody is away or late, and links are not shared.

        Of a round's jobs, all clients taking part, that of the slowest. Of merges, the mean time between two in the
        long run: with cycles of ``T_k`` seconds it is ``1 / sum_k 1 / T_k``; a client's share of it is told.
        """
        if not self.options.by_jobs:
            return super().closed_form()
        jobs = self.job_seconds()
        cycles_s = [compute_s + exchange_s for compute_s, exchange_s in jobs]
        if not self.options.asynchronous:
            latency_s = max(cycles_s)
            parts = [(one, latency_s - cycle_s, 1.0) for one, cycle_s in zip(jobs, cycles_s, strict=True)]
        else:
            latency_s = 1.0 / sum(1.0 / cycle_s for cycle_s in cycles_s)
            parts = [(one, 0.0, latency_s / cycle_s) for one, cycle_s in zip(jobs, cycles_s, strict=True)]
        clients = tuple(
            ClientTime(compute_s * share, exchange_s * share, wait_s)
            for (compute_s, exchange_s), wait_s, share in parts
        )
        return IterationTime(latency_s, {LOCAL_STEP: latency_s}, clients)

    def aggregation_seconds(self) -> float:
        """Return the slowest upload and the slowest download of both networks; with jobs, these are part of them."""
        if self.options.by_jobs:
            return 0.0
        return exchange_seconds(self.setting, (self.payload,) * len(self.clients))

    def memory_bytes(self) -> tuple[int, ...]:
        """Return what both networks need in training; to tell its changes (FedBuff), a client keeps its input."""
        differences = isinstance(self.options.aggregation, FedBuffAggregation)
        kept = int(payload_bytes(self.payload)) if differences else 0
        return tuple(memory_of_networks(self.setting, batch, 1, 1) + kept for batch in self.batches)

    def server_memory_bytes(self) -> int:
        """Return what the server needs: to average, the sum of what has come, and the message that is added to it.

        A server of jobs stores its own networks besides. That old versions are kept as long as jobs began with them is
        the simulation's matter: a real server has sent them, and needs them no more.
        """
        stored = _STORED_BY_SERVER[self.options.aggregation.kind] if self.options.by_jobs else 2
        return stored * int(payload_bytes(self.payload))


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
    _check_buffer(plan)
    return plan


def _check_buffer(plan: FedganPlan) -> None:
    """Refuse a buffer that is never full: the server would learn nothing.

    Raises:
        ScenarioError: the run merges fewer jobs than the server's first step takes.
    """
    aggregation, merges = plan.options.aggregation, plan.rounds * plan.iterations_per_round
    if isinstance(aggregation, FedBuffAggregation) and aggregation.buffer > merges:
        raise plan.setting.loaded.error(
            "strategy.aggregation.buffer",
            f"{aggregation.buffer} jobs a step, and the run merges {merges} in all, so that the server learns nothing",
            f"allowed: 1 to {merges}, or more strategy.rounds",
        )
