"""A comparison: one run folder for every strategy and seed, and what they say of each other."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from analysis.comparison import Target, TargetError, check_target, compare_runs, seed_table
from analysis.comparison_text import comparison_markdown
from analysis.plot_comparison import draw_comparison
from analysis.runs import SCENARIO_FILE, Run, RunError, RunFolder, load_run
from models.datasets import LabelledImages
from scenarios.dump import dump_resolved
from scenarios.load import Loaded, ScenarioError
from simulator import registry
from simulator.comparison.entrants import (
    ComparisonError,
    Entrant,
    entrant_overrides,
    own_options,
    parse_entrants,
)
from simulator.environment import describe_machine
from simulator.loading import load_data
from simulator.plan import batches_of, steps_of_a_round
from simulator.planning import make_plan
from simulator.progress import Progress, silent
from simulator.runner import choose_device, run
from simulator.setting import make_setting
from simulator.writing import FINISHED

log = logging.getLogger(__name__)

BASE_FILE = "compared.yaml"
"""The scenario that is compared on, as it was before strategies were put in; the mark of a comparison's folder."""

LOCK_FILE = ".lock"
"""Held by the comparison that writes into the folder."""

_DECIDING_PACKAGES = ("hetedge", "torch", "numpy")

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
    if seeds < 1:
        raise ComparisonError(f"{seeds} seeds; allowed: 1 or more")
    entrants = parse_entrants(strategies)
    own = own_options(options, entrants)
    everywhere = list(overrides) if training else [*overrides, "execution.training=false"]
    base = registry.load(str(scenario), everywhere)
    if target is not None:
        _check_target(target, base)
    path = _folder_of(base, options) if out is None else Path(out)
    _check_folder(path, base)
    jobs = _jobs(base, everywhere, entrants, own, seeds)
    with _alone_in(path):
        return _compared(path, base, entrants, jobs, target, progress or silent())


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


def _compared(
    path: Path,
    base: Loaded,
    entrants: Sequence[Entrant],
    jobs: Sequence[_Job],
    target: Target | None,
    progress: Progress,
) -> Comparison:
    """Play what is not there yet, and conclude; call it alone in the folder."""
    finished = [_finished(path, job) for job in jobs]
    folder = RunFolder(path)
    folder.write_text(BASE_FILE, dump_resolved(base.scenario, base.given))
    runs: dict[str, list[Run]] = {entrant.label: [] for entrant in entrants}
    for number, (job, before) in enumerate(zip(jobs, finished, strict=True), start=1):
        what = f"{job.entrant.label}, seed {job.seed} (run {number} of {len(jobs)})"
        log.info("%s: %s", what, "is there already" if before else "begins")
        runs[job.entrant.label].append(before or _play(path, job, progress))
    return _concluded(folder, base, runs, target)


def _check_target(target: Target, base: Loaded) -> None:
    evaluation = base.scenario.evaluation
    if not base.scenario.execution.training:
        raise TargetError(f"target '{target.text}': nothing is measured without training; leave it out")
    check_target(target, evaluation.metric_names, evaluation.cas is not None)


def _folder_of(base: Loaded, options: Sequence[str]) -> Path:
    """Return the default folder: the scenario and the strategies' own options tell it, not who takes part."""
    text = json.dumps([dump_resolved(base.scenario), sorted(options)])
    return Path("runs") / f"compare-{base.scenario.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _check_folder(path: Path, base: Loaded) -> None:
    """Refuse a folder that holds anything but a comparison on this scenario.

    Raises:
        FileExistsError: It does.
    """
    mark = path / BASE_FILE
    if not mark.is_file():
        RunFolder.check(path)
        return
    try:
        same = registry.load(str(mark)).scenario == base.scenario
    except ScenarioError:
        same = False
    if not same:
        raise FileExistsError(f"{path} holds a comparison on another scenario; name another folder with -o")


def _jobs(
    base: Loaded,
    overrides: Sequence[str],
    entrants: Sequence[Entrant],
    own: Mapping[Entrant, Sequence[str]],
    seeds: int,
) -> list[_Job]:
    """Lay out all runs; everything a run checks before it begins is checked for each strategy and seed.

    Raises:
        ScenarioError: where the scenario does not fit a strategy.
    """
    data = load_data(base) if base.scenario.execution.training else None
    labels = [images.train_labels for images in data] if data is not None else None
    forms = [images.form for images in data] if data is not None else None
    setting = make_setting(base, labels, forms=forms)
    ground = _ground(base, data)
    steps = steps_of_a_round(setting, batches_of(setting))
    jobs = []
    for entrant in entrants:
        found = entrant_overrides(base, overrides, entrant, own[entrant], steps)
        for seed in range(base.scenario.seed, base.scenario.seed + seeds):
            seeded = (*found, f"seed={seed}")
            jobs.append(_Job(entrant, seed, seeded, registry.load(str(base.path), seeded), ground))
            make_plan(make_setting(jobs[-1].loaded, labels, forms=forms))
    return jobs


def _ground(base: Loaded, data: Sequence[LabelledImages] | None) -> dict[str, Any]:
    """Return what decides a run's numbers beside its scenario, in the words of ``environment.json``."""
    packages = describe_machine()["packages"]
    return {
        **{name: packages[name] for name in _DECIDING_PACKAGES},
        "device": None if data is None else str(choose_device(base)),
        "threads": base.scenario.execution.threads,
        "data_sha256": {images.name: images.digest for images in data or ()},
        "data_forms": {images.name: json.loads(json.dumps(asdict(images.form))) for images in data or ()},
    }


def _recorded(environment: Mapping[str, Any], name: str) -> object:
    """Return what a run recorded of one of the grounds; None where it recorded nothing."""
    place = environment.get("packages", {}) if name in _DECIDING_PACKAGES else environment
    return place.get(name)


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
    before, now = {name: _recorded(found.environment, name) for name in job.ground}, job.ground
    if differing := [name for name in now if before[name] != now[name]]:
        told = ", ".join(f"{name} was {before[name]}, is {now[name]}" for name in differing)
        raise FileExistsError(f"{place} ran on other grounds ({told}); name another folder with -o")
    if found.summary.get("status") != FINISHED or "ledger" not in found.summary:
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
