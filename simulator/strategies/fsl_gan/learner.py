"""The mathematics of Federated Split GANs: one generator, and averages of the households' discriminators.

A chain of parts computes what the whole discriminator does, and Adam moves every weight by itself: one optimiser for a
household's discriminator takes the same steps as one for each part. So who holds which part decides time alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.aggregation import weighted_average
from models.datasets import LabelledImages
from models.whole import discriminator_step, feedback
from simulator.commits import Commit
from simulator.feed import named_states, server_network, whole_networks
from simulator.learning import Losses, StrategyLearner, give, mean_losses
from simulator.strategies.fsl_gan.plan import FslGanPlan


class FslGanLearner(StrategyLearner):
    """The generator and all households' discriminators, and how commits change them."""

    method = "FSL-GAN"

    def __init__(self, plan: FslGanPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        super().__init__(plan, data, device)
        self._made_rows: int = plan.setting.scenario.strategy.batch_size
        self.generator = server_network(plan, self._feed, "generator")
        self.discriminators = whole_networks(plan, self._feed, "discriminator")

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: there is one for all."""
        del domain
        return lambda labels, rng: self._feed.generate(self.generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names; a client is a household."""
        own = {f"generator.{name}": tensor for name, tensor in self.generator.state().items()}
        return own | named_states({"discriminator": self.discriminators})

    def _train(self, commit: Commit, step: int) -> Losses:
        """Step 1: make one batch for all. Step 2: every household learns and judges. Step 3: the generator learns.

        The generator's loss is the sum of the households' losses, and so is its gradient.
        """
        latent, labels = self._feed.fakes("generation", step, self._made_rows)
        fakes = self.generator(latent, labels)
        shown, gradient = fakes.detach(), torch.zeros_like(fakes)
        losses = []
        for household in commit.clients:
            discriminator, batch = self.discriminators[household], self._feed.batch(household, step)
            learned = discriminator_step(
                discriminator, real=[(batch.images, batch.labels)], fake=[(shown, labels)]
            )
            own, judged = feedback(discriminator, (shown, labels))
            gradient += own
            losses.append((learned, judged))
        self.generator.adam.zero_grad(set_to_none=True)
        torch.autograd.backward(fakes, gradient)
        self.generator.adam.step()
        return mean_losses(losses)

    def _end_round(self, commit: Commit) -> None:
        """Give every household the plain average of all discriminators; optimisers keep what they have gathered."""
        states = [self.discriminators[one].state() for one in commit.clients]
        give(self.discriminators, commit.clients, weighted_average(states, [1 / len(states)] * len(states)))
