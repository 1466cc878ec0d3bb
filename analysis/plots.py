"""The figures by name: draw one kind for one or several runs and write it as PNG and PDF."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from matplotlib.figure import Figure

from analysis.plot_cuts import cuts
from analysis.plot_presence import presence
from analysis.plot_quality import latency_fid, losses
from analysis.plot_samples import sample_grid_png, samples, save_sample_grid
from analysis.plot_style import FigureRun, MissingDataError, run_labels, save
from analysis.plot_time import devices, phases

__all__ = [
    "FIGURES",
    "JOINING",
    "ON_REQUEST",
    "FigureRun",
    "MissingDataError",
    "draw",
    "sample_grid_png",
    "save_sample_grid",
]

_log = logging.getLogger(__name__)

FigureFunction = Callable[[Sequence[FigureRun]], Figure]

FIGURES: Mapping[str, FigureFunction] = MappingProxyType(
    {
        "latency_fid": latency_fid,
        "phases": phases,
        "devices": devices,
        "cuts": cuts,
        "samples": samples,
        "losses": losses,
    }
)
"""What each kind of figure is drawn by that every run gets."""

ON_REQUEST: Mapping[str, FigureFunction] = MappingProxyType({"presence": presence})
"""The kinds that are drawn when they are asked for: most runs have nothing to show in them."""

JOINING = frozenset({"latency_fid", "phases", "presence"})
"""Kinds that show several runs in one figure; the others make one figure a run."""


def draw(kind: str, runs: Sequence[FigureRun], out_dir: Path) -> list[Path]:
    """Draws one kind of figure and writes it as PNG and PDF.

    A figure whose data a run does not hold is skipped, and a warning says what is missing.

    Args:
        kind: a key of `FIGURES` or of `ON_REQUEST`.
        runs: the runs to show, at least one. Kinds in `JOINING` put them into one figure
            ``<kind>``, the others make ``<kind>`` of a single run or ``<kind>-<number>`` of each, in
            the order given and counted from 1.
        out_dir: the folder to write to; made when it is not there.

    Returns:
        The files written, PNG before PDF.

    Raises:
        ValueError: when the kind is unknown or there is no run.
    """
    kinds = [*FIGURES, *ON_REQUEST]
    if kind not in kinds:
        near = get_close_matches(kind, kinds, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"kind: got {kind!r}; allowed are {', '.join(kinds)}{hint}")
    if not runs:
        raise ValueError("runs: got none; allowed is one run or more")
    out_dir.mkdir(parents=True, exist_ok=True)
    if kind in JOINING or len(runs) == 1:
        return _draw_one(kind, runs, out_dir / kind)
    written = []
    for number, run in enumerate(runs, start=1):
        written += _draw_one(kind, [run], out_dir / f"{kind}-{number}")
    return written


def _draw_one(kind: str, runs: Sequence[FigureRun], path: Path) -> list[Path]:
    try:
        figure = {**FIGURES, **ON_REQUEST}[kind](runs)
    except MissingDataError as missing:
        _log.warning("figure %s of %s skipped: %s", kind, ", ".join(run_labels(runs)), missing)
        return []
    return save(figure, path)
