"""Figures of time, bytes and energy: the phases of an iteration, and what devices did."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.bytes_by_kind import bytes_by_kind as draw_bytes_by_kind
from analysis.figures.columns import in_order
from analysis.figures.devices import PARTS, by_class
from analysis.figures.devices import devices as draw_devices
from analysis.figures.energy import energy as draw_energy
from analysis.figures.phases import phase_name
from analysis.figures.phases import phases as draw_phases
from analysis.figures.stragglers import stragglers as draw_stragglers
from analysis.figures.utilisation import utilisation as draw_utilisation
from analysis.plot_style import COLUMN_IN, PAGE_IN, FigureRun, MissingDataError, run_labels, styled
from analysis.timing import TimedRun, is_client, phase_latency, time_per_device

__all__ = ["bytes_by_kind", "devices", "energy", "phase_name", "phases", "stragglers", "utilisation"]

MOST_CLASSES = 30
"""How many classes of devices have a row."""

_TALLEST_IN = 5.2
_ROW_IN = 0.17


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
    return phases_of(list(zip(run_labels(runs), runs, strict=True)))


@styled
def phases_of(runs: Sequence[tuple[str, TimedRun]]) -> Figure:
    """`phases` of runs with names of their own."""
    tables = []
    for name, run in runs:
        table = phase_latency(run)
        table = table[table["mean_s"] > 0.0]
        if table.empty:
            raise MissingDataError(f"no iteration of {name} has a phase with a duration")
        tables.append(table.assign(series=name))
    if len(tables) == 1:
        figure = Figure(figsize=(COLUMN_IN, 0.55 + 0.23 * len(tables[0])))
    else:
        figure = Figure(figsize=(PAGE_IN, 0.75 + 0.23 * len(tables)))
    draw_phases(pd.concat(tables), figure.add_subplot())
    return figure


@styled
def devices(runs: Sequence[FigureRun]) -> Figure:
    """What each device did over one run: computing, transferring, waiting, and away where some device was.

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
    row_in = min(_ROW_IN, _TALLEST_IN / len(times))
    figure = Figure(figsize=(COLUMN_IN, 0.75 + row_in * len(times)))
    draw_devices(times, figure.add_subplot(), row_in=row_in)
    return figure


@styled
def utilisation(runs: Sequence[FigureRun]) -> Figure:
    """The share of time that each class of devices of one run computed, transferred, waited and was away.

    Args:
        runs: exactly one run.

    Raises:
        MissingDataError: when no device has any time.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    times = _few_classes(by_class(time_per_device(run)))
    parts = [column for column, *_ in PARTS]
    if not (times[parts].sum(axis=1) > 0.0).any():
        raise MissingDataError("no device has any time")
    grouped = times.groupby("device_class", sort=False)
    frame = grouped[parts].sum().assign(devices=grouped.size()).reset_index()
    figure = Figure(figsize=(COLUMN_IN, 0.75 + _ROW_IN * len(frame)))
    draw_utilisation(frame, figure.add_subplot())
    return figure


@styled
def energy(runs: Sequence[FigureRun]) -> Figure:
    """The energy of a client of each class in a round, of one run.

    Args:
        runs: exactly one run.

    Raises:
        MissingDataError: when no client's profile says what it draws.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    clients = _clients(run)
    if not clients["energy_j"].notna().any():
        raise MissingDataError("no client's profile says what the device draws")
    figure = Figure(figsize=(COLUMN_IN, 0.75 + 0.2 * clients["device_class"].nunique()))
    draw_energy(clients, figure.add_subplot())
    return figure


@styled
def stragglers(runs: Sequence[FigureRun]) -> Figure:
    """Who is waited for: the clients' busy time by class, of one run.

    Args:
        runs: exactly one run.

    Raises:
        MissingDataError: when there is no client with any time.
        ValueError: when `runs` is not exactly one run.
    """
    (run,) = runs
    clients = _clients(run)
    clients = clients.assign(busy_s=clients["compute_s"] + clients["transfer_s"])
    if not (clients["elapsed_s"] > 0.0).any():
        raise MissingDataError("no client has any time")
    figure = Figure(figsize=(COLUMN_IN, 0.85 + _ROW_IN * clients["device_class"].nunique()))
    draw_stragglers(clients, figure.add_subplot())
    return figure


def _clients(run: TimedRun) -> pd.DataFrame:
    """The clients' rows of the device table with their class, the classes sorted from the busiest."""
    classes = by_class(time_per_device(run))
    clients = run.devices[run.devices["device"].map(is_client).astype(bool)]
    of_device = dict(zip(classes["device"], classes["device_class"], strict=True))
    place = {name: at for at, name in enumerate(dict.fromkeys(classes["device_class"]))}
    clients = clients.assign(device_class=clients["device"].map(of_device))
    return _few_classes(
        clients.sort_values("device_class", key=lambda names: names.map(place), kind="stable")
    )


def _few_classes(table: pd.DataFrame) -> pd.DataFrame:
    """Puts all classes after the first ones under one name, so that a figure with a row a class stays on a page."""
    names = in_order(table["device_class"])
    if len(names) <= MOST_CLASSES:
        return table
    kept = names[: MOST_CLASSES - 1]
    other = f"{len(names) - len(kept)} other classes"
    return table.assign(device_class=table["device_class"].where(table["device_class"].isin(kept), other))


def bytes_by_kind(runs: Sequence[FigureRun]) -> Figure:
    """Bytes that a mean round sends, by the kind of payload; a stacked bar a run.

    Args:
        runs: at least one run.

    Raises:
        MissingDataError: when no run has sent a byte.
    """
    return bytes_by_kind_of(list(zip(run_labels(runs), runs, strict=True)))


@styled
def bytes_by_kind_of(runs: Sequence[tuple[str, TimedRun]]) -> Figure:
    """`bytes_by_kind` of runs with names of their own."""
    tables = []
    for name, run in runs:
        sums = run.transfers.groupby("kind", sort=False)["bytes"].sum() / max(
            run.devices["round"].nunique(), 1
        )
        tables.append(sums.reset_index().assign(series=name))
    frame = pd.concat(tables)
    if not (frame["bytes"] > 0.0).any():
        raise MissingDataError("nothing was sent")
    figure = Figure(figsize=(PAGE_IN, 0.75 + 0.23 * len(runs)))
    draw_bytes_by_kind(frame, figure.add_subplot())
    return figure
