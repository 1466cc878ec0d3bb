"""The accounts of a run: what each device did with the time of a round, and what crossed the network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import tables
from analysis.absences import Absences
from analysis.device_times import Activity, device_times
from analysis.energy import Powers
from analysis.legs import KINDS, Computations, LegBuffer, RecordError, Transfers, require
from analysis.occupancy import FloatArray, IntArray, Spans, tolerance_s
from analysis.under_way import Announced, Announcement, RoundSpan, UnderWay

if TYPE_CHECKING:
    import pandas as pd

    from devices.fleet import Fleet

__all__ = ["Accounts", "tolerance_s"]


class Accounts:
    """Settles the legs of one round after the other.

    Args:
        fleet: The devices.
        legs: The buffer the legs are taken from.
        keep_transfers: Whether to keep a row per transfer, or one per round, source, target and kind.

    Attributes:
        absent: :meth:`analysis.absences.Absences.absent`.
    """

    def __init__(self, fleet: Fleet, legs: LegBuffer, keep_transfers: bool) -> None:
        self._legs = legs
        self._keep_transfers = keep_transfers
        self._powers = Powers(fleet)
        self._under_way = UnderWay(legs)
        self._absences = Absences(legs.names)
        self._lanes = _lanes(fleet)
        self._memory_bytes: dict[int, float] = {}
        self._received_bytes: dict[int, float] = {}
        self._transfer_rows: list[dict[str, Any]] = []
        self._device_rows: list[dict[str, Any]] = []
        self.absent = self._absences.absent

    def memory(self, device: int, n_bytes: float) -> None:
        """Record how much memory a device uses; of all that is told in a round the most is kept.

        Args:
            device: Id of the device.
            n_bytes: What it uses, bytes, >= 0.

        Raises:
            RecordError: The id is unknown, or the size impossible.
        """
        count = len(self._legs.names)
        if not (-1 <= device <= count - 2 and 0.0 <= n_bytes < math.inf):
            allowed = f"a device of -1..{count - 2} and a finite size of at least 0"
            raise RecordError(f"device {device} uses {n_bytes} bytes of memory; allowed: {allowed}")
        self._memory_bytes[device + 1] = max(float(n_bytes), self._memory_bytes.get(device + 1, 0.0))

    def received(self, device: int, n_bytes: float) -> None:
        """Record what a device was handed, as it says itself; the records of senders must agree.

        Args:
            device: Id of the device.
            n_bytes: Size of the message, bytes.
        """
        self._received_bytes[device + 1] = self._received_bytes.get(device + 1, 0.0) + n_bytes

    def close_round(
        self, round_: int, start_s: float, end_s: float, under_way: Sequence[Announcement] = ()
    ) -> tuple[Transfers, Computations]:
        """Settle what was told since the last round was closed, and what was under way then.

        Args:
            round_: The round's number.
            start_s: Simulated time at which it began, seconds.
            end_s: Simulated time at which it ended, seconds.
            under_way: Legs that have begun and were not told yet.

        Returns:
            The legs that ended in the round.

        Raises:
            RecordError: A leg is impossible or began before the round without having been under way then, a client
                computed two things at once, a device was busy while it was off, or a device was not handed what was
                sent to it and not lost.
        """
        span = RoundSpan(round_, start_s, end_s)
        transfers, work = self._under_way.admit(span, *self._legs.take())
        announced = self._under_way.announce(span, under_way)
        off = self._absences.take(span)
        times = device_times(
            span,
            self._computing(span, work, announced),
            self._transferring(span, transfers, announced),
            off,
            self._legs.names,
            self._lanes,
        )
        transfers, work = self._under_way.carry(span, transfers, work)
        count = len(self._legs.names)
        self._device_rows.append(self._device_row(span, times, transfers, work))
        kept = _transfer_rows(transfers) if self._keep_transfers else _transfer_sums(transfers, count)
        kept["round"] = np.full(len(kept["bytes"]), round_)
        self._transfer_rows.append(kept)
        return transfers, work

    def _device_row(
        self, span: RoundSpan, times: dict[str, FloatArray], transfers: Transfers, work: Computations
    ) -> dict[str, Any]:
        """Return the columns of a round's devices."""
        count = len(self._legs.names)
        sent = _sums(transfers.source, transfers.n_bytes, count)
        received = _sums(transfers.target, transfers.n_bytes - transfers.lost_bytes, count)
        lost = _sums(transfers.source, transfers.lost_bytes, count)
        self._require_handed_over(span, received, transfers)
        idle_s = times["elapsed_s"] - times["off_s"] - times["compute_s"]
        memory_bytes = np.zeros(count)
        memory_bytes[list(self._memory_bytes)] = list(self._memory_bytes.values())
        self._memory_bytes.clear()
        return {
            "round": np.full(count, span.number),
            "device": self._legs.names,
            "profile": self._legs.profiles,
            **times,
            "uplink_bytes": sent,
            "downlink_bytes": received,
            "lost_bytes": lost,
            "work_flops": _sums(work.device, work.flops, count),
            "lost_flops": _sums(work.device, work.lost_flops, count),
            "energy_j": self._powers.energy_j(times["compute_s"], idle_s, sent + received),
            "memory_bytes": memory_bytes,
        }

    def _require_handed_over(self, span: RoundSpan, came: FloatArray, transfers: Transfers) -> None:
        """Check that devices were handed what was sent to them and not lost, where they told of it.

        Args:
            span: The round.
            came: What was sent to each device, less what was lost of it, bytes.
            transfers: What was sent.
        """
        if not self._received_bytes:
            return
        handed = np.zeros(len(came))
        handed[list(self._received_bytes)] = list(self._received_bytes.values())
        self._received_bytes.clear()

        def describe(row: int) -> str:
            what = f"{came[row]} bytes were sent to it and not lost, and it was handed {handed[row]}"
            return f"{self._legs.names[row]} in round {span.number}: {what}"

        # Where nearly all is lost, what came is a small difference of large numbers, each of them rounded.
        rounding = _sums(transfers.target, 2.0 * np.spacing(transfers.n_bytes), len(came))
        require(np.abs(handed - came) <= 1e-9 * np.maximum(1.0, came) + rounding, describe)

    def _computing(self, span: RoundSpan, work: Computations, announced: Announced) -> list[Activity]:
        """Return what was computed in a round, what is not told yet included."""
        told = Activity(
            Spans(work.device, work.start_s, work.end_s), partial(self._legs.describe_computation, work)
        )
        return [told, *self._announced(span, announced, computes=True)]

    def _transferring(self, span: RoundSpan, transfers: Transfers, announced: Announced) -> list[Activity]:
        """Return what was on its way in a round, once for its source and once for its target."""
        times = (transfers.start_s, transfers.end_s)
        describe = partial(self._legs.describe_transfer, transfers)
        told = [Activity(Spans(end, *times), describe) for end in (transfers.source, transfers.target)]
        return [*told, *self._announced(span, announced, computes=False)]

    def _announced(self, span: RoundSpan, announced: Announced, computes: bool) -> list[Activity]:
        """Return the announced computations, or the others; they go on to the end of the round."""
        of = Announced._make(column[announced.computes == computes] for column in announced)
        if not len(of.device):
            return []
        spans = Spans(of.device, of.start_s, np.full(len(of.device), span.end_s))
        return [Activity(spans, partial(self._under_way.describe, of))]

    def ways_of_last_round(self) -> list[tuple[str, str, str]]:
        """Return kind, source and target of all that was sent in the round last closed, each combination once."""
        last, names = self._transfer_rows[-1], self._legs.names
        ways = np.unique(_way_codes(last["source"], last["target"], last["kind"], len(names)))
        columns = (column.tolist() for column in _ends_and_kinds(ways, len(names)))
        return [
            (KINDS[kind], str(names[source]), str(names[target]))
            for source, target, kind in zip(*columns, strict=True)
        ]

    def device_table(self) -> pd.DataFrame:
        """Return one row per closed round and device."""
        return tables.make_table(tables.DEVICES, _stack(tables.DEVICES, self._device_rows))

    def transfer_table(self) -> pd.DataFrame:
        """Return the transfers of the closed rounds, one row each or summed."""
        columns = tables.TRANSFERS if self._keep_transfers else tables.TRANSFERS_SUMMARY
        stacked = _stack(columns, self._transfer_rows)
        # Codes become names only here, so that a kept transfer costs integers until the run is over.
        kinds = np.array(KINDS, dtype=object)
        for column, texts in (("source", self._legs.names), ("target", self._legs.names), ("kind", kinds)):
            stacked[column] = texts[stacked[column].astype(np.int64)]
        return tables.make_table(columns, stacked)


