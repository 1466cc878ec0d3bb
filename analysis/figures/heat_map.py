"""One number over two things that were varied: a mix of devices and a selector of cuts, say."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Polygon
from matplotlib.ticker import MaxNLocator

from analysis.figures.columns import need
from analysis.occupancy import FloatArray, IntArray
from analysis.plot_axes import log_ticks, mark_logarithmic
from analysis.plot_labels import figure_of, short_names, shortened
from analysis.plot_quantities import is_number, quantity
from analysis.plot_style import GREY, INK, LABEL_PT, Style, in_style

COLOURS = "cividis"
"""Made for colour-blind readers: its lightness rises evenly, and its hues are the same to them as to others."""

_LOG_FROM = 30.0
_CHARACTER_IN = 0.06
_TEXT_IN = 0.11
_SLANTED_IN = 0.24
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_EVEN_LIGHT = 0.25
"""Relative luminance from which dark text has more contrast than white text (WCAG 2.2)."""


@in_style
def heat_map(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    rows: str,
    columns: str,
    value: str,
    value_label: str | None = None,
) -> Axes:
    """Draws a value for each pair of two axes, as colour and as a number.

    A cell is the mean over all rows of its pair that have a finite value, the seeds among them. Cells without any are
    hatched; where only some rows have one, "(1/2)" behind the number tells how many, or half the cell is hatched where
    there is no room for it, and a line above the map says so. The
    colours are logarithmic where the largest value is over 30 times the smallest. Where cells are too small for
    numbers, the colour bar tells them.

    Args:
        frame: the three columns below.
        axes: where; a colour bar takes some of its room.
        rows: the column whose values are the figure's rows, in the order of their appearance.
        columns: the column whose values are its columns.
        value: the column of numbers; ``_s``, ``_bytes`` or ``_j`` at its end is its unit.
        value_label: of the colour bar, with its unit, where it is not that of the column.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing, or no cell has a finite value.
    """
    need(frame, rows, columns, value)
    cells = cell_means(frame, rows, columns, value)
    counts = _counts(frame, rows, columns, value, cells)
    shown = cells.to_numpy(dtype=float)
    finite = shown[np.isfinite(shown)]
    if not len(finite):
        raise ValueError(f"frame: no cell has a finite {value}")
    unit = quantity(value, finite)
    scaled = shown / unit.divisor
    norm = _norm(finite / unit.divisor)
    drawn = axes.imshow(np.ma.masked_invalid(scaled), cmap=COLOURS, norm=norm, aspect="auto")
    axes.patch.set(facecolor="white", hatch="xxxx", edgecolor=GREY)
    _name_cells(axes, cells, rows, columns)
    figure = figure_of(axes)
    bar = figure.colorbar(drawn, ax=axes, label=value_label or unit.label, fraction=0.08, pad=0.02)
    bar.outline.set_visible(False)
    _mark_bar(bar.ax, norm)
    partly = counts.partly
    if partly.any():
        _tell(axes, counts.told)
    cell_in = _settled_cell_in(axes, shown.shape)
    _keep_names_apart(axes, cells, cell_in)
    for one in (axes, bar.ax):
        one.set_ylabel(_wrapped(one.get_ylabel(), cell_in[1] * len(shown)))
    texts = [[unit.text(value) if np.isfinite(value) else "" for value in row] for row in shown]
    fitting = [one for one in (counts.behind(texts, " "), counts.behind(texts, "\n")) if _fit(one, cell_in)]
    if fitting:
        _write_numbers(axes, fitting[0], scaled, norm)
    elif partly.any():
        _hatch_halves(axes, partly)
    return axes


@dataclass(frozen=True)
class _Counts:
    """Of how many rows each cell is made, both arrays [rows, columns]: those with a finite value, and all."""

    known: IntArray
    all: IntArray

    @property
    def partly(self) -> npt.NDArray[np.bool_]:
        """Which cells have a value that is not the mean of all their rows."""
        partly: npt.NDArray[np.bool_] = (self.known > 0) & (self.known < self.all)
        return partly

    @property
    def told(self) -> str:
        """What the marks of the first such cell mean."""
        row, column = np.argwhere(self.partly)[0]
        known, every = self.known[row, column], self.all[row, column]
        return f"({known}/{every}): {known} of {every} runs {'has' if known == 1 else 'have'} a value"

    def behind(self, texts: Sequence[Sequence[str]], between: str) -> list[list[str]]:
        """The cells' texts, with the two numbers behind those that are not of all their rows."""
        return [
            [
                f"{text}{between}({self.known[at]}/{self.all[at]})" if self.partly[at] else text
                for column, text in enumerate(line)
                for at in [(row, column)]
            ]
            for row, line in enumerate(texts)
        ]


def _counts(frame: pd.DataFrame, rows: str, columns: str, value: str, cells: pd.DataFrame) -> _Counts:
    known = frame[[rows, columns]].assign(known=np.isfinite(frame[value].to_numpy(dtype=float)))
    groups = known.groupby([rows, columns], sort=False)["known"]
    sums = (one.unstack(columns, fill_value=0) for one in (groups.sum(), groups.size()))
    tables = (one.reindex(index=cells.index, columns=cells.columns, fill_value=0) for one in sums)
    return _Counts(*(one.to_numpy(dtype=np.int64) for one in tables))


def _tell(axes: Axes, what: str) -> None:
    """Writes a line above the map, below what stands there already."""
    axes.set_title(
        "\n".join(one for one in (axes.get_title(loc="left"), what) if one), weight="normal", loc="left"
    )


