"""Figures of learning: FID against simulated time (the headline) and the losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plot_axes import label_line_ends, legend_columns, set_log_axis, set_time_axis
from analysis.plot_style import (
    BLUE,
    COLUMN_IN,
    GREY,
    PAGE_IN,
    VERMILION,
    FigureRun,
    LineLook,
    MissingDataError,
    look,
    run_labels,
    styled,
)
from analysis.readable import TimeUnit, three_digits

_FID_LABEL = "FID (features of the domain's\nown classifier, not Inception)"
_FEW_POINTS = 15
_LOSS_POINTS = 200
_FLOOR_DASHES = (0, (4, 2))


@styled
def latency_fid(runs: Sequence[FigureRun]) -> Figure:
    """FID of each domain against simulated time, on a logarithmic scale, with its floor.

    One run: one panel, a curve for each domain, named and valued at its end. Several runs: a panel
    for each domain, a curve for each run. The hollow first point is the untrained generator; the
    dashed floor is the FID of held-out real images.

    Args:
        runs: at least one run.

    Returns:
        The figure: one column wide for one panel, else a page wide.

    Raises:
        MissingDataError: when no run has a positive FID.
    """
    tables = [_positive(run.metrics, "fid") for run in runs]
    floors = [_positive(run.metrics, "fid_floor") for run in runs]
    every = pd.concat([*tables, *floors])
    if sum(len(table) for table in tables) == 0:
        raise MissingDataError("metric 'fid' has no value: nothing was trained, or fid is not measured")
    longest_s = float(every["sim_time_s"].max())
    if len(runs) == 1:
        return _fid_of_one_run(tables[0], floors[0], longest_s)
    return _fid_of_runs(tables, floors, run_labels(runs), longest_s)


def _positive(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of one metric that a logarithmic axis can show, in the order of rounds."""
    values = metrics["value"].to_numpy(dtype=float)
    shown = (metrics["metric"] == metric) & np.isfinite(values) & (values > 0.0)
    rows: pd.DataFrame = metrics[shown]
    return rows.sort_values("round", kind="stable")


def _fid_of_one_run(table: pd.DataFrame, floors: pd.DataFrame, longest_s: float) -> Figure:
    figure = Figure(figsize=(COLUMN_IN, 2.5))
    axes = figure.add_subplot()
    unit = set_time_axis(axes, longest_s)
    ends = []
    for index, (domain, rows) in enumerate(table.groupby("domain", sort=False)):
        _curve(axes, rows, unit, look(index))
        _floor(axes, floors[floors["domain"] == domain], look(index).colour)
        last = float(rows["value"].iloc[-1])
        ends.append((last, f"{domain} {three_digits(last)}", look(index).colour))
    _finish_fid_axes(axes, [*table["value"], *floors["value"]], longest_s, unit)
    axes.set_ylabel(_FID_LABEL)
    _fid_legend(figure, COLUMN_IN, [], [table], [floors])
    label_line_ends(axes, ends)
    return figure


def _fid_of_runs(
    tables: Sequence[pd.DataFrame], floors: Sequence[pd.DataFrame], labels: Sequence[str], longest_s: float
) -> Figure:
    domains = list(dict.fromkeys(str(name) for table in tables for name in table["domain"]))
    columns = len(domains) if len(domains) <= 3 else 2
    lines = -(-len(domains) // columns)
    width_in = COLUMN_IN if len(domains) == 1 else PAGE_IN
    figure = Figure(figsize=(width_in, 2.1 * lines + 0.25 + 0.13 * len(labels) / columns))
    grid = np.asarray(figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)).ravel()
    unit = set_time_axis(grid[0], longest_s)
    values = [value for table in [*tables, *floors] for value in table["value"]]
    for axes, domain in zip(grid, domains, strict=False):
        axes.set_title(domain)
        for index, (table, floor) in enumerate(zip(tables, floors, strict=True)):
            _curve(axes, table[table["domain"] == domain], unit, look(index))
            _floor(axes, floor[floor["domain"] == domain], _floor_colour(floors, domain, look(index).colour))
        _finish_fid_axes(axes, values, longest_s, unit)
    for position, axes in enumerate(grid):
        axes.set_visible(position < len(domains))
        below_is_empty = position + columns >= len(domains)
        axes.tick_params(labelbottom=below_is_empty)
        axes.set_xlabel(f"Simulated time ({unit.symbol})" if below_is_empty else "")
        axes.set_ylabel(_FID_LABEL if position % columns == 0 else "")
    handles = [
        Line2D([], [], color=look(index).colour, linestyle=look(index).dashes, label=label)
        for index, label in enumerate(labels)
    ]
    _fid_legend(figure, width_in, handles, tables, floors)
    return figure


