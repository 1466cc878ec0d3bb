"""The phases of an iteration: one below the other for one series, stacked bars for several."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.figures.columns import in_order, need
from analysis.plot_axes import set_time_axis
from analysis.plot_labels import beside, legend_outside, name_rows, rows_from_top
from analysis.plot_style import Style, in_style, look, part_look
from analysis.readable import duration_text, percent_text

_PHASE_NAMES = {
    "generator_forward": "G forward",
    "discriminator_fake": "D on fake images",
    "discriminator_real": "D on real images",
    "discriminator_for_generator": "D for the generator",
    "discriminator_forward": "D forward",
    "discriminator_backward": "D backward",
    "generator_backward": "G backward",
    "aggregation": "Aggregation, shared out",
}


def phase_name(phase: str) -> str:
    """The phase as figures name it; unknown ones with spaces for underscores."""
    return _PHASE_NAMES.get(phase, phase.replace("_", " ").capitalize())


@in_style
def phases(frame: pd.DataFrame, axes: Axes) -> Axes:
    """Draws how long the phases of a mean iteration take.

    One series: a bar a phase, each starting where the one before it ended, with its share. Several: a stacked bar a
    series, with its length.

    Args:
        frame: columns ``series``, ``phase`` and ``mean_s`` (seconds > 0), in the order of the phases.
        axes: where.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no phase.
    """
    need(frame, "series", "phase", "mean_s")
    if frame.empty:
        raise ValueError("frame: has no row; needed: one for each series and phase")
    if frame["series"].nunique() == 1:
        _waterfall(frame, axes)
    else:
        _stacked(frame, axes)
    return axes


def _waterfall(frame: pd.DataFrame, axes: Axes) -> None:
    total_s = float(frame["mean_s"].sum())
    unit = set_time_axis(axes, total_s, "Time within the mean iteration")
    start_s = 0.0
    for row, mean_s in enumerate(frame["mean_s"]):
        axes.barh(
            row, mean_s / unit.seconds, left=start_s / unit.seconds, color=look(row).colour, height=0.72
        )
        text = f"{duration_text(mean_s)} ({percent_text(mean_s / total_s)})"
        end_s = start_s + mean_s
        on_right = total_s - end_s >= start_s
        beside(axes, row, (end_s if on_right else start_s) / unit.seconds, text, right=on_right)
        start_s = end_s
    axes.set_yticks(range(len(frame)), [phase_name(str(phase)) for phase in frame["phase"]])
    axes.set_xlim(0.0, total_s / unit.seconds)
    rows_from_top(axes, len(frame))


def _stacked(frame: pd.DataFrame, axes: Axes) -> None:
    names, series = in_order(frame["phase"]), in_order(frame["series"])
    longest_s = float(frame.groupby("series")["mean_s"].sum().max())
    unit = set_time_axis(axes, longest_s, "Mean duration of an iteration")
    for row, name in enumerate(series):
        start_s = 0.0
        own = frame[frame["series"] == name]
        for phase, mean_s in zip(own["phase"], own["mean_s"], strict=True):
            place: Style = {"left": start_s / unit.seconds, "height": 0.72}
            axes.barh(row, mean_s / unit.seconds, **place, **part_look(names.index(str(phase))))
            start_s += mean_s
        beside(axes, row, start_s / unit.seconds, duration_text(start_s))
    axes.set_xlim(0.0, longest_s / unit.seconds)
    name_rows(axes, series)
    handles = [Patch(label=phase_name(name), **part_look(index)) for index, name in enumerate(names)]
    legend_outside(axes, handles)
