"""MD-GAN's mathematics: a generator taught by the feedback of many discriminators (arXiv 1811.03850)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.datasets import LabelledImages
from models.whole import Rows, discriminator_step, feedback
from simulator.commits import Commit
from simulator.feed import named_states, server_network, whole_networks
from simulator.learning import Losses, StrategyLearner, mean_losses
from simulator.strategies.md_gan.options import MdGanOptions
from simulator.strategies.md_gan.plan import MdGanPlan


class MdGanLearner(StrategyLearner):
    """The one generator and all clients' discriminators, and how commits change them."""

    method = "MD-GAN"

    def __init__(self, plan: MdGanPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        super().__init__(plan, data, device)
        self._plan = plan
        self._options: MdGanOptions = plan.setting.scenario.strategy
        self.generator = server_network(plan, self._feed, "generator")
        self.discriminators = whole_networks(plan, self._feed, "discriminator")
        """Of each client: the one it holds now."""

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: there is one for all."""
        del domain
        return lambda labels, rng: self._feed.generate(self.generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names; a discriminator is named by who holds it."""
        own = {f"generator.{name}": tensor for name, tensor in self.generator.state().items()}
        return own | named_states({"discriminator": self.discriminators})

    def _train(self, commit: Commit, step: int) -> Losses:
        """Step 1: make the batches. Step 2: every client learns and judges. Step 3: the generator learns."""
        made = [self._make(number, step) for number in range(self._plan.made_batches)]
        gradients = {number: torch.zeros_like(made[number][0]) for number in self._plan.judged}
        losses = []
        for client in commit.clients:
            learned, judged = self._plan.batches_for(client)
            discriminator_loss = self._learn(client, step, made[learned])
            gradient, generator_loss = feedback(self.discriminators[client], made[judged])
            gradients[judged] += gradient / len(commit.clients)
            losses.append((discriminator_loss, generator_loss))
        self.generator.adam.zero_grad(set_to_none=True)
        for number, gradient in gradients.items():
            torch.autograd.backward(made[number][0], gradient)
        self.generator.adam.step()
        return mean_losses(losses)

    def _make(self, number: int, step: int) -> Rows:
        """Make a batch of images and its labels; only what is judged needs its graph."""
        latent, labels = self._feed.fakes("generation", step, self._plan.made_rows, number)
        with torch.set_grad_enabled(number in self._plan.judged):
            return self.generator(latent, labels), labels

    def _learn(self, client: int, step: int, made: Rows) -> float:
        """Take a client's L steps on the real batch of this iteration and on made images; return the mean loss."""
        batch = self._feed.batch(client, step)
        images, labels = made
        losses = [
            discriminator_step(
                self.discriminators[client],
                real=[(batch.images, batch.labels)],
                fake=[(images.detach(), labels)],
            )
            for _ in range(self._options.discriminator_steps)
        ]
        return float(np.mean(losses))

    def _end_round(self, commit: Commit) -> None:
        """Give every client the discriminator that was sent to it; its optimiser begins anew."""
        held = list(self.discriminators)
        for client, receiver in enumerate(self._plan.receivers(commit.info["round"])):
            self.discriminators[receiver] = held[client]
            held[client].reset_optimiser()
