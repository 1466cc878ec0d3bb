"""Routines: legs that always follow one another in the same way, reported by their start alone.

Most legs of a run are repeated in every iteration: a device receives, computes and sends, with the same sizes and
durations. Such a routine is described once; a performance of it is then one short report, and many performances
are turned into legs together. Nothing of a routine is lost: what may be broken off is reported leg by leg.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.occupancy import FloatArray, IntArray

Column = npt.NDArray[Any]

Work = tuple[str, str]
"""The phase that a computation belongs to, and what is computed, in words."""

COMPUTATION: Work = ("", "computation")
"""A computation of which nothing is said."""


class RoutineTransfer(NamedTuple):
    """A transfer of a routine; times count from the routine's start, without any waiting, seconds."""

    source: int
    target: int
    kind: str | int
    """Payload kind, or its code."""
    n_bytes: float
    start_s: float
    end_s: float
    waits: bool
    """Whether it comes after the computations, and so later where those had to wait."""


class RoutineComputation(NamedTuple):
    """A computation of a routine; times as for :class:`RoutineTransfer`."""

    device: int
    start_s: float
    end_s: float
    flops: float
    work: Work = COMPUTATION
    """What is computed; kept as its code."""


class Routines:
    """The routines of a run, by number."""

    def __init__(self) -> None:
        self._transfers = _Rows(len(RoutineTransfer._fields))
        self._computations = _Rows(len(RoutineComputation._fields))

    def add(self, transfers: Sequence[tuple[Any, ...]], computations: Sequence[tuple[Any, ...]]) -> int:
        """Keep a routine, its legs with the codes of their kinds and work; return its number."""
        self._computations.add(computations)
        return self._transfers.add(transfers)

    def add_many(self, transfers: FloatArray, computations: FloatArray) -> int:
        """Keep many routines of as many legs each; return the number of the first.

        Args:
            transfers: Their transfers with the codes of their kinds, ``[n, k, 7]``.
            computations: Their computations with the codes of their work, ``[n, m, 5]``.
        """
        self._computations.add_many(computations)
        return self._transfers.add_many(transfers)

    def transfers(self, which: IntArray, start_s: FloatArray, wait_s: FloatArray) -> list[Column]:
        """Return the transfers of performances as columns ``source, target, kind, n_bytes, start_s, end_s, lost``.

        Args:
            which: The routine's number of each performance, shape ``[n]``.
            start_s: When it began, seconds, shape ``[n]``.
            wait_s: How long its computations waited for a busy processor, seconds, shape ``[n]``.
        """
        (source, target, kind, n_bytes, from_s, to_s, waits), of = self._transfers.gather(which)
        shift_s = start_s[of] + wait_s[of] * waits
        what = [source.astype(np.int64), target.astype(np.int64), kind.astype(np.int64), n_bytes]
        return [*what, from_s + shift_s, to_s + shift_s, np.zeros(len(of))]

    def computations(self, which: IntArray, start_s: FloatArray, wait_s: FloatArray) -> list[Column]:
        """Return computations: ``device, work, start_s, end_s, flops, lost_flops``; see ``transfers``."""
        (device, from_s, to_s, flops, work), of = self._computations.gather(which)
        shift_s = start_s[of] + wait_s[of]
        who = [device.astype(np.int64), work.astype(np.int64)]
        return [*who, from_s + shift_s, to_s + shift_s, flops, np.zeros(len(of))]


class _Rows:
    """The legs of all routines, one below the other, as one flat list of numbers: there may be millions."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._numbers = array("d")
        self._first = array("q", [0])
        self._columns: FloatArray | None = None
        self._starts: IntArray = np.zeros(1, dtype=np.int64)

    def add(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """Append a routine's legs, all numbers; return the routine's number."""
        for row in rows:
            self._numbers.extend(row)
        self._first.append(len(self._numbers) // self._width)
        self._columns = None
        return len(self._first) - 2

    def add_many(self, rows: FloatArray) -> int:
        """Append the legs of many routines, ``[n, k, width]``; return the number of the first routine."""
        routines, legs, _ = rows.shape
        number, start = len(self._first) - 1, self._first[-1]
        self._numbers.frombytes(np.ascontiguousarray(rows, dtype=np.float64).tobytes())
        self._first.extend(start + legs * (one + 1) for one in range(routines))
        self._columns = None
        return number

    def gather(self, which: IntArray) -> tuple[FloatArray, IntArray]:
        """Return the columns ``[width, n]`` of the legs of routines ``which``, and each leg's index in ``which``."""
        if self._columns is None:
            self._columns = np.array(self._numbers).reshape(-1, self._width).T.copy()
            self._starts = np.array(self._first, dtype=np.int64)
        first = self._starts
        counts = first[which + 1] - first[which]
        of = np.repeat(np.arange(len(which)), counts)
        within = np.arange(len(of)) - np.repeat(counts.cumsum() - counts, counts)
        rows = first[which][of] + within
        return self._columns[:, rows], of
