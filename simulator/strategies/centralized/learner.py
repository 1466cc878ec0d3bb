"""The mathematics of centralised training: ordinary GAN steps on pooled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.datasets import LabelledImages
from simulator.commits import Commit
from simulator.feed import whole_networks
from simulator.learning import Losses, StrategyLearner, train_locally
from simulator.setting import Deal
from simulator.strategies.centralized.plan import CentralizedPlan


class CentralizedLearner(StrategyLearner):
    """The server's GANs, and how commits change them."""

    method = "centralised training"

    def __init__(self, plan: CentralizedPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        pooled, pools = _pooled(plan, data)
        super().__init__(pooled, pools, device)
        self._domains = plan.setting.deal.domains
        self.generators = whole_networks(pooled, self._feed, "generator")
        self.discriminators = whole_networks(pooled, self._feed, "discriminator")

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its own, or the one for all."""
        own = self._domains.index(domain) if len(self.generators) > 1 else 0
        generator = self.generators[own]
        return lambda labels, rng: self._feed.generate(generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        networks = {"generator": self.generators, "discriminator": self.discriminators}
        return {
            f"{network}.gan-{number}.{name}": tensor
            for network, own in networks.items()
            for number, one in enumerate(own)
            for name, tensor in one.state().items()
        }

    def _train(self, commit: Commit, step: int) -> Losses:
        del commit  # the server's GANs are its own
        gans = range(len(self.generators))
        return train_locally(self._feed, self.generators, self.discriminators, gans, step)

    def _end_round(self, commit: Commit) -> None:
        """Do nothing: all images are on the server already."""


def _pooled(
    plan: CentralizedPlan, data: Sequence[LabelledImages]
) -> tuple[CentralizedPlan, list[LabelledImages]]:
    """Return the plan as the server sees it, and the images of every GAN.

    To the server its GANs are what clients are elsewhere: number p holds all images of pool p and draws its batches,
    its noise and its first weights as client p would. So a single client's images train the same GAN on either side.
    """
    deal = plan.setting.deal
    if not isinstance(deal, Deal):
        raise TypeError(f"the plan holds a {type(deal).__name__}; a learner needs the images themselves")
    pools = [_join(data, deal, pool) for pool in plan.pools]
    numbers = tuple(range(len(pools)))
    own = Deal(
        domains=tuple(f"pool-{number}" for number in numbers),
        domain_of=numbers,
        images=tuple(np.arange(len(pool.train_labels)) for pool in pools),
    )
    setting = replace(plan.setting, deal=own)
    return replace(plan, setting=setting, clients=numbers, batches=plan.rows), pools


def _join(data: Sequence[LabelledImages], deal: Deal, pool: Sequence[int]) -> LabelledImages:
    """Return the training images of clients as one data set, client after client; its test images mean nothing."""
    parts = [(data[deal.domain_of[client]], deal.images[client]) for client in pool]
    first = parts[0][0]
    return replace(
        first,
        train_images=np.concatenate([domain.train_images[held] for domain, held in parts]),
        train_labels=np.concatenate([domain.train_labels[held] for domain, held in parts]),
    )
