"""FedGAN's mathematics: local GAN steps, and averages of both networks by ``n_k / n`` (arXiv 2006.07228)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.datasets import LabelledImages
from simulator.commits import Commit
from simulator.feed import named_states, whole_networks
from simulator.learning import Losses, StrategyLearner, average_by_images, give, train_locally
from simulator.strategies.fedgan.plan import FedganPlan


class FedganLearner(StrategyLearner):
    """All clients' GANs, and how commits change them."""

    method = "FedGAN"

    def __init__(self, plan: FedganPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        super().__init__(plan, data, device)
        self.generators = whole_networks(plan, self._feed, "generator")
        self.discriminators = whole_networks(plan, self._feed, "discriminator")

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its first client's, as it is now."""
        generator = self.generators[self._feed.deal.clients_of(domain)[0]]
        return lambda labels, rng: self._feed.generate(generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        return named_states({"generator": self.generators, "discriminator": self.discriminators})

    def _train(self, commit: Commit, step: int) -> Losses:
        return train_locally(self._feed, self.generators, self.discriminators, commit.clients, step)

    def _end_round(self, commit: Commit) -> None:
        """Give every client the averages, weighted by the numbers of its images."""
        for copies in (self.generators, self.discriminators):
            give(copies, commit.clients, average_by_images(self._feed, copies, commit.clients))
