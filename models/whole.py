"""Whole networks in one place: a copy of a network with its own optimiser, and a GAN's step on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import convert_conv2d_weight_memory_format

from models.aggregation import State
from models.architecture import Network
from models.build import build_network
from models.ensemble import ADAM_BETAS
from models.steps import Batch, DivergedError

REAL, FAKE = 1.0, 0.0
"""What a discriminator should answer to real images, and to made ones."""

Rows = tuple[Tensor, Tensor]
"""Images ``[b, c, h, w]`` (or noise ``[b, z]``) and their labels ``[b]``."""


class WholeNetwork:
    """One copy of a network, with an Adam optimiser of its own.

    Args:
        network: the network's description.
        key: of the initial weights; equal keys give equal weights.
        learning_rate: Adam's.
        dtype: of parameters and activations.
        device: where all of it lives.
    """

    def __init__(
        self,
        network: Network,
        key: int,
        learning_rate: float,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.blocks = build_network(network, key).to(device=device, dtype=dtype)
        if torch.device(device).type == "cpu":
            # Convolution kernels of CPUs want the channels of a pixel side by side; outputs follow the weights.
            convert_conv2d_weight_memory_format(self.blocks, torch.channels_last)
        self._learning_rate = learning_rate
        self.reset_optimiser()

    def reset_optimiser(self) -> None:
        """Forget what the optimiser has gathered."""
        self.adam = torch.optim.Adam(
            self.blocks.parameters(), lr=self._learning_rate, betas=ADAM_BETAS, fused=True
        )

    def __call__(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Run rows through all blocks."""
        first, *rest = self.blocks
        rows = first(rows, labels)
        for block in rest:
            rows = block(rows)
        return rows

    @torch.no_grad()
    def evaluate(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Run rows through all blocks in evaluation mode, without a graph."""
        self.blocks.eval()
        try:
            return self(rows, labels)
        finally:
            self.blocks.train()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Run forward passes that ask for no parameter gradients, only for those of the inputs."""
        self.blocks.requires_grad_(False)
        try:
            yield
        finally:
            self.blocks.requires_grad_()

    def state(self) -> dict[str, Tensor]:
        """Return all parameters and statistics by name; not copies."""
        return dict(self.blocks.state_dict())

    @property
    def statistics(self) -> frozenset[str]:
        """The names of what is no parameter: running means and variances, and their counters."""
        return frozenset(name for name, _ in self.blocks.named_buffers())

    def is_finite(self) -> bool:
        """Whether all parameters and statistics are finite numbers."""
        return all(bool(tensor.isfinite().all()) for tensor in self.state().values())

    def copy_of_state(self) -> dict[str, Tensor]:
        """Return a copy of all parameters and statistics by name."""
        return {name: tensor.detach().clone() for name, tensor in self.state().items()}

    def load(self, state: State) -> None:
        """Take over parameters and statistics; the optimiser keeps what it has gathered."""
        self.blocks.load_state_dict(dict(state))


def gan_step(generator: WholeNetwork, discriminator: WholeNetwork, batch: Batch) -> tuple[float, float]:
    """Play one iteration of a conditional GAN, as :func:`models.steps.gan_iteration` does, on one device.

    The generator makes fakes; the discriminator learns from them and from the real images in one step of Adam; the
    updated discriminator judges the same fakes, and the generator takes its step.

    Returns:
        The discriminator's loss (on fakes plus on real images) and the generator's.
    """
    fakes = generator(batch.latent, batch.labels)
    discriminator_loss = discriminator_step(
        discriminator, real=[(batch.images, batch.labels)], fake=[(fakes.detach(), batch.labels)]
    )
    return discriminator_loss, generator_step(generator, discriminator, (fakes, batch.labels))


def discriminator_step(discriminator: WholeNetwork, real: Sequence[Rows], fake: Sequence[Rows]) -> float:
    """Take one step of the discriminator; every batch passes on its own, and the losses are summed.

    Args:
        discriminator: who learns.
        real: batches of real images, target 1.
        fake: batches of made ones, without a graph, target 0; they pass first.

    Returns:
        The sum of the batches' mean binary cross-entropies.

    Raises:
        DivergedError: A judgement is not a number any more.
    """
    discriminator.adam.zero_grad(set_to_none=True)
    loss = 0.0
    for batches, target in ((fake, FAKE), (real, REAL)):
        for images, labels in batches:
            loss += _backward(discriminator(images, labels), target)
    discriminator.adam.step()
    return loss


def generator_step(generator: WholeNetwork, discriminator: WholeNetwork, fakes: Rows) -> float:
    """Take one step of the generator, through a discriminator that stays as it is; return its loss.

    Args:
        generator: who learns.
        discriminator: who judges.
        fakes: what the generator made, with its graph, and the labels.

    Raises:
        DivergedError: A judgement is not a number any more.
    """
    images, labels = fakes
    gradient, loss = feedback(discriminator, (images.detach(), labels))
    generator.adam.zero_grad(set_to_none=True)
    torch.autograd.backward(images, gradient)
    generator.adam.step()
    return loss


def feedback(discriminator: WholeNetwork, fakes: Rows) -> tuple[Tensor, float]:
    """Return the gradient of the generator's loss with respect to the images, ``[b, c, h, w]``, and that loss.

    Raises:
        DivergedError: A judgement is not a number any more.
    """
    images, labels = fakes
    judged = images.detach().requires_grad_()
    with discriminator.frozen():
        loss = _backward(discriminator(judged, labels), REAL)
    if judged.grad is None:
        raise RuntimeError("the discriminator's judgement does not depend on the images")
    return judged.grad, loss


def _backward(judged: Tensor, target: float) -> float:
    """Carry the mean binary cross-entropy back; return it."""
    if bool(judged.isnan().any()):
        raise DivergedError("the discriminator's judgement of a batch is not a number")
    loss = F.binary_cross_entropy(judged, torch.full_like(judged, target))
    torch.autograd.backward(loss)
    return float(loss.detach())
