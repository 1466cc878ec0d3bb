"""The mathematics of centralised training: ordinary GAN steps on pooled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.datasets import LabelledImages
from models.whole import gan_step
from simulator.commits import Commit, Decision
from simulator.feed import Feed, whole_networks
from simulator.setting import Deal
from simulator.strategies.centralized.plan import CentralizedPlan


class CentralizedLearner:
    """The server's GANs, and how commits change them.

    Args:
        plan: the run's plan.
        data: every domain's data set, in the plan's order.
        device: where tensors live.
    """

    def __init__(self, plan: CentralizedPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        self._domains = plan.setting.deal.domains
        pooled, pools = _pooled(plan, data)
        self._feed = Feed(pooled, pools, device)
        self._steps_per_round = plan.steps_per_round
        self.generators = whole_networks(pooled, self._feed, "generator")
        self.discriminators = whole_networks(pooled, self._feed, "discriminator")
        self.losses = (float("nan"), float("nan"))

    def apply(self, commit: Commit) -> Decision | None:
        """Train; the end of a round and an evaluation leave everything as it is."""
        match commit.kind:
            case "iteration":
                self._train(commit)
            case "aggregate" | "evaluate":
                pass
            case _:
                raise ValueError(
                    f"commit {commit.seq} is of kind {commit.kind!r}, which centralised training does not know"
                )
        return None

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its own, or the one for all."""
        own = self._domains.index(domain) if len(self.generators) > 1 else 0
        generator = self.generators[own]
        return lambda labels, rng: self._feed.generate(generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        networks = {"generator": self.generators, "discriminator": self.discriminators}
        return {
            f"{network}.gan-{number}.{name}": tensor
            for network, own in networks.items()
            for number, one in enumerate(own)
            for name, tensor in one.state().items()
        }

    def _train(self, commit: Commit) -> None:
        step = commit.info["round"] * self._steps_per_round + commit.info["step"]
        gans = enumerate(zip(self.generators, self.discriminators, strict=True))
        losses = [gan_step(*networks, self._feed.batch(number, step)) for number, networks in gans]
        self.losses = (float(np.mean([d for d, _ in losses])), float(np.mean([g for _, g in losses])))


def _pooled(
    plan: CentralizedPlan, data: Sequence[LabelledImages]
) -> tuple[CentralizedPlan, list[LabelledImages]]:
    """Return the plan as the server sees it, and the images of every GAN.

    To the server its GANs are what clients are elsewhere: number p holds all images of pool p and draws its batches,
    its noise and its first weights as client p would. So a single client's images train the same GAN on either side.
    """
    deal = plan.setting.deal
    if not isinstance(deal, Deal):
        raise TypeError(f"the plan holds a {type(deal).__name__}; a learner needs the images themselves")
    pools = [_join(data, deal, pool) for pool in plan.pools]
    numbers = tuple(range(len(pools)))
    own = Deal(
        domains=tuple(f"pool-{number}" for number in numbers),
        domain_of=numbers,
        images=tuple(np.arange(len(pool.train_labels)) for pool in pools),
    )
    setting = replace(plan.setting, deal=own)
    return replace(plan, setting=setting, clients=numbers, batches=plan.rows), pools


def _join(data: Sequence[LabelledImages], deal: Deal, pool: Sequence[int]) -> LabelledImages:
    """Return the training images of clients as one data set, client after client; its test images mean nothing."""
    parts = [(data[deal.domain_of[client]], deal.images[client]) for client in pool]
    first = parts[0][0]
    return replace(
        first,
        train_images=np.concatenate([domain.train_images[held] for domain, held in parts]),
        train_labels=np.concatenate([domain.train_labels[held] for domain, held in parts]),
    )
