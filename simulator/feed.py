"""What every learner trains on: keyed batches of the clients' own images, keyed noise, tensors of the run's kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.datasets import LabelledImages
from models.steps import Batch
from models.whole import WholeNetwork
from simulator.plan import Plan
from simulator.setting import Deal

GENERATION_CHUNK = 500
"""Images generated at once for evaluation; it bounds the memory, and changes no value but by rounding."""

DTYPES = {"float32": torch.float32, "float64": torch.float64}


class Feed:
    """Draws what a run trains on, by its streams.

    Args:
        plan: the run's plan: batches, and who holds which images.
        data: every domain's data set, in the plan's order.
        device: where tensors live.

    Attributes:
        deal: who holds which images.
        dtype: of parameters and activations.
        device: where tensors live.
        latent_size: length of the noise vector.
    """

    def __init__(self, plan: Plan, data: Sequence[LabelledImages], device: torch.device) -> None:
        deal = plan.setting.deal
        if not isinstance(deal, Deal):
            raise TypeError(f"the plan holds a {type(deal).__name__}; a learner needs the images themselves")
        self.deal = deal
        self.device = device
        self.dtype = DTYPES[plan.setting.scenario.execution.precision]
        self.latent_size = int(plan.setting.architecture.latent_size)
        self._plan = plan
        self._data = data
        self._streams = plan.setting.streams

    def batch(self, client: int, step: int) -> Batch:
        """Draw a fresh batch of a client's own images, with their own labels, and its latent noise."""
        data, own = self._data[self.deal.domain_of[client]], self.deal.images[client]
        size = self._plan.batches[client]
        chosen = own[self._streams.draw("batch", client, step).choice(len(own), size, replace=False)]
        noise = self._streams.draw("noise", client, step).standard_normal((size, self.latent_size))
        return Batch(
            images=self.tensor(data.train_images[chosen].astype(np.float32) / 127.5 - 1.0),
            labels=torch.as_tensor(data.train_labels[chosen], device=self.device),
            latent=self.tensor(noise),
        )

    def fakes(
        self, purpose: str, step: int, size: int, *more: int, classes: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw noise ``[size, latent_size]`` and uniform labels ``[size]`` for images that belong to no client.

        Args:
            purpose: what they are for.
            step: when.
            size: how many.
            more: what else tells this draw from others.
            classes: how many classes labels are drawn from; left out = those of the domain with most.
        """
        rng = self._streams.draw(purpose, step, *more)
        if classes is None:
            classes = max(form.classes for form in self._plan.setting.forms)
        labels = torch.as_tensor(rng.integers(classes, size=size), device=self.device)
        return self.tensor(rng.standard_normal((size, self.latent_size))), labels

    def classes_of(self, client: int) -> int:
        """Return how many classes the domain of a client has."""
        return self._plan.setting.forms[self.deal.domain_of[client]].classes

    def generate(
        self,
        network: Callable[[Tensor, Tensor], Tensor],
        labels: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Generate images ``[n, c, h, w]`` in [-1, 1] for evaluation.

        Args:
            network: turns noise ``[n, z]`` and labels ``[n]`` into images, in evaluation mode and without a graph.
            labels: the classes wanted.
            rng: the source of the noise.
        """
        chunks = np.array_split(labels, max(1, -(-len(labels) // GENERATION_CHUNK)))
        images = []
        for chunk in chunks:
            latent = self.tensor(rng.standard_normal((len(chunk), self.latent_size)))
            images.append(network(latent, torch.as_tensor(chunk, device=self.device)))
        return np.asarray(torch.cat(images).float().cpu().numpy())

    def tensor(self, values: NDArray[np.floating]) -> Tensor:
        """Return values as a tensor of the run's kind."""
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)


def whole_networks(plan: Plan, feed: Feed, name: str, purpose: str | None = None) -> list[WholeNetwork]:
    """Return every client's own copy of a network, initialised as the strategy's ``init`` says.

    With ``init: common`` the weights are those that every other strategy begins with, at the same seed.

    Args:
        plan: the run's plan.
        feed: what tells where tensors live and of which kind they are.
        name: ``generator`` or ``discriminator``.
        purpose: what the copies are for, where a strategy has several of that kind with weights of their own.
    """
    setting = plan.setting
    options, streams = setting.scenario.strategy, setting.streams
    drawn = f"init.{purpose or name}"
    common = streams.key(drawn)
    keys = [
        streams.key(drawn, client) if options.init == "independent" else common for client in plan.clients
    ]
    network = getattr(setting.architecture, name)
    return [WholeNetwork(network, key, options.learning_rate, feed.dtype, feed.device) for key in keys]


def server_network(plan: Plan, feed: Feed, name: str) -> WholeNetwork:
    """Return a copy of a network on the server, with the weights that every strategy begins with at the same seed."""
    setting = plan.setting
    network, key = getattr(setting.architecture, name), setting.streams.key(f"init.{name}")
    return WholeNetwork(network, key, setting.scenario.strategy.learning_rate, feed.dtype, feed.device)


def named_states(copies: Mapping[str, Sequence[WholeNetwork]]) -> dict[str, Tensor]:
    """Return all weights and statistics of clients' networks, by stable names."""
    return {
        f"{network}.client-{client}.{name}": tensor
        for network, own in copies.items()
        for client, one in enumerate(own)
        for name, tensor in one.state().items()
    }
