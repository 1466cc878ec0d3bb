"""What a sweep is asked for, checked as far as that goes without data. No torch: wrong input is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.comparison import Target, TargetError, check_target, parse_target
from scenarios.load import Problem, ScenarioError
from scenarios.sweep_file import SweepFile
from scenarios.sweep_reading import read_sweep_file
from simulator.sweeping.folder import SweepFolder
from simulator.sweeping.jobs import Job, default_folder, is_column, make_jobs


@dataclass(frozen=True)
class Asked:
    """A sweep that may begin, as far as can be told without its data.

    Attributes:
        file: what its file says.
        target: the quality that is timed to, if any.
        jobs: its jobs.
        folder: its folder; not made yet.
        command: the command that reproduces it.
    """

    file: SweepFile
    target: Target | None
    jobs: tuple[Job, ...]
    folder: SweepFolder
    command: str


def ask(
    file: str | Path,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    command: str = "",
) -> Asked:
    """Make every check of a sweep that needs no data; nothing is written.

    Args:
        file: a path, or a name of the library, such as ``sweeps/device_mix``.
        out: the sweep's folder; by default ``runs/sweep-<name>-<hash of its jobs>``.
        overrides: ``key.path=value`` texts over the base, for all.
        resume: whether the sweep may be there already, and goes on.
        command: the command that reproduces it.

    Raises:
        ScenarioError: where the file, its base or a combination is wrong.
        FileExistsError: where the folder holds something else, or the sweep is there and was not to go on.
    """
    read = read_sweep_file(str(file), is_column)
    jobs = tuple(make_jobs(read, overrides))
    target = _target(read, jobs)
    folder = SweepFolder(default_folder(read.name, jobs) if out is None else Path(out))
    folder.check(read.name, resume)
    return Asked(read, target, jobs, folder, command or f"hetedge sweep {file}")


def _target(file: SweepFile, jobs: Sequence[Job]) -> Target | None:
    """Read the target, and see that every job measures it.

    Raises:
        ScenarioError: It cannot be.
    """
    if file.target is None:
        return None
    try:
        target = parse_target(file.target)
        for job in jobs:
            evaluation = job.loaded.scenario.evaluation
            if not job.loaded.scenario.execution.training:
                raise TargetError(f"target '{file.target}': ({job.title}) trains nothing; allowed: no target")
            check_target(target, evaluation.metric_names, evaluation.cas is not None)
    except TargetError as error:
        raise ScenarioError([Problem(file.target_at, "target", str(error))]) from error
    return target
