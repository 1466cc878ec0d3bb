"""Reading traces: CSV files whose first line names the columns, with errors that name the line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from devices.condition_error import ConditionError


@dataclass(frozen=True)
class Row:
    """One line of a trace.

    Attributes:
        line: Its number in the file, from 1.
        cells: Its texts, one a column.
    """

    line: int
    cells: tuple[str, ...]


class TraceFile:
    """A trace, and how to say what is wrong with it.

    Args:
        file: Its path, as the scenario has it.
        columns: The names of its columns, in order.
        key_path: The scenario's key that names the file.
        base_dir: Where a relative path counts from; None = the working directory.
    """

    def __init__(self, file: str, columns: Sequence[str], key_path: str, base_dir: Path | None) -> None:
        self._file = file
        self._columns = tuple(columns)
        self._key_path = key_path
        self._path = (base_dir or Path()) / Path(file).expanduser()

    def rows(self) -> Iterator[Row]:
        """Yield the lines below the first; empty ones are passed over.

        Raises:
            ConditionError: The file cannot be read, or is no such table.
        """
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as text:
                reader = csv.reader(text, strict=True)
                self._check_header(next(reader, []))
                for cells in reader:
                    if any(cells):
                        yield self._row(reader.line_num, cells)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            self._wrong(f"'{self._file}' cannot be read ({reason})", "give the path of a readable CSV file")
        except (UnicodeDecodeError, csv.Error) as error:
            self._wrong(f"'{self._file}' is no CSV file ({error})", "give a CSV file in UTF-8")

    def number(self, row: Row, column: int, endless: bool = False) -> float:
        """Return a number of a line, 0 or more.

        Args:
            row: The line.
            column: The index of the column.
            endless: Whether ``inf`` is a number too.

        Raises:
            ConditionError: There is no such number.
        """
        written = row.cells[column]
        try:
            number = float(written)
        except ValueError:
            number = math.nan
        if math.isnan(number) or number < 0 or (math.isinf(number) and not endless):
            allowed = "a number of 0 or more" + (", or inf" if endless else "")
            self.refuse(row, f"{self._columns[column]} is {written!r}", allowed)
        return number

    def refuse(self, row: Row, came: str, allowed: str) -> NoReturn:
        """Refuse a line of the file.

        Raises:
            ConditionError: Always.
        """
        self._wrong(f"'{self._file}' line {row.line}: {came}", allowed)

    def _check_header(self, cells: Sequence[str]) -> None:
        header = Row(1, tuple(cell.strip() for cell in cells))
        if header.cells != self._columns:
            came = f"the columns {','.join(header.cells)}" if header.cells else "no columns"
            self.refuse(header, came, f"the first line must be {','.join(self._columns)}")

    def _row(self, line: int, cells: Sequence[str]) -> Row:
        row = Row(line, tuple(cell.strip() for cell in cells))
        if len(cells) != len(self._columns):
            self.refuse(row, f"{len(cells)} values", f"one for each of {','.join(self._columns)}")
        return row

    def _wrong(self, came: str, allowed: str) -> NoReturn:
        raise ConditionError(self._key_path, f"{came}; {allowed}")
