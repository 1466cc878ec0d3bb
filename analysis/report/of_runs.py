"""One run or several as material: what they differ in is found by comparing their scenarios."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.comparison import Target, compare_runs
from analysis.plot_style import run_labels
from analysis.report.material import NUMBERS, Axis, Entry, Material, Setting, join_curves
from analysis.report.reading import read_text, shaped_by
from analysis.report.sweep_files import free_name
from analysis.runs import SCENARIO_FILE, SUMMARY_FILE, Run, load_run
from scenarios.paths import files_named

MOST_AXES = 8
"""Runs that differ in more keys than this show the first of them; the others keep them apart, with their names."""

_NOT_AXES = ("seed", "name", "execution.threads", "execution.device")


def runs_material(folders: Sequence[Path]) -> Material:
    """Read run folders.

    Args:
        folders: at least one; no two the same.

    Raises:
        RunError: One is damaged.
    """
    runs = [load_run(folder) for folder in folders]
    for run in runs:
        strategy_of(run)
    names = run_labels(runs)
    differ = differing([run.scenario for run in runs])
    axes, more = differ[:MOST_AXES], differ[MOST_AXES:]
    entries = []
    for run, name in zip(runs, names, strict=True):
        settings = settings_of(run.scenario)
        shown = {axis.name: settings.get(axis.name, "-") for axis in axes}
        apart = tuple(settings.get(axis.name, "-") for axis in more)
        entries.append(replace(entry_of(run, name, shown), apart=apart))
    texts: dict[str, str] = {}
    for run, name in zip(runs, names, strict=True):
        file = SCENARIO_FILE if len(runs) == 1 else free_name(_plain(name), ".yaml", texts)
        texts[file] = scenario_text(run.path)
    titles = dict.fromkeys(str(run.scenario.get("name", run.path.name)) for run in runs)
    return Material(
        kind="run" if len(runs) == 1 else "runs",
        title=", ".join(titles) if len(titles) <= 3 else f"{len(runs)} runs",
        axes=axes,
        entries=tuple(entries),
        curves=join_curves([run.metrics for run in runs]),
        command="\n".join(f"hetedge run {shlex.quote(file)}" for file in texts),
        base=runs[0].scenario,
        base_text=scenario_text(runs[0].path),
        texts=texts,
        target=_target_text(runs),
        more_keys=tuple(axis.name for axis in more),
        lacking=lacking_files([run.scenario for run in runs]),
        base_file=runs[0].path / SCENARIO_FILE,
    )


def lacking_files(scenarios: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What is to be said of files that scenarios name by path, and a page cannot hold: nothing, or a sentence."""
    files = dict.fromkeys(file for scenario in scenarios for file in files_named(scenario))
    if not files:
        return ()
    return (
        f"Device profiles, data or traces that are files of their own are not in this page: {', '.join(files)}.",
    )


def scenario_text(folder: Path) -> str:
    """The resolved scenario of a run as its folder holds it."""
    return read_text(folder / SCENARIO_FILE)


def entry_of(run: Run, name: str, settings: Mapping[str, Setting]) -> Entry:
    """A finished run as an entry.

    Args:
        run: the run.
        name: what it is called.
        settings: its value on each axis.

    Raises:
        RunError: Its scenario or its summary is damaged.
    """
    status = str(run.summary.get("status", "finished"))
    strategy = strategy_of(run)
    with shaped_by(run.path / SCENARIO_FILE):
        seed = int(run.scenario.get("seed", 0))
        target = target_of(run.scenario)
    with shaped_by(run.path / SUMMARY_FILE):
        numbers, last = numbers_of(run, target), _last(run.summary["metrics"])
    return Entry(
        name=name,
        strategy=strategy,
        seed=seed,
        settings=settings,
        numbers=numbers,
        last=last,
        error="" if status == "finished" else f"the run was {status}",
        folder=run.path,
    )


def strategy_of(run: Run) -> str:
    """The name of a run's strategy; empty where it has none.

    Raises:
        RunError: Its scenario is damaged.
    """
    with shaped_by(run.path / SCENARIO_FILE):
        return str(run.scenario.get("strategy", {}).get("name", ""))


def _last(metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """The last value of each metric in each domain, as a summary has them."""
    return {
        metric: {
            domain: math.nan if one["last"] is None else float(one["last"]) for domain, one in courses.items()
        }
        for metric, courses in metrics.items()
        if metric != "classifier_accuracy"
    }


def numbers_of(run: Run, target: Target | None) -> dict[str, float]:
    """The numbers of a run that :data:`NUMBERS` lists, those that are known."""
    facts = compare_runs({"": [run]}, target)["strategies"][0]
    found = {
        "iteration_latency_s": run.summary["mean_iteration_latency_s"],
        "round_latency_s": facts["round_latency_s"]["mean"],
        "simulated_s": run.summary["simulated_s"],
        "total_bytes": run.summary["total_bytes"],
        "energy_j": run.summary["energy_j"],
    }
    if target is not None:
        reached = [one["mean"] for one in facts["time_to_target_s"].values()]
        found["time_to_target_s"] = max(reached) if reached and None not in reached else None
    return {key: float(found[key]) for key in NUMBERS if found.get(key) is not None}


def target_of(scenario: Mapping[str, Any]) -> Target | None:
    """The quality at which a scenario stops; None where it names none."""
    target = (scenario.get("stop") or {}).get("target")
    if not target:
        return None
    above = target.get("below") is None
    return Target(str(target["metric"]), float(target["above" if above else "below"]), above)


def _target_text(runs: Sequence[Run]) -> str:
    texts = dict.fromkeys(target.text for run in runs if (target := target_of(run.scenario)) is not None)
    return ", ".join(texts)


def differing(scenarios: Sequence[Mapping[str, Any]]) -> tuple[Axis, ...]:
    """The keys in which scenarios differ, seeds and names aside, the strategy first."""
    flat = [dict(_leaves(scenario)) for scenario in scenarios]
    keys = dict.fromkeys(key for one in flat for key in one)
    differ = [key for key in keys if key not in _NOT_AXES and len({one.get(key) for one in flat}) > 1]
    differ.sort(key=lambda key: key != "strategy.name")
    return tuple(Axis(key, tuple(dict.fromkeys(one.get(key, "-") for one in flat))) for key in differ)


def settings_of(scenario: Mapping[str, Any]) -> dict[str, Setting]:
    """The values of a scenario by dotted key path, as an axis shows them."""
    return dict(_leaves(scenario))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Setting]]:  # noqa: ANN401 - any YAML value
    """The single values of a scenario with their dotted key paths."""
    below = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    )
    if below is not None:
        for key, one in below:
            yield from _leaves(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, bool) or value is None:
        yield path, "none" if value is None else str(value).lower()
    elif isinstance(value, int | float) and math.isfinite(value):
        yield path, value
    else:
        yield path, str(value)


def _plain(name: str) -> str:
    """A run's name as the name of a file."""
    return "".join(one if one.isalnum() or one in "-_." else "-" for one in name)
