"""The run folder: what a run leaves behind, written atomically and read back with checks.

Tables are plain parquet (``cuts.csv`` is CSV), readable with pandas and without this package::

    scenario.yaml  environment.json  summary.json  metrics.parquet  iterations.parquet  devices.parquet
    transfers.parquet  cuts.csv  commits.parquet  wallclock.parquet  samples/  figures/  trace.json  run.log
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from analysis.tables import CUTS, TABLE_NAMES, OtherVersionError, check_table, column_type

SCENARIO_FILE = "scenario.yaml"
ENVIRONMENT_FILE = "environment.json"
SUMMARY_FILE = "summary.json"
_SAMPLE_NAME = re.compile(r"(?P<domain>.+)_round_(?P<round>-1|\d+)\.png")


class RunError(Exception):
    """A run cannot go on, or its folder cannot be read; the command ends with exit code 3."""


def table_file(name: str) -> str:
    """Return the file name of a table of :data:`analysis.tables.TABLE_NAMES`."""
    return "cuts.csv" if name == "cuts" else f"{name}.parquet"


def sample_file(round_: int, domain: str) -> str:
    """Return the file name of a picture of images that were generated after a round, -1 before training."""
    return f"samples/{domain}_round_{round_}.png"


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run that is being written. Files appear whole or not at all.

    Attributes:
        path: The folder.
    """

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Take a folder for a new run; it is made, with its parents, unless it exists and is empty.

        Raises:
            FileExistsError: It holds another run, or anything else, or is a file.
            RunError: It cannot be made.
        """
        cls.check(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise RunError(f"{path}: cannot be made: {error.strerror}") from error
            why = error.strerror or error
            raise FileExistsError(f"{path}: cannot be made: {why}; name another folder with -o") from error
        return cls(path)

    @staticmethod
    def check(path: Path) -> None:
        """Refuse a path that cannot become a run folder, without making anything.

        Raises:
            FileExistsError: It holds another run, or anything else, or is a file, or cannot be looked into.
        """
        try:
            in_the_way = next(
                (one for one in (path, *path.parents) if one.exists() and not one.is_dir()), None
            )
            content = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
        except OSError as error:
            raise FileExistsError(
                f"{path}: {error.strerror or error}; name another folder with -o"
            ) from error
        if in_the_way is not None:
            raise FileExistsError(f"{in_the_way} is a file; name another folder with -o")
        if content:
            what = "already holds a run" if SCENARIO_FILE in content else f"is not empty ({content[0]})"
            raise FileExistsError(f"{path} {what}; name another folder with -o")

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write a file, atomically; parent folders below the run folder are made.

        Args:
            name: Path relative to the run folder.
            content: What the file holds.

        Returns:
            The file.

        Raises:
            RunError: It cannot be written (disk full, no permission).
        """
        target = self.path / name
        unfinished = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, target)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise RunError(f"{target}: cannot be written: {error.strerror or error}") from error
        return target

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file in UTF-8; see :meth:`write_bytes`."""
        return self.write_bytes(name, text.encode())

    def write_json(self, name: str, value: object) -> Path:
        """Write a JSON file with sorted keys; see :meth:`write_bytes`.

        Raises:
            TypeError, ValueError: The value has no JSON text (NaN and infinity have none).
        """
        return self.write_text(name, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")

    def write_table(self, name: str, table: pd.DataFrame) -> Path:
        """Write a table of :data:`analysis.tables.TABLE_NAMES`; equal tables give equal bytes.

        Raises:
            TypeError, ValueError: The columns are not those of that table.
            RunError: The file cannot be written.
        """
        check_table(name, table)
        content = _csv_bytes(table) if name == "cuts" else _parquet_bytes(table)
        return self.write_bytes(table_file(name), content)

    def write_tables(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write several tables; see :meth:`write_table`."""
        for name, table in tables.items():
            self.write_table(name, table)

    def write_sample(self, round_: int, domain: str, png: bytes) -> Path:
        """Write a picture of generated images.

        Args:
            round_: Round after which they were generated, -1 before training.
            domain: Name of the domain.
            png: The picture, a PNG file.

        Returns:
            The file, ``samples/<domain>_round_<round>.png``.
        """
        return self.write_bytes(sample_file(round_, domain), png)


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run, read from its folder. The columns of the tables are in :mod:`analysis.tables`.

    Attributes:
        path: The run folder.
        scenario: The resolved scenario.
        environment: Versions, machine and digests of the data.
        summary: The run in a few numbers.
        metrics: Measured quality, one row per round, domain and metric.
        iterations: One row per iteration.
        devices: One row per round and device.
        transfers: One row per transfer, or per round, source, target and kind.
        cuts: One row per client; none where nothing is split.
        commits: What became final, in order; passes, info and decision are JSON texts.
        wallclock: Real-time facts.
        samples: Pictures of generated images by round (-1 before training) and domain, in that order.
    """

    path: Path
    scenario: dict[str, Any]
    environment: dict[str, Any]
    summary: dict[str, Any]
    metrics: pd.DataFrame = field(repr=False)
    iterations: pd.DataFrame = field(repr=False)
    devices: pd.DataFrame = field(repr=False)
    transfers: pd.DataFrame = field(repr=False)
    cuts: pd.DataFrame = field(repr=False)
    commits: pd.DataFrame = field(repr=False)
    wallclock: pd.DataFrame = field(repr=False)
    samples: dict[tuple[int, str], Path] = field(repr=False)


def load_run(path: Path | str) -> Run:
    """Read a run folder.

    Raises:
        RunError: The folder or one of its files is missing or damaged; the message names it.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder")
    if not any((folder / name).is_file() for name in (SCENARIO_FILE, SUMMARY_FILE)):
        raise RunError(f"{folder}: not a run folder: it has neither {SCENARIO_FILE} nor {SUMMARY_FILE}")
    return Run(
        path=folder,
        scenario=_mapping(folder / SCENARIO_FILE, _parse_yaml),
        environment=_mapping(folder / ENVIRONMENT_FILE, json.loads),
        summary=_mapping(folder / SUMMARY_FILE, json.loads),
        samples=_samples(folder / "samples"),
        **{name: _read_table(folder / table_file(name), name) for name in TABLE_NAMES},
    )


