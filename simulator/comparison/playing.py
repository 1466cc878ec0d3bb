"""A comparison: one run folder for every strategy and seed, and what they say of each other."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from analysis.comparison import Target, compare_runs, seed_table
from analysis.comparison_text import comparison_markdown
from analysis.plot_comparison import draw_comparison
from analysis.runs import SCENARIO_FILE, Run, RunError, RunFolder, load_run
from scenarios.dump import dump_resolved
from scenarios.load import Loaded, ScenarioError
from simulator import registry
from simulator.comparison.beginning import BASE_FILE, Beginning, begin
from simulator.comparison.entrants import Entrant, entrant_overrides, errors_at_options
from simulator.ground_changes import changes
from simulator.grounds import ground_of
from simulator.loading import load_data
from simulator.plan import batches_of, steps_of_a_round
from simulator.planning import make_plan
from simulator.progress import Progress, silent
from simulator.runner import run
from simulator.setting import make_setting
from simulator.writing import FINISHED, FORMAT

log = logging.getLogger(__name__)

LOCK_FILE = ".lock"
"""Held by the comparison that writes into the folder."""

UNFINISHED = "unfinished"
"""Where runs are played; one that is finished moves out of it."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A finished comparison.

    Attributes:
        path: its folder.
        facts: the content of ``comparison.json``.
        runs: every strategy's runs, in the order of seeds.
    """

    path: Path
    facts: Mapping[str, Any]
    runs: Mapping[str, tuple[Run, ...]]


@dataclass(frozen=True)
class _Job:
    """One run to come: whose, with which seed, and the overrides that make it, and what it would run on."""

    entrant: Entrant
    seed: int
    overrides: tuple[str, ...]
    loaded: Loaded
    ground: Mapping[str, Any]


def compare(
    scenario: str | Path,
    strategies: Sequence[str],
    seeds: int = 1,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    options: Sequence[str] = (),
    target: Target | None = None,
    training: bool = True,
    progress: Progress | None = None,
) -> Comparison:
    """Run a scenario once for every strategy and seed, and compare.

    A run that is there already, finished and of exactly the scenario it would have, is read and not run again.

    Args:
        scenario: a path or a library name.
        strategies: names of strategies, or ``strategy/ablation``.
        seeds: how many: the scenario's own, and the numbers after it.
        out: the comparison's folder; by default ``runs/compare-<name>-<hash>``.
        overrides: ``key.path=value`` texts over the scenario, for all.
        options: ``STRATEGY.KEY=VALUE`` texts, for one strategy.
        target: the quality that all are timed to; by default, for each domain, the FID that every run reaches.
        training: False compares time alone: nothing is trained, no data are opened.
        progress: what is told how far a run is; nothing by default.

    Raises:
        ComparisonError: where the strategies or their options cannot be.
        TargetError: where the target cannot be.
        ScenarioError: where the scenario is wrong, or does not fit a strategy.
        FileExistsError: where the folder holds something else, or another comparison writes into it.
        RunError: where a run had to stop; those that were finished are kept.
    """
    asked = begin(scenario, strategies, seeds, out, overrides, options, target, training)
    jobs = _jobs(asked)
    with _alone_in(asked.path):
        return _compared(asked, jobs, progress or silent())


@contextmanager
def _alone_in(path: Path) -> Iterator[None]:
    """Keep other comparisons out of a folder.

    Raises:
        FileExistsError: One is at work there.
    """
    path.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path / LOCK_FILE).acquire(timeout=0)
    except Timeout as error:
        raise FileExistsError(
            f"another comparison is writing in {path}; wait for it, or name another folder with -o"
        ) from error
    with lock:
        yield


def _compared(asked: Beginning, jobs: Sequence[_Job], progress: Progress) -> Comparison:
    """Play what is not there yet, and conclude; call it alone in the folder."""
    path, base = asked.path, asked.base
    finished = [_finished(path, job) for job in jobs]
    folder = RunFolder(path)
    folder.write_text(BASE_FILE, dump_resolved(base.scenario, base.given))
    runs: dict[str, list[Run]] = {entrant.label: [] for entrant in asked.entrants}
    for number, (job, before) in enumerate(zip(jobs, finished, strict=True), start=1):
        what = f"{job.entrant.label}, seed {job.seed} (run {number} of {len(jobs)})"
        log.info("%s: %s", what, "is there already" if before else "begins")
        runs[job.entrant.label].append(before or _play(path, job, progress))
    return _concluded(folder, base, runs, asked.target)


def _jobs(asked: Beginning) -> list[_Job]:
    """Lay out all runs; everything a run checks before it begins is checked for each strategy and seed.

    Raises:
        ScenarioError: where the scenario does not fit a strategy.
    """
    base = asked.base
    data = load_data(base) if base.scenario.execution.training else None
    labels = [images.train_labels for images in data] if data is not None else None
    forms = [images.form for images in data] if data is not None else None
    setting = make_setting(base, labels, forms=forms)
    ground = ground_of(base, data)
    steps = steps_of_a_round(setting, batches_of(setting))
    jobs = []
    for entrant, own in asked.own.items():
        with errors_at_options(asked.options, entrant):
            found = entrant_overrides(base, asked.overrides, entrant, own, steps)
            for seed in range(base.scenario.seed, base.scenario.seed + asked.seeds):
                seeded = (*found, f"seed={seed}")
                jobs.append(_Job(entrant, seed, seeded, registry.load(str(base.path), seeded), ground))
                make_plan(make_setting(jobs[-1].loaded, labels, forms=forms))
    return jobs


def _finished(path: Path, job: _Job) -> Run | None:
    """Return the run that is in a job's place; None where there is nothing.

    Raises:
        FileExistsError: Something else is in its place.
    """
    place = path / job.entrant.folder(job.seed)
    if not place.exists():
        return None
    allowed = f"allowed: nothing, or a finished run of strategy {job.entrant.label} on this scenario"
    try:
        found = load_run(place)
        same = registry.load(str(place / SCENARIO_FILE)).scenario == job.loaded.scenario
    except (RunError, ScenarioError) as error:
        raise FileExistsError(f"{place} is no run that could be used again; {allowed}") from error
    if not same:
        raise FileExistsError(f"{place} is a run of another scenario; {allowed}")
    if told := changes(found.environment, job.ground):
        raise FileExistsError(f"{place} ran on other grounds ({told}); name another folder with -o")
    if found.summary.get("status") != FINISHED or found.summary.get("format") != FORMAT:
        raise FileExistsError(f"{place} is a run that did not finish, or of another version; {allowed}")
    return found


def _play(path: Path, job: _Job, progress: Progress) -> Run:
    """Play one run apart, and move it to its place once it is finished."""
    name = job.entrant.folder(job.seed)
    apart = path / UNFINISHED / name
    if apart.exists():
        log.info("%s was not finished: it is run again", apart)
        shutil.rmtree(apart)
    run(job.loaded.path, apart, job.overrides, progress)
    if (path / name).exists():
        raise FileExistsError(f"{path / name} came to be meanwhile; the finished run is in {apart}")
    os.replace(apart, path / name)
    if not any(apart.parent.iterdir()):
        apart.parent.rmdir()
    return load_run(path / name)


def _concluded(
    folder: RunFolder, base: Loaded, runs: Mapping[str, Sequence[Run]], target: Target | None
) -> Comparison:
    """Write tables and figures of all runs."""
    facts = {"scenario": base.scenario.name, **compare_runs(runs, target)}
    folder.write_json("comparison.json", facts)
    folder.write_text("comparison.csv", seed_table(facts).to_csv(index=False, lineterminator="\n"))
    folder.write_text("comparison.md", comparison_markdown(facts))
    draw_comparison(runs, facts, folder.path / "figures")
    return Comparison(folder.path, facts, {label: tuple(own) for label, own in runs.items()})
