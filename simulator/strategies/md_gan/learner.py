"""MD-GAN's mathematics: a generator taught by the feedback of many discriminators (arXiv 1811.03850)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.datasets import LabelledImages
from models.whole import Rows, WholeNetwork, discriminator_step, feedback
from simulator.commits import Commit, Decision
from simulator.feed import Feed, named_states, whole_networks
from simulator.strategies.md_gan.options import MdGanOptions
from simulator.strategies.md_gan.plan import MdGanPlan


class MdGanLearner:
    """The one generator and all clients' discriminators, and how commits change them.

    Args:
        plan: the run's plan.
        data: every domain's data set, in the plan's order.
        device: where tensors live.
    """

    def __init__(self, plan: MdGanPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        setting = plan.setting
        self._plan = plan
        self._feed = Feed(plan, data, device)
        self._options: MdGanOptions = setting.scenario.strategy
        self.generator = WholeNetwork(
            setting.architecture.generator,
            setting.streams.key("init.generator"),
            self._options.learning_rate,
            self._feed.dtype,
            device,
        )
        self.discriminators = whole_networks(plan, self._feed, "discriminator")
        """Of each client: the one it holds now."""
        self.losses = (float("nan"), float("nan"))

    def apply(self, commit: Commit) -> Decision | None:
        """Train, or let the discriminators move on; an evaluation leaves everything as it is."""
        match commit.kind:
            case "iteration":
                self._train(commit)
            case "aggregate":
                self._swap(commit.info["round"])
            case "evaluate":
                pass
            case _:
                raise ValueError(
                    f"commit {commit.seq} is of kind {commit.kind!r}, which MD-GAN does not know"
                )
        return None

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: there is one for all."""
        del domain
        return lambda labels, rng: self._feed.generate(self.generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names; a discriminator is named by who holds it."""
        own = {f"generator.{name}": tensor for name, tensor in self.generator.state().items()}
        return own | named_states({"discriminator": self.discriminators})

    def _train(self, commit: Commit) -> None:
        """Step 1: make the batches. Step 2: every client learns and judges. Step 3: the generator learns."""
        step = commit.info["round"] * self._plan.steps_per_round + commit.info["step"]
        made = [self._make(number, step) for number in range(self._plan.made_batches)]
        gradients = {number: torch.zeros_like(made[number][0]) for number in self._plan.judged}
        discriminator_losses, generator_losses = [], []
        for client in commit.clients:
            learned, judged = self._plan.batches_for(client)
            discriminator_losses.append(self._learn(client, step, made[learned]))
            gradient, loss = feedback(self.discriminators[client], made[judged])
            gradients[judged] += gradient / len(commit.clients)
            generator_losses.append(loss)
        self.generator.adam.zero_grad(set_to_none=True)
        for number, gradient in gradients.items():
            torch.autograd.backward(made[number][0], gradient)
        self.generator.adam.step()
        self.losses = (float(np.mean(discriminator_losses)), float(np.mean(generator_losses)))

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

    def _swap(self, round_: int) -> None:
        """Give every client the discriminator that was sent to it; its optimiser begins anew."""
        held = list(self.discriminators)
        for client, receiver in enumerate(self._plan.receivers(round_)):
            self.discriminators[receiver] = held[client]
            held[client].reset_optimiser()
