"""One iteration of a trace, device by device: what each did, for how long it waited, and what decided the latency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.runs import RunError
from analysis.trace.critical_path import Leg, Piece, critical_path
from analysis.trace.instants import NS_PER_S, instants
from analysis.trace.lanes import Interval
from analysis.trace.reading import check_times, damaged, legs_of, load_trace, trace_file

PATH_COLUMNS = ("device", "kind", "what", "start_s", "end_s")
GANTT_COLUMNS = (*PATH_COLUMNS, "on_critical_path")

Row = tuple[str, str, str, float, float]
"""A row without its last column."""


def gantt_frame(path: Path | str, iteration: int | None = None) -> pd.DataFrame:
    """Return what every device did in one iteration, and when it waited.

    Args:
        path: The run folder, or its ``trace.json``.
        iteration: The iteration's number in the run; None for the first of the trace.

    Returns:
        A row for each computation and wait, and two for each message, one of either end: ``device``, ``kind``
        (``compute``, ``transfer`` or ``wait``), ``what``, ``start_s`` and ``end_s`` (simulated seconds since the run
        began, cut off at the iteration's ends), ``on_critical_path``. A device waits while it does nothing else. Rows
        are sorted by device, the server first, and by start. Those on the critical path fill the iteration.

    Raises:
        RunError: The file is missing or damaged, or has not all of that iteration.
    """
    shown = _load(path, iteration)
    critical = {piece.leg for piece in shown.path}
    rows = [(*row, number in critical) for number in range(len(shown.legs)) for row in shown.rows_of(number)]
    rows += shown.waits()
    place = {name: at for at, name in enumerate(shown.devices)}
    rows.sort(key=lambda row: (place[row[0]], *row[3:5]))
    return pd.DataFrame(rows, columns=list(GANTT_COLUMNS))


def critical_path_frame(path: Path | str, iteration: int | None = None) -> pd.DataFrame:
    """Return the critical path of one iteration: what decided how long it took.

    Args:
        path: The run folder, or its ``trace.json``.
        iteration: The iteration's number in the run; None for the first of the trace.

    Returns:
        A row for each leg in order: ``device`` (of a message its sender), ``kind`` (``compute``, ``transfer`` or
        ``wait``), ``what``, ``start_s``, ``end_s``. Each begins where the one before ends, and together they fill the
        iteration.

    Raises:
        RunError: As for :func:`gantt_frame`.
    """
    shown = _load(path, iteration)
    return pd.DataFrame([shown.path_row(piece) for piece in shown.path], columns=list(PATH_COLUMNS))


@dataclass(frozen=True)
class _Iteration:
    """An iteration that is shown.

    Attributes:
        devices: the names of all devices, the server first.
        window: when it begins and ends, nanoseconds.
        legs: what happens in it.
        contents: what each leg computes or carries.
    """

    devices: tuple[str, ...]
    window: Interval
    legs: tuple[Leg, ...]
    contents: tuple[str, ...]
    path: tuple[Piece, ...]

    def path_row(self, piece: Piece) -> Row:
        """Return a piece of the critical path as a row."""
        if piece.leg is None:
            return (self.devices[piece.device], "wait", "wait", *_seconds(piece.span))
        return (*next(self.rows_of(piece.leg))[:3], *_seconds(piece.span))

    def rows_of(self, number: int) -> Iterator[Row]:
        """Yield the row of a computation, or the rows of a message's sender and receiver."""
        leg, what = self.legs[number], self.contents[number]
        times_s = _seconds((max(leg.span[0], self.window[0]), min(leg.span[1], self.window[1])))
        if leg.peer is None:
            yield (self.devices[leg.device], "compute", what, *times_s)
            return
        source, target = self.devices[leg.device], self.devices[leg.peer]
        yield (source, "transfer", f"send {what} to {target}", *times_s)
        yield (target, "transfer", f"receive {what} from {source}", *times_s)

    def waits(self) -> list[tuple[str, str, str, float, float, bool]]:
        """Return when every device did nothing, and whether the critical path waits there."""
        busy: dict[int, list[Interval]] = defaultdict(list)
        for leg in self.legs:
            for device in {leg.device, leg.reached}:
                busy[device].append(leg.span)
        critical = [(piece.device, piece.span) for piece in self.path if piece.leg is None]
        return [
            (
                name,
                "wait",
                "wait",
                *_seconds(span),
                any(at == device and _meet(span, one) for at, one in critical),
            )
            for device, name in enumerate(self.devices)
            for span in _gaps(busy[device], self.window)
        ]


def _load(path: Path | str, iteration: int | None) -> _Iteration:
    """Read one iteration of a trace.

    Raises:
        RunError: The file is missing or damaged, or has not all of that iteration.
    """
    trace = load_trace(path)
    legs = legs_of(path, trace)
    try:
        devices = tuple(map(str, trace["otherData"]["devices"]))
        span_s = np.array(_span_s(path, trace["otherData"], iteration), dtype=np.float64)
        check_times(span_s[:1], span_s[1:])
        begun, ended, (start, end) = instants(legs["start_s"].to_numpy(), legs["end_s"].to_numpy(), span_s)
        inside = (begun < end) & ((ended > start) | (begun >= start))
        place = {name: at for at, name in enumerate(devices)}
        columns = (
            legs["device"][inside],
            legs["peer"][inside],
            begun[inside],
            ended[inside],
            legs["what"][inside],
        )
        rows = zip(*(column.tolist() for column in columns), strict=True)
        told, contents = [], []
        for (device, peer, *times), group in groupby(rows, key=lambda row: row[:4]):
            told.append(Leg(place[device], place[peer] if peer else None, (times[0], times[1])))
            contents.append(" + ".join(dict.fromkeys(row[4] for row in group)))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise damaged(path, error) from error
    window = (int(start), int(end))
    return _Iteration(devices, window, tuple(told), tuple(contents), critical_path(told, window))


def _span_s(path: Path | str, facts: dict[str, Any], iteration: int | None) -> tuple[float, float]:
    """Return when an iteration began and ended.

    Raises:
        RunError: The trace has not all of it.
    """
    known = {int(one["iteration"]): one for one in facts["window"]["iterations"]}
    if not known:
        raise RunError(
            f"{trace_file(path)}: it shows no iteration: the run had none in the window it was to show"
        )
    wanted = min(known) if iteration is None else iteration
    shown = f"it shows {_numbers(known)}; trace.first_iteration and trace.iterations of the scenario choose"
    if wanted not in known:
        raise RunError(f"{trace_file(path)}: no iteration {wanted}: {shown}")
    one, left_out = known[wanted], facts["left_out"]
    if left_out is not None and left_out["from_s"] < one["end_s"]:
        raise RunError(
            f"{trace_file(path)}: iteration {wanted} is not all there: what begins at {left_out['from_s']:.6g} s or "
            "later was left out, to keep the file small"
        )
    return float(one["start_s"]), float(one["end_s"])


def _numbers(iterations: Sequence[int] | dict[int, Any]) -> str:
    first, last = min(iterations), max(iterations)
    return f"iteration {first}" if first == last else f"the iterations {first} to {last}"


def _gaps(busy: Sequence[Interval], window: Interval) -> Iterator[Interval]:
    """Yield the parts of a window in which nothing is done."""
    reached, end = window
    for begun, ended in sorted(busy):
        if begun > reached:
            yield reached, min(begun, end)
        reached = max(reached, ended)
    if reached < end:
        yield reached, end


def _meet(one: Interval, other: Interval) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def _seconds(span: Interval) -> tuple[float, float]:
    return span[0] / NS_PER_S, span[1] / NS_PER_S
