"""The mathematics after HFL-GAN: local steps with two generators, averages at edges and in the cloud, new clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.aggregation import State, weighted_average
from models.clustering import find_clusters
from models.datasets import LabelledImages
from models.whole import discriminator_step, generator_step
from simulator.commits import Commit, Decision
from simulator.feed import named_states, whole_networks
from simulator.learning import Losses, StrategyLearner, average_by_images, give, mean_losses
from simulator.strategies.hfl_gan.assignment import members_of, reassigned
from simulator.strategies.hfl_gan.plan import PROJECTED_NUMBERS, HflGanPlan
from simulator.streams import Streams


class HflGanLearner(StrategyLearner):
    """All clients' three networks, and how commits change them."""

    method = "HFL-GAN"

    def __init__(self, plan: HflGanPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        super().__init__(plan, data, device)
        self._plan = plan
        self._assignment = plan.assignment
        self.edge_generators = whole_networks(plan, self._feed, "generator")
        self.global_generators = whole_networks(plan, self._feed, "generator", "global_generator")
        self.discriminators = whole_networks(plan, self._feed, "discriminator")
        self._origins = np.zeros((len(plan.clients), PROJECTED_NUMBERS), dtype=np.float32)
        self._remember_weights(before_round=0)

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its first client's, the edge's or the global one."""
        judged_by_edge = self._plan.setting.scenario.strategy.judged == "edge"
        generators = self.edge_generators if judged_by_edge else self.global_generators
        generator = generators[self._feed.deal.clients_of(domain)[0]]
        return lambda labels, rng: self._feed.generate(generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names."""
        return named_states(
            {
                "edge_generator": self.edge_generators,
                "global_generator": self.global_generators,
                "discriminator": self.discriminators,
            }
        )

    def _train(self, commit: Commit, step: int) -> Losses:
        return mean_losses([self._local_step(client, step) for client in commit.clients])

    def _local_step(self, client: int, step: int) -> tuple[float, float]:
        """Play one local iteration; return the discriminator's summed loss, and the generators' mean."""
        batch = self._feed.batch(client, step)
        discriminator = self.discriminators[client]
        generators = (self.edge_generators[client], self.global_generators[client])
        more_noise, _ = self._feed.fakes("noise.global", step, len(batch.labels), client)
        noises = (batch.latent, more_noise)
        fakes = [
            (generator(noise, batch.labels), batch.labels)
            for generator, noise in zip(generators, noises, strict=True)
        ]
        learned_from = [(images.detach(), labels) for images, labels in fakes]
        discriminator_loss = discriminator_step(
            discriminator, real=[(batch.images, batch.labels)], fake=learned_from
        )
        generator_losses = [
            generator_step(generator, discriminator, own)
            for generator, own in zip(generators, fakes, strict=True)
        ]
        return discriminator_loss, float(np.mean(generator_losses))

    def _end_round(self, commit: Commit) -> Decision | None:
        """Average within every edge; in a cloud round average global generators over all, and cluster anew."""
        round_ = commit.info["round"]
        points = self._projections() - self._origins if self._plan.meets_cloud(round_) else None
        edges = list(members_of(self._assignment).values())
        for members in edges:
            for copies in (self.edge_generators, self.global_generators, self.discriminators):
                give(copies, members, average_by_images(self._feed, copies, members))
        self._remember_weights(before_round=round_ + 1)
        if points is None:
            return None
        give(self.global_generators, self._plan.clients, self._average_of_edges(edges))
        streams = self._plan.setting.streams
        clusters = find_clusters(
            points, len(self._plan.setting.fleet.edges), streams.key("clusters", round_) % 2**32
        )
        self._assignment = reassigned(self._assignment, clusters)
        return Decision(clusters=clusters)

    def _remember_weights(self, before_round: int) -> None:
        """Keep what discriminators are before a round after which their changes are looked at."""
        by_updates = self._plan.setting.scenario.strategy.clustered_by == "updates"
        if by_updates and self._plan.meets_cloud(before_round):
            self._origins = self._projections()

    def _average_of_edges(self, edges: Sequence[Sequence[int]]) -> State:
        """Return the average of the edges' averages of the global generator, weighted by their members' images."""
        sizes = self._feed.deal.sizes
        images = np.array([sum(sizes[client] for client in members) for members in edges], dtype=float)
        averages = [self.global_generators[members[0]].state() for members in edges]
        return weighted_average(averages, list(images / images.sum()))

    def _projections(self) -> NDArray[np.float32]:
        """Return what tells the clients' discriminators apart, ``[N, PROJECTED_NUMBERS]``."""
        return projections(
            [list(one.blocks.parameters()) for one in self.discriminators], self._plan.setting.streams
        )


def projections(networks: Sequence[Sequence[Tensor]], streams: Streams) -> NDArray[np.float32]:
    """Return a random projection of each network's weights; distances come out the same on average.

    ``x_k = P w_k / sqrt(m)`` with independent standard normal entries in ``P`` of ``m = PROJECTED_NUMBERS`` rows
    (Johnson and Lindenstrauss 1984); ``P`` is the same for all networks and in all rounds.

    Args:
        networks: each network's weights, tensor by tensor.
        streams: where ``P`` is drawn from, tensor by tensor.
    """
    points = np.zeros((len(networks), PROJECTED_NUMBERS), dtype=np.float32)
    for number, copies in enumerate(zip(*networks, strict=True)):
        size = (PROJECTED_NUMBERS, copies[0].numel())
        drawn = streams.draw("projection", number).standard_normal(size, dtype=np.float32)
        for point, weights in zip(points, copies, strict=True):
            point += drawn @ weights.detach().flatten().cpu().numpy().astype(np.float32)
    return np.asarray(points / np.sqrt(np.float32(PROJECTED_NUMBERS)))
