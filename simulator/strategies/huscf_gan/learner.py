"""HuSCF-GAN's mathematics: ordinary PyTorch, no clock.

It applies what time has decided: ``iteration`` trains on the clients a commit names, ``aggregate`` clusters the
clients, weighs and averages their segments (arXiv 2507.12979; docs/model.md, section 8).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.aggregation import aggregate, kl_divergences, kld_weights
from models.clustering import find_clusters
from models.datasets import LabelledImages
from models.ensemble import Ensemble
from models.steps import Batch, IterationResult, Present, gan_iteration
from simulator.commits import Commit, Decision
from simulator.plan import Plan
from simulator.setting import Deal
from simulator.strategies.huscf_gan.options import HuscfGanOptions

GENERATION_CHUNK = 500
"""Images generated at once for evaluation; it bounds the memory, and changes no value but by rounding."""

DTYPES = {"float32": torch.float32, "float64": torch.float64}


class HuscfGanLearner:
    """All segments of a HuSCF-GAN run, and how commits change them.

    Args:
        plan: the run's plan: cuts, batches, who holds which images.
        data: every domain's data set, in the plan's order.
        device: where tensors live.
    """

    def __init__(self, plan: Plan, data: Sequence[LabelledImages], device: torch.device) -> None:
        deal = plan.setting.deal
        if not isinstance(deal, Deal):
            raise TypeError(f"the plan holds a {type(deal).__name__}; a learner needs the images themselves")
        self._plan = plan
        self._deal = deal
        self._streams = plan.setting.streams
        self._options: HuscfGanOptions = plan.setting.scenario.strategy
        self._data = data
        self._device = device
        self._dtype = DTYPES[plan.setting.scenario.execution.precision]
        self.generator = self._ensemble("generator")
        self.discriminator = self._ensemble("discriminator")
        self.losses = (float("nan"), float("nan"))
        self._last: IterationResult | None = None

    def apply(self, commit: Commit) -> Decision | None:
        """Train, aggregate, or (for an evaluation) leave everything as it is."""
        match commit.kind:
            case "iteration":
                self._train(commit)
                return None
            case "aggregate":
                return self._aggregate(commit)
            case "evaluate":
                return None
        raise ValueError(f"commit {commit.seq} is of kind {commit.kind!r}, which HuSCF-GAN does not know")

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its first client's composite, as it is now."""
        first = self._deal.clients_of(domain)[0]
        return lambda labels, rng: self.generate(first, labels, rng)

    def generate(
        self, client: int, labels: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Generate images ``[n, c, h, w]`` in [-1, 1] with a client's composite generator, in evaluation mode."""
        chunks = np.array_split(labels, max(1, -(-len(labels) // GENERATION_CHUNK)))
        images = []
        for chunk in chunks:
            latent = self._tensor(rng.standard_normal((len(chunk), self._latent_size)))
            images.append(
                self.generator.evaluate(client, latent, torch.as_tensor(chunk, device=self._device))
            )
        return np.asarray(torch.cat(images).float().cpu().numpy())

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return {
            f"{name}.{key}": value for name, net in networks.items() for key, value in net.state().items()
        }

    def _train(self, commit: Commit) -> None:
        step = commit.info["round"] * self._plan.steps_per_round + commit.info["step"]
        passes = [Present(one.forward, one.backward) for one in commit.passes]
        made, fake, real, serve = passes
        batches = {client: self._batch(client, step) for client in commit.clients}
        self._last = gan_iteration(self.generator, self.discriminator, batches, (made, fake, real, serve))
        self.losses = (self._last.discriminator_loss, self._last.generator_loss)

    def _batch(self, client: int, step: int) -> Batch:
        """Draw a fresh batch of a client's own images, with their own labels, and its latent noise."""
        data, own = self._data[self._deal.domain_of[client]], self._deal.images[client]
        size = self._plan.batches[client]
        chosen = own[self._streams.draw("batch", client, step).choice(len(own), size, replace=False)]
        noise = self._streams.draw("noise", client, step).standard_normal((size, self._latent_size))
        return Batch(
            images=self._tensor(data.train_images[chosen].astype(np.float32) / 127.5 - 1.0),
            labels=torch.as_tensor(data.train_labels[chosen], device=self._device),
            latent=self._tensor(noise),
        )

    def _aggregate(self, commit: Commit) -> Decision:
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
            network, ends, keys, common, options.learning_rate, dtype=self._dtype, device=self._device
        )

    @property
    def _latent_size(self) -> int:
        return int(self._plan.setting.architecture.latent_size)

    def _tensor(self, values: NDArray[np.floating]) -> Tensor:
        return torch.as_tensor(values, dtype=self._dtype, device=self._device)
