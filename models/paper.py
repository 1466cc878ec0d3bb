"""The HuSCF-GAN authors' own latency formula as a workload: ``cost_model: paper``.

Four phases, strictly one after the other: G forward, D forward, D backward, G backward. Within a phase the heads (or,
backward, the tails) compute and send; the server joins the rows of those who do not hold a block, then everybody's in
the core, then those of the other side; and the phase ends with the slowest client. It is reproduced with its faults,
which the default cost model corrects:

- the kernel of a transposed convolution is counted on the *output*: four times too much at stride 2;
- the discriminator's three passes are charged to the clients and the links, once to the server;
- the backward of a head-side block on the server is charged the FLOPs of the block mirrored at the other end (with
  five blocks: the backward of block 4 for that of block 2);
- a network's first block is charged no input gradient, which the label embedding needs;
- every client is charged a batch of 64, whatever it holds.

The rates of links belong to the network model ``paper``. Source: arXiv 2507.12979 and the authors' public code; the
generalisation to chains of other lengths and widths is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.architecture import Architecture, Network
from models.cost import elementwise_flops, matmul_flops_at
from models.split import (
    ClientLegs,
    ClientVisit,
    ComputeLeg,
    Cut,
    ModelCosts,
    Phase,
    Visit,
    Work,
    chain_of,
    client_visit,
    position_of,
)
from models.workload import Workload

CHARGED_ROWS = 64
"""The batch the formula has built in."""

DISCRIMINATOR_PASSES = 3
"""What all of a client's discriminator work, and all of its transfers, is multiplied by."""

PAPER_VISITS = (
    Visit("generator", Work.FORWARD, Phase.GENERATOR_FORWARD),
    Visit("discriminator", Work.FORWARD, Phase.DISCRIMINATOR_FORWARD),
    Visit("discriminator", Work.BACKWARD, Phase.DISCRIMINATOR_BACKWARD),
    Visit("generator", Work.BACKWARD, Phase.GENERATOR_BACKWARD),
)
"""The four crossings, each a phase."""


@dataclass(frozen=True)
class PaperCounts:
    """FLOPs of one network per sample and block, as the authors count them."""

    forward_flops: tuple[int, ...]
    backward_flops: tuple[int, ...]

    def of(self, work: Work) -> tuple[int, ...]:
        """Return the counts of one direction."""
        return self.forward_flops if work is Work.FORWARD else self.backward_flops


def paper_counts(network: Network) -> PaperCounts:
    """Count a network's FLOPs as the authors do.

    Forward 2 per multiply-add and 1 per output of a convolution or linear layer; backward 4 and 1, in the first
    block 2 and 1; element-wise layers as in :mod:`models.cost`.
    """
    forward, backward = [], []
    for index, block in enumerate(network.blocks):
        matmul = sum(matmul_flops_at(step, step.output_shape) for step in block.steps)
        forward_elements, backward_elements, _ = elementwise_flops(block)
        forward.append(matmul + forward_elements)
        backward.append(matmul * (2 if index else 1) + backward_elements)
    return PaperCounts(tuple(forward), tuple(backward))


@dataclass(frozen=True)
class PaperWorkload(Workload):
    """The authors' formula (module docstring); bytes touched and kernel calls are not part of it."""

    generator: PaperCounts
    discriminator: PaperCounts
    visits = PAPER_VISITS
    lockstep = True

    @classmethod
    def of(cls, costs: ModelCosts, architecture: Architecture) -> PaperWorkload:
        """Return the workload of an architecture, whose exact costs are ``costs``."""
        return cls(costs, paper_counts(architecture.generator), paper_counts(architecture.discriminator))

    def client_legs(self, cut: Cut, rows: int) -> ClientLegs:
        """Return the client's legs: its heads and tails in the four phases."""
        self.costs.check(cut)
        if rows < 1:
            raise ValueError(f"rows is {rows}; a client is charged for one row at least")
        ends = {"generator": (cut.g_head, cut.g_tail), "discriminator": (cut.d_head, cut.d_tail)}
        visits: list[ClientVisit] = []
        finish: tuple[ComputeLeg, ...] = ()
        for visit in self.visits:
            first, last = ("head", "tail") if visit.forward else ("tail", "head")
            own = ends[visit.network]
            charged = rows * _passes(visit)
            prepare = (self._segment_leg(visit, first, own, charged),)
            visits.append(client_visit(chain_of(self.costs, visit), visit, own, charged, finish, prepare))
            finish = (self._segment_leg(visit, last, own, charged),)
        return ClientLegs(cut, rows, tuple(visits), finish)

    def server_leg(self, number: int, position: int, rows: int) -> ComputeLeg:
        """Return the server's joined work: one pass of the discriminator, and mirrored FLOPs on the way back."""
        visit = self.visits[number]
        chain = chain_of(self.costs, visit)
        block = position_of(position, chain.length, visit.forward)
        mirrored = not visit.forward and block < chain.core
        counted = chain.length - 1 - block if mirrored else block
        flops = self._counts(visit)[counted] * rows
        return ComputeLeg(visit.phase, f"{visit.network} block {block + 1} {visit.work}", flops, 0.0, 0)

    def blocks_leg(self, network: str, blocks: range, work: Work, rows: int, phase: str) -> ComputeLeg:
        """Return the work of these blocks; a backward with frozen parameters is charged as a full one."""
        counts = (self.generator if network == "generator" else self.discriminator).of(work)
        flops = float(sum(counts[block] for block in blocks) * rows)
        return ComputeLeg(phase, f"{network} {work}", flops, 0.0, 0)

    def charged_rows(self, batch: int) -> int:
        """Return 64: the formula knows no other batch."""
        del batch
        return CHARGED_ROWS

    def _segment_leg(self, visit: Visit, end: str, own: tuple[int, int], rows: int) -> ComputeLeg:
        head, tail = own
        counts = self._counts(visit)
        held = counts[:head] if end == "head" else counts[len(counts) - tail :]
        what = f"{visit.network} {end} {visit.work}"
        return ComputeLeg(visit.phase, what, float(sum(held) * rows), 0.0, 0)

    def _counts(self, visit: Visit) -> tuple[int, ...]:
        return (self.generator if visit.network == "generator" else self.discriminator).of(visit.work)


def _passes(visit: Visit) -> int:
    return DISCRIMINATOR_PASSES if visit.network == "discriminator" else 1
