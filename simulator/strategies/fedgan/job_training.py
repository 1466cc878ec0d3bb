"""FedGAN's mathematics where clients get their work job by job.

A job begins with the server's networks as they were when it was dispatched, and trains a client's own copies from
there; what the client's optimisers have gathered stays with the client. It is trained when its outputs are first
needed, so it keeps its inputs until then: the server's old networks live as long as a job that began with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.aggregation import State, UpdateBuffer, weighted_average
from models.steps import DivergedError
from models.whole import WholeNetwork, gan_step
from simulator.commits import Commit
from simulator.feed import Feed, server_network
from simulator.learning import Losses, average_by_images, mean_losses
from simulator.strategies.fedgan.aggregation import FedAsyncAggregation, FedBuffAggregation
from simulator.strategies.fedgan.plan import FedganPlan

NETWORKS = ("generator", "discriminator")


@dataclass(frozen=True, eq=False)
class Version:
    """The server's networks as they were once; nobody changes them.

    Attributes:
        number: how often they had changed by then.
        states: parameters and statistics of each network.
    """

    number: int
    states: Mapping[str, State]


@dataclass(frozen=True)
class Job:
    """A client's work, not yet trained.

    Attributes:
        number: which job of the run.
        client: whose.
        inputs: what it begins with.
        first_step: the number of its first step, counted over all that its client has done.
    """

    number: int
    client: int
    inputs: Version
    first_step: int


class JobTraining:
    """The server's networks, the clients' own copies, and the jobs that are under way.

    Args:
        plan: the run's plan.
        feed: what clients train on.
        generators: every client's own copy; its weights come with each job, its optimiser is kept.
        discriminators: likewise.

    Attributes:
        server: the server's networks, to generate with.
        current: the same as they are now, as a version.
        jobs: of every client that has one, its job.
    """

    def __init__(
        self,
        plan: FedganPlan,
        feed: Feed,
        generators: Sequence[WholeNetwork],
        discriminators: Sequence[WholeNetwork],
    ) -> None:
        self._steps = plan.steps_per_round
        self._feed = feed
        self._aggregation = plan.options.aggregation
        self.server = {name: server_network(plan, feed, name) for name in NETWORKS}
        self.own = dict(zip(NETWORKS, (generators, discriminators), strict=True))
        self.current = Version(0, {name: one.copy_of_state() for name, one in self.server.items()})
        self.jobs: dict[int, Job] = {}
        self._buffers = self._empty_buffers()

    def state(self) -> State:
        """Return the server's weights and statistics, by stable names."""
        return {
            f"{network}.server.{name}": tensor
            for network, one in self.server.items()
            for name, tensor in one.state().items()
        }

    def dispatch(self, commit: Commit) -> None:
        """Fix a job's inputs.

        Raises:
            ValueError: Its client has a job already, or time and mathematics do not agree on the server's version.
        """
        (client,) = commit.clients
        number, version = commit.info["job"], commit.info["version"]
        if client in self.jobs:
            raise ValueError(f"client {client} gets job {number} beside job {self.jobs[client].number}")
        if version != self.current.number:
            raise ValueError(f"job {number} begins with version {version}; there is {self.current.number}")
        self.jobs[client] = Job(number, client, self.current, commit.info["first_step"])

    def merge(self, commit: Commit) -> Losses:
        """Take a job's outputs in as it comes; return the job's mean losses.

        Raises:
            ValueError: Time and mathematics do not agree on the job or its staleness.
        """
        job = self._take(commit)
        staleness = self.current.number - job.inputs.number
        if commit.info["staleness"] != staleness:
            told = commit.info["staleness"]
            raise ValueError(
                f"job {job.number} is told to be {told} steps of the server old; it is {staleness}"
            )
        losses = self._train(job, self._steps)
        match self._aggregation:
            case FedAsyncAggregation():
                self._mix(job, self._aggregation.mixing * self._aggregation.staleness.factor(staleness))
            case FedBuffAggregation():
                self._gather(job, self._aggregation.staleness.factor(staleness))
                if commit.info["server_step"]:
                    self._step(self._aggregation)
            case _:
                raise ValueError(f"job {job.number} is merged by a server that averages in rounds")
        return losses

    def lose(self, commit: Commit) -> None:
        """Let a job come to nothing: its client's optimisers go through the steps that it has done."""
        job = self._take(commit)
        if commit.info["steps"]:
            self._train(job, commit.info["steps"])

    def average(self, clients: Sequence[int]) -> Losses:
        """End a round: the server takes the averages of these clients' jobs; return their mean losses."""
        losses = mean_losses([self._train(self.jobs.pop(client), self._steps) for client in clients])
        self._renew({name: average_by_images(self._feed, self.own[name], clients) for name in NETWORKS})
        return losses

    def reset(self, clients: Sequence[int]) -> None:
        """Have clients forget what their optimisers have gathered; all else comes with the next job."""
        for name in NETWORKS:
            for client in clients:
                self.own[name][client].reset_optimiser()

    def _take(self, commit: Commit) -> Job:
        """Return the job that a commit ends, which is under way no more."""
        (client,) = commit.clients
        job = self.jobs.pop(client, None)
        if job is None or job.number != commit.info["job"]:
            came = "none" if job is None else f"job {job.number}"
            raise ValueError(
                f"commit {commit.seq} ends job {commit.info['job']} of client {client}; it has {came}"
            )
        return job

    def _train(self, job: Job, steps: int) -> Losses:
        """Train a client's copies from a job's inputs; return the mean losses of its steps.

        Raises:
            DivergedError: A weight is no finite number any more.
        """
        generator, discriminator = (self.own[name][job.client] for name in NETWORKS)
        for name, one in zip(NETWORKS, (generator, discriminator), strict=True):
            one.load(job.inputs.states[name])
        losses = [
            gan_step(generator, discriminator, self._feed.batch(job.client, job.first_step + step))
            for step in range(steps)
        ]
        if not (generator.is_finite() and discriminator.is_finite()):
            raise DivergedError(f"client {job.client}'s networks hold numbers that are not finite")
        return mean_losses(losses)

    def _mix(self, job: Job, share: float) -> None:
        """Move the server's networks towards a job's (FedAsync)."""
        weights = (1.0 - share, share)
        self._renew(
            {
                name: weighted_average([self.current.states[name], self._copy_of(name, job).state()], weights)
                for name in NETWORKS
            }
        )

    def _gather(self, job: Job, weight: float) -> None:
        """Put what a job has changed into the buffer (FedBuff)."""
        for name in NETWORKS:
            self._buffers[name].add(job.inputs.states[name], self._copy_of(name, job).state(), weight)

    def _step(self, options: FedBuffAggregation) -> None:
        """Take the server's step, and empty the buffer.

        Raises:
            ValueError: The buffer does not hold as many jobs as a step is made of.
        """
        gathered = len(self._buffers["generator"])
        if gathered != options.buffer:
            raise ValueError(f"the server steps on {gathered} jobs; needed: {options.buffer}")
        self._renew(
            {
                name: self._buffers[name].applied_to(self.current.states[name], options.server_rate)
                for name in NETWORKS
            }
        )
        self._buffers = self._empty_buffers()

    def _renew(self, states: Mapping[str, State]) -> None:
        """Give the server new networks."""
        self.current = Version(self.current.number + 1, states)
        for name, one in self.server.items():
            one.load(states[name])

    def _copy_of(self, name: str, job: Job) -> WholeNetwork:
        return self.own[name][job.client]

    def _empty_buffers(self) -> dict[str, UpdateBuffer]:
        return {name: UpdateBuffer(one.statistics) for name, one in self.server.items()}
