"""What an iteration costs by strategy, as a ratio to a reference."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.columns import need
from analysis.plot_axes import log_ticks, set_log_scale
from analysis.plot_style import GREY, INK, LIGHT, Style, hatch, in_style, look
from analysis.readable import duration_text, three_digits


@in_style
def iteration_latency(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    x_label: str = "An iteration, relative to the reference (ratio)",
    beside_bars: bool = False,
    numbers: Mapping[str, int] | None = None,
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Draws a bar a strategy from 1x, on a logarithmic scale: to the right it is slower than the reference.

    A line reaches over the seeds, where they are known.

    Args:
        frame: columns ``strategy``, ``seconds`` (of an iteration, the mean over seeds) and ``ratio`` (to the reference,
            > 0); where they are known ``low`` and ``high``, the least and greatest ratio of a seed.
        axes: where.
        x_label: what the ratio is of.
        beside_bars: whether ratio and seconds stand beside the bars instead of behind the names.
        numbers: the number of each strategy's look; by default its row.
        limits: of the x axis; by default those of the bars.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no strategy.
    """
    need(frame, "strategy", "seconds", "ratio")
    if frame.empty:
        raise ValueError("frame: has no strategy")
    names = [str(name) for name in frame["strategy"]]
    looks = numbers or {name: row for row, name in enumerate(names)}
    labels = []
    for row, (name, seconds, ratio) in enumerate(
        zip(names, frame["seconds"].astype(float), frame["ratio"].astype(float), strict=True)
    ):
        style: Style = {"color": look(looks[name]).colour, "hatch": hatch(looks[name]), "edgecolor": "white"}
        axes.barh(row, ratio - 1.0, left=1.0, height=0.6, zorder=2, **style)
        told = f"{three_digits(ratio)}x  {duration_text(seconds)}"
        labels.append(name if beside_bars else f"{name}   {told}")
        if beside_bars:
            _beside(axes, row, max(1.0, ratio), told)
    if {"low", "high"} <= set(frame.columns):
        axes.hlines(range(len(frame)), frame["low"], frame["high"], color=INK, linewidth=0.8, zorder=3)
        axes.plot(frame["ratio"], range(len(frame)), "|", color=INK, markersize=6, zorder=3)
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlabel(x_label)
    ratios = frame["ratio"].astype(float).tolist()
    _scale(axes, limits or (min(1.0, *ratios) / 1.15, max(1.0, *ratios) * 1.15), beside_bars)
    return axes


def _beside(axes: Axes, row: int, end: float, text: str) -> None:
    axes.annotate(
        text,
        (end, row),
        (3, 0),
        textcoords="offset points",
        va="center",
        fontsize="small",
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def _scale(axes: Axes, limits: tuple[float, float], beside_bars: bool) -> None:
    """A logarithmic axis with a line at 1x; where numbers stand beside the bars, no ticks in the room for them."""
    low, high = limits
    ticks = [tick for tick in log_ticks(low, high) if not beside_bars or tick < high / 3]
    set_log_scale(axes, "x", low, high, ticks, after="x")
    axes.axvline(1.0, color=GREY, linewidth=0.8, zorder=1)
    axes.grid(visible=True, axis="x", color=LIGHT)
