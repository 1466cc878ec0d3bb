"""The tables of a run: their names, columns and column types, in one place.

:mod:`analysis.records` fills them, :mod:`analysis.runs` writes and reads them, :mod:`analysis.digests`
hashes them. A table may carry further columns (iterations carry their phases); the ones listed here are always there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

ColumnType = Literal["int64", "float64", "str"]
Columns = Mapping[str, ColumnType]

METRICS: Columns = MappingProxyType(
    {
        "round": "int64",
        "sim_time_s": "float64",
        "bytes": "float64",
        "domain": "str",
        "metric": "str",
        "value": "float64",
    }
)
ITERATIONS: Columns = MappingProxyType(
    {
        "round": "int64",
        "iteration": "int64",
        "start_s": "float64",
        "end_s": "float64",
        "iteration_latency_s": "float64",
        "aggregation_s": "float64",
        "discriminator_loss": "float64",
        "generator_loss": "float64",
    }
)
DEVICES: Columns = MappingProxyType(
    {
        "round": "int64",
        "device": "str",
        "profile": "str",
        "compute_s": "float64",
        "transfer_s": "float64",
        "wait_s": "float64",
        "off_s": "float64",
        "elapsed_s": "float64",
        "uplink_bytes": "float64",
        "downlink_bytes": "float64",
        "lost_bytes": "float64",
        "work_flops": "float64",
        "lost_flops": "float64",
        "energy_j": "float64",
        "memory_bytes": "float64",
    }
)
TRANSFERS: Columns = MappingProxyType(
    {
        "round": "int64",
        "source": "str",
        "target": "str",
        "kind": "str",
        "bytes": "float64",
        "lost_bytes": "float64",
        "start_s": "float64",
        "end_s": "float64",
    }
)
TRANSFERS_SUMMARY: Columns = MappingProxyType(
    {
        "round": "int64",
        "source": "str",
        "target": "str",
        "kind": "str",
        "transfers": "int64",
        "bytes": "float64",
        "lost_bytes": "float64",
        "transfer_s": "float64",
    }
)
COMMITS: Columns = MappingProxyType(
    {
        "seq": "int64",
        "time_s": "float64",
        "kind": "str",
        "clients": "str",
        "passes": "str",
        "info": "str",
        "decision": "str",
    }
)
WALLCLOCK: Columns = MappingProxyType({"round": "int64", "what": "str", "seconds": "float64"})
UNCUT: Columns = MappingProxyType({"client": "str", "profile": "str", "domain": "str"})
"""The columns of ``cuts.csv`` of a strategy that cuts no network."""

CUTS: Columns = MappingProxyType(
    {
        **UNCUT,
        "g_head": "int64",
        "g_tail": "int64",
        "d_head": "int64",
        "d_tail": "int64",
        "g_blocks": "int64",
        "d_blocks": "int64",
    }
)

TABLE_NAMES = ("metrics", "iterations", "devices", "transfers", "commits", "wallclock", "cuts")
"""Every table of a run folder; all are parquet files but ``cuts``, which is ``cuts.csv``."""

_COLUMNS: Mapping[str, tuple[Columns, ...]] = MappingProxyType(
    {
        "metrics": (METRICS,),
        "iterations": (ITERATIONS,),
        "devices": (DEVICES,),
        "transfers": (TRANSFERS, TRANSFERS_SUMMARY),
        "commits": (COMMITS,),
        "wallclock": (WALLCLOCK,),
        "cuts": (CUTS, UNCUT),
    }
)

_ADDED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "devices": frozenset({"off_s", "lost_bytes", "lost_flops", "energy_j", "memory_bytes"}),
        "transfers": frozenset({"lost_bytes"}),
    }
)
"""Columns that the tables of older versions do not have."""


class OtherVersionError(ValueError):
    """A table is whole but for columns that only later versions write."""


def make_table(columns: Columns, values: Mapping[str, Any]) -> pd.DataFrame:
    """Build a table whose columns have exactly the stated types, in the stated order.

    Args:
        columns: Column names and types.
        values: One sequence or array per column, all of one length.

    Returns:
        The table; an empty one keeps its column types.

    Raises:
        ValueError: A column has no values or a sequence's length differs.
        OverflowError, TypeError: A value does not fit its column's type.
    """
    missing = [name for name in columns if name not in values]
    if missing:
        raise ValueError(f"no values for the columns {missing}; needed: {list(columns)}")
    lengths = {name: len(values[name]) for name in columns}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of one table need one length, got {lengths}")
    return pd.DataFrame({name: pd.Series(values[name], dtype=kind) for name, kind in columns.items()})


def column_type(series: pd.Series[Any]) -> ColumnType:
    """Name the type of a column.

    Raises:
        TypeError: It is none of int64, float64 and text without gaps.
    """
    if series.dtype == np.int64:
        return "int64"
    if series.dtype == np.float64:
        return "float64"
    if pd.api.types.is_string_dtype(series) and not series.isna().any():
        return "str"
    raise TypeError(f"column {series.name!r} is {series.dtype}; allowed: int64, float64, text without gaps")


def check_table(name: str, table: pd.DataFrame) -> None:
    """Check that a table has the columns its name promises, with their types.

    Args:
        name: One of :data:`TABLE_NAMES`.
        table: The table; columns beyond the promised ones are welcome.

    Raises:
        ValueError: The name is unknown, or a column is missing or of another type.
        OtherVersionError: The missing columns are those that older versions did not write.
        TypeError: A column is of a type no table may hold.
    """
    if name not in _COLUMNS:
        raise ValueError(f"no table is called {name!r}; allowed: {', '.join(TABLE_NAMES)}")
    present = {str(column): column_type(table[column]) for column in table.columns}
    forms = _forms(name, present)
    faults = [_fault(columns, present) for columns in forms]
    if not all(faults):
        return
    missing = min((columns.keys() - present.keys() for columns in forms), key=len)
    if missing and missing <= _ADDED.get(name, frozenset()):
        lacking = ", ".join(sorted(missing))
        raise OtherVersionError(f"it has no {lacking}: another version of hetedge wrote this run")
    raise ValueError(f"the table {name} {faults[0]}")


def _forms(name: str, present: Columns) -> tuple[Columns, ...]:
    """Return the forms a table may have; one with some column of a cut must have them all."""
    if name == "cuts" and present.keys() & (CUTS.keys() - UNCUT.keys()):
        return (CUTS,)
    return _COLUMNS[name]


def _fault(columns: Columns, present: Columns) -> str:
    """Say what a table lacks of the wanted columns; empty when it lacks nothing."""
    for column, kind in columns.items():
        if column not in present:
            return f"has no column {column!r}; it has {list(present)}"
        if present[column] != kind:
            return f"has {present[column]} in column {column!r}; it must be {kind}"
    return ""