def _floor_colour(floors: Sequence[pd.DataFrame], domain: str, colour: str) -> str:
    """Grey where all runs have one floor in this domain, else the run's own colour."""
    distinct = {float(v) for table in floors for v in table[table["domain"] == domain]["value"]}
    return GREY if len(distinct) <= 1 else colour


def _curve(axes: Axes, rows: pd.DataFrame, unit: TimeUnit, how: LineLook) -> None:
    if rows.empty:
        return
    times = rows["sim_time_s"].to_numpy(dtype=float) / unit.seconds
    values = rows["value"].to_numpy(dtype=float)
    marker = "o" if len(rows) <= _FEW_POINTS else ""
    axes.plot(times, values, color=how.colour, linestyle=how.dashes, marker=marker, clip_on=False, zorder=3)
    axes.plot(times[-1:], values[-1:], "o", color=how.colour, clip_on=False, zorder=4)
    if int(rows["round"].iloc[0]) < 0:
        axes.plot(times[:1], values[:1], "o", mfc="white", mec=how.colour, clip_on=False, zorder=4)


def _floor(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    for value in rows["value"].iloc[:1]:
        axes.axhline(float(value), color=colour, linestyle=_FLOOR_DASHES, linewidth=0.8, zorder=2)


def _finish_fid_axes(axes: Axes, values: Sequence[float], longest_s: float, unit: TimeUnit) -> None:
    set_log_axis(axes, values)
    axes.set_xlim(0.0, longest_s / unit.seconds if longest_s > 0.0 else 1.0)
    axes.grid(visible=True, axis="y")


def _fid_legend(
    figure: Figure,
    width_in: float,
    handles: Sequence[Line2D],
    tables: Sequence[pd.DataFrame],
    floors: Sequence[pd.DataFrame],
) -> None:
    """The legend above the panels: the runs, then what hollow points and dashed lines are."""
    entries = list(handles)
    if any((table["round"] < 0).any() for table in tables):
        entries.append(Line2D([], [], linestyle="", marker="o", mfc="white", mec=GREY, label="untrained"))
    if any(len(floor) for floor in floors):
        dashes = Line2D(
            [], [], color=GREY, linestyle=_FLOOR_DASHES, linewidth=0.8, label="floor: held-out real images"
        )
        entries.append(dashes)
    if entries:
        columns = legend_columns(width_in, [str(entry.get_label()) for entry in entries])
        figure.legend(handles=entries, loc="outside upper center", ncols=columns)


@styled
def losses(runs: Sequence[FigureRun]) -> Figure:
    """Losses of generator and discriminator against simulated time, for one run.

    Up to 200 iterations are drawn each; more are gathered into 200 groups, shown as their mean with a
    band from the 10th to the 90th percentile.

    Args:
        runs: exactly one run.

    Returns:
        The figure, one column wide.

    Raises:
        MissingDataError: when no iteration has a finite loss, as in a timing-only run.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    table = run.iterations
    columns = ["generator_loss", "discriminator_loss"]
    finite = np.isfinite(table[columns].to_numpy(dtype=float)).all(axis=1)
    table = table[finite]
    if table.empty:
        raise MissingDataError("no iteration has losses: was execution.training false?")
    figure = Figure(figsize=(COLUMN_IN, 2.3))
    axes = figure.add_subplot()
    unit = set_time_axis(axes, float(table["end_s"].max()))
    ends = [
        (_loss_curve(axes, table, column, unit, colour), column.removesuffix("_loss"), colour)
        for column, colour in zip(columns, (BLUE, VERMILION), strict=True)
    ]
    axes.set_ylabel("Loss (binary cross-entropy, nat)")
    axes.set_xlim(0.0, float(table["end_s"].max()) / unit.seconds)
    axes.set_ylim(bottom=0.0)
    axes.grid(visible=True, axis="y")
    if len(table) > _LOSS_POINTS:
        per_point = len(table) / _LOSS_POINTS
        axes.set_title(f"mean and 10 to 90 % of {per_point:.0f} iterations a point", weight="normal")
    label_line_ends(axes, ends)
    return figure


def _loss_curve(axes: Axes, table: pd.DataFrame, column: str, unit: TimeUnit, colour: str) -> float:
    """Draws one loss and returns its last value."""
    groups = min(len(table), _LOSS_POINTS)
    group = np.arange(len(table)) * groups // len(table)
    grouped = table.groupby(group)
    times = grouped["end_s"].mean().to_numpy(dtype=float) / unit.seconds
    means = grouped[column].mean().to_numpy(dtype=float)
    if groups < len(table):
        low, high = (grouped[column].quantile(q).to_numpy(dtype=float) for q in (0.1, 0.9))
        axes.fill_between(times, low, high, color=colour, alpha=0.2)
    axes.plot(
        times, means, color=colour, linewidth=1.0, marker="o" if groups <= _FEW_POINTS else "", clip_on=False
    )
    return float(means[-1])