def _settled_cell_in(axes: Axes, shape: tuple[int, ...]) -> tuple[float, float]:
    """Settles the layout, and returns the width and the height of a cell in inches."""
    figure = figure_of(axes)
    figure.draw_without_rendering()
    box = axes.get_window_extent()
    return box.width / figure.dpi / shape[1], box.height / figure.dpi / shape[0]


def _fit(texts: Sequence[Sequence[str]], cell_in: tuple[float, float]) -> bool:
    """Whether each text has room in its cell."""
    lines = [text.split("\n") for row in texts for text in row]
    widest = max(len(line) for text in lines for line in text)
    return widest * _CHARACTER_IN < cell_in[0] and max(map(len, lines)) * _TEXT_IN < cell_in[1]


def _hatch_halves(axes: Axes, partly: npt.NDArray[np.bool_]) -> None:
    """Hatches the lower right half of cells, and says above the map what it means."""
    for row, column in np.argwhere(partly):
        corners = [(column - 0.5, row + 0.5), (column + 0.5, row + 0.5), (column + 0.5, row - 0.5)]
        axes.add_patch(
            Polygon(corners, facecolor="white", edgecolor=GREY, hatch="xxxxxx", linewidth=0.0, zorder=1.5)
        )
    before, line_break, _ = axes.get_title(loc="left").rpartition("\n")
    told = f"{before}{line_break}half hatched: not all runs have a value"
    axes.set_title(told, weight="normal", loc="left")


def cell_means(frame: pd.DataFrame, rows: str, columns: str, value: str) -> pd.DataFrame:
    """The mean of a value in each cell, [rows, columns]; NaN where there is none.

    Numbers are sorted, texts keep the order of their appearance.
    """
    means = frame.groupby([rows, columns], sort=False)[value].mean().unstack(columns)
    return means.reindex(index=_sorted(frame[rows]), columns=_sorted(frame[columns]))


def _sorted(values: pd.Series[Any]) -> list[Any]:
    distinct = list(dict.fromkeys(values))
    return sorted(distinct) if is_number(values) else distinct


def _names(index: pd.Index[Any]) -> list[str]:
    return short_names([f"{one:g}" if isinstance(one, float) else str(one) for one in index], 24)


def _label(name: str, values: pd.Index[Any]) -> str:
    """What rows or columns are: an axis of numbers with its unit, if it has one."""
    if not is_number(values):
        return shortened(name, 22)
    label = quantity(name, values).label
    return label if len(label) <= 22 else label.replace(" (", "\n(")


def _wrapped(label: str, room_in: float) -> str:
    """An upright label in as many lines as the height of the map asks for."""
    width = max(int(room_in / _CHARACTER_IN), 12)
    if all(len(line) <= width for line in label.split("\n")):
        return label
    return "\n".join(textwrap.wrap(" ".join(label.split()), width))


def _norm(values: FloatArray) -> Normalize:
    low, high = float(values.min()), float(values.max())
    if low > 0.0 and high / low > _LOG_FROM:
        return LogNorm(low, high)
    return (
        Normalize(low, high)
        if high > low
        else Normalize(low - 0.5 * abs(low) - 1e-12, high + 0.5 * abs(high))
    )


def _name_cells(axes: Axes, cells: pd.DataFrame, rows: str, columns: str) -> None:
    """Names rows and columns, and parts the cells by white lines."""
    axes.set_xticks(range(len(cells.columns)), _names(cells.columns))
    axes.set_yticks(range(len(cells.index)), _names(cells.index))
    axes.set_xlabel(_label(columns, cells.columns))
    axes.set_ylabel(_label(rows, cells.index))
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(1, len(cells.columns)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(cells.index)) - 0.5, minor=True)
    axes.tick_params(which="both", length=0.0)
    axes.set_axisbelow(False)
    axes.grid(visible=True, which="minor", color="white", linewidth=1.0)


def _keep_names_apart(axes: Axes, cells: pd.DataFrame, cell_in: tuple[float, float]) -> None:
    """Slants the columns' names where they are wider than a cell, and names each second or third cell of small ones."""
    columns, rows = _names(cells.columns), _names(cells.index)
    slanted = max(map(len, columns)) * _CHARACTER_IN > cell_in[0] - 0.04
    across = math.ceil(_SLANTED_IN / cell_in[0]) if slanted else 1
    down = math.ceil(_TEXT_IN / cell_in[1])
    axes.set_xticks(range(0, len(columns), across), columns[::across])
    axes.set_yticks(range(0, len(rows), down), rows[::down])
    if slanted:
        axes.tick_params(axis="x", labelrotation=30)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def _mark_bar(bar: Axes, norm: Normalize) -> None:
    """Ticks of the colour bar, with plain numbers."""
    if isinstance(norm, LogNorm):
        low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
        mark_logarithmic(bar.yaxis, log_ticks(low, high))
    else:
        bar.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    bar.tick_params(length=0.0)


def _write_numbers(axes: Axes, texts: Sequence[Sequence[str]], scaled: FloatArray, norm: Normalize) -> None:
    """Writes each cell's number, dark or white, whichever stands out more from the cell."""
    colours = colormaps[COLOURS](norm(scaled))[..., :3]
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4) @ _LUMINANCE
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            dark = bool(light[row, column] < _EVEN_LIGHT)
            style: Style = {"ha": "center", "va": "center", "fontsize": LABEL_PT - 0.5}
            axes.text(column, row, text, color="white" if dark else INK, **style)
