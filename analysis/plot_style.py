"""The one look of all figures: colours, sizes, type, and how a figure is written.

Colours are those of Okabe and Ito ("Color universal design", 2008), told apart by colour-blind
readers; sizes fit one column (3.5 in) or a page (7 in) of a paper with 7 pt type.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Protocol

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.timing import TimedRun

Style = dict[str, Any]
"""Colours, marks and the like, as Matplotlib's functions take them by name."""

_Arguments = ParamSpec("_Arguments")

COLUMN_IN = 3.5
PAGE_IN = 7.0
DOTS_PER_INCH = 300
LABEL_PT = 7.0
INK = "#333333"
GREY = "#8C8C8C"
LIGHT = "#D4D4D4"
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
# Yellow, the eighth of the palette, is too faint for lines on white paper.
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, "#CC79A7", "#56B4E9", "#000000")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
_HATCHES = (None, "/////", ".....", "xxxxx")
_PART_HATCHES = (None, "////", "....", "\\\\\\\\", "xxx", "----", "++")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": LABEL_PT,
    "axes.labelsize": LABEL_PT,
    "axes.titlesize": LABEL_PT,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": LABEL_PT - 0.5,
    "ytick.labelsize": LABEL_PT - 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "grid.color": "#EBEBEB",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.2,
    "legend.fontsize": LABEL_PT - 0.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.4,
    "legend.borderpad": 0.1,
    "patch.linewidth": 0.0,
    "hatch.linewidth": 0.5,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
    "savefig.dpi": DOTS_PER_INCH,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
}


class FigureRun(TimedRun, Protocol):
    """What a figure reads of a run (`analysis.runs.Run` has all of it)."""

    @property
    def path(self) -> Path:
        """The run folder."""

    @property
    def cuts(self) -> pd.DataFrame:
        """Columns client, profile, domain, g_head, g_tail, d_head, d_tail, g_blocks, d_blocks."""

    @property
    def samples(self) -> Mapping[tuple[int, str], Path]:
        """Sample grids by (round, domain)."""


class MissingDataError(ValueError):
    """The run does not hold what a figure shows; the message says what is missing."""


class ChoiceError(ValueError):
    """What was to be shown is not there; the message says what came and what is allowed."""


@dataclass(frozen=True)
class LineLook:
    """Colour and dashes of one curve."""

    colour: str
    dashes: Any


def look(index: int) -> LineLook:
    """The look of the curve of this number: seven colours, then the same with other dashes."""
    return LineLook(COLOURS[index % len(COLOURS)], _DASHES[index // len(COLOURS) % len(_DASHES)])


def overlapping_look(index: int) -> LineLook:
    """The look of a curve that may lie on others: each has other dashes than its neighbours, so that all show."""
    return LineLook(COLOURS[index % len(COLOURS)], _DASHES[index % len(_DASHES)])


def hatch(index: int) -> str | None:
    """The hatch of the bar of this number: none for seven colours, then one for each time that they come again."""
    return _HATCHES[index // len(COLOURS) % len(_HATCHES)]


def part_look(index: int) -> dict[str, Any]:
    """Colour and hatch of the part of this number in a stacked bar: neighbours differ in more than their colour."""
    place = index + index // len(COLOURS)
    return {
        "facecolor": COLOURS[index % len(COLOURS)],
        "hatch": _PART_HATCHES[place % len(_PART_HATCHES)],
        "edgecolor": "white",
    }


def marker(index: int) -> str:
    """The mark of the point of this number: with the colour of `look`, 49 pairs before one comes again."""
    return _MARKERS[(index + index // len(COLOURS)) % len(_MARKERS)]


@contextmanager
def style() -> Iterator[None]:
    """The house style for figures that are made, or saved, inside the block."""
    with mpl.rc_context(_STYLE):
        yield


def styled(draw: Callable[_Arguments, Figure]) -> Callable[_Arguments, Figure]:
    """Makes a figure function draw in the house style, whoever shows the figure later.

    The layout is settled inside the style, because Matplotlib makes ticks only when it first needs them.
    """

    @wraps(draw)
    def draw_in_style(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Figure:
        with style():
            figure = draw(*args, **kwargs)
            figure.draw_without_rendering()
        return figure

    return draw_in_style


def in_style(draw: Callable[_Arguments, Axes]) -> Callable[_Arguments, Axes]:
    """Makes a function that draws on an axes do so in the house style, wherever the axes came from."""

    @wraps(draw)
    def draw_in_style(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Axes:
        with style():
            return draw(*args, **kwargs)

    return draw_in_style


def save(figure: Figure, path: Path) -> list[Path]:
    """Writes a figure as PNG (300 dpi) and PDF, each atomically and without dates.

    Args:
        figure: the figure.
        path: where to, without a suffix; its folder exists.

    Returns:
        The two files.
    """
    written = []
    for suffix, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None})):
        final = path.with_name(path.name + suffix)
        partial = path.with_name(f".{path.name}{suffix}.partial")
        with style():
            figure.savefig(partial, format=suffix[1:], metadata=metadata)
        os.replace(partial, final)
        written.append(final)
    return written


def run_labels(runs: Sequence[FigureRun]) -> list[str]:
    """A short name for each run that tells them apart.

    The scenario's name where that is enough, else with the strategy, else with the seed, else the
    names of the folders, else their whole paths.
    """
    names = [str(run.scenario.get("name", run.path.name)) for run in runs]
    strategies = [str(run.scenario.get("strategy", {}).get("name", "")) for run in runs]
    seeds = [f"seed {run.scenario.get('seed')}" for run in runs]
    candidates = (
        names,
        strategies if len(set(names)) == 1 else [f"{n}, {s}" for n, s in zip(names, strategies, strict=True)],
        [f"{n}, {s}" for n, s in zip(names, seeds, strict=True)],
        [f"{n}, {s}" for n, s in zip(strategies, seeds, strict=True)],
        [run.path.name for run in runs],
    )
    distinct = (labels for labels in candidates if len(set(labels)) == len(runs))
    return next(distinct, [str(run.path) for run in runs])
