"""What the learners of all strategies share: how they follow the log, and small steps of many of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch

from models.aggregation import State, weighted_average
from models.datasets import LabelledImages
from models.whole import WholeNetwork, gan_step
from simulator.commits import Commit, Decision
from simulator.feed import Feed
from simulator.plan import Plan

Losses = tuple[float, float]
"""The discriminator's loss and the generator's."""


class StrategyLearner(ABC):
    """The mathematics of a strategy: it trains in iterations, and exchanges something at a round's end.

    Args:
        plan: the run's plan.
        data: every domain's data set, in the plan's order.
        device: where tensors live.

    Attributes:
        method: what the strategy is called in messages.
        losses: the mean losses of the last iteration; NaN before the first.
    """

    method: ClassVar[str]

    def __init__(self, plan: Plan, data: Sequence[LabelledImages], device: torch.device) -> None:
        self._feed = Feed(plan, data, device)
        self._steps_per_round = plan.steps_per_round
        self.losses: Losses = (math.nan, math.nan)

    def apply(self, commit: Commit) -> Decision | None:
        """Train, or do what ends a round; an evaluation leaves everything as it is.

        Raises:
            ValueError: The commit is of a kind that no strategy here knows.
        """
        match commit.kind:
            case "iteration":
                step = commit.info["round"] * self._steps_per_round + commit.info["step"]
                self.losses = self._train(commit, step)
                return None
            case "aggregate":
                return self._end_round(commit)
            case "evaluate":
                return None
        self._follow(commit)
        return None

    def _follow(self, commit: Commit) -> None:
        """Do what a commit says that not every strategy knows.

        Raises:
            ValueError: This one does not know it either.
        """
        raise ValueError(f"commit {commit.seq} is of kind {commit.kind!r}, which {self.method} does not know")

    @abstractmethod
    def _train(self, commit: Commit, step: int) -> Losses:
        """Train one iteration, the run's ``step``-th; return the mean losses."""

    @abstractmethod
    def _end_round(self, commit: Commit) -> Decision | None:
        """Do what ends a round; return what time needs to know of it."""


def mean_losses(losses: Sequence[Losses]) -> Losses:
    """Return the means over clients."""
    return float(np.mean([d for d, _ in losses])), float(np.mean([g for _, g in losses]))


def train_locally(
    feed: Feed,
    generators: Sequence[WholeNetwork],
    discriminators: Sequence[WholeNetwork],
    clients: Sequence[int],
    step: int,
) -> Losses:
    """Let every client take a GAN's step on its own images; return the mean losses."""
    return mean_losses(
        [gan_step(generators[client], discriminators[client], feed.batch(client, step)) for client in clients]
    )


def average_by_images(feed: Feed, copies: Sequence[WholeNetwork], clients: Sequence[int]) -> State:
    """Return the average of clients' copies, weighted by the numbers of their images, ``n_k / n``."""
    sizes = np.array([feed.deal.sizes[client] for client in clients], dtype=float)
    return weighted_average([copies[client].state() for client in clients], list(sizes / sizes.sum()))


def give(copies: Sequence[WholeNetwork], clients: Sequence[int], state: State) -> None:
    """Have clients' copies take over a state; their optimisers keep what they have gathered."""
    for client in clients:
        copies[client].load(state)
