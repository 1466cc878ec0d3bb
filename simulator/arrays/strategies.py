"""The strategies that have an array path, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from models.local_step import LOCAL_STEP, local_step_legs, network_payload
from models.memory import network_memory_bytes
from simulator.arrays.cuts import choose_cuts
from simulator.arrays.ground import Ground
from simulator.arrays.split import play_split
from simulator.arrays.times import ArrayTimes, check_memory, check_server_memory, exchange_seconds


def huscf_gan(ground: Ground) -> ArrayTimes:
    """Choose cuts and walk the crossings; at a round's end all segments go up and down.

    Raises:
        ScenarioError: where there are more clusters than clients, or cuts do not fit.
    """
    wanted, clients = ground.loaded.scenario.strategy.clusters, ground.fleet.size
    if wanted != "auto" and wanted > clients:
        came = f"{wanted} clusters of {clients} clients"
        raise ground.loaded.error("strategy.clusters", came, f"allowed: auto, or 1 to {clients}")
    return play_split(ground, choose_cuts(ground))


def fedgan(ground: Ground) -> ArrayTimes:
    """Train a whole GAN on every client; at a round's end both networks go up and down.

    Raises:
        ScenarioError: where a device's memory cannot hold a whole GAN in training, or the server's not an average.
    """
    costs, workload = ground.costs, ground.workload
    batches, kind_of = np.unique(ground.batches, return_inverse=True)
    legs = [local_step_legs(workload, workload.charged_rows(batch)) for batch in batches.tolist()]
    needed = [
        network_memory_bytes(costs.generator, batch) + network_memory_bytes(costs.discriminator, batch)
        for batch in batches.tolist()
    ]
    check_memory(ground, np.array(needed, dtype=np.float64)[kind_of], "a whole GAN in training")
    n_bytes = sum(network_payload(costs, "generator", "discriminator"))
    check_server_memory(ground, 2 * n_bytes, "an average of both networks")
    compute_s = ground.columns.compute_of_kinds_s(legs, kind_of)
    latency_s = float(compute_s.max())
    return ArrayTimes(
        latency_s=latency_s,
        phase_end_s={LOCAL_STEP: latency_s},
        compute_s=compute_s,
        transfer_s=np.zeros_like(compute_s),
        aggregation_s=exchange_seconds(ground.columns, n_bytes),
    )


STRATEGIES: Mapping[str, Callable[[Ground], ArrayTimes]] = {"huscf_gan": huscf_gan, "fedgan": fedgan}
