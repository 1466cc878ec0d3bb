"""How long a quality takes: a row a series, its seeds, and which of them never reached it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.columns import need
from analysis.occupancy import FloatArray
from analysis.plot_axes import set_scale
from analysis.plot_labels import legend_outside, name_rows, right_of_axes
from analysis.plot_style import BLUE, GREY, INK, in_style
from analysis.readable import TimeUnit, three_digits, time_unit

_REACHED: dict[str, Any] = {"marker": "o", "color": BLUE, "markersize": 4.0, "mec": "white", "mew": 0.4}
_NEVER: dict[str, Any] = {"marker": ">", "mfc": "white", "mec": GREY, "mew": 0.8, "markersize": 4.0}


@in_style
def time_to_target(
    frame: pd.DataFrame, axes: Axes, *, target: str = "the target", legend: bool = True
) -> Axes:
    """Draws when each series first reached a target.

    A dot is a seed that reached it, a line joins the seeds, a dash marks their mean. A seed that never did is an open
    triangle where its run ended, or at the left edge where that is not known; beside its row stands how many did.

    Args:
        frame: columns ``series``, ``seed``, ``time_s`` (simulated seconds; NaN where it was never reached) and, where
            known, ``ended_s`` (when the run ended). A row of the figure is a series, in the order of their appearance.
        axes: where.
        target: what was to be reached, as in ``fid<40``.
        legend: whether there is one above the axes.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no row.
    """
    need(frame, "series", "seed", "time_s")
    if frame.empty:
        raise ValueError("frame: has no row; needed: one for each series and seed")
    ended = frame["ended_s"] if "ended_s" in frame.columns else pd.Series(np.nan, frame.index)
    table = frame.assign(ended_s=ended.where(frame["time_s"].isna()))
    shown = np.concatenate([table["time_s"].to_numpy(dtype=float), table["ended_s"].to_numpy(dtype=float)])
    finite = shown[np.isfinite(shown)]
    unit = time_unit(float(finite.max()) if len(finite) else 1.0)
    names = []
    for row, (name, own) in enumerate(table.groupby("series", sort=False)):
        names.append(str(name))
        _draw_row(axes, row, own, unit)
    set_scale(axes, "x", (finite / unit.seconds).tolist() or [1.0])
    if axes.get_xscale() == "linear":
        axes.set_xlim(left=0.0)
    name_rows(axes, names)
    axes.grid(visible=True, axis="x")
    axes.set_xlabel(f"Simulated time to {target} ({unit.symbol})")
    if legend:
        legend_outside(axes, entries([table]))
    return axes


def entries(frames: Sequence[pd.DataFrame]) -> list[Artist]:
    """The legend's entries: what dots, dashes and open triangles are."""
    table = pd.concat(frames)
    found: list[Artist] = []
    if table["time_s"].notna().any():
        found.append(Line2D([], [], linestyle="", label="reached, a dot a seed", **_REACHED))
    if int(table.groupby("series")["seed"].nunique().max()) > 1:
        found.append(Line2D([], [], linestyle="", marker="|", markersize=8, color=INK, label="mean of these"))
    if table["time_s"].isna().any():
        found.append(Line2D([], [], linestyle="", label="never reached: where the run ended", **_NEVER))
    return found


def _draw_row(axes: Axes, row: int, own: pd.DataFrame, unit: TimeUnit) -> None:
    reached = own["time_s"].dropna().to_numpy(dtype=float) / unit.seconds
    ended = own["ended_s"].dropna().to_numpy(dtype=float) / unit.seconds
    if len(reached):
        axes.plot([reached.min(), reached.max()], [row, row], color=BLUE, linewidth=0.8, zorder=2)
        axes.plot(reached, [row] * len(reached), linestyle="", zorder=4, clip_on=False, **_REACHED)
    if len(reached) > 1:
        axes.plot([reached.mean()], [row], "|", markersize=8, color=INK, zorder=3)
    if len(ended):
        axes.plot(ended, [row] * len(ended), linestyle="", zorder=3, clip_on=False, **_NEVER)
    right_of_axes(axes, row, told(own["time_s"].to_numpy(dtype=float), unit))


def told(times_s: FloatArray, unit: TimeUnit) -> str:
    """The mean of those that reached the target, and of how many that is where not all did.

    Example:
        >>> told(np.array([60.0, 120.0]), time_unit(90.0)), told(np.array([np.nan]), time_unit(90.0))
        ('90.0 s', 'never')
    """
    reached = times_s[np.isfinite(times_s)]
    if not len(reached):
        return "never"
    text = f"{three_digits(float(reached.mean()) / unit.seconds)} {unit.symbol}"
    return text if len(reached) == len(times_s) else f"{text} ({len(reached)} of {len(times_s)})"
