"""The mathematics of Federated Split GANs: one generator, and averages of the households' discriminators.

A chain of parts computes what the whole discriminator does, and Adam moves every weight by itself: one optimiser for a
household's discriminator takes the same steps as one for each part. So who holds which part decides time alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.aggregation import weighted_average
from models.datasets import LabelledImages
from models.whole import WholeNetwork, discriminator_step, feedback
from simulator.commits import Commit, Decision
from simulator.feed import Feed, named_states, whole_networks
from simulator.strategies.fsl_gan.plan import FslGanPlan


class FslGanLearner:
    """The generator and all households' discriminators, and how commits change them.

    Args:
        plan: the run's plan.
        data: every domain's data set, in the plan's order.
        device: where tensors live.
    """

    def __init__(self, plan: FslGanPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        setting = plan.setting
        self._plan = plan
        self._feed = Feed(plan, data, device)
        self._made_rows: int = setting.scenario.strategy.batch_size
        self.generator = WholeNetwork(
            setting.architecture.generator,
            setting.streams.key("init.generator"),
            setting.scenario.strategy.learning_rate,
            self._feed.dtype,
            device,
        )
        self.discriminators = whole_networks(plan, self._feed, "discriminator")
        self.losses = (float("nan"), float("nan"))

    def apply(self, commit: Commit) -> Decision | None:
        """Train or average; an evaluation leaves everything as it is."""
        match commit.kind:
            case "iteration":
                self._train(commit)
            case "aggregate":
                self._average(commit.clients)
            case "evaluate":
                pass
            case _:
                raise ValueError(
                    f"commit {commit.seq} is of kind {commit.kind!r}, which Federated Split GANs do not know"
                )
        return None

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: there is one for all."""
        del domain
        return lambda labels, rng: self._feed.generate(self.generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names; a client is a household."""
        own = {f"generator.{name}": tensor for name, tensor in self.generator.state().items()}
        return own | named_states({"discriminator": self.discriminators})

    def _train(self, commit: Commit) -> None:
        """Step 1: make one batch for all. Step 2: every household learns and judges. Step 3: the generator learns.

        The generator's loss is the sum of the households' losses, and so is its gradient.
        """
        step = commit.info["round"] * self._plan.steps_per_round + commit.info["step"]
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
        self.losses = (float(np.mean([d for d, _ in losses])), float(np.mean([g for _, g in losses])))

    def _average(self, households: Sequence[int]) -> None:
        """Give every household the plain average of all discriminators; optimisers keep what they have gathered."""
        states = [self.discriminators[one].copy_of_state() for one in households]
        average = weighted_average(states, [1 / len(states)] * len(states))
        for one in households:
            self.discriminators[one].load(average)
