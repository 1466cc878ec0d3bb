"""What is measured and how it is shown: records, run folders, metrics, figures.

``from analysis import load_run, load_sweep`` read a run's or a sweep's folder in a notebook; each is loaded when first
asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {"load_run": "analysis.runs", "load_sweep": "analysis.sweeps"}

__all__ = ["load_run", "load_sweep"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the exports are of different types
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
