"""What a figure's frame must hold."""

from __future__ import annotations

import pandas as pd


def need(frame: pd.DataFrame, *columns: str) -> None:
    """Check that a frame has the columns that a figure reads.

    Raises:
        ValueError: One is missing; the message names it, and what is there.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise ValueError(f"frame: has no column {missing[0]!r}; needed: {', '.join(columns)}; it has {there}")


def in_order(names: pd.Series) -> list[str]:
    """The distinct names of a column, in the order of their appearance."""
    return [str(name) for name in dict.fromkeys(names)]
