"""MD-GAN's plan: the generator on the server, a discriminator on every client, and who gets whose at a round's end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.fleet import SERVER_ID
from models.cost import LABEL_BYTES, segment_saved_bytes
from models.local_step import network_payload
from models.memory import network_memory_bytes
from models.split import ComputeLeg, PayloadKind, Work
from models.workload import Workload
from simulator.closed_form import ClientTime, IterationTime
from simulator.local_plan import Payload, made_image_bytes, payload_bytes, payload_of, seconds_of
from simulator.memory_check import check_memory
from simulator.plan import Plan, batches_of, check_latency, steps_of_a_round
from simulator.setting import Setting
from simulator.streams import Streams

GENERATION, DISCRIMINATORS, GENERATOR_UPDATE = PHASES = ("generation", "discriminators", "generator_update")
"""The parts of an iteration: the server makes images, the clients learn and judge, the server learns."""


@dataclass(frozen=True)
class MdGanPlan(Plan):
    """An MD-GAN run.

    Attributes:
        made_batches: how many batches the server makes in an iteration: k, and two distinct ones at least.
        judged: the numbers of those that clients judge for the generator, k of them.
        made_rows: images in each, before any charge of the cost model: ``batch_size``.
        generation: what the server computes before it sends.
        legs: what each client computes between what it gets and what it answers.
        update: what the server computes on the answers.
        images: what every client gets in an iteration.
        feedback: what it answers.
        swaps: whether the discriminators move at a round's end.
        discriminator: what a client then sends another.
    """

    made_batches: int
    judged: tuple[int, ...]
    made_rows: int
    generation: tuple[ComputeLeg, ...]
    legs: tuple[tuple[ComputeLeg, ...], ...]
    update: tuple[ComputeLeg, ...]
    images: Payload
    feedback: Payload
    swaps: bool
    discriminator: Payload

    @property
    def phases(self) -> tuple[str, ...]:
        """Generation, the discriminators' turn, and the generator's update."""
        return PHASES

    def batches_for(self, client: int) -> tuple[int, int]:
        """Return which batch a client's discriminator learns from, and which it judges for the generator.

        The paper's ``n mod k`` and ``(n + 1) mod k``. With k = 1 both would be the same, which the paper does not
        want: then all learn from the first of two batches, and judge the second.
        """
        k = len(self.judged)
        return (0, 1) if k == 1 else (client % k, (client + 1) % k)

    def closed_form(self) -> IterationTime:
        """Return an iteration's time: the server's two turns, and between them the slowest client's answer."""
        setting = self.setting
        network, server = setting.network, setting.fleet.server
        down, up = (payload_bytes(payload) for payload in (self.images, self.feedback))
        times_s = [
            (
                seconds_of(device, legs),
                network.seconds(SERVER_ID, device.id, down) + network.seconds(device.id, SERVER_ID, up),
            )
            for device, legs in zip(setting.fleet.clients, self.legs, strict=True)
        ]
        made_s = seconds_of(server, self.generation)
        answered_s = made_s + max(compute_s + transfer_s for compute_s, transfer_s in times_s)
        latency_s = answered_s + seconds_of(server, self.update)
        clients = tuple(
            ClientTime(compute_s, transfer_s, latency_s - compute_s - transfer_s)
            for compute_s, transfer_s in times_s
        )
        return IterationTime(
            latency_s, dict(zip(PHASES, (made_s, answered_s, latency_s), strict=True)), clients
        )

    def receivers(self, round_: int) -> tuple[int, ...]:
        """Return to whom each client's discriminator moves at a round's end; nobody where they stay."""
        return derangement(self.setting.streams, len(self.clients), round_) if self.swaps else ()

    def aggregation_seconds(self) -> float:
        """Return how long the discriminators of round 0 are on their way: all start at once.

        Where links differ in their rates alone every derangement takes as long; where they differ in their latencies
        too, other rounds' may take a little more or less.
        """
        n_bytes, network = payload_bytes(self.discriminator), self.setting.network
        moves = enumerate(self.receivers(0))
        return max((network.seconds(source, target, n_bytes) for source, target in moves), default=0.0)

    def memory_bytes(self) -> tuple[int, ...]:
        """Return what a discriminator needs in training, and the two batches of images a client is sent."""
        discriminator = network_memory_bytes(self.setting.costs.discriminator, self.made_rows)
        return (discriminator + 2 * self._bytes_of_made_batch(),) * len(self.clients)

    def server_memory_bytes(self) -> int:
        """Return what the generator needs in training, with the graphs of all judged batches alive at once.

        Besides, the sum of the feedback on each judged batch, and the images that are only learned from.
        """
        chain, judged = self.setting.costs.generator, len(self.judged)
        more_graphs = segment_saved_bytes(chain.blocks) * self.made_rows * (judged - 1)
        images = self.made_batches * self._bytes_of_made_batch()
        return network_memory_bytes(chain, self.made_rows) + more_graphs + images

    def _bytes_of_made_batch(self) -> int:
        return made_image_bytes(self.setting) * self.made_rows


