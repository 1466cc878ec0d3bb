"""The accounts of a run: what each device did with the time of a round, and what crossed the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis import tables
from analysis.legs import KINDS, Computations, LegBuffer, Transfers, require
from analysis.occupancy import FloatArray, IntArray, by_device_and_start, occupied_seconds

if TYPE_CHECKING:
    import pandas as pd


class Accounts:
    """Settles the legs of one round after the other.

    Args:
        legs: The buffer the legs are taken from.
        keep_transfers: Whether to keep a row per transfer, or one per round, source, target and kind.
    """

    def __init__(self, legs: LegBuffer, keep_transfers: bool) -> None:
        self._legs = legs
        self._keep_transfers = keep_transfers
        self._transfer_rows: list[dict[str, Any]] = []
        self._device_rows: list[dict[str, Any]] = []

    def close_round(self, round_: int, start_s: float, end_s: float) -> None:
        """Settle the legs recorded since the last round was closed.

        Args:
            round_: The round's number.
            start_s: Simulated time at which it began, seconds.
            end_s: Simulated time at which it ended, seconds.

        Raises:
            RecordError: A leg is impossible or lies outside the round, a client computed two things at once,
                or a waiting time is negative.
        """
        transfers, work = self._legs.take()
        self._require_within(round_, start_s, end_s, transfers, work)
        times = self._device_times(round_, start_s, end_s, transfers, work)
        count = len(self._legs.names)
        self._device_rows.append(
            {
                "round": np.full(count, round_),
                "device": self._legs.names,
                "profile": self._legs.profiles,
                **times,
                "uplink_bytes": _sums(transfers.source, transfers.n_bytes, count),
                "downlink_bytes": _sums(transfers.target, transfers.n_bytes, count),
                "work_flops": _sums(work.device, work.flops, count),
            }
        )
        kept = _transfer_rows(transfers) if self._keep_transfers else _transfer_sums(transfers, count)
        kept["round"] = np.full(len(kept["bytes"]), round_)
        self._transfer_rows.append(kept)

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

    def _require_within(
        self, round_: int, start_s: float, end_s: float, transfers: Transfers, work: Computations
    ) -> None:
        """Check that every leg lies in the round."""
        allowed_s = tolerance_s(end_s)

        def within(legs: Transfers | Computations) -> npt.NDArray[np.bool_]:
            inside: npt.NDArray[np.bool_] = (legs.start_s >= start_s - allowed_s) & (
                legs.end_s <= end_s + allowed_s
            )
            return inside

        span = f"round {round_} ({start_s} s to {end_s} s)"
        describe = self._legs
        require(within(transfers), lambda i: f"outside {span}: {describe.describe_transfer(transfers, i)}")
        require(within(work), lambda i: f"outside {span}: {describe.describe_computation(work, i)}")

    def _device_times(
        self, round_: int, start_s: float, end_s: float, transfers: Transfers, work: Computations
    ) -> dict[str, FloatArray]:
        """Return compute_s, transfer_s, wait_s and elapsed_s of every device."""
        names = self._legs.names
        elapsed_s, allowed_s = end_s - start_s, tolerance_s(end_s)
        compute_s, busy_s = _busy_seconds(transfers, work, len(names))
        wait_s = elapsed_s - busy_s
        require(wait_s >= -allowed_s, lambda i: f"{names[i]} waits {wait_s[i]} s in round {round_}")
        overlap_s = _sums(work.device, work.end_s - work.start_s, len(names)) - compute_s
        # The server (row 0) may compute in several lanes; a client serves one piece of work after the other.
        overlap_s[0] = 0.0
        require(
            overlap_s <= allowed_s,
            lambda i: f"{names[i]} computes two things at once in round {round_}, for {overlap_s[i]} s",
        )
        return {
            "compute_s": compute_s,
            "transfer_s": np.maximum(busy_s - compute_s, 0.0),
            "wait_s": np.maximum(wait_s, 0.0),
            "elapsed_s": np.full(len(names), elapsed_s),
        }


def tolerance_s(time_s: float) -> float:
    """Return the rounding allowed when simulated times near ``time_s`` are compared, seconds."""
    return 1e-9 * max(1.0, abs(time_s))


def _busy_seconds(transfers: Transfers, work: Computations, count: int) -> tuple[FloatArray, FloatArray]:
    """Return each device's seconds of computing, and of computing or transferring."""
    device = np.concatenate([work.device, transfers.source, transfers.target])
    start_s = np.concatenate([work.start_s, transfers.start_s, transfers.start_s])
    end_s = np.concatenate([work.end_s, transfers.end_s, transfers.end_s])
    order = by_device_and_start(device, start_s)
    device, start_s, end_s = device[order], start_s[order], end_s[order]
    computes = order < len(work.device)
    compute_s = occupied_seconds(device[computes], start_s[computes], end_s[computes], count)
    return compute_s, occupied_seconds(device, start_s, end_s, count)


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
