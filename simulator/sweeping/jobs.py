"""The jobs of a sweep: every kept combination with every seed, as a scenario under a hash of its content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from analysis.sweeps import FIXED_COLUMNS
from scenarios.dump import dump_resolved
from scenarios.load import Loaded, Problem, ScenarioError
from scenarios.overrides import Override
from scenarios.sweep_axes import Choice
from scenarios.sweep_file import SweepFile
from simulator import registry
from simulator.environment import DECIDING_PACKAGES
from simulator.writing import FORMAT

log = logging.getLogger(__name__)

JOB_DIGITS = 12
"""Hexadecimal digits of a job's id: 48 bits, far more than the jobs of any sweep."""

ONE_THREAD = "execution.threads=1"
"""Laid over every job: so its numbers do not depend on how many are done at once."""

RESERVED_COLUMNS = (
    *FIXED_COLUMNS,
    *("strategy", "clients", "rounds", "iterations", "stopped_by", "iteration_latency_s", "round_latency_s"),
    *("simulated_s", "total_bytes", "energy_j", "training_key", "timeline_sha256", "weights_sha256"),
    *("time_to_target_s", "round", "sim_time_s", "bytes", "domain", "metric", "value"),
)
"""Columns of the results and curves that no axis may be called after."""


@dataclass(frozen=True, eq=False)
class Job:
    """One run to come.

    Attributes:
        id: the hash of its scenario and of the versions that decide its numbers, in hexadecimal digits.
        values: the value of every axis.
        labels: the label of every axis.
        seed: its seed.
        loaded: its scenario.
    """

    id: str
    values: Mapping[str, str | int | float]
    labels: Mapping[str, str]
    seed: int
    loaded: Loaded = field(repr=False)

    @property
    def title(self) -> str:
        """What it is, in a line."""
        return ", ".join([*(f"{axis}={label}" for axis, label in self.labels.items()), f"seed={self.seed}"])

    @cached_property
    def text(self) -> str:
        """The resolved scenario, with its marks of what was given."""
        return dump_resolved(self.loaded.scenario, self.loaded.given)


def make_jobs(file: SweepFile, overrides: Sequence[str] = ()) -> list[Job]:
    """Lay out all jobs of a sweep: seeds change first, then the last axis.

    Args:
        file: the sweep.
        overrides: ``key.path=value`` texts that are laid over the base after ``set``, before the axes.

    Raises:
        ScenarioError: where the base or a combination is no scenario, or two combinations make the same one.
    """
    base = registry.read(file.base, file.asked)
    common: tuple[str | Override, ...] = (*file.laid_over, *overrides)
    _refuse_varied(file, overrides)
    own = base.loaded(common)
    if "execution.threads" in own.given and own.scenario.execution.threads != 1:
        log.info("one thread of torch a job, not %d as the base says", own.scenario.execution.threads)
    jobs: list[Job] = []
    for choices in file.combinations():
        varied = [one for choice in choices for one in choice.overrides]
        for seed in file.seeds_from(own.scenario.seed):
            loaded = base.loaded((*common, *varied, f"seed={seed}", ONE_THREAD))
            jobs.append(_job(file, choices, seed, loaded))
    _refuse_twice(file, jobs)
    return jobs


def _job(file: SweepFile, choices: Sequence[Choice], seed: int, loaded: Loaded) -> Job:
    named = list(zip((axis.name for axis in file.axes), choices, strict=True))
    return Job(
        id=_job_id(loaded),
        values={name: choice.value for name, choice in named},
        labels={name: choice.label for name, choice in named},
        seed=seed,
        loaded=loaded,
    )


def _job_id(loaded: Loaded) -> str:
    versions = {name: importlib.metadata.version(name) for name in DECIDING_PACKAGES}
    content = json.dumps([FORMAT, versions, dump_resolved(loaded.scenario)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:JOB_DIGITS]


def _refuse_varied(file: SweepFile, overrides: Sequence[str]) -> None:
    """Refuse to set what the sweep sets anyway.

    Raises:
        ScenarioError: a text of ``--set`` names a key of an axis, the seed, or a part or the whole of one.
    """
    varied = {key: f"axis {axis.name}" for axis in file.axes for key in axis.keys} | {"seed": "seeds"}
    for text in overrides:
        key = text.partition("=")[0]
        for taken, by in varied.items():
            if f"{key}.".startswith(f"{taken}.") or f"{taken}.".startswith(f"{key}."):
                message = f"--set {text}: the sweep sets '{taken}' itself ({by}); allowed: another key"
                raise ScenarioError([Problem(file.asked.at, key, message)])


def _refuse_twice(file: SweepFile, jobs: Sequence[Job]) -> None:
    """Refuse two jobs with one scenario: one of them would be a row without a run.

    Raises:
        ScenarioError: there are such.
    """
    first: dict[str, Job] = {}
    for job in jobs:
        before = first.setdefault(job.id, job)
        if before is not job:
            message = (
                f"({before.title}) and ({job.title}) are the same scenario; allowed: combinations that differ"
            )
            raise ScenarioError([Problem(file.asked.at, "axes", message)])


def default_folder(name: str, jobs: Sequence[Job]) -> Path:
    """Return ``runs/sweep-<name>-<hash of the jobs>``."""
    digest = hashlib.sha256(" ".join(job.id for job in jobs).encode()).hexdigest()[:8]
    return Path("runs") / f"sweep-{name}-{digest}"