def derangement(streams: Streams, clients: int, round_: int) -> tuple[int, ...]:
    """Draw to whom each client's discriminator moves at a round's end: every permutation without a fixed point alike.

    Permutations are drawn until one has no fixed point, e of them on average.

    Args:
        streams: the run's randomness.
        clients: how many there are; one alone has nobody to give its discriminator to.
        round_: the round.

    Returns:
        Each client's receiver; nothing for a single client.

    Example:
        >>> receivers = derangement(Streams(seed=0), 5, round_=3)
        >>> sorted(receivers), any(client == other for client, other in enumerate(receivers))
        ([0, 1, 2, 3, 4], False)
    """
    if clients == 1:
        return ()
    rng = streams.draw("swap", round_)
    while True:
        receivers = rng.permutation(clients).tolist()
        if all(client != receiver for client, receiver in enumerate(receivers)):
            return tuple(receivers)


def make_plan(setting: Setting) -> MdGanPlan:
    """Lay an MD-GAN run out.

    Raises:
        ScenarioError: where more batches are asked for than there are clients, or a device's memory cannot hold its
            network in training.
    """
    batches, workload, options = batches_of(setting), setting.workload, setting.scenario.strategy
    clients = tuple(device.id for device in setting.fleet.clients)
    k = _judged_batches(setting)
    made = max(2, k)
    charged = workload.charged_rows(options.batch_size)
    plan = MdGanPlan(
        setting=setting,
        clients=clients,
        batches=batches,
        rounds=options.rounds,
        steps_per_round=steps_of_a_round(setting, batches),
        made_batches=made,
        judged=tuple(range(made - k, made)),
        made_rows=options.batch_size,
        generation=(workload.network_leg("generator", Work.FORWARD, charged, GENERATION),) * made,
        legs=tuple(
            _client_legs(workload, workload.charged_rows(batch), charged, options.discriminator_steps)
            for batch in batches
        ),
        update=(workload.network_leg("generator", Work.BACKWARD, charged, GENERATOR_UPDATE),) * k,
        images=(
            (PayloadKind.SYNTHETIC_SAMPLE, 2.0 * made_image_bytes(setting) * charged),
            (PayloadKind.LABEL, 2.0 * LABEL_BYTES * charged),
        ),
        feedback=((PayloadKind.GRADIENT, float(made_image_bytes(setting) * charged)),),
        swaps=options.swap,
        discriminator=payload_of(*network_payload(setting.costs, "discriminator")),
    )
    needs = [
        (device, needed, "a discriminator in training")
        for device, needed in zip(setting.fleet.clients, plan.memory_bytes(), strict=True)
    ]
    server = (setting.fleet.server, plan.server_memory_bytes(), "the generator in training")
    check_memory(setting, [server, *needs])
    check_latency(setting, plan.closed_form().latency_s)
    return plan


def _client_legs(workload: Workload, real_rows: int, made_rows: int, steps: int) -> tuple[ComputeLeg, ...]:
    """Return a client's L steps, each on made and on real images, and its judgement for the generator."""

    def leg(work: Work, rows: int) -> ComputeLeg:
        return workload.network_leg("discriminator", work, rows, DISCRIMINATORS)

    learning = [leg(work, rows) for rows in (made_rows, real_rows) for work in (Work.FORWARD, Work.BACKWARD)]
    return (*learning * steps, leg(Work.FORWARD, made_rows), leg(Work.INPUT_GRADIENT, made_rows))


def _judged_batches(setting: Setting) -> int:
    """Return k: as stated, or ``ceil(ln N)`` but 1 at least.

    Raises:
        ScenarioError: where nobody would be left to judge some batch.
    """
    wanted, clients = setting.scenario.strategy.batches, len(setting.fleet.clients)
    if wanted == "log":
        return max(1, math.ceil(math.log(clients)))
    if wanted > clients:
        raise setting.loaded.error(
            "strategy.batches",
            f"{wanted} batches for {clients} clients, each of which judges one",
            f"allowed: 1 to {clients}, or log",
        )
    return int(wanted)
