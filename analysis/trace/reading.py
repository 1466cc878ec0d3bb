"""``trace.json`` of a run folder, read back as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.occupancy import FloatArray
from analysis.runs import RunError
from analysis.tables import Columns, make_table
from analysis.trace.instants import LATEST_S

TRACE_FILE = "trace.json"

LEGS: Columns = {
    "device": "str",
    "kind": "str",
    "what": "str",
    "peer": "str",
    "start_s": "float64",
    "end_s": "float64",
    "bytes": "float64",
    "flops": "float64",
    "round": "int64",
    "iteration": "int64",
}
"""The columns of :func:`read_trace`."""


def read_trace(path: Path | str) -> pd.DataFrame:
    """Read the timeline of a run's window of iterations.

    Args:
        path: The run folder, or its ``trace.json``.

    Returns:
        One row for each computation and for each transfer (a row of the table ``transfers``), by start:
        ``device`` (who computes; who sends), ``kind`` (``compute`` or ``transfer``), ``what`` (what is computed; the
        payload's kind), ``peer`` (who receives; empty for a computation), ``start_s`` and ``end_s`` (simulated seconds
        since the run began), ``bytes`` (sent; 0 for a computation), ``flops`` (done; 0 for a transfer), ``round`` (in
        which it ended), ``iteration`` (in which it began; -1 before the window's first).

    Raises:
        RunError: The file is missing or damaged.
    """
    return legs_of(path, load_trace(path))


def legs_of(path: Path | str, trace: dict[str, Any]) -> pd.DataFrame:
    """Return the table of :func:`read_trace` of a trace that was loaded."""
    rows: list[tuple[Any, ...]] = []
    try:
        for event in trace["traceEvents"]:
            if event.get("cat") == "compute":
                rows.append(_computation(event["name"], event["args"]))
            elif event.get("cat") == "transfer":
                rows.extend(_transfers(event["args"]))
        columns = zip(*rows, strict=True) if rows else ([] for _ in LEGS)
        legs = make_table(LEGS, dict(zip(LEGS, columns, strict=True)))
        check_times(legs["start_s"].to_numpy(), legs["end_s"].to_numpy())
        if not np.isfinite(amounts := legs[["bytes", "flops"]].to_numpy()).all() or (amounts < 0.0).any():
            raise ValueError("bytes and flops must be finite and at least 0")
        return legs
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise damaged(path, error) from error


def check_times(starts_s: FloatArray, ends_s: FloatArray) -> None:
    """Refuses times that nothing can have taken.

    Args:
        starts_s: simulated seconds since the run began.
        ends_s: likewise, of the same shape.

    Raises:
        ValueError: One is not finite, below 0 or beyond what nanoseconds can count, or an end is before its start.
    """
    for times_s in (starts_s, ends_s):
        wrong = times_s[~((times_s >= 0.0) & (times_s <= LATEST_S))]
        if wrong.size:
            raise ValueError(f"a time of {wrong[0]:g} s; allowed: 0 to {LATEST_S:g} s")
    late = starts_s > ends_s
    if late.any():
        raise ValueError(
            f"a time from {starts_s[late][0]:g} s to {ends_s[late][0]:g} s ends before it begins"
        )


def load_trace(path: Path | str) -> dict[str, Any]:
    """Return a trace as it stands in its file.

    Raises:
        RunError: The file is missing or damaged.
    """
    file = trace_file(path)
    try:
        trace = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise RunError(
            f"{file}: no such file; a run leaves one where it finished and trace.iterations is not 0"
        ) from error
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise damaged(path, error) from error
    if not isinstance(trace, dict) or not {"traceEvents", "otherData"} <= trace.keys():
        raise RunError(f"{file}: damaged: it is no trace of a run")
    return trace


def trace_file(path: Path | str) -> Path:
    """Return the trace of a run folder; a path to it is taken as well."""
    path = Path(path)
    return path if path.name == TRACE_FILE else path / TRACE_FILE


def damaged(path: Path | str, error: Exception) -> RunError:
    """Return the error of a trace that cannot be understood."""
    what = f"it has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
    return RunError(f"{trace_file(path)}: damaged: {what}")


def _computation(what: str, args: dict[str, Any]) -> tuple[Any, ...]:
    times = (args["start_s"], args["end_s"])
    return (args["device"], "compute", what, "", *times, 0.0, args["flops"], args["round"], args["iteration"])


def _transfers(args: dict[str, Any]) -> list[tuple[Any, ...]]:
    times, where = (args["start_s"], args["end_s"]), (args["round"], args["iteration"])
    return [
        (args["from"], "transfer", one["kind"], args["to"], *times, one["bytes"], 0.0, *where)
        for one in args["payload"]
    ]
