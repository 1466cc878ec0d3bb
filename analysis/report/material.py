"""What a report tells, in one form for a run, several runs, a comparison and a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

Kind = Literal["run", "runs", "comparison", "sweep"]
Setting = str | int | float

CURVE_COLUMNS = ("entry", "round", "sim_time_s", "bytes", "domain", "metric", "value")
"""Columns of :attr:`Material.curves`; ``entry`` is the row of the entry."""

NUMBERS = {
    "iteration_latency_s": "Iteration",
    "round_latency_s": "Round",
    "simulated_s": "Simulated time",
    "total_bytes": "Bytes sent",
    "energy_j": "Clients' energy",
    "time_to_target_s": "Time to target",
}
"""The numbers of an entry, and what the page calls them."""


class ReportError(ValueError):
    """What was asked for cannot be reported; the message says what came and what is allowed."""


@dataclass(frozen=True)
class Axis:
    """Something in which the entries differ.

    Attributes:
        name: a dotted key path of the scenario, or a label; no two axes have the same.
        values: its settings, in the order to show them in.
    """

    name: str
    values: tuple[Setting, ...]


@dataclass(frozen=True)
class Entry:
    """One run, or one job of a sweep.

    Attributes:
        name: what tells it from the others: a folder's name, a strategy with its seed, a job's id.
        strategy: the name of the strategy; empty where it is unknown, as of failed jobs.
        seed: the seed of its scenario.
        settings: its value on each axis.
        numbers: those of :data:`NUMBERS` that are known, in SI units.
        last: the last value of each metric, by metric and domain; NaN where it was measured and is not finite.
        error: why it failed; empty where it finished.
        folder: its run folder; None where there is none.
        apart: its values of what tells it apart beside the axes: runs are seeds of one thing only where these agree.
    """

    name: str
    strategy: str
    seed: int
    settings: Mapping[str, Setting]
    numbers: Mapping[str, float]
    last: Mapping[str, Mapping[str, float]]
    error: str = ""
    folder: Path | None = None
    apart: tuple[Setting, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether its run came to its end."""
        return not self.error


@dataclass(frozen=True, eq=False)
class Material:
    """All that is reported.

    Attributes:
        kind: what was given.
        title: the name of the scenario, or of the sweep.
        axes: what the entries differ in, beside the seed.
        entries: the runs, in the order given, or of strategies, or of jobs.
        curves: all evaluations, with :data:`CURVE_COLUMNS`; ``<metric>_floor`` rows are floors.
        command: the command that makes all of it again.
        base: the resolved scenario that the words tell of: the run's, or the first one's.
        base_text: the same as text, with the marks of what was given.
        texts: what the command reads, by name of file, to be kept with the page.
        target: the quality that entries were timed to, in words; empty where there is none.
        note: how the runs came to be, in a few words.
        more_keys: keys in which the entries differ beside the axes.
        lacking: what the command needs and ``texts`` have not, a sentence each.
        base_file: the file that ``base`` was read from; None where there is none.
    """

    kind: Kind
    title: str
    axes: tuple[Axis, ...]
    entries: tuple[Entry, ...]
    curves: pd.DataFrame = field(repr=False)
    command: str
    base: Mapping[str, Any] = field(repr=False)
    base_text: str = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)
    target: str = ""
    note: str = ""
    more_keys: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    base_file: Path | None = None

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains in which something was measured."""
        return tuple(dict.fromkeys(str(name) for name in self.curves["domain"]))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that were measured along the way: the FID first, then as they come."""
        names = dict.fromkeys(str(name) for name in self.curves["metric"])
        shown = [name for name in names if not name.endswith("_floor") and name != "classifier_accuracy"]
        return tuple(sorted(shown, key=lambda name: name != "fid"))


def no_curves() -> pd.DataFrame:
    """A table of curves without rows."""
    return pd.DataFrame({name: [] for name in CURVE_COLUMNS})


def join_curves(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Curves of entries, each table without ``entry``, as one table."""
    numbered = [table.assign(entry=row) for row, table in enumerate(tables) if len(table)]
    if not numbered:
        return no_curves()
    return pd.concat(numbered, ignore_index=True)[list(CURVE_COLUMNS)]
