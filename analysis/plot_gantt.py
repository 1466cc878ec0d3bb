"""A figure of one iteration's timeline."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis.figures.gantt import MOST_ROWS
from analysis.figures.gantt import gantt as draw_gantt
from analysis.plot_style import PAGE_IN, FigureRun, MissingDataError, styled
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
        RunError: when the trace is damaged, or has not that iteration.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    if not (run.path / TRACE_FILE).is_file():
        raise MissingDataError(
            f"it has no {TRACE_FILE}; trace.iterations of the scenario says how many are traced"
        )
    frame = gantt_frame(run.path, iteration)
    if frame.empty:
        raise MissingDataError("its trace shows nothing")
    figure = Figure(figsize=(PAGE_IN, 0.75 + _ROW_IN * min(frame["device"].nunique(), MOST_ROWS)))
    draw_gantt(frame, figure.add_subplot())
    return figure
