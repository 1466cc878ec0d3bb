"""The figures by name: draw one kind for runs, for a comparison or for a sweep, and write it as PNG and PDF."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import MappingProxyType

from matplotlib.figure import Figure

from analysis import plot_study
from analysis.plot_comparisons import (
    COMPARISON_FIGURES,
    COMPARISON_FILE,
    latencies_of,
    runs_of,
    study_of_comparison,
)
from analysis.plot_cuts import cuts
from analysis.plot_gantt import gantt
from analysis.plot_options import takers
from analysis.plot_presence import presence
from analysis.plot_quality import latency_fid, losses
from analysis.plot_samples import sample_grid_png, samples, save_sample_grid
from analysis.plot_study import AS_IT_IS, Choice, Study
from analysis.plot_style import ChoiceError, FigureRun, MissingDataError, run_labels, save
from analysis.plot_sweep import study_of_sweep
from analysis.plot_time import (
    bytes_by_kind,
    bytes_by_kind_of,
    devices,
    energy,
    phases,
    phases_of,
    stragglers,
    utilisation,
)
from analysis.runs import SCENARIO_FILE
from analysis.sweeps import SWEEP_FILE, Sweep

__all__ = [
    "FIGURES",
    "JOINING",
    "KINDS",
    "MARKS",
    "MODULES",
    "ON_REQUEST",
    "SWEEP_FIGURES",
    "Choice",
    "ChoiceError",
    "FigureRun",
    "MissingDataError",
    "draw",
    "draw_comparison_folder",
    "draw_sweep",
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

ON_REQUEST: Mapping[str, FigureFunction] = MappingProxyType(
    {
        "presence": presence,
        "gantt": gantt,
        "stragglers": stragglers,
        "utilisation": utilisation,
        "energy": energy,
        "bytes_by_kind": bytes_by_kind,
    }
)
"""The kinds that are drawn of a run when they are asked for."""

STUDY_FIGURES: Mapping[str, Callable[[Study, Choice], Figure]] = MappingProxyType(
    {
        "latency_fid": plot_study.latency_fid,
        "pareto": plot_study.pareto,
        "heat_map": plot_study.heat_map,
        "time_to_target": plot_study.time_to_target,
        "scaling": plot_study.scaling,
    }
)
"""What each kind of figure of a study is drawn by; a sweep gets them all, a comparison some."""

SWEEP_FIGURES = tuple(STUDY_FIGURES)

JOINING = frozenset({"latency_fid", "phases", "presence", "bytes_by_kind"})
"""Kinds that show several runs in one figure; the others make one figure a run."""

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"run": (*FIGURES, *ON_REQUEST), "comparison": COMPARISON_FIGURES, "sweep": SWEEP_FIGURES}
)
"""The kinds of figures of a run, a comparison and a sweep."""

MARKS: Mapping[str, str] = MappingProxyType(
    {"run": SCENARIO_FILE, "comparison": COMPARISON_FILE, "sweep": SWEEP_FILE}
)
"""The file that says what a folder is of."""

MODULES: Mapping[str, str] = MappingProxyType({"cuts": "cut_map", "samples": "sample_grid"})
"""The module of `analysis.figures` that draws a kind, where it has not the kind's name."""


def draw(kind: str, runs: Sequence[FigureRun], out_dir: Path, *, iteration: int | None = None) -> list[Path]:
    """Draws one kind of figure and writes it as PNG and PDF.

    A figure whose data a run does not hold is skipped, and a warning says what is missing.

    Args:
        kind: a key of `FIGURES` or of `ON_REQUEST`.
        runs: the runs to show, at least one. Kinds in `JOINING` put them into one figure
            ``<kind>``, the others make ``<kind>`` of a single run or ``<kind>-<number>`` of each, in
            the order given and counted from 1.
        out_dir: the folder to write to; made when it is not there.
        iteration: which iteration ``gantt`` shows; by default the first of the trace.

    Returns:
        The files written, PNG before PDF.

    Raises:
        ValueError: when the kind is unknown or there is no run.
    """
    kinds = KINDS["run"]
    if kind not in kinds:
        near = get_close_matches(kind, kinds, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"kind: got {kind!r}; allowed are {', '.join(kinds)}{hint}")
    if not runs:
        raise ValueError("runs: got none; allowed is one run or more")
    function = partial(gantt, iteration=iteration) if kind == "gantt" else {**FIGURES, **ON_REQUEST}[kind]
    if kind in JOINING or len(runs) == 1:
        return _draw_one(kind, runs, function, out_dir / kind)
    written = []
    for number, run in enumerate(runs, start=1):
        written += _draw_one(kind, [run], function, out_dir / f"{kind}-{number}")
    return written


