"""The U-shaped split: cuts, and the legs an iteration is made of.

A network is a chain of ``L`` blocks. The server always holds the core block; a client holds a head (the first
``h >= 1`` blocks) and a tail (the last ``t >= 1`` blocks), and the server whatever lies between. One training
iteration crosses the server's middle eight times (:data:`VISITS`). A crossing is described in *positions* along
its own direction: forward, position ``p`` is block ``p``; backward, position ``p`` is block ``L - 1 - p``. Rows
enter at one position, leave after another, and the core position always lies between, whatever the direction
and the cut.

:func:`client_legs` turns costs, a cut and a batch size into :class:`ClientLegs`: the single description that
feeds both the event simulation and the closed form. Nothing here knows a device or a clock.

Source: arXiv 2507.12979 (HuSCF-GAN); the generalisation to any chain is ours.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum

from models.architecture import Architecture
from models.cost import BlockCost, network_costs


class PayloadKind(StrEnum):
    """What a transfer carries; the ledger is kept by these names."""

    ACTIVATION = "activation"
    GRADIENT = "gradient"
    PARAMETERS = "parameters"
    STATISTICS = "statistics"
    LABEL = "label"
    REAL_SAMPLE = "real_sample"
    SYNTHETIC_SAMPLE = "synthetic_sample"
    CONTROL = "control"


class Phase(StrEnum):
    """The parts of an iteration; a workload says which of them it has, and in which order every client plays them.

    The dataflow iteration tells the discriminator's three passes apart (docs/model.md, section 4), the authors'
    own formula their two directions (section 11).
    """

    GENERATOR_FORWARD = "generator_forward"
    DISCRIMINATOR_FAKE = "discriminator_fake"
    DISCRIMINATOR_REAL = "discriminator_real"
    DISCRIMINATOR_FOR_GENERATOR = "discriminator_for_generator"
    DISCRIMINATOR_FORWARD = "discriminator_forward"
    DISCRIMINATOR_BACKWARD = "discriminator_backward"
    GENERATOR_BACKWARD = "generator_backward"


class Work(StrEnum):
    """What is computed of a block: its output, all its gradients, or the gradient of its input alone."""

    FORWARD = "forward"
    BACKWARD = "backward"
    INPUT_GRADIENT = "input_gradient"


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """How many blocks of each network one client holds at either end."""

    g_head: int
    g_tail: int
    d_head: int
    d_tail: int

    def as_tuple(self) -> tuple[int, int, int, int]:
        """Return ``(g_head, g_tail, d_head, d_tail)``."""
        return (self.g_head, self.g_tail, self.d_head, self.d_tail)


@dataclass(frozen=True)
class ChainCosts:
    """The costs of one network's blocks and the index of the block the server always holds."""

    blocks: tuple[BlockCost, ...]
    core: int

    def __post_init__(self) -> None:
        if not 1 <= self.core <= len(self.blocks) - 2:
            raise ValueError(
                f"core block {self.core} of {len(self.blocks)} blocks; it must leave a head and a tail "
                f"of one block at least (1..{len(self.blocks) - 2})"
            )

    @property
    def length(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    @property
    def longest_head(self) -> int:
        """The longest head a client may hold, in blocks."""
        return self.core

    @property
    def longest_tail(self) -> int:
        """The longest tail a client may hold, in blocks."""
        return self.length - 1 - self.core


@dataclass(frozen=True)
class ModelCosts:
    """The costs of both networks of a GAN."""

    generator: ChainCosts
    discriminator: ChainCosts

    def cut_choices(self) -> tuple[Cut, ...]:
        """Every cut that leaves both cores on the server, in lexicographic order."""
        g, d = self.generator, self.discriminator
        ranges = (g.longest_head, g.longest_tail, d.longest_head, d.longest_tail)
        return tuple(Cut(*blocks) for blocks in itertools.product(*(range(1, n + 1) for n in ranges)))

    def check(self, cut: Cut) -> None:
        """Raise ``ValueError`` where a cut takes the core from the server or leaves a client without an end."""
        g, d = self.generator, self.discriminator
        longest = (g.longest_head, g.longest_tail, d.longest_head, d.longest_tail)
        names = ("g_head", "g_tail", "d_head", "d_tail")
        for name, blocks, most in zip(names, cut.as_tuple(), longest, strict=True):
            if not 1 <= blocks <= most:
                raise ValueError(f"{name} is {blocks}; allowed: 1 to {most} blocks")


def model_costs(architecture: Architecture, bytes_per_value: int = 4) -> ModelCosts:
    """Return the costs of an architecture's two networks (``bytes_per_value``: 4 for float32, 8 for float64)."""
    generator, discriminator = architecture.generator, architecture.discriminator
    return ModelCosts(
        ChainCosts(network_costs(generator, bytes_per_value), generator.core),
        ChainCosts(network_costs(discriminator, bytes_per_value), discriminator.core),
    )


@dataclass(frozen=True, slots=True)
class ComputeLeg:
    """Work of one segment on one machine, for a whole batch."""

    phase: str
    what: str
    flops: float
    touched_bytes: float
    kernels: int


@dataclass(frozen=True, slots=True)
class TransferLeg:
    """One message between a client and the server."""

    kind: PayloadKind
    n_bytes: float


@dataclass(frozen=True, slots=True)
class Visit:
    """One crossing of the server's middle: which network, in which direction, in which phase."""

    network: str
    work: Work
    phase: Phase

    @property
    def forward(self) -> bool:
        """Whether rows run from head to tail."""
        return self.work is Work.FORWARD


def _both_ways(phase: Phase, backward: Work) -> tuple[Visit, Visit]:
    return Visit("discriminator", Work.FORWARD, phase), Visit("discriminator", backward, phase)


VISITS: tuple[Visit, ...] = (
    Visit("generator", Work.FORWARD, Phase.GENERATOR_FORWARD),
    *_both_ways(Phase.DISCRIMINATOR_FAKE, Work.BACKWARD),
    *_both_ways(Phase.DISCRIMINATOR_REAL, Work.BACKWARD),
    *_both_ways(Phase.DISCRIMINATOR_FOR_GENERATOR, Work.INPUT_GRADIENT),
    Visit("generator", Work.BACKWARD, Phase.GENERATOR_BACKWARD),
)
"""The eight crossings of one iteration, in order (docs/model.md, section 4). The pass that only serves G needs no
parameter gradients of the discriminator, so its way back is charged the input gradient alone."""


@dataclass(frozen=True, slots=True)
class ClientVisit:
    """One client's part in one crossing."""

    finish: tuple[ComputeLeg, ...]
    """What the client computes first: the end of the phase before, on what the last crossing brought."""
    prepare: tuple[ComputeLeg, ...]
    """What it computes then, to have something to send."""
    up: TransferLeg
    entry: int
    """Position at which its rows join the server's batch."""
    exit: int
    """Last position the server runs for it."""
    down: TransferLeg


@dataclass(frozen=True, slots=True)
class ClientLegs:
    """Everything one client does in one iteration."""

    cut: Cut
    batch: int
    visits: tuple[ClientVisit, ...]
    after: tuple[ComputeLeg, ...]
    """What it computes after the last crossing, before it may apply its gradients."""


def position_of(block: int, length: int, forward: bool) -> int:
    """Return the position of a block along a crossing's direction; its own inverse."""
    return block if forward else length - 1 - block


def segment_leg(
    chain: ChainCosts, blocks: range, work: Work, samples: int, phase: str, what: str
) -> ComputeLeg:
    """Return the work of consecutive blocks on ``samples`` rows as one leg.

    Activations are touched once per row; parameters once per batch (a full backward also writes their gradients).
    """
    costs = [chain.blocks[index] for index in blocks]
    flops = sum(_flops(cost, work) for cost in costs) * samples
    passes_over_parameters = 2 if work is Work.BACKWARD else 1
    touched = sum(_touched_bytes(cost, work) for cost in costs) * samples
    touched += sum(cost.parameter_bytes for cost in costs) * passes_over_parameters
    kernels = sum(cost.forward_kernels if work is Work.FORWARD else cost.backward_kernels for cost in costs)
    return ComputeLeg(phase, what, flops, touched, kernels)


def server_leg(costs: ModelCosts, visit: Visit, position: int, samples: int) -> ComputeLeg:
    """Return the server's joined work at one position of a crossing, for ``samples`` rows of all contributors."""
    chain = chain_of(costs, visit)
    block = position_of(position, chain.length, visit.forward)
    what = f"{visit.network} block {block + 1} {visit.work}"
    return segment_leg(chain, range(block, block + 1), visit.work, samples, visit.phase, what)


def phases_of(visits: tuple[Visit, ...]) -> tuple[Phase, ...]:
    """Return the phases that crossings belong to, in order."""
    return tuple(dict.fromkeys(visit.phase for visit in visits))


def core_position(chain: ChainCosts, visit: Visit) -> int:
    """Return the position at which all rows of a crossing are together."""
    return position_of(chain.core, chain.length, visit.forward)


def server_positions(chain: ChainCosts) -> range:
    """Return the positions a server may hold; the first and the last block are always a client's."""
    return range(1, chain.length - 1)


def chain_of(costs: ModelCosts, visit: Visit) -> ChainCosts:
    """Return the chain a crossing runs through."""
    return costs.generator if visit.network == "generator" else costs.discriminator


def client_legs(costs: ModelCosts, cut: Cut, batch: int) -> ClientLegs:
    """Return all that a client with this cut does in one iteration on ``batch`` rows.

    Raises:
        ValueError: where the cut takes the core from the server, or the batch is empty.
    """
    costs.check(cut)
    if batch < 1:
        raise ValueError(f"batch is {batch}; a client needs at least one row")
    g = _Ends(costs.generator, "generator", cut.g_head, cut.g_tail, batch)
    d = _Ends(costs.discriminator, "discriminator", cut.d_head, cut.d_tail, batch)
    fake, real, serve = (
        Phase.DISCRIMINATOR_FAKE,
        Phase.DISCRIMINATOR_REAL,
        Phase.DISCRIMINATOR_FOR_GENERATOR,
    )
    forward, backward, gradient = Work.FORWARD, Work.BACKWARD, Work.INPUT_GRADIENT
    program = (
        (g, (), (g.head(forward, Phase.GENERATOR_FORWARD),)),
        (d, (g.tail(forward, Phase.GENERATOR_FORWARD),), (d.head(forward, fake),)),
        (d, (), (d.tail(forward, fake), d.tail(backward, fake))),
        (d, (d.head(backward, fake),), (d.head(forward, real),)),
        (d, (), (d.tail(forward, real), d.tail(backward, real))),
        (d, (d.head(backward, real),), (d.head(forward, serve),)),
        (d, (), (d.tail(forward, serve), d.tail(gradient, serve))),
        (g, (d.head(gradient, serve),), (g.tail(backward, Phase.GENERATOR_BACKWARD),)),
    )
    visits = tuple(
        ends.visit(visit, finish, prepare)
        for visit, (ends, finish, prepare) in zip(VISITS, program, strict=True)
    )
    return ClientLegs(cut, batch, visits, (g.head(backward, Phase.GENERATOR_BACKWARD),))


@dataclass(frozen=True)
class _Ends:
    """A client's two segments of one network."""

    chain: ChainCosts
    name: str
    head_blocks: int
    tail_blocks: int
    batch: int

    def head(self, work: Work, phase: Phase) -> ComputeLeg:
        what = f"{self.name} head {work}"
        return segment_leg(self.chain, range(self.head_blocks), work, self.batch, phase, what)

    def tail(self, work: Work, phase: Phase) -> ComputeLeg:
        blocks = range(self.chain.length - self.tail_blocks, self.chain.length)
        return segment_leg(self.chain, blocks, work, self.batch, phase, f"{self.name} tail {work}")

    def visit(
        self, visit: Visit, finish: tuple[ComputeLeg, ...], prepare: tuple[ComputeLeg, ...]
    ) -> ClientVisit:
        return client_visit(
            self.chain, visit, (self.head_blocks, self.tail_blocks), self.batch, finish, prepare
        )


def client_visit(
    chain: ChainCosts,
    visit: Visit,
    ends: tuple[int, int],
    rows: int,
    finish: tuple[ComputeLeg, ...],
    prepare: tuple[ComputeLeg, ...],
) -> ClientVisit:
    """Return a client's part in one crossing: where its rows join and leave, and what is sent on ``rows`` rows.

    Args:
        chain: the costs of the crossing's network.
        visit: the crossing.
        ends: blocks in the client's head and tail of that network.
        rows: rows whose boundary activations, or their gradients, are sent.
        finish: what the client computes first.
        prepare: what it computes then.
    """
    head, tail = ends
    first, last = head, chain.length - tail - 1
    head_boundary = chain.blocks[first - 1].output_bytes * rows
    tail_boundary = chain.blocks[last].output_bytes * rows
    if visit.forward:
        kind, up, down = PayloadKind.ACTIVATION, head_boundary, tail_boundary
        entry, exit_ = first, last
    else:
        kind, up, down = PayloadKind.GRADIENT, tail_boundary, head_boundary
        entry = position_of(last, chain.length, forward=False)
        exit_ = position_of(first, chain.length, forward=False)
    return ClientVisit(finish, prepare, TransferLeg(kind, up), entry, exit_, TransferLeg(kind, down))


def held_blocks(chain: ChainCosts, head: int, tail: int) -> tuple[BlockCost, ...]:
    """Return the costs of the blocks a client holds."""
    return chain.blocks[:head] + chain.blocks[chain.length - tail :]


def segment_bytes(costs: ModelCosts, cut: Cut) -> tuple[int, int]:
    """Return the bytes of parameters and of BatchNorm statistics a client holds, and so sends each way per round."""
    held = held_blocks(costs.generator, cut.g_head, cut.g_tail)
    held += held_blocks(costs.discriminator, cut.d_head, cut.d_tail)
    return sum(cost.parameter_bytes for cost in held), sum(cost.statistics_bytes for cost in held)


def _flops(cost: BlockCost, work: Work) -> float:
    match work:
        case Work.FORWARD:
            return cost.forward_flops
        case Work.BACKWARD:
            return cost.backward_flops
        case Work.INPUT_GRADIENT:
            return cost.input_gradient_flops


def _touched_bytes(cost: BlockCost, work: Work) -> float:
    match work:
        case Work.FORWARD:
            return cost.forward_touched_bytes
        case Work.BACKWARD:
            return cost.backward_touched_bytes
        case Work.INPUT_GRADIENT:
            return cost.input_gradient_touched_bytes
