"""Quality against time, a point a series: which of them no other beats in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.columns import need
from analysis.occupancy import FloatArray
from analysis.plot_axes import set_scale
from analysis.plot_labels import figure_of, legend_outside, short_names
from analysis.plot_quantities import metric_label, quantity
from analysis.plot_style import GREY, LIGHT, Style, in_style, look, marker

MOST_NAMED = 14
"""How many series a figure names."""

_MARK_PT, _WIDER_PT = 5.0, 3.5
_NEAR_PT = 2.0
"""Marks that are nearer to each other than this hide each other."""

_RING: Mapping[str, Any] = {
    "marker": "o", "mfc": "none", "mec": GREY, "mew": 0.7, "linestyle": "", "markersize": 3.0
}  # fmt: skip


@in_style
def pareto(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    cost: str = "simulated_s",
    value: str = "fid",
    larger_is_better: bool = False,
    value_label: str | None = None,
    legend_title: str | None = None,
) -> Axes:
    """Draws what a quality costs, and the series that no other beats in both.

    A point is the mean over a series' seeds, its lines their range. The stepped line joins the front: on it one quality
    can only be bettered at a higher cost. Of more than 14 series those on the front are named, evenly chosen
    where it has more than 14 itself, and the others are grey rings. Of series whose marks lie within
    two points of each other the first has the largest mark, so that all show.

    Args:
        frame: columns ``series``, ``seed``, and the two below; rows where either is not finite are left out.
        axes: where.
        cost: the column of the x axis, of which less is better; ``_s``, ``_bytes`` or ``_j`` at its end is its unit.
        value: the column of the y axis.
        larger_is_better: whether larger values are better.
        value_label: of the y axis, with its unit; by default the metric's own.
        legend_title: what the series' names tell.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or no row can be drawn.
    """
    points = _points(frame, cost, value)
    costs, values = (np.array([getattr(point, key)[0] for point in points]) for key in ("cost", "value"))
    front = pareto_front(costs, values, larger_is_better)
    names = [point.name for point in points]
    named = names if len(names) <= MOST_NAMED else best_series(names, front, costs, MOST_NAMED)
    labels = short_names(named)
    unit = quantity(cost, [point.cost[2] for point in points])
    handles: list[Artist] = []
    marks: list[Line2D] = []
    for point in points:
        if point.name not in named:
            _draw_point(axes, point, unit.divisor, LIGHT, _RING)
            continue
        index = named.index(point.name)
        style: Style = {
            "color": look(index).colour,
            "marker": marker(index),
            "markersize": _MARK_PT,
            "linestyle": "",
        }
        ringed = {**style, "mec": "white", "mew": 0.4}
        marks.append(_draw_point(axes, point, unit.divisor, look(index).colour, ringed))
        handles.append(Line2D([], [], label=labels[index], **style))
    joined = len(set(zip(costs[front], values[front], strict=True))) > 1
    if joined:
        _draw_front(axes, costs[front] / unit.divisor, values[front])
    set_scale(axes, "x", [edge / unit.divisor for point in points for edge in point.cost])
    set_scale(axes, "y", [edge for point in points for edge in point.value])
    axes.grid(visible=True)
    axes.set_xlabel(unit.label)
    axes.set_ylabel(value_label or metric_label(value))
    if len(named) < len(points):
        handles.append(Line2D([], [], label=f"{len(points) - len(named)} others", **_RING))
    if joined:
        handles.append(Line2D([], [], color=GREY, linewidth=0.8, label="Pareto front"))
    if any(point.seeds > 1 for point in points):
        handles.append(Line2D([], [], color=GREY, marker="|", linewidth=0.8, label="range of the seeds"))
    legend_outside(axes, handles, legend_title)
    _enlarge_hidden(axes, marks)
    return axes


@dataclass(frozen=True)
class _Point:
    """A series: its mean, least and greatest cost and value over its seeds, and how many these are."""

    name: str
    cost: tuple[float, float, float]
    value: tuple[float, float, float]
    seeds: int


def _points(frame: pd.DataFrame, cost: str, value: str) -> list[_Point]:
    """The series in the order of their appearance.

    Raises:
        ValueError: when a column is missing or no row can be drawn.
    """
    need(frame, "series", "seed", cost, value)
    rows = frame[np.isfinite(frame[[cost, value]].to_numpy(dtype=float)).all(axis=1)]
    if rows.empty:
        raise ValueError(f"frame: no row has both {cost} and {value}")
    return [
        _Point(str(name), _spread(own[cost]), _spread(own[value]), int(own["seed"].nunique()))
        for name, own in rows.groupby("series", sort=False)
    ]


def _spread(values: pd.Series[Any]) -> tuple[float, float, float]:
    return float(values.mean()), float(values.min()), float(values.max())


def _draw_point(axes: Axes, point: _Point, divisor: float, colour: str, style: Mapping[str, Any]) -> Line2D:
    x, left, right = (edge / divisor for edge in point.cost)
    y, low, high = point.value
    axes.plot([left, right], [y, y], color=colour, linewidth=0.8, zorder=2)
    axes.plot([x, x], [low, high], color=colour, linewidth=0.8, zorder=2)
    (mark,) = axes.plot([x], [y], zorder=4, clip_on=False, **style)
    return mark


def _enlarge_hidden(axes: Axes, marks: Sequence[Line2D]) -> None:
    """Makes marks larger than those which are drawn later on nearly the same place."""
    figure = figure_of(axes)
    figure.draw_without_rendering()  # settles the layout: distances on the page are needed
    places = np.array([mark.get_transform().transform(mark.get_xydata())[0] for mark in marks])
    places_pt = places * 72.0 / figure.dpi
    for index, mark in enumerate(marks):
        away_pt = np.hypot(*(places_pt[index + 1 :] - places_pt[index]).T)
        mark.set_markersize(_MARK_PT + _WIDER_PT * int((away_pt < _NEAR_PT).sum()))


def _draw_front(axes: Axes, costs: FloatArray, values: FloatArray) -> None:
    """Joins the front by steps: at a cost the best value that is had so far."""
    order = np.argsort(costs)
    axes.step(costs[order], values[order], where="post", color=GREY, linewidth=0.8, zorder=1.5)


def pareto_front(
    costs: FloatArray, values: FloatArray, larger_is_better: bool = False
) -> npt.NDArray[np.bool_]:
    """Which points no other point beats: none costs as little or less and is as good or better, one of them strictly.

    Args:
        costs: shape ``[n]``, finite; less is better.
        values: shape ``[n]``, finite.
        larger_is_better: whether larger values are better.

    Returns:
        Shape ``[n]``. Of equal points all are on the front, or none.
    """
    losses = -values if larger_is_better else values
    cheaper = costs[:, None] < costs[None, :]
    better = losses[:, None] < losses[None, :]
    as_good = (costs[:, None] <= costs[None, :]) & (losses[:, None] <= losses[None, :])
    beaten = np.any(as_good & (cheaper | better), axis=0)
    front: npt.NDArray[np.bool_] = np.logical_not(beaten)
    return front


def best_series(
    names: Sequence[str], front: Sequence[bool] | npt.NDArray[np.bool_], costs: FloatArray, most: int
) -> list[str]:
    """At most `most` series of a front, evenly chosen along it, its two ends among them, in their own order."""
    on_front = sorted((index for index, one in enumerate(front) if one), key=lambda index: costs[index])
    if len(on_front) > most:
        on_front = [on_front[round(place)] for place in np.linspace(0, len(on_front) - 1, most)]
    return [names[index] for index in sorted(on_front)]
