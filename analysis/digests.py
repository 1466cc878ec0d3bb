"""Digests of a run's simulated facts: two runs with the same digest took the same course in simulated time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.tables import column_type

if TYPE_CHECKING:
    import pandas as pd

_LEARNED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "iterations": frozenset({"discriminator_loss", "generator_loss"}),
        "devices": frozenset(),
        "transfers": frozenset(),
        "commits": frozenset({"decision"}),
    }
)
"""Tables of the timeline, and their columns that hold what was learned rather than what time did."""


def timeline_digest(tables: Mapping[str, pd.DataFrame]) -> str:
    """Hash when everything happened: iterations, devices, transfers and commits, to the last bit.

    Left out are real time (``wallclock``), measured quality (``metrics``) and what the learner computed (losses and
    decisions): a run that only replays another's decisions has the digest of that run. The same course recorded as
    ``full`` and as ``summary`` has two digests, because the transfers differ.

    Args:
        tables: At least the tables ``iterations``, ``devices``, ``transfers`` and ``commits``; of a recorder or
            read from a run folder.

    Returns:
        SHA-256 as 64 hexadecimal digits.

    Raises:
        KeyError: A table is missing.
        TypeError: A column has a type no table may hold.
    """
    digest = hashlib.sha256()
    for name, learned in _LEARNED.items():
        table = tables[name]
        digest.update(f"table {name} {len(table)};".encode())
        for column in sorted(set(map(str, table.columns)) - learned):
            _update(digest, column, table[column])
    return digest.hexdigest()


def _update(digest: hashlib._Hash, column: str, series: pd.Series[Any]) -> None:
    """Add a column: its name, its type and the exact bytes of its values, little-endian."""
    kind = column_type(series)
    digest.update(f"column {column} {kind};".encode())
    if kind == "str":
        # Texts repeat: each is hashed once, in order of appearance, with the numbers that refer to it.
        codes, texts = series.factorize()
        for text in texts:
            encoded = str(text).encode()
            digest.update(f"{len(encoded)}:".encode() + encoded)
        digest.update(codes.astype("<i8").tobytes())
        return
    values = np.ascontiguousarray(series.to_numpy())
    digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
