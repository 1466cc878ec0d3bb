"""A figure of one iteration's timeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.gantt import MOST_ROWS
from analysis.figures.gantt import gantt as draw_gantt
from analysis.plot_style import PAGE_IN, ChoiceError, FigureRun, MissingDataError, styled
from analysis.runs import RunError
from analysis.trace.gantt import gantt_frame
from analysis.trace.reading import TRACE_FILE

_ROW_IN = 0.24


@styled
def gantt(runs: Sequence[FigureRun], iteration: int | None = None) -> Figure:
    """What each device did in one iteration, and what decided how long it took.

    Args:
        runs: exactly one run.
        iteration: its number in the run; None for the first of the trace.

    Returns:
        The figure, a page wide.

    Raises:
        MissingDataError: when the run has no trace.
        ChoiceError: when the trace has not that iteration.
        RunError: when the trace is damaged.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    if not (run.path / TRACE_FILE).is_file():
        raise MissingDataError(
            f"it has no {TRACE_FILE}; trace.iterations of the scenario says how many are traced"
        )
    frame = _frame(run.path, iteration)
    if frame.empty:
        raise MissingDataError("its trace shows nothing")
    figure = Figure(figsize=(PAGE_IN, 0.75 + _ROW_IN * min(frame["device"].nunique(), MOST_ROWS)))
    draw_gantt(frame, figure.add_subplot())
    return figure


def _frame(path: Path, iteration: int | None) -> pd.DataFrame:
    """One iteration of a trace.

    Raises:
        ChoiceError: It is not in the trace.
        RunError: The trace is damaged.
    """
    try:
        return gantt_frame(path, iteration)
    except RunError as error:
        if iteration is None:
            raise
        gantt_frame(path)  # where this fails too, it is not the choice that is at fault
        raise ChoiceError(f"--iteration: {error}") from error
