"""HuSCF-GAN's mathematics: ordinary PyTorch, no clock.

It applies what time has decided: ``iteration`` trains on the clients a commit names, ``aggregate`` clusters the
clients it names, weighs and averages their segments (arXiv 2507.12979; docs/model.md, section 8). ``rejoin`` gives
clients that have lost everything their clusters' last averages, and ``recut`` moves blocks between clients and server.
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
from models.steps import Present, Skips, gan_iteration
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
        self._core_means: dict[int, Tensor] = {}
        self._averaged: tuple[int, ...] = plan.clients

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: a client's composite, as it is now.

        It is the domain's first client of those that were averaged last; its first of all, where none was.
        """
        clients = self._deal.clients_of(domain)
        first = next((client for client in clients if client in self._averaged), clients[0])
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
        skips = Skips(commit.info.get("skips_d", ()), commit.info.get("skips_g", ()))
        result = gan_iteration(self.generator, self.discriminator, batches, (made, fake, real, serve), skips)
        self._core_means |= result.core_means
        return result.discriminator_loss, result.generator_loss

    def _end_round(self, commit: Commit) -> Decision:
        """Step 1: clusters. Step 2: weights within them and over all. Step 3: averages. All among those named."""
        if not commit.clients:
            raise ValueError(f"commit {commit.seq} aggregates nobody; needed: one client at least")
        clients, round_ = commit.clients, commit.info["round"]
        sizes = {client: self._deal.sizes[client] for client in clients}
        if round_ < self._options.warmup_rounds:
            clusters: tuple[tuple[int, ...], ...] = (clients,)
            divergence = torch.zeros(len(clients))
            within = [divergence]
        else:
            activations = self._core_activations(clients)
            found = self._clusters(activations, round_)
            clusters = tuple(tuple(clients[index] for index in members) for members in found)
            within = [kl_divergences(activations[list(members)]) for members in found]
            divergence = kl_divergences(activations)
        alpha = self._options.kld_alpha
        cluster_weights = [
            kld_weights([sizes[k] for k in members], own.tolist(), alpha)
            for members, own in zip(clusters, within, strict=True)
        ]
        global_weights = kld_weights(list(sizes.values()), divergence.tolist(), alpha)
        for network in (self.generator, self.discriminator):
            aggregate(network, clusters, [list(w) for w in cluster_weights], list(global_weights), clients)
        # The next round's clusters are found on what that round will have shown.
        self._core_means, self._averaged = {}, clients
        return Decision(clusters)

    def _follow(self, commit: Commit) -> None:
        """Give clients back what they have lost, or cut the networks anew."""
        if commit.kind == "rejoin":
            for network in (self.generator, self.discriminator):
                for client in commit.clients:
                    network.restore(client)
        elif commit.kind == "recut":
            cuts: Sequence[Sequence[int]] = commit.info["cuts"]
            self.generator.recut([(g_head, g_tail) for g_head, g_tail, _, _ in cuts])
            self.discriminator.recut([(d_head, d_tail) for _, _, d_head, d_tail in cuts])
        else:
            super()._follow(commit)

    def _core_activations(self, clients: Sequence[int]) -> Tensor:
        """Return ``[K, F, M]``: the discriminator's core on each client's last real batch, averaged over the batch.

        Raises:
            RuntimeError: A client has shown no real batch in this round.
        """
        missing = sorted(set(clients) - set(self._core_means))
        if missing:
            came = f"clients {missing} were in no pass on real images since the last aggregation"
            raise RuntimeError(f"{came}: there are no core activations to find their clusters on")
        means = torch.stack([self._core_means[client] for client in clients])
        return means.flatten(start_dim=2).cpu()

    def _clusters(self, activations: Tensor, round_: int) -> tuple[tuple[int, ...], ...]:
        """Return the clusters, as indices of the activations; no more of them than there are clients."""
        stated = self._options.clusters
        wanted = None if stated == "auto" else min(stated, len(activations))
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
