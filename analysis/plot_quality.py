"""Figures of learning: FID against simulated time (the headline) and the losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.latency_fid import latency_fid as draw_latency_fid
from analysis.figures.losses import losses as draw_losses
from analysis.plot_panels import quality_by_domain
from analysis.plot_style import COLUMN_IN, FigureRun, MissingDataError, run_labels, styled
from analysis.timing import TimedRun


@styled
def latency_fid(runs: Sequence[FigureRun]) -> Figure:
    """FID of each domain against simulated time, on a logarithmic scale, with its floor.

    One run: one panel, a curve for each domain, named and valued at its end. Several runs: a panel
    for each domain, a curve for each run. The hollow first point is the untrained generator; the
    dashed floor is the FID of held-out real images.

    Args:
        runs: at least one run.

    Returns:
        The figure: one column wide for one panel, else a page wide.

    Raises:
        MissingDataError: when no run has a positive FID.
    """
    if len(runs) > 1:
        return quality_by_domain(fid_frame(list(zip(run_labels(runs), runs, strict=True))))
    frame = fid_frame([("", runs[0])])
    figure = Figure(figsize=(COLUMN_IN, 2.5))
    draw_latency_fid(frame.assign(series=frame["domain"]), figure.add_subplot(), name_ends=True)
    return figure


def fid_frame(runs: Sequence[tuple[str, TimedRun]], *, common_floor: bool = False) -> pd.DataFrame:
    """FID of runs as `analysis.figures.latency_fid` reads it.

    Args:
        runs: the name of each run's series, and the run; those of one series differ in their seeds.
        common_floor: whether a domain's floor is the mean over all runs, instead of over those of a series.

    Returns:
        Columns ``series``, ``seed``, ``round``, ``sim_time_s``, ``domain``, ``value`` and ``floor`` (NaN where
        it was not measured), in the order of runs, domains and rounds.

    Raises:
        MissingDataError: when no run has a positive FID.
    """
    tables = [
        _positive(run.metrics, "fid").assign(series=name, seed=at) for at, (name, run) in enumerate(runs)
    ]
    floors = [_positive(run.metrics, "fid_floor").assign(series=name) for name, run in runs]
    frame = pd.concat(tables)
    if frame.empty:
        raise MissingDataError("metric 'fid' has no value: nothing was trained, or fid is not measured")
    keys = ["domain"] if common_floor else ["series", "domain"]
    floor = pd.concat(floors).groupby(keys, as_index=False).agg(floor=("value", "mean"))
    columns = ["series", "seed", "round", "sim_time_s", "domain", "value", "floor"]
    return frame.merge(floor, on=keys, how="left")[columns]


def _positive(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of one metric that a logarithmic axis can show, in the order of rounds."""
    values = metrics["value"].to_numpy(dtype=float)
    shown = (metrics["metric"] == metric) & np.isfinite(values) & (values > 0.0)
    rows: pd.DataFrame = metrics[shown]
    return rows.sort_values("round", kind="stable")


@styled
def losses(runs: Sequence[FigureRun]) -> Figure:
    """Losses of generator and discriminator against simulated time, for one run.

    Args:
        runs: exactly one run.

    Returns:
        The figure, one column wide.

    Raises:
        MissingDataError: when no iteration has a finite loss, as in a timing-only run.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    columns = ["generator_loss", "discriminator_loss"]
    table = run.iterations[np.isfinite(run.iterations[columns].to_numpy(dtype=float)).all(axis=1)]
    if table.empty:
        raise MissingDataError("no iteration has losses: was execution.training false?")
    figure = Figure(figsize=(COLUMN_IN, 2.3))
    draw_losses(table, figure.add_subplot())
    return figure
