"""How many clients are there, over simulated time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.columns import need
from analysis.plot_axes import set_time_axis
from analysis.plot_style import Style, in_style, overlapping_look


@in_style
def presence(frame: pd.DataFrame, axes: Axes) -> Axes:
    """Draws the mean number of clients that are there, round by round; one step curve a series.

    The curves bear their series' names as labels; `axes.legend()` shows them.

    Args:
        frame: columns ``series``, ``end_s`` (of the round, simulated seconds, ascending), ``clients`` (how many
        there are)
            and ``there`` (how many were there on average).
        axes: where.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no round.
    """
    need(frame, "series", "end_s", "clients", "there")
    if frame.empty:
        raise ValueError("frame: has no round")
    unit = set_time_axis(axes, float(frame["end_s"].max()))
    for index, (name, table) in enumerate(frame.groupby("series", sort=False)):
        how = overlapping_look(index)
        edges = np.concatenate([[0.0], table["end_s"]]) / unit.seconds
        line: Style = {"color": how.colour, "linestyle": how.dashes, "linewidth": 1.2}
        axes.stairs(table["there"], edges, baseline=None, label=str(name), **line)
    axes.set_ylim(0.0, 1.05 * float(frame["clients"].max()))
    axes.set_xlim(left=0.0)
    axes.set_ylabel("Clients there (number)")
    return axes
