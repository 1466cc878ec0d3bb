"""What the devices of each class did with their time, in per cent."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.figures.columns import need
from analysis.figures.devices import PARTS, parts_of
from analysis.plot_labels import legend_outside, name_rows, right_of_axes
from analysis.plot_style import in_style
from analysis.readable import percent_text


@in_style
def utilisation(frame: pd.DataFrame, axes: Axes) -> Axes:
    """Draws the shares of time that each class of devices computed, transferred, waited and was away.

    At the right stands the share that it was busy: computing or transferring.

    Args:
        frame: columns ``device_class``, ``devices`` (how many) and, in seconds over all of them, ``compute_s``,
            ``transfer_s``, ``wait_s`` and ``off_s``; a row of the figure is a class, in the frame's order.
        axes: where.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or no time passed.
    """
    columns = [column for column, *_ in PARTS]
    need(frame, "device_class", "devices", *columns)
    elapsed_s = frame[columns].sum(axis=1)
    table = frame[elapsed_s > 0.0]
    if table.empty:
        raise ValueError("frame: no class has any time")
    shares = table[columns].div(elapsed_s[elapsed_s > 0.0], axis=0)
    left = pd.Series(0.0, shares.index)
    rows = range(len(shares))
    for column, _, style in parts_of(table):
        axes.barh(rows, 100.0 * shares[column], left=100.0 * left, height=0.72, **style)
        left += shares[column]
    for row, busy in enumerate(shares["compute_s"] + shares["transfer_s"]):
        right_of_axes(axes, row, percent_text(float(busy)))
    right_of_axes(axes, 0, "busy", above_pt=2.0)
    name_rows(axes, [str(name) for name in table["device_class"]], [int(count) for count in table["devices"]])
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("Share of the simulated time (%)")
    legend_outside(axes, [Patch(label=name, **style) for _, name, style in parts_of(table)])
    return axes
