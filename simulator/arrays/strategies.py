"""The strategies that have an array path, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from devices.fleet import SERVER_ID, Device
from models.local_step import LOCAL_STEP, local_step_legs, network_payload
from models.memory import network_memory_bytes
from simulator.arrays.cuts import choose_cuts
from simulator.arrays.ground import Ground
from simulator.arrays.links import slowest_move_s
from simulator.arrays.split import play_split
from simulator.arrays.times import ArrayTimes, check_memory, check_server_memory, exchange_seconds
from simulator.local_plan import payload_bytes, seconds_of
from simulator.strategies.md_gan.plan import derangement
from simulator.strategies.md_gan.work import PHASES, work_of


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


def md_gan(ground: Ground) -> ArrayTimes:
    """Let the server make images, the clients learn and judge, the server learn; at a round's end discriminators move.

    Raises:
        ScenarioError: where more batches are asked for than there are clients, or a network does not fit some memory.
    """
    columns, clients = ground.columns, ground.fleet.size
    work = work_of(ground.loaded, ground.workload, clients)
    check_memory(ground, work.client_memory_bytes, "a discriminator in training")
    check_server_memory(ground, work.server_memory_bytes, "the generator in training")
    batches, kind_of = np.unique(ground.batches, return_inverse=True)
    compute_s = columns.compute_of_kinds_s([work.client_legs(batch) for batch in batches.tolist()], kind_of)
    transfer_s = columns.down_s(payload_bytes(work.images)) + columns.up_s(payload_bytes(work.feedback))
    server = Device(SERVER_ID, ground.fleet.server)
    made_s = seconds_of(server, work.generation)
    answered_s = made_s + float((compute_s + transfer_s).max())
    latency_s = answered_s + seconds_of(server, work.update)
    receivers = derangement(ground.streams, clients, round_=0) if work.options.swap else ()
    moves = np.array(receivers, dtype=np.intp), payload_bytes(work.discriminator)
    return ArrayTimes(
        latency_s=latency_s,
        phase_end_s=dict(zip(PHASES, (made_s, answered_s, latency_s), strict=True)),
        compute_s=compute_s,
        transfer_s=transfer_s,
        aggregation_s=slowest_move_s(ground.fleet, ground.loaded.scenario.network.model, *moves),
    )


STRATEGIES: Mapping[str, Callable[[Ground], ArrayTimes]] = {
    "huscf_gan": huscf_gan,
    "fedgan": fedgan,
    "md_gan": md_gan,
}