def _lanes(fleet: Fleet) -> FloatArray:
    """Return how much each device computes at once, by row; without end where all its work shares its lanes."""
    profiles = [device.profile for device in fleet.devices]
    return np.array([math.inf if one.processor_sharing else one.lanes for one in profiles])


def _transfer_rows(transfers: Transfers) -> dict[str, Any]:
    """Return one entry per transfer, in the order of their starts; devices and kinds as codes."""
    order = np.argsort(transfers.start_s, kind="stable")
    columns: dict[str, Any] = {name: column[order] for name, column in transfers._asdict().items()}
    columns["bytes"] = columns.pop("n_bytes")
    return columns


def _transfer_sums(transfers: Transfers, devices: int) -> dict[str, Any]:
    """Return one entry per source, target and kind, sorted by them; devices and kinds as codes."""
    keys = _way_codes(transfers.source, transfers.target, transfers.kind, devices)
    groups, group = np.unique(keys, return_inverse=True)
    source, target, kind = _ends_and_kinds(groups, devices)
    return {
        "source": source,
        "target": target,
        "kind": kind,
        "transfers": np.bincount(group, minlength=len(groups)),
        "bytes": _sums(group, transfers.n_bytes, len(groups)),
        "lost_bytes": _sums(group, transfers.lost_bytes, len(groups)),
        "transfer_s": _sums(group, transfers.end_s - transfers.start_s, len(groups)),
    }


def _way_codes(source: IntArray, target: IntArray, kind: IntArray, devices: int) -> IntArray:
    """Return one number for each source, target and kind, which sorts as they do."""
    return (source * devices + target) * len(KINDS) + kind


def _ends_and_kinds(codes: IntArray, devices: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return the source, target and kind of each of such numbers."""
    ends, kinds = np.divmod(codes, len(KINDS))
    return *np.divmod(ends, devices), kinds


def _stack(columns: tables.Columns, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Join the rounds' columns; without rounds, every column is empty."""
    return {name: np.concatenate([np.empty(0, bool), *(r[name] for r in rounds)]) for name in columns}


def _sums(index: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Sum the values that share an index, shape ``[count]``."""
    return np.bincount(index, weights=values, minlength=count).astype(np.float64)
