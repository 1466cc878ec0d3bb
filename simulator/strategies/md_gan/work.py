"""What MD-GAN's server and clients compute, send and hold in an iteration, whoever they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.cost import LABEL_BYTES, segment_saved_bytes
from models.local_step import network_payload
from models.memory import network_memory_bytes
from models.split import ComputeLeg, PayloadKind, Work
from models.workload import Workload
from scenarios.load import Loaded
from simulator.local_plan import Payload, payload_of
from simulator.strategies.md_gan.options import MdGanOptions

GENERATION, DISCRIMINATORS, GENERATOR_UPDATE = PHASES = ("generation", "discriminators", "generator_update")
"""The parts of an iteration: the server makes images, the clients learn and judge, the server learns."""


@dataclass(frozen=True)
class MdGanWork:
    """The work of one iteration, and what moves at a round's end.

    Attributes:
        workload: how work is counted.
        options: the strategy's options.
        judged: how many batches are judged for the generator (k in the paper).
    """

    workload: Workload
    options: MdGanOptions
    judged: int

    @property
    def made(self) -> int:
        """How many batches the server makes: k, and two distinct ones at least."""
        return max(2, self.judged)

    @property
    def made_rows(self) -> int:
        """Images in each of them, before any charge of the cost model."""
        return self.options.batch_size

    @property
    def charged_rows(self) -> int:
        """Images in each of them that are charged."""
        return self.workload.charged_rows(self.made_rows)

    @property
    def generation(self) -> tuple[ComputeLeg, ...]:
        """What the server computes before it sends."""
        return (self._generator_leg(Work.FORWARD, GENERATION),) * self.made

    @property
    def update(self) -> tuple[ComputeLeg, ...]:
        """What the server computes on the answers."""
        return (self._generator_leg(Work.BACKWARD, GENERATOR_UPDATE),) * self.judged

    def client_legs(self, batch: int) -> tuple[ComputeLeg, ...]:
        """Return a client's L steps, each on made and on real images, and its judgement for the generator."""
        workload, made_rows = self.workload, self.charged_rows

        def leg(work: Work, rows: int) -> ComputeLeg:
            return workload.network_leg("discriminator", work, rows, DISCRIMINATORS)

        learning = [
            leg(work, rows)
            for rows in (made_rows, workload.charged_rows(batch))
            for work in (Work.FORWARD, Work.BACKWARD)
        ]
        steps = self.options.discriminator_steps
        return (*learning * steps, leg(Work.FORWARD, made_rows), leg(Work.INPUT_GRADIENT, made_rows))

    @property
    def images(self) -> Payload:
        """What every client gets in an iteration."""
        charged = self.charged_rows
        return (
            (PayloadKind.SYNTHETIC_SAMPLE, 2.0 * self._image_bytes * charged),
            (PayloadKind.LABEL, 2.0 * LABEL_BYTES * charged),
        )

    @property
    def feedback(self) -> Payload:
        """What every client answers."""
        return ((PayloadKind.GRADIENT, float(self._image_bytes * self.charged_rows)),)

    @property
    def discriminator(self) -> Payload:
        """What a client sends another at a round's end."""
        return payload_of(*network_payload(self.workload.costs, "discriminator"))

    @property
    def client_memory_bytes(self) -> int:
        """What a discriminator needs in training, and the two batches of images a client is sent."""
        discriminator = network_memory_bytes(self.workload.costs.discriminator, self.made_rows)
        return discriminator + 2 * self._image_bytes * self.made_rows

    @property
    def server_memory_bytes(self) -> int:
        """What the generator needs in training, with the graphs of all judged batches alive at once.

        Besides, the sum of the feedback on each judged batch, and the images that are only learned from.
        """
        chain = self.workload.costs.generator
        more_graphs = segment_saved_bytes(chain.blocks) * self.made_rows * (self.judged - 1)
        images = self.made * self._image_bytes * self.made_rows
        return network_memory_bytes(chain, self.made_rows) + more_graphs + images

    @property
    def _image_bytes(self) -> int:
        """Bytes of an image as the generator makes it."""
        return self.workload.costs.generator.blocks[-1].output_bytes

    def _generator_leg(self, work: Work, phase: str) -> ComputeLeg:
        return self.workload.network_leg("generator", work, self.charged_rows, phase)


def work_of(loaded: Loaded, workload: Workload, clients: int) -> MdGanWork:
    """Return the work of an iteration with so many clients; k is as stated, or ``ceil(ln N)`` but 1 at least.

    Raises:
        ScenarioError: where nobody would be left to judge some batch.
    """
    options: MdGanOptions = loaded.scenario.strategy
    if options.batches == "log":
        return MdGanWork(workload, options, max(1, math.ceil(math.log(clients))))
    if options.batches > clients:
        raise loaded.error(
            "strategy.batches",
            f"{options.batches} batches for {clients} clients, each of which judges one",
            f"allowed: 1 to {clients}, or log",
        )
    return MdGanWork(workload, options, options.batches)