def _draw_one(kind: str, runs: Sequence[FigureRun], function: FigureFunction, path: Path) -> list[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = _made(kind, ", ".join(run_labels(runs)), lambda: function(runs))
    return save(figure, path) if figure else []


def _made(kind: str, of: str, make: Callable[[], Figure]) -> Figure | None:
    """Makes a figure; where its data are missing, a warning says so and there is none."""
    try:
        return make()
    except MissingDataError as missing:
        _log.warning("figure %s of %s skipped: %s", kind, of, missing)
        return None


def _draw_chosen(
    source: str, of: str, makers: Mapping[str, Callable[[], Figure]], choice: Choice, out_dir: Path
) -> list[Path]:
    """Draws several kinds; one that does not know what was chosen is skipped and logged.

    Nothing is written before all are made: what no kind knows is refused, and leaves no files.

    Raises:
        ChoiceError: Something was chosen that none of the kinds which take it knows.
    """
    figures: dict[str, Figure] = {}
    refused: dict[str, ChoiceError] = {}
    for kind, make in makers.items():
        try:
            figure = _made(kind, of, make)
        except ChoiceError as error:
            refused[kind] = error
            continue
        if figure is not None:
            figures[kind] = figure
    for option in choice.given:
        asked = takers(source, list(makers), option)
        if asked and refused.keys() >= set(asked):
            raise refused[asked[-1]]
    for kind, why in refused.items():
        _log.warning("figure %s of %s skipped: %s", kind, of, why)
    out_dir.mkdir(parents=True, exist_ok=True)
    return [path for kind, figure in figures.items() for path in save(figure, out_dir / kind)]


def draw_sweep(
    sweep: Sweep, out_dir: Path, kinds: Sequence[str] = SWEEP_FIGURES, choice: Choice = AS_IT_IS
) -> list[Path]:
    """Draws figures of a sweep, as PNG and PDF; one whose data are missing is skipped and logged.

    Args:
        sweep: the sweep.
        out_dir: the folder to write to; made when it is not there.
        kinds: of `SWEEP_FIGURES`.
        choice: what they show, where it is not what they show by themselves.

    Returns:
        The files written.

    Raises:
        ChoiceError: when what was chosen is not there: no kind that takes it knows it.
    """
    study = study_of_sweep(sweep)
    makers = {kind: partial(STUDY_FIGURES[kind], study, choice) for kind in kinds}
    return _draw_chosen("sweep", study.name, makers, choice, out_dir)


def draw_comparison_folder(
    folder: Path,
    out_dir: Path,
    kinds: Sequence[str] = COMPARISON_FIGURES,
    choice: Choice = AS_IT_IS,
) -> list[Path]:
    """Draws figures of a comparison from its folder, as PNG and PDF; one whose data are missing is skipped and logged.

    The phases and the bytes are those of each strategy's first seed: they do not depend on it where nobody leaves.

    Args:
        folder: the comparison's.
        out_dir: the folder to write to; made when it is not there.
        kinds: of `COMPARISON_FIGURES`.
        choice: what they show, where it is not what they show by themselves.

    Returns:
        The files written.

    Raises:
        ChoiceError: when what was chosen is not there: no kind that takes it knows it.
        RunError: when the comparison or one of its runs is missing or damaged.
    """
    of_runs = {"phases": phases_of, "bytes_by_kind": bytes_by_kind_of}
    runs = runs_of(folder) if set(kinds) & {*STUDY_FIGURES, *of_runs} else {}
    study = study_of_comparison(folder, runs) if set(kinds) & set(STUDY_FIGURES) else None
    makers: dict[str, Callable[[], Figure]] = {}
    for kind in kinds:
        if study is not None and kind in STUDY_FIGURES:
            makers[kind] = partial(STUDY_FIGURES[kind], study, choice)
        elif kind in of_runs:
            makers[kind] = partial(of_runs[kind], [(name, own[0]) for name, own in runs.items()])
        else:
            makers[kind] = partial(latencies_of, [folder])
    return _draw_chosen("comparison", folder.name, makers, choice, out_dir)
