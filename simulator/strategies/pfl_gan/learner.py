"""The mathematics after PFL-GAN: local GAN steps, the likeness of clients' samples, personal generators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.datasets import LabelledImages
from models.steps import Batch
from models.whole import Rows, gan_step
from simulator.commits import Commit
from simulator.feed import GENERATION_CHUNK, named_states, server_network, whole_networks
from simulator.learning import Losses, StrategyLearner, train_locally
from simulator.strategies.pfl_gan.options import PflGanOptions
from simulator.strategies.pfl_gan.plan import PflGanPlan
from simulator.strategies.pfl_gan.similarity import (
    Floats,
    divergences,
    latent_gaussians,
    mixture_weights,
)


class PflGanLearner(StrategyLearner):
    """All clients' GANs and the server's discriminators, and how commits change them."""

    method = "PFL-GAN"

    def __init__(self, plan: PflGanPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        super().__init__(plan, data, device)
        self._plan = plan
        self._options: PflGanOptions = plan.setting.scenario.strategy
        self.generators = whole_networks(plan, self._feed, "generator")
        self.discriminators = whole_networks(plan, self._feed, "discriminator")
        # A single client meets nobody on the server.
        personal = plan.clients if plan.personalises else ()
        self.personal_discriminators = [server_network(plan, self._feed, "discriminator") for _ in personal]
        self._personal_generator = server_network(plan, self._feed, "generator")

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its first client's personal one, as it is now."""
        generator = self.generators[self._feed.deal.clients_of(domain)[0]]
        return lambda labels, rng: self._feed.generate(generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        return named_states(
            {
                "generator": self.generators,
                "discriminator": self.discriminators,
                "personal_discriminator": self.personal_discriminators,
            }
        )

    def weights(self, round_: int) -> Floats:
        """Return how much each client learns from each other one's samples, ``[N, N]``, as generators are now."""
        samples = np.stack([self._samples(client, round_) for client in self._plan.clients])
        gaussians = latent_gaussians(samples, self._options.latent_dimensions)
        return mixture_weights(divergences(gaussians), self._options.temperature)

    def _train(self, commit: Commit, step: int) -> Losses:
        return train_locally(self._feed, self.generators, self.discriminators, commit.clients, step)

    def _end_round(self, commit: Commit) -> None:
        """Personalise the generators, where there is anybody to learn from."""
        if self._plan.personalises:
            self._personalise(commit.info["round"])

    def _personalise(self, round_: int) -> None:
        """Train every client's personal generator, all of them on what was uploaded."""
        weights = self.weights(round_)
        personal = [self._personal_state(client, weights[client], round_) for client in self._plan.clients]
        for generator, state in zip(self.generators, personal, strict=True):
            generator.load(state)

    def _personal_state(self, client: int, weights: Floats, round_: int) -> dict[str, Tensor]:
        """Return a client's generator after its personal training in a round."""
        generator, steps = self._personal_generator, self._options.personal_steps
        generator.load(self.generators[client].state())
        generator.reset_optimiser()
        for step in range(round_ * steps, (round_ + 1) * steps):
            images, labels = self._mixture(client, weights, step)
            latent, _ = self._fakes("personal", step, len(labels), client)
            gan_step(generator, self.personal_discriminators[client], Batch(images, labels, latent))
        return generator.copy_of_state()

    def _mixture(self, client: int, weights: Floats, step: int) -> Rows:
        """Return a batch of the others' samples, each row of a client drawn by weight."""
        size = self._options.batch_size
        latent, labels = self._fakes("mixture", step, size, client)
        draw = self._plan.setting.streams.draw("mixture.source", step, client)
        sources = draw.choice(len(weights), size, p=weights)
        images = latent.new_empty((size, *self._plan.setting.architecture.image_shape))
        for source in np.unique(sources):
            rows = torch.as_tensor(np.flatnonzero(sources == source), device=latent.device)
            images[rows] = self.generators[source].evaluate(latent[rows], labels[rows])
        return images, labels

    def _fakes(self, purpose: str, step: int, size: int, client: int) -> Rows:
        """Draw noise and labels for a client's made images: labels are of its own domain's classes."""
        return self._feed.fakes(purpose, step, size, client, classes=self._feed.classes_of(client))

    def _samples(self, client: int, round_: int) -> NDArray[np.float32]:
        """Return images of a client's generator, flattened, ``[M, p]``."""
        latent, labels = self._fakes("similarity", round_, self._options.similarity_samples, client)
        chunks = zip(*(torch.split(one, GENERATION_CHUNK) for one in (latent, labels)), strict=True)
        images = torch.cat([self.generators[client].evaluate(*chunk) for chunk in chunks])
        return np.asarray(images.flatten(1).float().cpu().numpy())
