"""Whole GANs in plain PyTorch, and the batches that a run's streams give them: nothing here calls what it checks."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from plain_gan import copy_state, discriminator_blocks, generator_blocks
from torch import Tensor, nn
from torch.nn import functional as F

from models.datasets import LabelledImages
from simulator.commits import Commit
from simulator.plan import Plan

LEARNING_RATE = 0.002
STEPS_PER_ROUND = 2
BATCH = 4

TEXT = f"""\
name: tiny
devices: {{server: paper-server, clients: [{{profile: paper-1, count: CLIENTS}}]}}
data: {{domains: DOMAINS}}
model: {{width: 2}}
strategy:
  name: NAME
  steps_per_round: {STEPS_PER_ROUND}
  batch_size: {BATCH}
  learning_rate: {LEARNING_RATE}
  init: independent
execution: {{precision: float64, threads: 1}}
"""


def tiny_text(name: str, clients: int, domains: Sequence[str]) -> str:
    """Return a scenario of so many alike devices, dealt equally to domains."""
    own = "[" + ", ".join(f"{{dataset: {domain}}}" for domain in domains) + "]"
    return TEXT.replace("NAME", name).replace("CLIENTS", str(clients)).replace("DOMAINS", own)


def commit(kind: str, clients: int, round_: int = 0, step: int = 0) -> Commit:
    """A commit of all clients."""
    return Commit(1, 0.0, kind, tuple(range(clients)), (), {"round": round_, "step": step})


class PlainNetwork(nn.Module):
    """Blocks of ``torch.nn`` one after the other, with the weights of a twin and an optimiser of their own."""

    def __init__(self, make_blocks: Callable[[int], list[nn.Module]], twin: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(make_blocks(2)).double()
        copy_state(twin, self.blocks)
        self.reset_adam()

    def reset_adam(self) -> None:
        self.adam = torch.optim.Adam(self.parameters(), lr=LEARNING_RATE, betas=(0.5, 0.999))

    def forward(self, rows: Tensor, labels: Tensor) -> Tensor:
        rows = self.blocks[0](rows, labels)
        for block in self.blocks[1:]:
            rows = block(rows)
        return rows


def plain_generator(twin: nn.Module) -> PlainNetwork:
    return PlainNetwork(generator_blocks, twin)


def plain_discriminator(twin: nn.Module) -> PlainNetwork:
    return PlainNetwork(discriminator_blocks, twin)


def bce(judged: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy(judged, torch.full_like(judged, target))


def gan_step(
    g: PlainNetwork, d: PlainNetwork, images: Tensor, labels: Tensor, latent: Tensor
) -> tuple[float, float]:
    """One iteration of a conditional GAN as a textbook has it; return both losses."""
    fakes = g(latent, labels)
    d.adam.zero_grad()
    d_loss = bce(d(fakes.detach(), labels), 0.0) + bce(d(images, labels), 1.0)
    d_loss.backward()
    d.adam.step()
    g.adam.zero_grad()
    g_loss = bce(d(fakes, labels), 1.0)
    g_loss.backward()
    g.adam.step()
    return d_loss.item(), g_loss.item()


def scaled(images: np.ndarray) -> Tensor:
    """Images as networks see them: scaled in single precision."""
    return (torch.from_numpy(images.astype(np.float64)) / 127.5 - 1).float().double()


def drawn(
    plan: Plan, images: np.ndarray, labels: np.ndarray, holder: int, number: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw a holder's images, labels and noise for the run's iteration ``number`` from all that it holds."""
    streams, rows = plan.setting.streams, min(BATCH, len(images))
    chosen = streams.draw("batch", holder, number).choice(len(images), rows, replace=False)
    noise = streams.draw("noise", holder, number).standard_normal((rows, 100))
    return scaled(images[chosen]), torch.from_numpy(labels[chosen]), torch.from_numpy(noise)


def held(plan: Plan, data: Sequence[LabelledImages], client: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all images of a client and their labels."""
    deal = plan.setting.deal
    domain, own = data[deal.domain_of[client]], deal.images[client]
    return domain.train_images[own], domain.train_labels[own]
