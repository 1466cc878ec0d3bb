"""The plan of centralised training: all images go to the server once, and there whole GANs are trained."""

from __future__ import annotations

from dataclasses import dataclass

from devices.fleet import SERVER_ID
from models.cost import LABEL_BYTES
from models.local_step import LOCAL_STEP, local_step_legs
from models.split import ComputeLeg, PayloadKind
from simulator.closed_form import ClientTime, IterationTime
from simulator.local_plan import Payload, memory_of_networks, payload_bytes, raw_image_bytes, seconds_of
from simulator.memory_check import check_memory
from simulator.plan import Plan, check_latency
from simulator.setting import Setting


@dataclass(frozen=True)
class CentralizedPlan(Plan):
    """A centralised run. Clients have no rows in an iteration: ``batches`` are zeros.

    Attributes:
        pools: of every GAN on the server, the clients whose images it learns from.
        rows: of every GAN, its rows in an iteration.
        legs: what the server computes in an iteration, one GAN after the other.
        uploads: what each client sends before the first iteration.
    """

    pools: tuple[tuple[int, ...], ...]
    rows: tuple[int, ...]
    legs: tuple[ComputeLeg, ...]
    uploads: tuple[Payload, ...]

    @property
    def phases(self) -> tuple[str, ...]:
        """The server's step alone."""
        return (LOCAL_STEP,)

    def closed_form(self) -> IterationTime:
        """Return an iteration's time: the server's step, while all clients wait."""
        latency_s = seconds_of(self.setting.fleet.server, self.legs)
        clients = (ClientTime(0.0, 0.0, latency_s),) * len(self.clients)
        return IterationTime(latency_s, {LOCAL_STEP: latency_s}, clients)

    def setup_seconds(self) -> float:
        """Return how long the slowest client uploads its images."""
        network = self.setting.network
        return max(
            network.seconds(client, SERVER_ID, payload_bytes(upload))
            for client, upload in zip(self.clients, self.uploads, strict=True)
        )

    def aggregation_seconds(self) -> float:
        """Return zero: a round ends with its last iteration."""
        return 0.0

    def memory_bytes(self) -> tuple[int, ...]:
        """Return zeros: clients hold no network."""
        return (0,) * len(self.clients)

    def server_memory_bytes(self) -> int:
        """Return what all GANs need in training; the activations of one of them are alive at a time."""
        others = len(self.pools) - 1
        largest = memory_of_networks(self.setting, max(self.rows), 1, 1)
        return largest + memory_of_networks(self.setting, 0, others, others)


def make_plan(setting: Setting) -> CentralizedPlan:
    """Lay a centralised run out.

    Raises:
        ScenarioError: where the server's memory cannot hold the GANs in training.
    """
    options, workload, deal = setting.scenario.strategy, setting.workload, setting.deal
    clients = tuple(device.id for device in setting.fleet.clients)
    pools = tuple(map(deal.clients_of, deal.domains)) if options.generators == "per_domain" else (clients,)
    images = [sum(deal.sizes[client] for client in pool) for pool in pools]
    rows = tuple(min(options.batch_size, held) for held in images)
    epoch = max(-(-held // batch) for held, batch in zip(images, rows, strict=True))
    image_bytes = raw_image_bytes(setting)
    plan = CentralizedPlan(
        setting=setting,
        clients=clients,
        batches=(0,) * len(clients),
        rounds=options.rounds,
        steps_per_round=options.steps_per_round or options.local_epochs * epoch,
        pools=pools,
        rows=rows,
        legs=tuple(leg for batch in rows for leg in local_step_legs(workload, workload.charged_rows(batch))),
        uploads=tuple(
            (
                (PayloadKind.REAL_SAMPLE, float(held * image_bytes)),
                (PayloadKind.LABEL, float(held * LABEL_BYTES)),
            )
            for held in deal.sizes
        ),
    )
    what = "a whole GAN in training" if len(pools) == 1 else f"{len(pools)} whole GANs in training"
    check_memory(setting, [(setting.fleet.server, plan.server_memory_bytes(), what)])
    check_latency(setting, plan.closed_form().latency_s)
    return plan
