"""A figure of several comparisons: the same strategies on different fleets, or under different models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.columns import in_order
from analysis.figures.iteration_latency import iteration_latency
from analysis.plot_comparison import latency_frame, ratio_label
from analysis.plot_study import Study
from analysis.plot_style import PAGE_IN, save, styled
from analysis.readable import three_digits
from analysis.runs import Run, RunError, load_run

COMPARISON_FIGURES = (
    "iteration_latency",
    "latency_fid",
    "pareto",
    "time_to_target",
    "phases",
    "bytes_by_kind",
)
"""Kinds of figures that ``hetedge plot`` draws of comparisons' folders."""

COMPARISON_FILE = "comparison.json"

_ROW_IN = 0.2
_PANELS_ACROSS = 2


def draw_comparisons(folders: Sequence[Path], target: Path) -> list[Path]:
    """Draw ``iteration_latency`` of comparisons, as PNG and PDF; return the files.

    Args:
        folders: the comparisons' folders, one panel each, named after them.
        target: where to.

    Raises:
        RunError: A folder's ``comparison.json`` cannot be read.
        MissingDataError: A strategy of a comparison has played no iteration.
    """
    return save(latencies_of(folders), target / COMPARISON_FIGURES[0])


def latencies_of(folders: Sequence[Path]) -> Figure:
    """Return the figure ``iteration_latency`` of comparisons, one panel each; see `draw_comparisons`."""
    return latencies_side_by_side(
        {folder.resolve().name: _read(folder / COMPARISON_FILE) for folder in folders}
    )


def _read(file: Path) -> Mapping[str, Any]:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        ratio_label([facts])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise RunError(f"{file}: damaged: {type(error).__name__}: {error}") from error
    read: Mapping[str, Any] = facts
    return read


@styled
def latencies_side_by_side(comparisons: Mapping[str, Mapping[str, Any]]) -> Figure:
    """An iteration with its share of the round's end, by strategy, relative to the reference of each comparison.

    Bars begin at 1x, on one logarithmic scale: to the right is slower than the reference, to the left faster.

    Args:
        comparisons: a panel's title -> the content of its ``comparison.json``.

    Returns:
        The figure, a page wide.

    Raises:
        MissingDataError: when a strategy has played no iteration.
    """
    panels = {
        title: latency_frame(facts).drop(columns=["low", "high"]) for title, facts in comparisons.items()
    }
    across = min(_PANELS_ACROSS, len(panels))
    down = -(-len(panels) // across)
    most = max(len(panel) for panel in panels.values())
    figure = Figure(figsize=(PAGE_IN, down * (_ROW_IN * most + 0.35) + 0.35))
    grid = np.asarray(figure.subplots(down, across, squeeze=False, sharex=True)).ravel()
    every = pd.concat(panels.values())
    ratios = every["ratio"].astype(float).tolist()
    numbers = {name: number for number, name in enumerate(in_order(every["strategy"]))}
    limits = (min(1.0, *ratios) / 1.3, max(1.0, *ratios) * 16.0)  # room for the numbers at the bars' right
    for position, axes in enumerate(grid):
        axes.set_visible(position < len(panels))
    for axes, (title, panel) in zip(grid, panels.items(), strict=False):
        iteration_latency(panel, axes, x_label="", beside_bars=True, numbers=numbers, limits=limits)
        axes.set_title(title)
    figure.supxlabel(ratio_label(comparisons.values()), fontsize="medium")
    return figure


def runs_of(folder: Path) -> dict[str, list[Run]]:
    """Return every strategy's runs of a comparison's folder, in the order of seeds.

    Raises:
        RunError: The comparison or one of its runs is missing or damaged.
    """
    facts = _read(folder / COMPARISON_FILE)
    names = [str(one["strategy"]) for one in facts["strategies"]]
    return {
        name: [load_run(folder / f"{name.replace('/', '-')}-seed{seed}") for seed in facts["seeds"]]
        for name in names
    }


def study_of_comparison(folder: Path, runs: Mapping[str, Sequence[Run]]) -> Study:
    """Return what the figures of a comparison are made of; a series is a strategy.

    Args:
        folder: the comparison's.
        runs: what `runs_of` returned of it.

    Raises:
        RunError: The comparison is missing or damaged.
    """
    facts = _read(folder / COMPARISON_FILE)
    curves, results, times = [], [], []
    targets = facts["target"] or {"bounds": {}}
    reached = {one["strategy"]: one["time_to_target_s"] for one in facts["strategies"]}
    for name, own_runs in runs.items():
        for at, (seed, run) in enumerate(zip(facts["seeds"], own_runs, strict=True)):
            curves.append(run.metrics.assign(series=name, seed=seed))
            results.append({"series": name, "seed": seed, "strategy": name, **_numbers(run)})
            for domain in targets["bounds"]:
                time_s = reached[name][domain]["values"][at]
                own = {
                    "series": name,
                    "seed": seed,
                    "domain": domain,
                    "ended_s": run.summary["simulated_s"],
                }
                times.append({**own, "time_s": np.nan if time_s is None else time_s})
    return Study(
        name=folder.resolve().name,
        axes=("strategy",),
        curves=pd.concat(curves),
        results=pd.DataFrame(results),
        times=pd.DataFrame(times, columns=["series", "seed", "domain", "time_s", "ended_s"]),
        targets={domain: _target_text(targets, bound) for domain, bound in targets["bounds"].items()},
    )


def _target_text(target: Mapping[str, Any], bound: float) -> str:
    """What was to be reached, such as ``fid<20``; a bound that nobody gave is reached by a value equal to it."""
    sign = ">" if target["above"] else "<"
    return f"{target['metric']}{sign}{'' if target['given'] else '='}{three_digits(bound)}"


def _numbers(run: Run) -> dict[str, float]:
    """A run's numbers, as a sweep's table has them: of a metric the mean over domains of its last value."""
    summary = run.summary
    numbers: dict[str, float] = {
        "iteration_latency_s": summary["mean_iteration_latency_s"],
        "simulated_s": summary["simulated_s"],
        "total_bytes": summary["total_bytes"],
        "energy_j": summary["energy_j"],
    }
    for metric, domains in summary["metrics"].items():
        last = {
            f"{metric}.{domain}": one["last"] for domain, one in domains.items() if one["last"] is not None
        }
        if last:
            numbers |= {metric: float(np.mean(list(last.values()))), **last}
    return {key: np.nan if value is None else float(value) for key, value in numbers.items()}
