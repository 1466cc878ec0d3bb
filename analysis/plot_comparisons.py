"""A figure of several comparisons: the same strategies on different fleets, or under different models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.plot_axes import log_ticks
from analysis.plot_comparison import draw_ratio, ratio_label, relative_latencies
from analysis.plot_style import GREY, INK, LIGHT, PAGE_IN, save, styled
from analysis.readable import duration_text, three_digits
from analysis.runs import RunError

COMPARISON_FIGURES = ("iteration_latency",)
"""Kinds of figures that ``hetedge plot`` draws of comparisons' folders."""

COMPARISON_FILE = "comparison.json"

_ROW_IN = 0.2
_PANELS_ACROSS = 2


def draw_comparisons(folders: Sequence[Path], target: Path) -> list[Path]:
    """Draw ``iteration_latency`` of comparisons, as PNG and PDF; return the files.

    Args:
        folders: the comparisons' folders, one panel each, named after them.
        target: where to.

    Raises:
        RunError: A folder's ``comparison.json`` cannot be read.
        MissingDataError: A strategy of a comparison has played no iteration.
    """
    facts = {folder.resolve().name: _read(folder / COMPARISON_FILE) for folder in folders}
    return save(latencies_side_by_side(facts), target / COMPARISON_FIGURES[0])


def _read(file: Path) -> Mapping[str, Any]:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        ratio_label([facts])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise RunError(f"{file}: damaged: {type(error).__name__}: {error}") from error
    read: Mapping[str, Any] = facts
    return read


@styled
def latencies_side_by_side(comparisons: Mapping[str, Mapping[str, Any]]) -> Figure:
    """An iteration with its share of the round's end, by strategy, relative to the reference of each comparison.

    Bars begin at 1x, on one logarithmic scale: to the right is slower than the reference, to the left faster.

    Args:
        comparisons: a panel's title -> the content of its ``comparison.json``.

    Returns:
        The figure, a page wide.

    Raises:
        MissingDataError: when a strategy has played no iteration.
    """
    panels = {title: relative_latencies(facts) for title, facts in comparisons.items()}
    across = min(_PANELS_ACROSS, len(panels))
    down = -(-len(panels) // across)
    most = max(len(panel) for panel in panels.values())
    figure = Figure(figsize=(PAGE_IN, down * (_ROW_IN * most + 0.35) + 0.35))
    grid = np.asarray(figure.subplots(down, across, squeeze=False, sharex=True)).ravel()
    ratios = [one.ratio for panel in panels.values() for one in panel.values()]
    low, high = min(1.0, *ratios) / 1.3, max(1.0, *ratios) * 16.0  # room for the numbers at the bars' right
    labels = list(dict.fromkeys(label for panel in panels.values() for label in panel))
    for position, axes in enumerate(grid):
        axes.set_visible(position < len(panels))
    for axes, (title, panel) in zip(grid, panels.items(), strict=False):
        for row, (label, one) in enumerate(panel.items()):
            draw_ratio(axes, row, one.ratio, labels.index(label))
            text = f"{three_digits(one.ratio)}x  {duration_text(one.seconds)}"
            axes.annotate(
                text,
                (max(1.0, one.ratio), row),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
                color=INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
        axes.set_title(title)
        axes.set_yticks(range(len(panel)), list(panel))
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        _finish(axes, low, high)
    figure.supxlabel(ratio_label(comparisons.values()), fontsize="medium")
    return figure


def _finish(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in log_ticks(low, high) if tick < high / 3]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}x"))
    axes.axvline(1.0, color=GREY, linewidth=0.8, zorder=1)
    axes.grid(visible=True, axis="x", color=LIGHT)
