"""One training iteration of a split conditional GAN, pass by pass (docs/model.md, section 8).

1. The generator makes fakes. 2. The discriminator learns from the fakes (target 0) and from real images (target
1): one Adam step. 3. The updated discriminator judges the same fakes (target 1), and what it answers goes back
through both networks: one Adam step of the generator, whose graph was kept all the while.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.ensemble import Ensemble, Tape


class DivergedError(ArithmeticError):
    """Training has left the finite numbers."""


@dataclass(frozen=True)
class Batch:
    """One client's rows of one iteration: images ``[b, c, h, w]`` in [-1, 1], labels ``[b]``, latent ``[b, z]``."""

    images: Tensor
    labels: Tensor
    latent: Tensor


@dataclass(frozen=True)
class Present:
    """Who was in a pass's forward batch, and who came back for its backward."""

    forward: tuple[int, ...]
    backward: tuple[int, ...]


@dataclass(frozen=True)
class Skips:
    """Who came back from its passes, but left before it could take its own step: of either network.

    What such a client sent back counts on the server all the same.
    """

    discriminator: Collection[int] = ()
    generator: Collection[int] = ()


@dataclass(frozen=True)
class IterationResult:
    """What one iteration leaves behind.

    Attributes:
        discriminator_loss: the mean over clients on fakes, plus that on real images; NaN where nobody came back from
            one of these passes.
        generator_loss: the mean over clients; NaN where nobody came back.
        core_means: each client's output of the discriminator's core on its real batch, before the discriminator's
            step, averaged over the batch, in float64.
    """

    discriminator_loss: float
    generator_loss: float
    core_means: dict[int, Tensor]


def gan_iteration(
    generator: Ensemble,
    discriminator: Ensemble,
    batches: Mapping[int, Batch],
    passes: tuple[Present, Present, Present, Present],
    skips: Skips = Skips(),
) -> IterationResult:
    """Play one iteration; a client that misses a pass skips that network's optimiser step.

    The server's blocks take a step where anybody came back from a pass. A pass without anybody changes nothing.

    Args:
        generator: all copies of the generator.
        discriminator: all copies of the discriminator.
        batches: each client's rows.
        passes: who was there in the generator's pass, and in the discriminator's on fakes, on real images and
            for the generator.
        skips: who was there and could not take its own step.

    Returns:
        The losses, and what clusters are found on.

    Raises:
        ValueError: Somebody came back who had not been there, or judged images that nobody made for it.
    """
    _check_presence(passes)
    made, fake, real, serve = passes
    making = generator.forward({k: (batches[k].latent, batches[k].labels) for k in made.forward})
    fakes = {k: making.outputs[k].detach() for k in made.forward}

    discriminator.zero_gradients()
    _, fake_loss = _judge(discriminator, fakes, batches, fake, target=0.0)
    images = {k: batches[k].images for k in real.forward}
    real_pass, real_loss = _judge(discriminator, images, batches, real, target=1.0)
    if fake.backward or real.backward:
        discriminator.step(_in_all(fake.backward, real.backward, without=skips.discriminator))

    with discriminator.frozen():
        serving = discriminator.forward(
            {k: (fakes[k].requires_grad_(), batches[k].labels) for k in serve.forward}
        )
    served, generator_loss = _loss_gradients(serving, serve.backward, target=1.0)
    generator.zero_gradients()
    returning = _in_all(made.backward, serve.backward)
    back = serving.backward(served)
    making.backward({k: back[k] for k in returning})
    if returning:
        generator.step(_in_all(returning, without=skips.generator))
    core_means = {k: rows.detach().mean(dim=0, dtype=torch.float64) for k, rows in real_pass.core.items()}
    return IterationResult(fake_loss + real_loss, generator_loss, core_means)


def _judge(
    discriminator: Ensemble,
    images: Mapping[int, Tensor],
    batches: Mapping[int, Batch],
    present: Present,
    target: float,
) -> tuple[Tape, float]:
    """Play one learning pass of the discriminator, forward and backward; return its tape and mean loss."""
    tape = discriminator.forward({k: (images[k], batches[k].labels) for k in present.forward})
    gradients, loss = _loss_gradients(tape, present.backward, target)
    tape.backward(gradients)
    return tape, loss


def _loss_gradients(tape: Tape, clients: Iterable[int], target: float) -> tuple[dict[int, Tensor], float]:
    """Return each client's loss gradient at its own output, and the mean loss; NaN where there is no client.

    Every client's loss is the mean binary cross-entropy over its own batch; the total is their sum.

    Raises:
        DivergedError: A judgement is not a number any more.
    """
    gradients, losses = {}, []
    for client in clients:
        judged = tape.outputs[client].detach().requires_grad_()
        if bool(judged.isnan().any()):
            raise DivergedError(f"the discriminator's judgement of client {client}'s batch is not a number")
        loss = F.binary_cross_entropy(judged, torch.full_like(judged, target))
        (gradients[client],) = torch.autograd.grad(loss, judged)
        losses.append(float(loss.detach()))
    return gradients, sum(losses) / len(losses) if losses else math.nan


def _in_all(*groups: tuple[int, ...], without: Collection[int] = ()) -> tuple[int, ...]:
    """Return the clients that are in every group and not left out, sorted."""
    return tuple(sorted(set(groups[0]).intersection(*groups[1:]).difference(without)))


def _check_presence(passes: tuple[Present, Present, Present, Present]) -> None:
    """Refuse passes that cannot have been."""
    made, fake, _, serve = passes
    for number, present in enumerate(passes, 1):
        strangers = set(present.backward) - set(present.forward)
        if strangers:
            raise ValueError(f"pass {number}: {sorted(strangers)} came back without having been in it")
    for number, present in ((2, fake), (4, serve)):
        strangers = set(present.forward) - set(made.forward)
        if strangers:
            raise ValueError(f"pass {number}: {sorted(strangers)} judge images that were not made in pass 1")
