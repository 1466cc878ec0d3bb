"""The timeline of a window of iterations, in Chrome's Trace Event format: what is kept of it, written and read back.

``from analysis.trace import read_trace, gantt_frame`` read ``trace.json`` of a run folder; each is loaded when first
asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {"read_trace": "analysis.trace.reading", "gantt_frame": "analysis.trace.gantt"}

__all__ = ["gantt_frame", "read_trace"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the exports are of different types
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'analysis.trace' has no attribute {name!r}")
