"""Time: the simulated world, cut selection, strategies, runs and the command line.

``from simulator import run, latency, explain, retime, compare, sweep`` is the library's front door; each is loaded
when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {
    "run": "simulator.runner",
    "latency": "simulator.timing_only",
    "explain": "simulator.explanation.answer",
    "retime": "simulator.retiming",
    "compare": "simulator.comparison.playing",
    "sweep": "simulator.sweeping.front",
}

__all__ = ["compare", "explain", "latency", "retime", "run", "sweep"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the exports are functions of different types
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
