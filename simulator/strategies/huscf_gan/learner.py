"""HuSCF-GAN's mathematics: ordinary PyTorch, no clock.

It applies what time has decided: ``iteration`` trains on the clients a commit names, ``aggregate`` clusters the
clients, weighs and averages their segments (arXiv 2507.12979; docs/model.md, section 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.aggregation import aggregate, kl_divergences, kld_weights
from models.clustering import find_clusters
from models.datasets import LabelledImages
from models.ensemble import Ensemble
from models.steps import IterationResult, Present, gan_iteration
from simulator.commits import Commit, Decision
from simulator.learning import Losses, StrategyLearner
from simulator.split_plan import SplitPlan
from simulator.strategies.huscf_gan.options import HuscfGanOptions


class HuscfGanLearner(StrategyLearner):
    """All segments of a HuSCF-GAN run, and how commits change them."""

    method = "HuSCF-GAN"

    def __init__(self, plan: SplitPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        super().__init__(plan, data, device)
        self._plan = plan
        self._deal = self._feed.deal
        self._streams = plan.setting.streams
        self._options: HuscfGanOptions = plan.setting.scenario.strategy
        self.generator = self._ensemble("generator")
        self.discriminator = self._ensemble("discriminator")
        self._last: IterationResult | None = None

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its first client's composite, as it is now."""
        first = self._deal.clients_of(domain)[0]
        return lambda labels, rng: self.generate(first, labels, rng)

    def generate(
        self, client: int, labels: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Generate images ``[n, c, h, w]`` in [-1, 1] with a client's composite generator, in evaluation mode."""
        return self._feed.generate(partial(self.generator.evaluate, client), labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return {
            f"{name}.{key}": value for name, net in networks.items() for key, value in net.state().items()
        }

    def _train(self, commit: Commit, step: int) -> Losses:
        passes = [Present(one.forward, one.backward) for one in commit.passes]
        made, fake, real, serve = passes
        batches = {client: self._feed.batch(client, step) for client in commit.clients}
        self._last = gan_iteration(self.generator, self.discriminator, batches, (made, fake, real, serve))
        return self._last.discriminator_loss, self._last.generator_loss

    def _end_round(self, commit: Commit) -> Decision:
        """Step 1: clusters. Step 2: weights within them and over all. Step 3: averages."""
        if commit.clients != self._plan.clients:
            raise ValueError(
                f"commit {commit.seq} aggregates {commit.clients}; HuSCF-GAN aggregates all clients"
            )
        round_, sizes = commit.info["round"], self._deal.sizes
        if round_ < self._options.warmup_rounds:
            clusters: tuple[tuple[int, ...], ...] = (commit.clients,)
            divergence = torch.zeros(len(commit.clients))
            within = [divergence]
        else:
            activations = self._core_activations(commit.clients)
            clusters = self._clusters(activations, round_)
            within = [kl_divergences(activations[list(members)]) for members in clusters]
            divergence = kl_divergences(activations)
        alpha = self._options.kld_alpha
        cluster_weights = [
            kld_weights([sizes[k] for k in members], own.tolist(), alpha)
            for members, own in zip(clusters, within, strict=True)
        ]
        global_weights = kld_weights(sizes, divergence.tolist(), alpha)
        for network in (self.generator, self.discriminator):
            aggregate(network, clusters, [list(w) for w in cluster_weights], list(global_weights))
        return Decision(clusters)

    def _core_activations(self, clients: Sequence[int]) -> Tensor:
        """Return ``[K, F, M]``: the discriminator's core on each client's last real batch, averaged over the batch."""
        if self._last is None:
            raise RuntimeError("there are no core activations before the first iteration")
        means = torch.stack([self._last.core_means[client] for client in clients])
        return means.flatten(start_dim=2).cpu()

    def _clusters(self, activations: Tensor, round_: int) -> tuple[tuple[int, ...], ...]:
        wanted = None if self._options.clusters == "auto" else self._options.clusters
        seed = self._streams.key("clusters", round_) % 2**32
        return find_clusters(activations.numpy(), wanted, seed)

    def _ensemble(self, name: str) -> Ensemble:
        plan, options = self._plan, self._options
        network = getattr(plan.setting.architecture, name)
        common = self._streams.key(f"init.{name}")
        independent = options.init == "independent"
        keys = [
            self._streams.key(f"init.{name}", client) if independent else common for client in plan.clients
        ]
        ends = [cut.as_tuple()[:2] if name == "generator" else cut.as_tuple()[2:] for cut in plan.cuts]
        return Ensemble(
            network,
            ends,
            keys,
            common,
            options.learning_rate,
            dtype=self._feed.dtype,
            device=self._feed.device,
        )
