"""How fast the split networks train, against PyTorch without any splitting and against a matrix product.

One training step of the split run (every client's segments, the server's joined blocks) is measured beside one
step of the same two networks unsplit, on the same samples as one batch, in whichever memory layout is faster; and
beside a 2048 x 2048 float32 matrix product, whose rate is what the machine can do. The necessary work is the
matrix work of the cost model: generator forward and backward, two full passes of the discriminator, and a
third whose backward only reaches its input.

    python benchmarks/training.py [--quick] [--threads N] [--json FILE]
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from reporting import Measurement, clock, interleaved_medians, parse_arguments, report
from torch import Tensor, nn
from torch.nn import functional as F

from models.architecture import Architecture
from models.build import build_network
from models.cgan import cgan28
from models.ensemble import ADAM_BETAS, Ensemble
from models.split import model_costs
from models.steps import Batch, Present, gan_iteration

LEARNING_RATE = 2e-4
GEMM_SIDE = 2048

CUTS = ((1, 1), (1, 2), (2, 1), (2, 2))
"""Heads and tails of both networks, in blocks, dealt to the clients in turn: short and long ends alike."""

LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


@dataclass(frozen=True)
class Setup:
    """What is trained: the networks' width, rows per client, and how many clients."""

    title: str
    width: int
    batch: int
    clients: int
    repetitions: int
    bars: tuple[float, float] | None = None
    """Least speed against unsplit PyTorch, and least share of the matrix product's rate."""

    @property
    def architecture(self) -> Architecture:
        """The two networks."""
        return cgan28(self.width)

    @property
    def necessary_flops(self) -> int:
        """Matrix work of one step on all rows."""
        costs = model_costs(self.architecture)
        g, d = costs.generator.blocks, costs.discriminator.blocks
        work = sum(cost.forward_matmul_flops + cost.backward_matmul_flops for cost in g)
        work += sum(2 * (cost.forward_matmul_flops + cost.backward_matmul_flops) for cost in d)
        work += sum(cost.forward_matmul_flops + cost.input_gradient_matmul_flops for cost in d)
        return work * self.batch * self.clients


FULL = (
    Setup("paper networks, width 64, batch 64, 4 clients", 64, 64, 4, repetitions=5, bars=(0.95, 0.75)),
    Setup("as the quickstart, width 16, batch 32, 8 clients", 16, 32, 8, repetitions=15),
)
QUICK = (Setup("smallest, width 2, batch 2, 2 clients", 2, 2, 2, repetitions=1, bars=(0.95, 0.75)),)


def main() -> None:
    """Measure every setup and print the table."""
    arguments = parse_arguments(__doc__ or "")
    torch.set_num_threads(arguments.threads)
    setups = QUICK if arguments.quick else FULL
    report(arguments, [row for setup in setups for row in measure(setup, arguments.threads)])


def measure(setup: Setup, threads: int) -> list[Measurement]:
    """Return a setup's seconds and ratios."""
    batches = draw_batches(setup)
    split = SplitRun(setup)
    unsplit = {name: UnsplitRun(setup.architecture, layout) for name, layout in LAYOUTS.items()}
    joined = join(batches)
    square = torch.rand(GEMM_SIDE, GEMM_SIDE)
    candidates = {
        "split": lambda: split.step(batches),
        **{name: lambda run=run: run.step(joined) for name, run in unsplit.items()},
        "product": lambda: square @ square,
    }
    seconds = interleaved_medians(candidates, setup.repetitions, clock(threads))
    best = min(unsplit, key=lambda name: seconds[name])
    product_rate = 2 * GEMM_SIDE**3 / seconds["product"]
    rate = setup.necessary_flops / seconds["split"]
    speed_bar, share_bar = setup.bars or (None, None)
    return [
        Measurement(f"{setup.title}: split step", seconds["split"], "s"),
        *(Measurement(f"{setup.title}: unsplit step, {name}", seconds[name], "s") for name in unsplit),
        Measurement(
            f"{setup.title}: speed against unsplit ({best})",
            seconds[best] / seconds["split"],
            "x",
            speed_bar,
            ">=",
        ),
        Measurement(
            f"{setup.title}: share of a product's {product_rate / 1e9:.0f} GFLOP/s",
            rate / product_rate,
            "x",
            share_bar,
            ">=",
        ),
    ]


def draw_batches(setup: Setup) -> dict[int, Batch]:
    """Draw rows for every client; what they show does not matter for the time."""
    rng, size = torch.Generator().manual_seed(0), setup.batch
    return {
        client: Batch(
            images=torch.rand(size, 1, 28, 28, generator=rng) * 2 - 1,
            labels=torch.randint(0, 10, (size,), generator=rng),
            latent=torch.randn(size, 100, generator=rng),
        )
        for client in range(setup.clients)
    }


def join(batches: dict[int, Batch]) -> Batch:
    """Return all clients' rows as one batch."""
    parts = [(batch.images, batch.labels, batch.latent) for batch in batches.values()]
    return Batch(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


class SplitRun:
    """The segments of all clients and the server, as a run trains them."""

    def __init__(self, setup: Setup) -> None:
        architecture = setup.architecture
        cuts = [CUTS[client % len(CUTS)] for client in range(setup.clients)]
        keys, common = [0] * setup.clients, 0
        self._generator = Ensemble(architecture.generator, cuts, keys, common, LEARNING_RATE)
        self._discriminator = Ensemble(architecture.discriminator, cuts, keys, common, LEARNING_RATE)
        everybody = tuple(range(setup.clients))
        self._present = Present(everybody, everybody)

    def step(self, batches: dict[int, Batch]) -> None:
        """Train one step."""
        here = self._present
        gan_iteration(self._generator, self._discriminator, batches, (here, here, here, here))


class UnsplitRun:
    """The same two networks on one machine: ordinary PyTorch."""

    def __init__(self, architecture: Architecture, layout: torch.memory_format) -> None:
        self._generator = build_network(architecture.generator, 0).to(memory_format=layout)
        self._discriminator = build_network(architecture.discriminator, 0).to(memory_format=layout)
        self._generator_adam = _adam(self._generator)
        self._discriminator_adam = _adam(self._discriminator)

    def step(self, batch: Batch) -> None:
        """Train one step: the discriminator on fakes and real images, then the generator."""
        fakes = _run(self._generator, batch.latent, batch.labels)
        self._discriminator_adam.zero_grad()
        for images, target in ((fakes.detach(), 0.0), (batch.images, 1.0)):
            self._judge(images, batch.labels, target)
        self._discriminator_adam.step()
        self._discriminator.requires_grad_(False)
        self._generator_adam.zero_grad()
        self._judge(fakes, batch.labels, 1.0)
        self._generator_adam.step()
        self._discriminator.requires_grad_(True)

    def _judge(self, images: Tensor, labels: Tensor, target: float) -> None:
        judged = _run(self._discriminator, images, labels)
        F.binary_cross_entropy(judged, torch.full_like(judged, target)).backward()


def _run(blocks: nn.ModuleList, rows: Tensor, labels: Tensor) -> Tensor:
    first, *rest = blocks
    rows = first(rows, labels)
    for block in rest:
        rows = block(rows)
    return rows


def _adam(network: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=ADAM_BETAS, fused=True)


if __name__ == "__main__":
    main()
