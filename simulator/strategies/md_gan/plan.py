"""MD-GAN's plan: the generator on the server, a discriminator on every client, and who gets whose at a round's end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from devices.fleet import SERVER_ID
from models.split import ComputeLeg
from simulator.closed_form import ClientTime, IterationTime
from simulator.local_plan import Payload, payload_bytes, seconds_of
from simulator.memory_check import check_memory
from simulator.plan import Plan, batches_of, check_latency, steps_of_a_round
from simulator.setting import Setting
from simulator.strategies.md_gan.work import PHASES, MdGanWork, work_of
from simulator.streams import Streams


@dataclass(frozen=True)
class MdGanPlan(Plan):
    """An MD-GAN run.

    Attributes:
        work: what an iteration consists of, whoever the clients are.
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

    work: MdGanWork
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
        return (self.work.client_memory_bytes,) * len(self.clients)

    def server_memory_bytes(self) -> int:
        """Return what the generator needs in training; see :attr:`MdGanWork.server_memory_bytes`."""
        return self.work.server_memory_bytes


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
    batches, options = batches_of(setting), setting.scenario.strategy
    clients = tuple(device.id for device in setting.fleet.clients)
    work = work_of(setting.loaded, setting.workload, len(clients))
    legs_of = lru_cache(maxsize=None)(work.client_legs)
    plan = MdGanPlan(
        setting=setting,
        clients=clients,
        batches=batches,
        rounds=options.rounds,
        steps_per_round=steps_of_a_round(setting, batches),
        work=work,
        made_batches=work.made,
        judged=tuple(range(work.made - work.judged, work.made)),
        made_rows=work.made_rows,
        generation=work.generation,
        legs=tuple(legs_of(batch) for batch in batches),
        update=work.update,
        images=work.images,
        feedback=work.feedback,
        swaps=options.swap,
        discriminator=work.discriminator,
    )
    needs = [
        (device, needed, "a discriminator in training")
        for device, needed in zip(setting.fleet.clients, plan.memory_bytes(), strict=True)
    ]
    server = (setting.fleet.server, plan.server_memory_bytes(), "the generator in training")
    check_memory(setting, [server, *needs])
    check_latency(setting, plan.closed_form().latency_s)
    return plan
