"""One iteration of a run, device by device, from its trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.runs import RunError
from analysis.trace import gantt_frame

TRACE_FILE = "trace.json"

KINDS = ("wait", "transfer", "compute")
"""In the order in which they are drawn, one over the other."""

MOST_BARS = 3000
"""More than this no screen can show; the trace itself opens in a viewer of its own."""


def timeline_of(folder: Path) -> dict[str, Any] | None:
    """What every device did in the first iteration that a run's trace shows.

    Args:
        folder: the run folder.

    Returns:
        None where the run has no trace. ``why_not`` where the trace cannot be shown, in words; else ``devices``,
        ``whats`` (texts), ``start_s`` of the iteration, and ``bars``, a list of [device, kind, what, start_s, end_s,
        critical] with numbers for the first three (of ``devices``, :data:`KINDS` and ``whats``) and times since the
        iteration began.
    """
    if not (folder / TRACE_FILE).is_file():
        return None
    try:
        frame = gantt_frame(folder)
    except RunError as error:
        return {"why_not": str(error)}
    if len(frame) > MOST_BARS:
        return {
            "why_not": f"{len(frame):,} bars are too many for a page: open {TRACE_FILE} in ui.perfetto.dev"
        }
    devices = list(dict.fromkeys(str(one) for one in frame["device"]))
    whats = list(dict.fromkeys(str(one) for one in frame["what"]))
    begun_s = float(frame["start_s"].min()) if len(frame) else 0.0
    bars = [
        [
            devices.index(str(row.device)),
            KINDS.index(str(row.kind)),
            whats.index(str(row.what)),
            float(row.start_s) - begun_s,
            float(row.end_s) - begun_s,
            bool(row.on_critical_path),
        ]
        for row in frame.itertuples()
    ]
    return {"devices": devices, "whats": whats, "start_s": begun_s, "bars": bars}
