"""Figures of a comparison: FID against simulated time by strategy, and how long their iterations take."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.comparison import FID, ComparedRun
from analysis.plot_axes import legend_columns, log_ticks, set_log_axis, set_time_axis
from analysis.plot_style import (
    COLUMN_IN,
    GREY,
    INK,
    LIGHT,
    PAGE_IN,
    LineLook,
    MissingDataError,
    hatch,
    look,
    overlapping_look,
    save,
    styled,
)
from analysis.readable import TimeUnit, duration_text, three_digits

_log = logging.getLogger(__name__)

REFERENCE = "huscf_gan"
"""The strategy that others are measured by, where it takes part; else the first."""

LOG_FROM = 30.0
"""Ratio of the strategies' simulated times from which their axis is logarithmic."""

FAR_FLOOR = 10.0
"""How many times lower than everything drawn a floor may be and still have its line."""

_BAND_ALPHA = 0.18
_FLOOR_DASHES = (0, (4, 2))
_ROW_IN = 0.24


def draw_comparison(
    runs: Mapping[str, Sequence[ComparedRun]], facts: Mapping[str, Any], folder: Path
) -> list[Path]:
    """Draw a comparison's figures, as PNG and PDF; one whose data are missing is skipped and logged.

    Args:
        runs: every strategy's runs, one for each seed.
        facts: what `analysis.comparison.compare_runs` says of them.
        folder: where to; made when it is not there.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Callable[[], Figure]] = {
        "latency_fid": lambda: fid_by_strategy(runs),
        "iteration_latency": lambda: latency_by_strategy(facts),
    }
    written = []
    for name, make in figures.items():
        try:
            written += save(make(), folder / name)
        except MissingDataError as missing:
            _log.warning("figure %s of the comparison skipped: %s", name, missing)
    return written


@dataclass(frozen=True)
class _Course:
    """One strategy's FID in one domain over the rounds that all its seeds have.

    Attributes:
        times_s: mean over seeds, ascending.
        mean, low, high: over seeds, of the same shape.
        untrained: whether the first point is that before training.
    """

    times_s: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    untrained: bool


@styled
def fid_by_strategy(runs: Mapping[str, Sequence[ComparedRun]]) -> Figure:
    """FID against simulated time: a panel for each domain, in it a curve for each strategy.

    A curve is the mean over seeds of the rounds that all of them have, its band their range. The time axis is
    logarithmic where one strategy's run is over 30 times as long as another's; then it begins with the first
    evaluation after training began, as the untrained generator's time is 0. The dashed floor is the FID of held-out
    real images; one far below all curves is told in words, so that they keep the room.

    Args:
        runs: every strategy's runs, one for each seed.

    Returns:
        The figure: one column wide for one domain, else a page wide.

    Raises:
        MissingDataError: when no run has a positive FID.
    """
    courses = {label: _courses(own) for label, own in runs.items()}
    found = [course for own in courses.values() for course in own.values()]
    if not found:
        raise MissingDataError("metric 'fid' has no value: nothing was trained, or fid is not measured")
    last_s = [float(course.times_s[-1]) for course in found]
    logarithmic = min(last_s) > 0 and max(last_s) / min(last_s) > LOG_FROM
    domains = list(dict.fromkeys(domain for own in courses.values() for domain in own))
    columns = len(domains) if len(domains) <= 3 else 2
    lines = -(-len(domains) // columns)
    width_in = COLUMN_IN if len(domains) == 1 else PAGE_IN
    figure = Figure(figsize=(width_in, 2.1 * lines + 0.3 + 0.13 * len(courses) / columns))
    grid = np.asarray(figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)).ravel()
    unit = set_time_axis(grid[0], max(last_s))
    floors = _floors(runs)
    drawn = [value for one in found for value in (*one.low, *one.high)]
    near = {domain: floor for domain, floor in floors.items() if floor >= min(drawn) / FAR_FLOOR}
    values = drawn + list(near.values())
    for axes, domain in zip(grid, domains, strict=False):
        axes.set_title(domain)
        for index, own in enumerate(courses.values()):
            if domain in own:
                _draw_course(axes, own[domain], unit, overlapping_look(index), logarithmic)
        if domain in near:
            axes.axhline(near[domain], color=GREY, linestyle=_FLOOR_DASHES, linewidth=0.8, zorder=2)
        elif domain in floors:
            note = f"floor (real images): {three_digits(floors[domain])}, far below"
            axes.annotate(note, (0.02, 0.03), xycoords="axes fraction", color=GREY, fontsize="small")
        set_log_axis(axes, values)
        axes.grid(visible=True, axis="y")
    _finish_time_axes(list(grid), found, unit, logarithmic)
    for position, axes in enumerate(grid):
        axes.set_visible(position < len(domains))
        lowest = position + columns >= len(domains)
        axes.tick_params(labelbottom=lowest)
        axes.set_xlabel(f"Simulated time ({unit.symbol})" if lowest else "")
        axes.set_ylabel(
            "FID (features of the domain's\nown classifier, not Inception)" if position % columns == 0 else ""
        )
    seeds = max(len(own) for own in runs.values())
    _legend(figure, width_in, list(runs), seeds, bool(near))
    return figure


def _courses(runs: Sequence[ComparedRun]) -> dict[str, _Course]:
    """Return one strategy's course in each domain."""
    tables = []
    for seed, run in enumerate(runs):
        values = run.metrics["value"].to_numpy(dtype=float)
        shown = (run.metrics["metric"] == FID) & np.isfinite(values) & (values > 0.0)
        tables.append(run.metrics[shown].assign(seed=seed))
    every = pd.concat(tables)
    courses = {}
    for domain, rows in every.groupby("domain", sort=False):
        by_round = rows.groupby("round").agg(
            n=("seed", "nunique"),
            time_s=("sim_time_s", "mean"),
            mean=("value", "mean"),
            low=("value", "min"),
            high=("value", "max"),
        )
        common = by_round[by_round["n"] == len(runs)]
        if len(common):
            times_s, mean, low, high = (common[key].to_numpy() for key in ("time_s", "mean", "low", "high"))
            courses[str(domain)] = _Course(times_s, mean, low, high, bool(common.index[0] < 0))
    return courses


