"""The learner of a run as the log sees it: mathematics, evaluation, and the clock on the wall.

Evaluation is a commit like any other and costs no simulated time; here it is told apart from training, so that
a strategy's learner need not know how it is measured.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

from analysis.evaluator import Evaluator, GenerateFn
from analysis.plots import sample_grid_png
from analysis.records import Recorder
from analysis.runs import RunError, RunFolder
from models.steps import DivergedError
from scenarios.stop import StopOptions
from simulator.commits import Commit, Decision, Learner
from simulator.plan import Plan

SAMPLE_ROWS = 4
"""Images of each class in a round's sample grid."""


class GenerativeLearner(Learner, Protocol):
    """A strategy's learner, which can also generate images."""

    def generator_for(self, domain: str) -> GenerateFn:
        """Return the generator a domain is judged by."""

    def state(self) -> Mapping[str, Tensor]:
        """Return all weights and statistics, by stable names."""


class MeasuredLearner:
    """Applies commits with a strategy's learner, measures its generators when asked, and notes real time.

    Args:
        learner: the strategy's mathematics.
        evaluator: how images are judged.
        plan: the run's plan.
        recorder: where metrics and real seconds go.
        clock: the simulated time, in seconds.
        folder: the run folder, for sample grids.
    """

    def __init__(
        self,
        learner: GenerativeLearner,
        evaluator: Evaluator,
        plan: Plan,
        recorder: Recorder,
        clock: Callable[[], float],
        folder: RunFolder,
    ) -> None:
        self._learner = learner
        self._evaluator = evaluator
        self._plan = plan
        self._recorder = recorder
        self._clock = clock
        self._folder = folder
        stop: StopOptions | None = plan.setting.scenario.stop
        self._target = stop.target if stop is not None else None
        self.losses = learner.losses
        self.latest: dict[str, dict[str, float]] = {}
        """The latest metrics of every domain."""
        self._training_s = 0.0

    def apply(self, commit: Commit) -> Decision | None:
        """Apply a commit.

        Raises:
            RunError: where a loss or a weight is no longer a finite number.
        """
        started = time.perf_counter()
        if commit.kind in ("aggregate", "evaluate"):
            self._refuse_broken_weights(commit)
        if commit.kind == "evaluate":
            self._note_training(commit.info["round"])
            decision = self._evaluate(commit.info["round"], bool(commit.info["last"]))
            self._recorder.wallclock(commit.info["round"], "evaluation", time.perf_counter() - started)
            return decision
        try:
            decision = self._learner.apply(commit)
        except DivergedError as error:
            raise _diverged(commit, str(error)) from error
        self.losses = self._learner.losses
        self._training_s += time.perf_counter() - started
        if commit.kind == self._plan.final_kind and not _are_sound(self.losses, commit):
            raise _diverged(commit, f"the losses are {self.losses}")
        if commit.kind == "aggregate":
            self._note_training(commit.info["round"])
        return decision

    def _note_training(self, round_: int) -> None:
        """Record the real time of training since the last aggregation or, where there is none, evaluation."""
        if self._training_s:
            self._recorder.wallclock(round_, "training", self._training_s)
        self._training_s = 0.0

    def _refuse_broken_weights(self, commit: Commit) -> None:
        """Stop before weights that are no finite numbers are averaged or measured."""
        for name, values in self._learner.state().items():
            if not bool(values.isfinite().all()):
                raise _diverged(commit, f"{name} holds numbers that are not finite")

    def weights_sha256(self) -> str:
        """Return the SHA-256 of all weights and statistics, by name, to the last bit."""
        return weights_digest(self._learner.state())

    def _evaluate(self, round_: int, last: bool) -> Decision | None:
        """Measure every domain's generator; decide to stop where the target is reached.

        The classification accuracy score of the last round is taken here too where the target ends the run.
        """
        domains = self._plan.setting.deal.domains
        found = {domain: self._measure(domain, round_) for domain in domains}
        scored = self._plan.scores_cas_after(round_, last)
        if scored:
            self._score(found, round_)
        reached = round_ >= 0 and self._target is not None and self._target.is_reached(found)
        if reached and not scored and self._plan.scores_cas_after(round_, last=True):
            self._score(found, round_)
        for domain, metrics in found.items():
            self._record(domain, metrics, round_)
            self._draw_samples(domain, self._learner.generator_for(domain), round_)
        return Decision(stop=True) if reached else None

    def _measure(self, domain: str, round_: int) -> dict[str, float]:
        """Return what is measured of a domain's generator at every evaluation, and before training its yardsticks."""
        found = self._evaluator.evaluate(domain, self._learner.generator_for(domain), _step(round_))
        if round_ < 0:
            found |= {
                "fid_floor": self._evaluator.floor(domain),
                "classifier_accuracy": self._evaluator.classifier_accuracy(domain),
            }
        return found

    def _score(self, found: Mapping[str, dict[str, float]], round_: int) -> None:
        """Add every domain's classification accuracy score to what was found."""
        for domain, metrics in found.items():
            metrics |= self._evaluator.cas(domain, self._learner.generator_for(domain), _step(round_))

    def _record(self, domain: str, metrics: Mapping[str, float], round_: int) -> None:
        for metric, value in metrics.items():
            self._recorder.metric(round_, self._clock(), self._recorder.total_bytes, domain, metric, value)
        self.latest[domain] = {**self.latest.get(domain, {}), **metrics}

    def _draw_samples(self, domain: str, generate: GenerateFn, round_: int) -> None:
        """Save a grid of images, drawn from the same noise in every round so that rounds can be compared."""
        setting = self._plan.setting
        index = setting.deal.domains.index(domain)
        labels = np.tile(np.arange(setting.forms[index].classes, dtype=np.int64), SAMPLE_ROWS)
        images = generate(labels, setting.streams.draw("samples", index))
        self._folder.write_sample(round_, domain, sample_grid_png(images, labels, rows=SAMPLE_ROWS))


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of all weights and statistics, by name, to the last bit."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _step(round_: int) -> int:
    """Return the number of a measurement, from 0 before training; its random numbers depend on it."""
    return round_ + 1


def _are_sound(losses: tuple[float, float], commit: Commit) -> bool:
    """Whether losses are finite, or missing where nobody came back from one of the passes."""
    missing = any(not one.backward for one in commit.passes)
    return all(math.isfinite(loss) or (missing and math.isnan(loss)) for loss in losses)


def _diverged(commit: Commit, why: str) -> RunError:
    """Return the error of a run whose training has left the finite numbers."""
    where = f"round {commit.info['round']}"
    if commit.kind == "iteration":
        where += f", iteration {commit.info['step']} of the round"
    elif "job" in commit.info:
        where += f", job {commit.info['job']} (client {commit.clients[0]})"
    return RunError(
        f"training diverged in {where}: {why}; a smaller strategy.learning_rate is the usual cure"
    )
