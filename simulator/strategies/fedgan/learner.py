"""FedGAN's mathematics: local GAN steps, and averages of both networks by ``n_k / n`` (arXiv 2006.07228).

Where clients work job by job, it is that of ``job_training.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from analysis.evaluator import GenerateFn
from models.datasets import LabelledImages
from simulator.commits import Commit
from simulator.feed import named_states, whole_networks
from simulator.learning import Losses, StrategyLearner, average_by_images, give, train_locally
from simulator.strategies.fedgan.job_training import JobTraining
from simulator.strategies.fedgan.plan import FedganPlan


class FedganLearner(StrategyLearner):
    """All clients' GANs, and how commits change them.

    Attributes:
        generators: every client's generator.
        discriminators: every client's discriminator.
        jobs: the server and its jobs, where clients work job by job; None where they go in step.
    """

    method = "FedGAN"

    def __init__(self, plan: FedganPlan, data: Sequence[LabelledImages], device: torch.device) -> None:
        super().__init__(plan, data, device)
        self.generators = whole_networks(plan, self._feed, "generator")
        self.discriminators = whole_networks(plan, self._feed, "discriminator")
        by_jobs = plan.options.by_jobs
        self.jobs = JobTraining(plan, self._feed, self.generators, self.discriminators) if by_jobs else None

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by: its first client's, as it is now, or the server's of jobs."""
        generator = self.generators[self._feed.deal.clients_of(domain)[0]]
        if self.jobs is not None:
            generator = self.jobs.server["generator"]
        return lambda labels, rng: self._feed.generate(generator.evaluate, labels, rng)

    def state(self) -> dict[str, Tensor]:
        """Return all weights and statistics, by stable names; of jobs, those of the server."""
        if self.jobs is not None:
            return dict(self.jobs.state())
        return named_states({"generator": self.generators, "discriminator": self.discriminators})

    def _train(self, commit: Commit, step: int) -> Losses:
        return train_locally(self._feed, self.generators, self.discriminators, commit.clients, step)

    def _end_round(self, commit: Commit) -> None:
        """Give every client, or the server of jobs, the averages, weighted by the numbers of images."""
        if self.jobs is not None:
            self.losses = self.jobs.average(commit.clients)
            return
        for copies in (self.generators, self.discriminators):
            give(copies, commit.clients, average_by_images(self._feed, copies, commit.clients))

    def _follow(self, commit: Commit) -> None:
        """Follow a job."""
        match commit.kind:
            case "dispatch" if self.jobs is not None:
                self.jobs.dispatch(commit)
            case "merge" if self.jobs is not None:
                self.losses = self.jobs.merge(commit)
            case "lost" if self.jobs is not None:
                self.jobs.lose(commit)
            case "rejoin" if self.jobs is not None:
                self.jobs.reset(commit.clients)
            case _:
                super()._follow(commit)
