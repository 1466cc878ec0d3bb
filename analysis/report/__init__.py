"""The report: runs, a comparison or a sweep as one page of HTML that needs no network.

Read first: ``material.py`` (what is reported, whatever the folder), then ``gathering.py`` (folders to material),
``page.py`` (material to HTML) and ``web/`` (template, style and scripts). Loaded when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {"build_report": "analysis.report.page", "write_report": "analysis.report.writing"}

__all__ = ["build_report", "write_report"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the exports are of different types
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
