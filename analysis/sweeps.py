"""The folder of a sweep: many runs, what was varied between them, and one table of what came out.

::

    sweep.json  sweep.yaml  results.parquet  curves.parquet  runs/<job>/  figures/  report.html
    sweep.log  attempts.jsonl

The tables are plain parquet, readable with pandas and without this package.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.runs import RunError

SWEEP_FILE = "sweep.json"
"""The mark of a sweep's folder: what was varied, and how many runs there are."""

SWEEP_FORMAT = 1
"""Number of the sweep folder's form; a higher one has other columns or keys."""

RESULTS_FILE = "results.parquet"
CURVES_FILE = "curves.parquet"
RUNS_FOLDER = "runs"

FIXED_COLUMNS = ("job", "status", "error", "seed", "trained_in")
"""The first columns of ``results.parquet``; those of the axes follow."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """A sweep, read from its folder.

    Attributes:
        path: the folder.
        facts: ``sweep.json``: ``name``, ``base``, ``axes``, ``seeds``, the numbers of jobs, ``target``, ``command``.
        results: a row for each job, in the order of jobs.
        curves: a row for each evaluation, domain and metric of the runs that finished.
    """

    path: Path
    facts: Mapping[str, Any]
    results: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame = field(repr=False)

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of what was varied, each a column of both tables."""
        return tuple(str(axis["name"]) for axis in self.facts["axes"])

    @property
    def finished(self) -> pd.DataFrame:
        """The rows of :attr:`results` whose run finished."""
        rows: pd.DataFrame = self.results[self.results["status"] == "finished"]
        return rows

    def run_folder(self, job: str) -> Path:
        """Return the run folder of a job."""
        return self.path / RUNS_FOLDER / job


def is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep that has come to a table."""
    return (folder / SWEEP_FILE).is_file()


def load_sweep(path: Path | str) -> Sweep:
    """Read a sweep's folder.

    Raises:
        RunError: The folder or one of its files is missing or damaged; the message names it.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such sweep folder")
    facts = _facts(folder / SWEEP_FILE)
    sweep = Sweep(folder, facts, read_parquet(folder / RESULTS_FILE), read_parquet(folder / CURVES_FILE))
    _check_columns(folder / RESULTS_FILE, sweep.results, (*FIXED_COLUMNS, *sweep.axes))
    _check_columns(folder / CURVES_FILE, sweep.curves, ("job", "seed", *sweep.axes))
    return sweep


def _facts(file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        missing = [key for key in ("name", "axes", "seeds", "jobs") if key not in facts]
        if missing:
            raise ValueError(f"it has no {', '.join(missing)}")
        names = [str(axis["name"]) for axis in facts["axes"]]
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{file}: damaged: {error}") from error
    if facts.get("format") != SWEEP_FORMAT or len(set(names)) != len(names):
        raise RunError(f"{file}: damaged, or another version of hetedge wrote it")
    read: dict[str, Any] = facts
    return read


def _check_columns(file: Path, table: pd.DataFrame, needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise RunError(f"{file}: damaged: it has no column {missing[0]!r}")


def read_parquet(file: Path) -> pd.DataFrame:
    """Read a parquet file without Arrow's threads (see :mod:`analysis.runs`).

    Raises:
        RunError: It is missing or damaged.
    """
    try:
        content = io.BytesIO(file.read_bytes())
        with pq.ParquetFile(content, pre_buffer=False, page_checksum_verification=True) as read:
            return cast(pd.DataFrame, read.read(use_threads=False).to_pandas(use_threads=False))
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (ValueError, pa.ArrowException) as error:
        raise RunError(f"{file}: damaged: {' '.join(str(error).split())}") from error


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Encode a table of whole numbers, numbers and texts; equal tables give equal bytes."""
    arrow = pa.Table.from_pandas(table, preserve_index=False, nthreads=1).replace_schema_metadata(None)
    sink = io.BytesIO()
    pq.write_table(arrow, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()
