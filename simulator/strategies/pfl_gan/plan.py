"""The plan of a run after PFL-GAN: local steps on the clients, then likeness and personal training on the server."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from models.local_step import local_step_legs, network_payload
from models.memory import BYTES_OF_ADAM_STATE_PER_PARAMETER_BYTE
from models.split import ComputeLeg, Work
from simulator.local_plan import (
    LocalPlan,
    Payload,
    exchange_seconds,
    made_image_bytes,
    memory_of_networks,
    payload_of,
    seconds_of,
)
from simulator.memory_check import check_memory
from simulator.plan import batches_of, check_latency, steps_of_a_round
from simulator.setting import Setting
from simulator.strategies.pfl_gan.similarity import divergence_flops, encoder_flops

PERSONALISATION = "personalisation"
"""The part of a round's end in which the server computes."""


@dataclass(frozen=True)
class PflGanPlan(LocalPlan):
    """A run after PFL-GAN.

    Attributes:
        payload: a generator: what every client sends at a round's end, and gets back.
        server_legs: what the server computes in between; nothing where there is one client.
    """

    payload: Payload
    server_legs: tuple[ComputeLeg, ...]

    @property
    def personalises(self) -> bool:
        """Whether there are others to learn from."""
        return len(self.clients) > 1

    def aggregation_seconds(self) -> float:
        """Return the slowest upload of a generator, the server's work, and the slowest download."""
        if not self.personalises:
            return 0.0
        exchange_s = exchange_seconds(self.setting, (self.payload,) * len(self.clients))
        return exchange_s + seconds_of(self.setting.fleet.server, self.server_legs)

    def server_memory_bytes(self) -> int:
        """Return what the server needs to personalise; nothing where it does not."""
        return _server_memory_bytes(self.setting, len(self.clients)) if self.personalises else 0

    def memory_bytes(self) -> tuple[int, ...]:
        """Return what a generator and a discriminator need in training."""
        return tuple(memory_of_networks(self.setting, batch, 1, 1) for batch in self.batches)


def make_plan(setting: Setting) -> PflGanPlan:
    """Lay a run after PFL-GAN out.

    Raises:
        ScenarioError: where a device's memory cannot hold its part, or images have fewer values than the latent space
            dimensions.
    """
    _check_dimensions(setting)
    batches, workload = batches_of(setting), setting.workload
    plan = PflGanPlan(
        setting=setting,
        clients=tuple(device.id for device in setting.fleet.clients),
        batches=batches,
        rounds=setting.scenario.strategy.rounds,
        steps_per_round=steps_of_a_round(setting, batches),
        legs=tuple(local_step_legs(workload, workload.charged_rows(batch)) for batch in batches),
        payload=payload_of(*network_payload(setting.costs, "generator")),
        server_legs=_server_legs(setting, len(batches)) if len(batches) > 1 else (),
    )
    needs = [
        (device, needed, "a whole GAN in training")
        for device, needed in zip(setting.fleet.clients, plan.memory_bytes(), strict=True)
    ]
    needs.append((setting.fleet.server, plan.server_memory_bytes(), "personalisation"))
    check_memory(setting, needs)
    check_latency(setting, plan.closed_form().latency_s)
    return plan


def _check_dimensions(setting: Setting) -> None:
    wanted, values = setting.scenario.strategy.latent_dimensions, math.prod(setting.architecture.image_shape)
    if wanted > values:
        allowed = f"allowed: 1 to {values}, the values of an image"
        raise setting.loaded.error("strategy.latent_dimensions", f"{wanted} dimensions", allowed)


def _server_legs(setting: Setting, clients: int) -> tuple[ComputeLeg, ...]:
    """Return the server's work at a round's end; all of it grows with the number of clients, divergences quadratically.

    Every generator makes its samples (F_G on M rows); the encoder, the Gaussians and their divergences; then for every
    client so many personal iterations, each a whole local step and F_G for the mixture's rows.
    """
    options, workload = setting.scenario.strategy, setting.workload
    samples, dimensions = options.similarity_samples, options.latent_dimensions
    values = math.prod(setting.architecture.image_shape)
    rows = workload.charged_rows(options.batch_size)
    mixing = workload.network_leg("generator", Work.FORWARD, rows, PERSONALISATION)
    return (
        *_times(clients, [workload.network_leg("generator", Work.FORWARD, samples, PERSONALISATION)]),
        _algebra("encoder", encoder_flops(clients * samples, values, dimensions)),
        _algebra("divergences", divergence_flops(clients, samples, dimensions)),
        *_times(clients * options.personal_steps, [mixing, *local_step_legs(workload, rows)]),
    )


def _times(count: int, legs: Iterable[ComputeLeg]) -> tuple[ComputeLeg, ...]:
    """Return legs that are each played so often; a leg's time is proportional to how often, on any device."""
    return tuple(
        replace(
            leg, flops=leg.flops * count, touched_bytes=leg.touched_bytes * count, kernels=leg.kernels * count
        )
        for leg in legs
    )


def _algebra(what: str, flops: float) -> ComputeLeg:
    """Return dense linear algebra, which is charged its FLOPs alone."""
    return ComputeLeg(PERSONALISATION, what, flops, 0.0, 0)


def _server_memory_bytes(setting: Setting, clients: int) -> int:
    """Return the server's peak: all generators as they came and as they go, their samples, and what it trains.

    That is one personal GAN at a time, and every client's discriminator with Adam's moments.
    """
    options = setting.scenario.strategy
    generator = sum(network_payload(setting.costs, "generator"))
    parameters, statistics = network_payload(setting.costs, "discriminator")
    discriminator = parameters * (1 + BYTES_OF_ADAM_STATE_PER_PARAMETER_BYTE) + statistics
    samples = options.similarity_samples * made_image_bytes(setting)
    kept = clients * (2 * generator + discriminator + samples)
    return int(kept) + memory_of_networks(setting, options.batch_size, 1, 1)