def _mapping(path: Path, parse: Callable[[str], object]) -> dict[str, Any]:
    """Read a text file that must hold a mapping.

    Raises:
        RunError: It is missing, or it cannot be parsed, or it holds something else.
    """
    content = _content(path)
    try:
        value = parse(content.decode())
    except (ValueError, YAMLError) as error:
        raise _damaged(path, error) from error
    if not isinstance(value, dict):
        raise RunError(f"{path}: damaged: it holds {type(value).__name__}, not a mapping")
    return value


def _read_table(path: Path, name: str) -> pd.DataFrame:
    """Read a table and check its columns.

    Raises:
        RunError: The file is missing or damaged, its columns are not those of that table, or another version wrote it.
    """
    content = _content(path)
    try:
        table = _parse_csv(content) if name == "cuts" else _parse_parquet(content)
        check_table(name, table)
    except OtherVersionError as error:
        raise RunError(f"{path}: {error}") from error
    except (OSError, ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        # pyarrow reports broken pages as OSError although nothing is read from disk here.
        raise _damaged(path, error) from error
    return table


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from error


def _damaged(path: Path, error: Exception) -> RunError:
    return RunError(f"{path}: damaged: {' '.join(str(error).split())}")


def _parse_yaml(text: str) -> object:
    return YAML(typ="safe", pure=True).load(text)


def _parse_csv(content: bytes) -> pd.DataFrame:
    # Without keep_default_na=False a domain called NA would become a gap.
    return pd.read_csv(io.BytesIO(content), dtype=dict(CUTS), keep_default_na=False)


def _parse_parquet(content: bytes) -> pd.DataFrame:
    # No threads of Arrow's: one that is still there when the process ends aborts it (apache/arrow#34314).
    with pq.ParquetFile(io.BytesIO(content), pre_buffer=False, page_checksum_verification=True) as file:
        arrow = file.read(use_threads=False)
    return cast(pd.DataFrame, arrow.to_pandas(use_threads=False))


def _csv_bytes(table: pd.DataFrame) -> bytes:
    return str(table.to_csv(index=False, lineterminator="\n")).encode()


def _parquet_bytes(table: pd.DataFrame) -> bytes:
    """Encode a table, columns of int64, float64 and text; pandas' own metadata is left out."""
    arrow_types = {"int64": pa.int64(), "float64": pa.float64(), "str": pa.string()}
    schema = pa.schema([(str(name), arrow_types[column_type(table[name])]) for name in table.columns])
    # As in reading, no threads.
    whole = pa.Table.from_pandas(table, schema=schema, preserve_index=False, nthreads=1)
    arrow = whole.replace_schema_metadata(None)
    sink = io.BytesIO()
    pq.write_table(arrow, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def _samples(folder: Path) -> dict[tuple[int, str], Path]:
    """Find the pictures of generated images; files with other names are not ours."""
    files = folder.iterdir() if folder.is_dir() else ()
    matches = ((_SAMPLE_NAME.fullmatch(file.name), file) for file in files)
    found = {(int(match["round"]), match["domain"]): file for match, file in matches if match}
    return dict(sorted(found.items()))