def _floors(runs: Mapping[str, Sequence[ComparedRun]]) -> dict[str, float]:
    """Return each domain's floor: the mean over all runs, which differ by their seeds alone."""
    tables = [run.metrics[run.metrics["metric"] == f"{FID}_floor"] for own in runs.values() for run in own]
    means = pd.concat(tables).groupby("domain", sort=False)["value"].mean()
    return {str(domain): float(value) for domain, value in means.items() if value > 0.0}


def _draw_course(axes: Axes, course: _Course, unit: TimeUnit, how: LineLook, logarithmic: bool) -> None:
    first = 1 if logarithmic and course.untrained else 0
    times = course.times_s[first:] / unit.seconds
    mean, low, high = (one[first:] for one in (course.mean, course.low, course.high))
    axes.fill_between(times, low, high, color=how.colour, alpha=_BAND_ALPHA, linewidth=0)
    axes.plot(times, mean, color=how.colour, linestyle=how.dashes, clip_on=False, zorder=3)
    axes.plot(times[-1:], mean[-1:], "o", color=how.colour, clip_on=False, zorder=4)
    if course.untrained and not logarithmic:
        axes.plot(times[:1], mean[:1], "o", mfc="white", mec=how.colour, clip_on=False, zorder=4)


def _finish_time_axes(
    grid: Sequence[Axes], courses: Sequence[_Course], unit: TimeUnit, logarithmic: bool
) -> None:
    """Set the limits of the shared time axis, and its ticks where it is logarithmic."""
    longest = max(float(course.times_s[-1]) for course in courses) / unit.seconds
    axes = grid[0]
    if not logarithmic:
        axes.set_xlim(0.0, longest if longest > 0.0 else 1.0)
        return
    low = min(float(course.times_s[course.times_s > 0.0][0]) for course in courses) / unit.seconds
    for one in grid:
        one.set_xscale("log")
        one.xaxis.set_major_locator(FixedLocator(log_ticks(low, longest)))
        one.xaxis.set_minor_locator(NullLocator())
        one.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    axes.set_xlim(low, longest)


def _legend(figure: Figure, width_in: float, labels: Sequence[str], seeds: int, floor: bool) -> None:
    """The legend above the panels: the strategies, then what bands and dashed lines are."""
    entries: list[Any] = [
        Line2D([], [], color=how.colour, linestyle=how.dashes, label=label)
        for label, how in ((label, overlapping_look(index)) for index, label in enumerate(labels))
    ]
    if seeds > 1:
        entries.append(Patch(color=GREY, alpha=_BAND_ALPHA, label=f"mean and range of {seeds} seeds"))
    if floor:
        entries.append(
            Line2D([], [], color=GREY, linestyle=_FLOOR_DASHES, linewidth=0.8, label="floor: real images")
        )
    columns = legend_columns(width_in, [str(entry.get_label()) for entry in entries])
    figure.legend(handles=entries, loc="outside upper center", ncols=columns)


