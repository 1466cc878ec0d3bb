"""FedGAN's mathematics: local GAN steps, and averages of both networks by ``n_k / n`` (arXiv 2006.07228)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.aggregation import weighted_average
from models.datasets import LabelledImages
from models.whole import WholeNetwork, gan_step
from simulator.commits import Commit, Decision
from simulator.feed import Feed, named_states, whole_networks
from simulator.strategies.fedgan.plan import FedganPlan


class FedganLearner:
    """All clients' GANs, and how commits change them.

    Args:
        plan: the run's plan.
        data: every domain's data set, in the plan's order.
        device: where tensors live.
    """

    def __init__(self, plan: FedganPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        self._plan = plan
        self._feed = Feed(plan, data, device)
        self.generators = whole_networks(plan, self._feed, "generator")
        self.discriminators = whole_networks(plan, self._feed, "discriminator")
        self.losses = (float("nan"), float("nan"))

    def apply(self, commit: Commit) -> Decision | None:
        """Train or average; an evaluation leaves everything as it is."""
        match commit.kind:
            case "iteration":
                self._train(commit)
            case "aggregate":
                self._average(self.generators, commit.clients)
                self._average(self.discriminators, commit.clients)
            case "evaluate":
                pass
            case _:
                raise ValueError(
                    f"commit {commit.seq} is of kind {commit.kind!r}, which FedGAN does not know"
                )
        return None

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its first client's, as it is now."""
        generator = self.generators[self._feed.deal.clients_of(domain)[0]]
        return lambda labels, rng: self._feed.generate(generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        return named_states({"generator": self.generators, "discriminator": self.discriminators})

    def _train(self, commit: Commit) -> None:
        step = commit.info["round"] * self._plan.steps_per_round + commit.info["step"]
        losses = [
            gan_step(self.generators[client], self.discriminators[client], self._feed.batch(client, step))
            for client in commit.clients
        ]
        self.losses = (float(np.mean([d for d, _ in losses])), float(np.mean([g for _, g in losses])))

    def _average(self, copies: Sequence[WholeNetwork], clients: Sequence[int]) -> None:
        """Give every client the average, weighted by the numbers of its images; optimisers keep their state."""
        sizes = np.array([self._feed.deal.sizes[client] for client in clients], dtype=float)
        states = [copies[client].copy_of_state() for client in clients]
        average = weighted_average(states, list(sizes / sizes.sum()))
        for client in clients:
            copies[client].load(average)
