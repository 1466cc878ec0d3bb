"""Figures of time: the phases of an iteration, and what each device did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.plot_axes import label_rows, legend_columns, set_time_axis
from analysis.plot_style import (
    BLUE,
    COLUMN_IN,
    GREY,
    INK,
    LABEL_PT,
    LIGHT,
    ORANGE,
    PAGE_IN,
    FigureRun,
    MissingDataError,
    look,
    run_labels,
    styled,
)
from analysis.readable import TimeUnit, duration_text, percent_text
from analysis.timing import SERVER_NAME, is_client, phase_latency, time_per_device

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
_PARTS = (
    ("compute_s", "computing", BLUE),
    ("transfer_s", "transferring", ORANGE),
    ("wait_s", "waiting", LIGHT),
    ("off_s", "away", GREY),
)
# A row below this height cannot carry a line of text; its group is named instead.
_TEXT_ROW_IN = 0.13
_TALLEST_IN = 5.2


def phase_name(phase: str) -> str:
    """The phase as figures name it; unknown ones with spaces for underscores."""
    return _PHASE_NAMES.get(phase, phase.replace("_", " ").capitalize())


@styled
def phases(runs: Sequence[FigureRun]) -> Figure:
    """Mean duration of the phases of an iteration.

    One run: one bar below the other, each starting where the phase before it ended. Several runs: one
    stacked bar a run. A phase that happens once a round is shared out over the round's iterations.

    Args:
        runs: at least one run.

    Returns:
        The figure: one column wide for one run, else a page wide.

    Raises:
        MissingDataError: when a run has no phase with a duration.
    """
    tables = [phase_latency(run) for run in runs]
    tables = [table[table["mean_s"] > 0.0].reset_index(drop=True) for table in tables]
    for run, table in zip(runs, tables, strict=True):
        if table.empty:
            raise MissingDataError(f"{run.path}: no iteration has a phase with a duration")
    return _waterfall(tables[0]) if len(runs) == 1 else _stacked(tables, run_labels(runs))


def _waterfall(table: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(COLUMN_IN, 0.55 + 0.23 * len(table)))
    axes = figure.add_subplot()
    total_s = float(table["mean_s"].sum())
    unit = set_time_axis(axes, total_s, "Time within the mean iteration")
    start_s = 0.0
    for row, (_, mean_s, share) in enumerate(table.itertuples(index=False)):
        colour = look(row).colour
        axes.barh(row, mean_s / unit.seconds, left=start_s / unit.seconds, color=colour, height=0.72)
        text = f"{duration_text(mean_s)} ({percent_text(share)})"
        end_s = start_s + mean_s
        if total_s - end_s >= start_s:
            _beside(axes, row, end_s / unit.seconds, text, right=True)
        else:
            _beside(axes, row, start_s / unit.seconds, text, right=False)
        start_s = end_s
    axes.set_yticks(range(len(table)), [phase_name(phase) for phase in table["phase"]])
    axes.set_xlim(0.0, total_s / unit.seconds)
    _rows_from_top(axes, len(table))
    return figure


def _beside(axes: Axes, row: int, end: float, text: str, *, right: bool) -> None:
    """Writes a bar's value beside one of its ends: right of the right one, or left of the left one."""
    axes.annotate(
        text,
        xy=(end, row),
        xytext=(3.0 if right else -3.0, 0.0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        fontsize=LABEL_PT - 0.5,
        annotation_clip=False,
    )


def _stacked(tables: Sequence[pd.DataFrame], labels: Sequence[str]) -> Figure:
    names = list(dict.fromkeys(str(phase) for table in tables for phase in table["phase"]))
    figure = Figure(figsize=(PAGE_IN, 0.75 + 0.23 * len(tables)))
    axes = figure.add_subplot()
    longest_s = max(float(table["mean_s"].sum()) for table in tables)
    unit = set_time_axis(axes, longest_s, "Mean duration of an iteration")
    for row, table in enumerate(tables):
        start_s = 0.0
        for phase, mean_s, _ in table.itertuples(index=False):
            colour = look(names.index(str(phase))).colour
            axes.barh(row, mean_s / unit.seconds, left=start_s / unit.seconds, color=colour, height=0.72)
            start_s += mean_s
        _beside(axes, row, start_s / unit.seconds, duration_text(start_s), right=True)
    axes.set_yticks(range(len(tables)), labels)
    axes.set_xlim(0.0, longest_s / unit.seconds)
    _rows_from_top(axes, len(tables))
    handles = [Patch(color=look(i).colour, label=phase_name(name)) for i, name in enumerate(names)]
    columns = legend_columns(PAGE_IN, [phase_name(name) for name in names])
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


def _right_of_axes(axes: Axes, row: float, text: str) -> None:
    axes.annotate(
        text,
        xy=(1.0, row),
        xycoords=("axes fraction", "data"),
        xytext=(3.0, 0.0),
        textcoords="offset points",
        va="center",
        fontsize=LABEL_PT - 0.5,
        annotation_clip=False,
    )


def _rows_from_top(axes: Axes, rows: int) -> None:
    """Turns the y axis over, so that the first row is on top, and hides its line."""
    axes.set_ylim(rows - 0.5, -0.5)
    axes.tick_params(axis="y", length=0.0)
    axes.spines["left"].set_visible(False)


@styled
def devices(runs: Sequence[FigureRun]) -> Figure:
    """What each device did over one run: computing, transferring, waiting, and away where some device was.

    The server is on top, then edge servers where there are some, then the clients by profile, the busiest
    profile and within it the busiest client first. Few devices are named row by row, with their busy share;
    many are named by profile, with the mean busy share of its devices.

    Args:
        runs: exactly one run.

    Returns:
        The figure, one column wide.

    Raises:
        MissingDataError: when the device table is empty.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    times = time_per_device(run)
    if times.empty:
        raise MissingDataError("the device table is empty")
    times = _by_profile(times)
    row_in = min(0.17, _TALLEST_IN / len(times))
    figure = Figure(figsize=(COLUMN_IN, 0.75 + row_in * len(times)))
    axes = figure.add_subplot()
    total_s = float(times[[column for column, _, _ in _PARTS]].sum(axis=1).max())
    unit = set_time_axis(axes, total_s)
    _bars(axes, times, unit, solid=row_in < _TEXT_ROW_IN)
    axes.set_xlim(0.0, total_s / unit.seconds if total_s > 0.0 else 1.0)
    _rows_from_top(axes, len(times))
    labels = _device_labels(times) if row_in >= _TEXT_ROW_IN else _profile_labels(times)
    _row_labels(axes, labels, row_in)
    handles = [Patch(color=colour, label=name) for _, name, colour in _parts(times)]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _parts(times: pd.DataFrame) -> list[tuple[str, str, str]]:
    """The parts of a bar: column, name, colour. Where nobody was ever away, the figure does not speak of it."""
    return [part for part in _PARTS if part[0] != "off_s" or (times["off_s"] > 0.0).any()]


def _by_profile(times: pd.DataFrame) -> pd.DataFrame:
    """Sorted for the figure, with the columns ``busy_s``, ``busy_share`` and ``group`` added."""
    busy_s = times["compute_s"] + times["transfer_s"]
    elapsed_s = busy_s + times["wait_s"] + times["off_s"]
    is_server = times["device"] == SERVER_NAME
    is_of_client = times["device"].map(is_client).astype(bool)
    profile = times["profile"].astype(str)
    group = profile.where(is_of_client, "edge, " + profile).where(~is_server, SERVER_NAME)
    sorted_times = times.assign(
        busy_s=busy_s,
        busy_share=np.divide(busy_s, elapsed_s, out=np.zeros(len(times)), where=elapsed_s.to_numpy() > 0.0),
        group=group,
        tier=(~is_server).astype(int) + is_of_client,  # server, edge servers, clients
        group_busy_s=busy_s.groupby(group).transform("mean"),
    ).sort_values(
        ["tier", "group_busy_s", "group", "busy_s"], ascending=[True, False, True, False], kind="stable"
    )
    return sorted_times.reset_index(drop=True)


def _bars(axes: Axes, times: pd.DataFrame, unit: TimeUnit, *, solid: bool) -> None:
    """One stacked bar a row; `solid` draws thin rows without gaps, as areas (any number of rows)."""
    edges = np.append(np.arange(len(times)) - 0.5, len(times) - 0.5)
    left = np.zeros(len(times))
    for column, _, colour in _parts(times):
        right = left + times[column].to_numpy(dtype=float) / unit.seconds
        if solid:
            spans = [np.append(values, values[-1]) for values in (left, right)]
            axes.fill_betweenx(edges, spans[0], spans[1], step="post", color=colour, linewidth=0.0)
        else:
            axes.barh(np.arange(len(times)), right - left, left=left, color=colour, height=0.78)
        left = right
    if solid:
        changes = np.flatnonzero(times["group"].to_numpy()[1:] != times["group"].to_numpy()[:-1])
        axes.hlines(changes + 0.5, 0.0, float(left.max()), color="white", linewidth=0.6)


def _device_labels(times: pd.DataFrame) -> list[tuple[float, str, str]]:
    return [
        (float(row), f"{device} ({profile})" if device != SERVER_NAME else str(device), percent_text(share))
        for row, (device, profile, share) in enumerate(
            times[["device", "profile", "busy_share"]].itertuples(index=False)
        )
    ]


def _profile_labels(times: pd.DataFrame) -> list[tuple[float, str, str]]:
    labels = []
    for group, rows in times.groupby("group", sort=False):
        name = str(group) if group == SERVER_NAME else f"{group} ({len(rows)})"
        labels.append((float(rows.index.to_numpy().mean()), name, percent_text(rows["busy_share"].mean())))
    return labels


def _row_labels(axes: Axes, labels: Sequence[tuple[float, str, str]], row_in: float) -> None:
    """Names to the left and busy shares to the right of rows, kept apart from each other."""
    places = label_rows(axes, [row for row, _, _ in labels], [name for _, name, _ in labels], row_in)
    for place, (_, _, share) in zip(places, labels, strict=True):
        _right_of_axes(axes, place, share)
    # The first share may stand out above thin rows; the heading clears it.
    above_pt = max(2.0, 0.6 * LABEL_PT - 36.0 * row_in + 3.0)
    axes.annotate(
        "busy",
        xy=(1.0, 1.0),
        xycoords="axes fraction",
        xytext=(3.0, above_pt),
        textcoords="offset points",
        fontsize=LABEL_PT - 0.5,
        color=INK,
        annotation_clip=False,
    )