@dataclass(frozen=True)
class RelativeLatency:
    """Simulated seconds of an iteration with its share of the round's end, and their ratio to the reference's."""

    seconds: float
    ratio: float


def reference_of(facts: Mapping[str, Any]) -> str:
    """Return the strategy that a comparison's others are measured by."""
    labels = [str(one["strategy"]) for one in facts["strategies"]]
    return REFERENCE if REFERENCE in labels else labels[0]


def relative_latencies(facts: Mapping[str, Any]) -> dict[str, RelativeLatency]:
    """Return the mean over seeds of each strategy's amortised iteration.

    Raises:
        MissingDataError: when a strategy has played no iteration.
    """
    means = {one["strategy"]: one["amortised_iteration_latency_s"]["mean"] for one in facts["strategies"]}
    if any(mean is None or mean <= 0.0 for mean in means.values()):
        raise MissingDataError("some strategy has played no iteration that takes time")
    reference_s = means[reference_of(facts)]
    return {label: RelativeLatency(mean, mean / reference_s) for label, mean in means.items()}


def ratio_label(comparisons: Collection[Mapping[str, Any]]) -> str:
    """Return what the bars of comparisons are, and what they leave out where a strategy uploads before it begins."""
    references = dict.fromkeys(reference_of(facts) for facts in comparisons)
    label = f"An iteration with its share of the round's end, relative to {' or '.join(references)}"
    setups_s = [one["setup_s"]["mean"] for facts in comparisons for one in facts["strategies"]]
    if any(setup_s is not None and setup_s > 0.0 for setup_s in setups_s):
        label += "\n(the upload before the first round is not in it)"
    return label


def draw_ratio(axes: Axes, row: int, ratio: float, index: int) -> None:
    """Draw a bar from 1x to a ratio, in the look of the strategy of this number."""
    axes.barh(
        row,
        ratio - 1.0,
        left=1.0,
        height=0.6,
        color=look(index).colour,
        hatch=hatch(index),
        edgecolor="white",
        zorder=2,
    )


@styled
def latency_by_strategy(facts: Mapping[str, Any]) -> Figure:
    """Simulated seconds an iteration costs with its share of the round's end, by strategy, as a ratio to HuSCF-GAN's.

    Bars begin at 1x, on a logarithmic scale: to the right is slower than the reference, to the left faster. The
    reference is HuSCF-GAN where it takes part, else the first strategy; each bar is a mean over seeds, its line their
    range.

    Args:
        facts: what `analysis.comparison.compare_runs` returned.

    Returns:
        The figure, a page wide.

    Raises:
        MissingDataError: when a strategy has played no iteration.
    """
    latencies = {one["strategy"]: one["amortised_iteration_latency_s"] for one in facts["strategies"]}
    relative = relative_latencies(facts)
    name = reference_of(facts)
    reference_s = relative[name].seconds
    figure = Figure(figsize=(PAGE_IN, _ROW_IN * len(latencies) + 0.65))
    axes = figure.add_subplot()
    rows = np.arange(len(latencies))
    ratios = [own.ratio for own in relative.values()]
    for index, ratio in enumerate(ratios):
        draw_ratio(axes, index, ratio, index)
    for row, own in zip(rows, latencies.values(), strict=True):
        known = [value / reference_s for value in own["values"] if value is not None]
        axes.plot([min(known), max(known)], [row, row], color=INK, linewidth=0.8, zorder=3)
        axes.plot([own["mean"] / reference_s], [row], "|", color=INK, markersize=6, zorder=3)
    axes.set_xscale("log")
    low, high = min(1.0, *ratios) / 1.15, max(1.0, *ratios) * 1.15
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}x"))
    axes.axvline(1.0, color=GREY, linewidth=0.8, zorder=1)
    axes.grid(visible=True, axis="x", color=LIGHT)
    labels = [
        f"{label}   {three_digits(own.ratio)}x  {duration_text(own.seconds)}"
        for label, own in relative.items()
    ]
    axes.set_yticks(rows, labels)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlabel(ratio_label([facts]))
    return figure
