"""The evidence of a run: who computed, who sent what, when, and what came of it.

The simulator reports every fact once, as it happens; the recorder keeps flat buffers and settles them at the
end of each round. A report costs one list extension. Facts that contradict each other raise
:class:`RecordError`, at the latest when the round is closed: a table with a negative waiting time would be worse
than no table.

Rounds of training count from 0; metrics measured before training belong to round -1.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis import tables
from analysis.accounts import Accounts, tolerance_s
from analysis.legs import LegBuffer, RecordError, require
from analysis.trace.window import Traced, TracedIteration, Window
from models.split import VISITS, phases_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.under_way import Announcement
    from devices.fleet import Fleet

__all__ = ["Mode", "RecordError", "Recorder"]

Mode = Literal["full", "summary"]


class Recorder:
    """Columnar buffers for the facts of one run.

    Args:
        fleet: The devices of the run; clients have the ids 0..N-1, the server -1.
        mode: ``full`` keeps a row per transfer, ``summary`` a row per round, source, target and kind.
        phases: Names of an iteration's phases, in the order of their columns.
        on_closed_round: Told, as each round is closed, what was sent in it: kind, source and target, each once.
        window: Which iterations are kept leg by leg, for the trace; None for none.

    A round is told by ``transfer`` and ``compute`` for every leg, or ``perform`` for a whole ``routine`` of them,
    ``iteration`` at the end of each iteration and ``commit`` for what became final, ``absent`` for every time a device
    was off and ``memory`` for what a device holds; ``end_round`` closes its accounts, and ``metric`` and ``wallclock``
    may follow.

    A leg may end after the round in which it is told; one that is told when it ends must have been announced to every
    ``end_round`` since it began. It counts in the round in which it ends, its time in all that it touches; one that is
    still under way when the last round is closed counts with its time until then, and with nothing else.

    Attributes:
        transfer: :meth:`analysis.legs.LegBuffer.transfer`.
        compute: :meth:`analysis.legs.LegBuffer.compute`.
        routine: :meth:`analysis.legs.LegBuffer.routine`.
        like_routines: :meth:`analysis.legs.LegBuffer.like_routines`.
        perform: :meth:`analysis.legs.LegBuffer.perform`.
        absent: :meth:`analysis.absences.Absences.absent`.
        memory: :meth:`analysis.accounts.Accounts.memory`.
        received: :meth:`analysis.accounts.Accounts.received`.
        round_ends_s: When each closed round ended, simulated seconds.
    """

    def __init__(
        self,
        fleet: Fleet,
        mode: Mode = "full",
        phases: Sequence[str] = phases_of(VISITS),
        on_closed_round: Callable[[Sequence[tuple[str, str, str]]], None] | None = None,
        window: Window | None = None,
    ) -> None:
        self._legs = LegBuffer(fleet)
        self._accounts = Accounts(fleet, self._legs, keep_transfers=mode == "full")
        self._phases = tuple(str(phase) for phase in phases)
        self._on_closed_round = on_closed_round
        self._window = window if window is not None else Window(0, 0)
        self._open_round = 0
        self._round_start_s = 0.0
        self.round_ends_s: list[float] = []
        self._iterations: list[tuple[Any, ...]] = []
        self._metrics: list[tuple[Any, ...]] = []
        self._commits: list[tuple[Any, ...]] = []
        self._wallclock: list[tuple[Any, ...]] = []
        self._aggregation_s: list[float] = []
        self._metric_keys: set[tuple[int, str, str]] = set()
        # Bound once: these are called for every leg of every device.
        self.transfer = self._legs.transfer
        self.compute = self._legs.compute
        self.routine = self._legs.routine
        self.like_routines = self._legs.like_routines
        self.perform = self._legs.perform
        self.absent = self._accounts.absent
        self.memory = self._accounts.memory
        self.received = self._accounts.received

    @property
    def total_bytes(self) -> float:
        """Bytes of all that was told to be sent, lost or not, over all devices and kinds."""
        return float(sum(self.bytes_by_kind.values()))

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        """Bytes of all that was told to be sent, lost or not, per payload kind; kinds never sent are left out."""
        return self._legs.bytes_by_kind()

    def iterations_since(self, count: int) -> list[tuple[int, float, float, float, float]]:
        """Return number, end, latency and losses of the iterations after the first ``count``."""
        return [(row[1], row[3], row[4], *row[-2:]) for row in self._iterations[count:]]

    def metrics_since(self, count: int) -> list[tuple[Any, ...]]:
        """Return the rows of the table ``metrics`` after the first ``count``."""
        return self._metrics[count:]

    def traced(self) -> Traced:
        """Return what was kept of the window of iterations."""
        return self._window.traced(self._legs)

    def iteration(
        self,
        round_: int,
        index: int,
        start_s: float,
        end_s: float,
        phases: Mapping[str, float],
        discriminator_loss: float = math.nan,
        generator_loss: float = math.nan,
    ) -> None:
        """Record one iteration.

        Args:
            round_: The open round.
            index: Number of the iteration; larger than that of every earlier iteration of the round.
            start_s: Simulated time at which it began, seconds.
            end_s: Simulated time at which it became final, seconds.
            phases: Duration of each phase of the recorder, seconds, each >= 0.
            discriminator_loss: Mean loss on fakes plus that on real images, NaN where nothing is trained.
            generator_loss: Mean loss, NaN where nothing is trained.

        Raises:
            RecordError: The round is not the open one, the index repeats, the times run backwards, the phases
                are not the recorder's, or a duration is negative or not finite.
        """
        self._require_open(round_, "an iteration")
        what = f"iteration {index} of round {round_}"
        if self._iterations and self._iterations[-1][:2] >= (round_, index):
            raise RecordError(f"{what} follows (round, iteration) {self._iterations[-1][:2]}")
        if not self._round_start_s - tolerance_s(end_s) <= start_s <= end_s < math.inf:
            began = f"the round began at {self._round_start_s} s"
            raise RecordError(f"{what} runs from {start_s} s to {end_s} s; {began}")
        if set(phases) != set(self._phases):
            raise RecordError(f"{what} has the phases {sorted(phases)}; needed: {sorted(self._phases)}")
        durations_s = tuple(float(phases[name]) for name in self._phases)
        if not all(0.0 <= duration_s < math.inf for duration_s in durations_s):
            raise RecordError(f"{what} has the phase durations {dict(phases)}")
        times = (float(start_s), float(end_s), float(end_s - start_s))
        losses = (float(discriminator_loss), float(generator_loss))
        self._iterations.append((round_, index, *times, *durations_s, *losses))
        self._aggregation_s.append(0.0)
        if self._window.wants(index):
            lasting = tuple(zip(self._phases, durations_s, strict=True))
            self._window.iteration(TracedIteration(round_, index, *times[:2], lasting, losses))

    def metric(
        self, round_: int, sim_time_s: float, n_bytes: float, domain: str, metric: str, value: float
    ) -> None:
        """Record a measured quality.

        Args:
            round_: Round after which it was measured, -1 before training.
            sim_time_s: Simulated time, seconds.
            n_bytes: Bytes sent until then.
            domain: Name of the data domain.
            metric: Name of the metric.
            value: Its value, in 0..1 or the metric's own unit.

        Raises:
            RecordError: The round is below -1, a number is not finite, or the metric was measured before.
        """
        key = (round_, domain, metric)
        what = f"{metric!r} of {domain!r} in round {round_}"
        if round_ < -1 or key in self._metric_keys:
            raise RecordError(f"{what} was recorded before, or there is no such round")
        if not all(map(math.isfinite, (sim_time_s, n_bytes, value))):
            raise RecordError(f"{what} is {value} at {sim_time_s} s after {n_bytes} bytes")
        self._metric_keys.add(key)
        self._metrics.append((round_, sim_time_s, n_bytes, domain, metric, value))

    def commit(
        self,
        seq: int,
        time_s: float,
        kind: str,
        clients: Sequence[int],
        passes: object,
        info: object,
        decision: object = None,
    ) -> None:
        """Record what became final, in the order of application.

        Args:
            seq: Number of the commit, counted from 0 without gaps.
            time_s: Simulated time, seconds, never before the previous commit.
            kind: What it is, such as ``iteration``.
            clients: Ids of the clients concerned, sorted.
            passes: Who took part in which pass: plain values, mappings, sequences, dataclasses.
            info: What else the protocol says, as for ``passes``.
            decision: What the learner answered, as for ``passes``; None where time needed no value.

        Raises:
            RecordError: The sequence has a gap, time runs backwards, or the ids are not sorted.
            TypeError, ValueError: A value has no JSON text (NaN and infinity have none).
        """
        last_s = self._commits[-1][1] if self._commits else 0.0
        if seq != len(self._commits) or not last_s <= time_s < math.inf:
            known = f"{len(self._commits)} commits, the last at {last_s} s"
            raise RecordError(f"commit {seq} at {time_s} s cannot follow {known}")
        ids = [int(client) for client in clients]
        if ids != sorted(set(ids)):
            raise RecordError(f"commit {seq} names the clients {ids}; allowed: sorted, each once")
        texts = (_json(passes), _json(info), _json(decision))
        self._commits.append((seq, float(time_s), str(kind), _json(ids), *texts))

    def wallclock(self, round_: int, what: str, seconds: float) -> None:
        """Record a real-time fact; it stays outside every digest.

        Args:
            round_: The round it belongs to, -1 for what comes before training.
            what: What took the time.
            seconds: Real seconds, >= 0.

        Raises:
            RecordError: The duration is negative or not finite.
        """
        if not 0.0 <= seconds < math.inf:
            raise RecordError(f"{what!r} took {seconds} s of real time in round {round_}")
        self._wallclock.append((round_, what, float(seconds)))

    def end_round(self, round_: int, time_s: float, under_way: Sequence[Announcement] = ()) -> None:
        """Close a round: settle every device's account of the time since the previous round ended.

        What was told with an end that lies later is carried over. Of what began and was not told yet, ``under_way``
        says that it goes on: every leg once per device it keeps busy, a transfer for its source and for its target.

        The time between the end of the round's last iteration and the end of the round is that iteration's
        ``aggregation_s``; the other iterations have 0.

        Args:
            round_: The open round.
            time_s: Simulated time at which it ended, seconds.
            under_way: Legs that have begun and were not told yet: device id, ``compute`` or ``transfer``, and the start
                in seconds, each of which is told later or announced again.

        Raises:
            RecordError: It is not the open round, a leg began before it that was not under way then, a client
                computed two things at once, a device did something while it was off, or bytes were sent that were
                neither received nor lost.
        """
        self._require_open(round_, "the end of a round")
        if not self._round_start_s <= time_s < math.inf:
            raise RecordError(f"round {round_} began at {self._round_start_s} s and cannot end at {time_s} s")
        if self._iterations and self._iterations[-1][0] == round_:
            last_end_s = self._iterations[-1][3]
            if last_end_s > time_s + tolerance_s(time_s):
                raise RecordError(
                    f"round {round_} cannot end at {time_s} s, an iteration ends at {last_end_s} s"
                )
            self._aggregation_s[-1] = max(0.0, time_s - last_end_s)
        ended = self._accounts.close_round(round_, self._round_start_s, time_s, under_way)
        if self._iterations:
            self._window.close_round(round_, time_s, self._iterations[-1][1], *ended)
        self._open_round += 1
        self._round_start_s = float(time_s)
        self.round_ends_s.append(self._round_start_s)
        if self._on_closed_round is not None:
            self._on_closed_round(self._accounts.ways_of_last_round())

    def end_run(self) -> None:
        """Drop what was told at the very moment at which the last round was closed: it is no part of the run.

        Who works on without rounds begins something new, or ends something, in the instant in which a run ends.

        Raises:
            RecordError: A leg ended before that moment, and belongs to no round.
        """
        transfers, work = self._legs.take()
        least_s = self._round_start_s - tolerance_s(self._round_start_s)
        describe = self._legs
        closed = f"told after the last round was closed at {self._round_start_s} s"
        require(transfers.end_s >= least_s, lambda i: f"{closed}: {describe.describe_transfer(transfers, i)}")
        require(work.end_s >= least_s, lambda i: f"{closed}: {describe.describe_computation(work, i)}")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables ``metrics iterations devices transfers commits wallclock``.

        Columns and types are those of :mod:`analysis.tables`; iterations have a column ``<phase>_s`` per
        phase besides.

        Raises:
            RecordError: Transfers, computations or iterations were recorded since the last round was closed; what was
                carried over from it is none of them.
        """
        if not self._legs.is_empty or (self._iterations and self._iterations[-1][0] == self._open_round):
            raise RecordError(f"round {self._open_round} has records but was not closed by end_round")
        return {
            "metrics": _table(tables.METRICS, self._metrics),
            "iterations": self._iteration_table(),
            "devices": self._accounts.device_table(),
            "transfers": self._accounts.transfer_table(),
            "commits": _table(tables.COMMITS, self._commits),
            "wallclock": _table(tables.WALLCLOCK, self._wallclock),
        }

    def closed_tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables of the rounds that were closed, for a run that stopped in the middle of one.

        The legs and iterations of the open round are dropped for good; commits are kept, they are the log.
        """
        self._legs.take()
        while self._iterations and self._iterations[-1][0] == self._open_round:
            self._iterations.pop()
            self._aggregation_s.pop()
        return self.tables()

    def _iteration_table(self) -> pd.DataFrame:
        known: dict[str, tables.ColumnType] = dict(tables.ITERATIONS)
        tail: dict[str, tables.ColumnType] = {
            name: known.pop(name) for name in ("aggregation_s", "discriminator_loss", "generator_loss")
        }
        phases: dict[str, tables.ColumnType] = {f"{phase}_s": "float64" for phase in self._phases}
        columns = {**known, **phases, **tail}
        recorded = [name for name in columns if name != "aggregation_s"]
        rows = zip(*self._iterations, strict=True) if self._iterations else ([] for _ in recorded)
        values = dict(zip(recorded, rows, strict=True)) | {"aggregation_s": self._aggregation_s}
        return tables.make_table(columns, values)

    def _require_open(self, round_: int, what: str) -> None:
        if round_ != self._open_round:
            raise RecordError(f"{what} names round {round_}, but round {self._open_round} is open")


def _table(columns: tables.Columns, rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Turn rows into a table of the given columns."""
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return tables.make_table(columns, dict(zip(columns, values, strict=True)))


def _json(value: object) -> str:
    """Write a value as compact JSON text with sorted keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    """Turn what JSON does not know into what it does: dataclasses, NumPy values, mappings, sets.

    Raises:
        TypeError: The value is none of these.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"a commit holds {value!r} of type {type(value).__name__}, which has no JSON text")
