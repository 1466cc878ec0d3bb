"""What something costs against how much there is of it, both axes logarithmic, with a reference slope."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.columns import in_order, need
from analysis.figures.pareto import MOST_NAMED
from analysis.occupancy import FloatArray
from analysis.plot_axes import log_ticks, set_log_scale
from analysis.plot_labels import legend_outside, short_names
from analysis.plot_quantities import Quantity, quantity
from analysis.plot_style import GREY, LIGHT, Style, in_style, marker, overlapping_look


@in_style
def scaling(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    size: str = "clients",
    cost: str = "iteration_latency_s",
    slope: float = 1.0,
    legend_title: str | None = None,
) -> Axes:
    """Draws how a cost grows.

    A point is the mean over a series' seeds, with a line over their range. The legend tells each series' growth,
    where N is the size: the exponent of the power of the size that fits its points best, where it has at least
    three. The grey line has the reference slope and begins where the first series does. Of more than 14 series 14
    are named, evenly chosen from the cheapest to the dearest at their largest size.

    Args:
        frame: columns ``series``, ``seed``, and the two below; rows where either is not above 0 are left out.
        axes: where.
        size: the column of the x axis, > 0.
        cost: the column of the y axis, > 0; ``_s``, ``_bytes`` or ``_j`` at its end is its unit.
        slope: the exponent of the grey line: 1 for a cost in proportion to the size, 0 for one that stays.
        legend_title: what the series' names tell.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or no row can be drawn.
    """
    need(frame, "series", "seed", size, cost)
    numbers = frame[[size, cost]].to_numpy(dtype=float)
    rows = frame[(np.isfinite(numbers) & (numbers > 0.0)).all(axis=1)]
    if rows.empty:
        raise ValueError(f"frame: no row has both {size} and {cost} above 0")
    sizes, costs = quantity(size, rows[size]), quantity(cost, rows[cost])
    handles: list[Artist] = []
    named = _named(rows, size, cost)
    labels = short_names(named)
    for name, own in rows.groupby("series", sort=False):
        means = own.groupby(size)[cost].agg(["mean", "min", "max"]) / costs.divisor
        x = means.index.to_numpy(dtype=float) / sizes.divisor
        if name not in named:
            axes.plot(x, means["mean"], color=LIGHT, linewidth=0.8, zorder=1.2)
            continue
        index = named.index(str(name))
        how = overlapping_look(index)
        style: Style = {"color": how.colour, "marker": marker(index), "linestyle": how.dashes}
        axes.vlines(x, means["min"], means["max"], color=how.colour, linewidth=0.8)
        axes.plot(x, means["mean"], clip_on=False, zorder=3, **style)
        told = growth_text(x, means["mean"].to_numpy(dtype=float))
        handles.append(Line2D([], [], label=f"{labels[index]}{told}", **style))
    if len(named) < rows["series"].nunique():
        rest = rows["series"].nunique() - len(named)
        handles.append(Line2D([], [], color=LIGHT, linewidth=0.8, label=f"{rest} others"))
    handles += _reference(axes, rows, (size, cost), (sizes, costs), slope)
    _log_axis(axes, "x", rows[size].to_numpy(dtype=float) / sizes.divisor)
    _log_axis(axes, "y", rows[cost].to_numpy(dtype=float) / costs.divisor)
    axes.grid(visible=True)
    axes.set_xlabel(_called_n(sizes.label))
    axes.set_ylabel(costs.label)
    legend_outside(axes, handles, legend_title)
    return axes


def _named(rows: pd.DataFrame, size: str, cost: str) -> list[str]:
    """The series with a name: all, or of more than 14 some from the cheapest to the dearest at their largest size."""
    last = rows.sort_values(size, kind="stable").groupby("series", sort=False)[cost].last()
    if len(last) > MOST_NAMED:
        dearness = last.sort_values(kind="stable").index
        chosen = {dearness[round(place)] for place in np.linspace(0, len(last) - 1, MOST_NAMED)}
        last = last[last.index.isin(chosen)]
    return [name for name in in_order(rows["series"]) if name in last.index]


def exponent(sizes: FloatArray, costs: FloatArray) -> float:
    """The power of the size that fits costs best, by least squares of the logarithms; both > 0, sizes not all one.

    Example:
        >>> round(exponent(np.array([1.0, 10.0, 100.0]), np.array([2.0, 20.0, 200.0])), 6)
        1.0
    """
    x, y = np.log(sizes) - np.log(sizes).mean(), np.log(costs) - np.log(costs).mean()
    return float((x * y).sum() / (x * x).sum())


def growth_text(sizes: FloatArray, costs: FloatArray) -> str:
    """The exponent behind a series' name; nothing where fewer than three sizes cannot show one."""
    return f" (grows as N^{exponent(sizes, costs):.2f})" if len(sizes) >= 3 else ""


def _reference(
    axes: Axes, rows: pd.DataFrame, columns: tuple[str, str], units: tuple[Quantity, Quantity], slope: float
) -> list[Artist]:
    """The reference line from the first series' first point; none where there is one size alone."""
    size, cost = columns
    first = rows[rows["series"] == rows["series"].iloc[0]]
    start = float(first[size].min())
    level = float(first.loc[first[size] == start, cost].mean()) / units[1].divisor
    ends = np.array([start, float(rows[size].max())])
    if ends[0] == ends[1]:
        return []
    style: Style = {"color": GREY, "linestyle": (0, (4, 2)), "linewidth": 0.8}
    axes.plot(ends / units[0].divisor, level * (ends / start) ** slope, zorder=1.5, **style)
    told = {0.0: "stays the same", 1.0: "in proportion to N"}.get(slope, f"as N^{slope:g}")
    return [Line2D([], [], label=f"reference: {told}", **style)]


def _called_n(label: str) -> str:
    """The size's label, which says that the legend's N is it."""
    name, bracket, unit = label.rpartition(" (")
    return f"{name}, N{bracket}{unit}"


def _log_axis(axes: Axes, which: Literal["x", "y"], values: FloatArray) -> None:
    """A logarithmic axis whatever the range, with plain numbers; of whole numbers no others are marked."""
    low, high = float(values.min()), float(values.max())
    margin = max((high / low) ** 0.06, 1.1)
    whole = bool((values == values.round()).all())
    ticks = log_ticks(low / margin, high * margin, whole=whole)
    set_log_scale(axes, which, low / margin, high * margin, ticks)
