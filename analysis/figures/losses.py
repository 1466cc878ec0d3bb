"""The losses of generator and discriminator against simulated time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.columns import need
from analysis.plot_axes import set_time_axis
from analysis.plot_labels import label_line_ends
from analysis.plot_style import BLUE, VERMILION, in_style
from analysis.readable import TimeUnit

_FEW_POINTS = 15
_LOSS_POINTS = 200
_LOSSES = {"generator_loss": BLUE, "discriminator_loss": VERMILION}


@in_style
def losses(frame: pd.DataFrame, axes: Axes) -> Axes:
    """Draws both losses, each named at its end.

    Up to 200 iterations are drawn each; more are gathered into 200 groups, shown as their mean with a
    band from the 10th to the 90th percentile.

    Args:
        frame: a row an iteration, in their order: columns ``end_s`` (simulated seconds), ``generator_loss`` and
            ``discriminator_loss`` (nat, finite).
        axes: where.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no iteration.
    """
    need(frame, "end_s", *_LOSSES)
    if frame.empty:
        raise ValueError("frame: has no iteration")
    last_s = float(frame["end_s"].max())
    unit = set_time_axis(axes, last_s)
    ends = [
        (_curve(axes, frame, column, unit, colour), column.removesuffix("_loss"), colour)
        for column, colour in _LOSSES.items()
    ]
    axes.set_ylabel("Loss (binary cross-entropy, nat)")
    axes.set_xlim(0.0, last_s / unit.seconds)
    axes.set_ylim(bottom=0.0)
    axes.grid(visible=True, axis="y")
    if len(frame) > _LOSS_POINTS:
        per_point = len(frame) / _LOSS_POINTS
        axes.set_title(f"mean and 10 to 90 % of {per_point:.0f} iterations a point", weight="normal")
    label_line_ends(axes, ends)
    return axes


def _curve(axes: Axes, table: pd.DataFrame, column: str, unit: TimeUnit, colour: str) -> float:
    """Draws one loss and returns its last value."""
    groups = min(len(table), _LOSS_POINTS)
    group = np.arange(len(table)) * groups // len(table)
    grouped = table.groupby(group)
    times = grouped["end_s"].mean().to_numpy(dtype=float) / unit.seconds
    means = grouped[column].mean().to_numpy(dtype=float)
    if groups < len(table):
        low, high = (grouped[column].quantile(q).to_numpy(dtype=float) for q in (0.1, 0.9))
        axes.fill_between(times, low, high, color=colour, alpha=0.2)
    marks = "o" if groups <= _FEW_POINTS else ""
    axes.plot(times, means, color=colour, linewidth=1.0, marker=marks, clip_on=False)
    return float(means[-1])
