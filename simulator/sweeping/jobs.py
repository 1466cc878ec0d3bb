"""The jobs of a sweep: every kept combination with every seed, as a scenario under a hash of its content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from analysis.metrics import CAS_METRIC_NAMES, METRIC_NAMES
from analysis.sweeps import FIXED_COLUMNS
from scenarios.dump import dump_resolved, resolved
from scenarios.load import Loaded, Problem, ScenarioError, Unchecked
from scenarios.messages import refusal
from scenarios.overrides import Override, Step, parse_override
from scenarios.paths import files_named
from scenarios.sweep_axes import Choice
from scenarios.sweep_file import SweepFile
from scenarios.tree import Scalar
from simulator import registry
from simulator.environment import DECIDING_PACKAGES
from simulator.setting import check_devices
from simulator.sweeping.faults import Faults
from simulator.writing import FORMAT

log = logging.getLogger(__name__)

JOB_DIGITS = 12
"""Hexadecimal digits of a job's id: 48 bits, far more than the jobs of any sweep."""

ONE_THREAD = parse_override("execution.threads=1", [])
"""Laid over every job: so its numbers do not depend on how many are done at once."""

_COLUMNS = (
    *FIXED_COLUMNS,
    *("strategy", "clients", "rounds", "iterations", "stopped_by", "iteration_latency_s", "round_latency_s"),
    *("simulated_s", "total_bytes", "energy_j", "training_key", "timeline_sha256", "weights_sha256"),
    *("time_to_target_s", "round", "sim_time_s", "bytes", "domain", "metric", "value"),
)
"""Columns of the results and curves, beside those of the metrics."""


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


def is_column(name: str) -> bool:
    """Whether the results or curves have a column of a name, so that no axis may be called so."""
    return name in _COLUMNS or name.partition(".")[0] in (*METRIC_NAMES, *CAS_METRIC_NAMES)


def make_jobs(file: SweepFile, overrides: Sequence[str] = ()) -> list[Job]:
    """Lay out all jobs of a sweep: seeds change first, then the last axis.

    Args:
        file: the sweep.
        overrides: ``key.path=value`` texts that are laid over the base after ``set``, before the axes.

    Raises:
        ScenarioError: where the base or combinations are no scenarios, or two combinations make the same one.
    """
    maker = _Maker(file, registry.read(file.base, file.asked), _read_overrides(file, overrides))
    faults, jobs = Faults(file.axes), list[Job]()
    for choices in file.combinations():
        try:
            jobs += maker.jobs(choices)
        except ScenarioError as error:
            faults.wrong(choices, error.problems)
            if faults.are_many:
                break
        else:
            faults.right(choices)
    faults.check()
    _refuse_twice(file, jobs)
    return jobs


class _Maker:
    """Makes the jobs of one combination after the other.

    Args:
        file: the sweep.
        base: its base.
        overrides: what the command line lays over it.
    """

    def __init__(self, file: SweepFile, base: Unchecked, overrides: Sequence[Override]) -> None:
        self._file = file
        self._base = base
        self._common = (*file.laid_over, *overrides)
        self._seeds: tuple[int, ...] = ()

    def jobs(self, choices: Sequence[Choice]) -> list[Job]:
        """Make the jobs of a combination.

        Raises:
            ScenarioError: where it is no scenario.
        """
        varied = tuple(one for choice in choices for one in choice.overrides)
        self._seeds = self._seeds or self._seeds_of(self._base.loaded((*self._common, *varied)))
        jobs = [self._job(choices, varied, seed) for seed in self._seeds]
        # Files, fleets and domains that do not fit are told here, where the place of what is wrong is known.
        check_devices(jobs[0].loaded)
        return jobs

    def _seeds_of(self, first: Loaded) -> tuple[int, ...]:
        """Return the seeds; no axis can set the base's own, so any of its combinations tells it."""
        if "execution.threads" in first.given and first.scenario.execution.threads != 1:
            log.info("one thread of torch a job, not %d as the base says", first.scenario.execution.threads)
        return self._file.seeds_from(first.scenario.seed)

    def _job(self, choices: Sequence[Choice], varied: Sequence[Override], seed: int) -> Job:
        at = self._file.seeds_at
        own = Override((Step("seed", at),), Scalar(at, seed, str(seed)))
        loaded = self._base.loaded((*self._common, *varied, own, ONE_THREAD))
        named = list(zip((axis.name for axis in self._file.axes), choices, strict=True))
        return Job(
            id=_job_id(loaded),
            values={name: choice.value for name, choice in named},
            labels={name: choice.label for name, choice in named},
            seed=seed,
            loaded=loaded,
        )


def _job_id(loaded: Loaded) -> str:
    scenario = resolved(loaded.scenario)
    files = {name: _digest(Path(name)) for name in files_named(scenario)}
    content = json.dumps([FORMAT, _versions(), scenario, files], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:JOB_DIGITS]


def _digest(path: Path) -> str | None:
    """Return the digest of a file; None of a folder: those are data sets, whose digests are compared when opened."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    """Return the versions that decide a run's numbers; looking them up takes longer than all else of an id."""
    return {name: importlib.metadata.version(name) for name in DECIDING_PACKAGES}


def _read_overrides(file: SweepFile, arguments: Sequence[str]) -> list[Override]:
    """Read the texts of ``--set``.

    Raises:
        ScenarioError: one cannot be read, or would be undone: an axis sets its key or one above, or ``seeds`` does.
    """
    problems: list[Problem] = []
    overrides = [parse_override(text, problems) for text in arguments]
    varied = {key: f"axis '{axis.name}'" for axis in file.axes for key in axis.keys}
    if not isinstance(file.seeds, int):
        varied["seed"] = "'seeds'"
    for one in overrides:
        taken = next((key for key in varied if f"{one.key}.".startswith(f"{key}.")), None)
        if taken is not None:
            message = f"{varied[taken]} of the sweep sets '{taken}'; allowed: another key"
            problems.append(Problem(one.steps[0].at, one.key, message))
    if problems:
        raise ScenarioError(problems)
    return overrides


def _refuse_twice(file: SweepFile, jobs: Sequence[Job]) -> None:
    """Refuse two jobs with one scenario: one of them would be a row without a run.

    Raises:
        ScenarioError: there are such.
    """
    first: dict[str, Job] = {}
    for job in jobs:
        before = first.setdefault(job.id, job)
        if before is not job:
            twice = f"({before.title}) and ({job.title}) are the same scenario"
            raise refusal(file.axes_at, "axes", f"{twice}; allowed: combinations that differ")


def default_folder(name: str, jobs: Sequence[Job]) -> Path:
    """Return ``runs/sweep-<name>-<hash of the jobs>``."""
    digest = hashlib.sha256(" ".join(job.id for job in jobs).encode()).hexdigest()[:8]
    return Path("runs") / f"sweep-{name}-{digest}"
