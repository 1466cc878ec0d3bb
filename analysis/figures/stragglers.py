"""Who is waited for: how busy the clients of each class are, and how often one of it is the slowest."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.columns import need
from analysis.plot_axes import set_time_axis
from analysis.plot_labels import legend_outside, name_rows, right_of_axes
from analysis.plot_style import BLUE, GREY, INK, VERMILION, Style, in_style
from analysis.readable import percent_text

_MOST_DOTS = 40
_WAITING_PT = 38.0


@in_style
def stragglers(frame: pd.DataFrame, axes: Axes) -> Axes:
    """Draws the clients' busy time in a mean round, by class, the slowest client marked.

    A dot is a client, or of a class of more than 40 a thick line its middle half; a thin line reaches from the least to
    the most busy. The further the classes lie apart, and the nearer one is to the dashed end of the mean round,
    the more the others wait for it. At the right stands in what share of the rounds the busiest client was one
    of the class, and what share of their time its clients waited.

    Args:
        frame: columns ``round``, ``device``, ``device_class`` and, in seconds of that round, ``busy_s`` (computing or
            transferring), ``wait_s`` and ``elapsed_s``. A row of the figure is a class, the busiest first.
        axes: where.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no client.
    """
    need(frame, "round", "device", "device_class", "busy_s", "wait_s", "elapsed_s")
    if frame.empty:
        raise ValueError("frame: has no client")
    clients = frame.groupby(["device_class", "device"], sort=False)[["busy_s", "wait_s", "elapsed_s"]].mean()
    order = clients["busy_s"].groupby("device_class").mean().sort_values(ascending=False, kind="stable").index
    round_s = float(frame.groupby("round")["elapsed_s"].max().mean())
    unit = set_time_axis(
        axes, max(round_s, float(clients["busy_s"].max())), "Busy time of a client in a mean round"
    )
    last = slowest_shares(frame)
    for row, name in enumerate(order):
        own = clients.loc[name]
        _draw_class(axes, row, own["busy_s"].to_numpy(dtype=float) / unit.seconds)
        waited = float(own["wait_s"].sum() / own["elapsed_s"].sum()) if own["elapsed_s"].sum() > 0.0 else 0.0
        right_of_axes(axes, row, percent_text(last.get(str(name), 0.0)))
        right_of_axes(axes, row, percent_text(waited), offset_pt=_WAITING_PT)
    right_of_axes(axes, 0, "slowest", above_pt=2.0)
    right_of_axes(axes, 0, "waiting", above_pt=2.0, offset_pt=_WAITING_PT)
    slowest = clients.index[int(clients["busy_s"].to_numpy().argmax())]
    ring: Style = {
        "marker": "o",
        "mfc": "none",
        "mec": VERMILION,
        "mew": 1.0,
        "markersize": 6.0,
        "linestyle": "",
    }
    place = (float(clients["busy_s"].max()) / unit.seconds, list(order).index(slowest[0]))
    axes.plot([place[0]], [place[1]], zorder=5, clip_on=False, **ring)
    end: Style = {"color": GREY, "linestyle": (0, (4, 2)), "linewidth": 0.8}
    axes.axvline(round_s / unit.seconds, zorder=1, **end)
    sizes = clients.groupby(level="device_class", sort=False).size()
    axes.set_xlim(0.0, 1.02 * max(round_s / unit.seconds, place[0]) or 1.0)
    name_rows(axes, [str(name) for name in order], [int(sizes[name]) for name in order])
    handles = [
        Line2D([], [], label=f"the slowest: {slowest[1]}", **ring),
        Line2D([], [], label="end of the mean round", **end),
    ]
    legend_outside(axes, handles)
    return axes


def slowest_shares(frame: pd.DataFrame) -> dict[str, float]:
    """In what share of the rounds the busiest client was one of each class; of equally busy ones the first counts."""
    rounds = (
        frame.sort_values("busy_s", ascending=False, kind="stable").groupby("round")["device_class"].first()
    )
    return {str(name): float(share) for name, share in rounds.value_counts(normalize=True).items()}


def _draw_class(axes: Axes, row: int, busy: np.ndarray) -> None:
    axes.plot([busy.min(), busy.max()], [row, row], color=INK, linewidth=0.6, zorder=2)
    if len(busy) <= _MOST_DOTS:
        dots: Style = {"color": BLUE, "markersize": 3.6, "mec": "white", "mew": 0.4, "linestyle": ""}
        axes.plot(busy, [row] * len(busy), "o", zorder=4, clip_on=False, **dots)
    else:
        low, high = np.quantile(busy, [0.25, 0.75])
        axes.plot([low, high], [row, row], color=BLUE, linewidth=4.0, solid_capstyle="butt", zorder=3)
