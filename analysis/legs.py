"""Buffers of the two kinds of legs a run is made of: transfers and computations.

Reports go into flat lists and are packed into arrays now and then; a packed leg is known to be possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analysis.occupancy import BoolArray, FloatArray, IntArray
from analysis.routines import COMPUTATION, RoutineComputation, Routines, RoutineTransfer, Work
from models.split import PayloadKind

if TYPE_CHECKING:
    from devices.fleet import Fleet

KINDS = tuple(str(kind) for kind in PayloadKind)
"""Payload kinds in the order of their codes."""

_KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
_FLUSH_VALUES = 400_000
"""Buffered values (seven a transfer, six a computation, three a routine) beyond which a buffer is packed."""

Ids = Sequence[int] | IntArray
Values = Sequence[float] | FloatArray


class RecordError(RuntimeError):
    """Facts of a run contradict each other: a fault of the simulation, never of its input."""


class Transfers(NamedTuple):
    """Transfers as arrays of shape ``[n]``; ``source`` and ``target`` are device rows (id + 1)."""

    source: IntArray
    target: IntArray
    kind: IntArray
    n_bytes: FloatArray
    start_s: FloatArray
    end_s: FloatArray
    lost_bytes: FloatArray


class Computations(NamedTuple):
    """Computations as arrays of shape ``[n]``; ``device`` is the device row (id + 1), ``work`` a code."""

    device: IntArray
    work: IntArray
    start_s: FloatArray
    end_s: FloatArray
    flops: FloatArray
    lost_flops: FloatArray


class LegBuffer:
    """Collects the legs that are told in the open round.

    Args:
        fleet: The devices; the server has the id -1, clients 0..N-1 in order, edge servers those after them.

    Attributes:
        names: Names of the devices by row (id + 1), shape ``[devices]``.
        profiles: Names of their profiles, shape ``[devices]``.
        works: What was computed, by code; it grows.

    Raises:
        ValueError: The ids are others.
    """

    def __init__(self, fleet: Fleet) -> None:
        devices = fleet.devices
        if [device.id for device in devices] != list(range(-1, len(devices) - 1)):
            raise ValueError(
                "the ids of a fleet must be -1 for the server and 0, 1, 2, ... for its clients and edge servers"
            )
        self.names = np.array([device.name for device in devices], dtype=object)
        self.profiles = np.array([device.profile.name for device in devices], dtype=object)
        self.works: list[Work] = [COMPUTATION]
        self._work_codes = {COMPUTATION: 0}
        self._kind_bytes = np.zeros(len(KINDS))
        self._kind_counts = np.zeros(len(KINDS), dtype=np.int64)
        # Flat lists: one extension by seven (six) values is the cheapest report that keeps them together.
        self._transfers: list[Any] = []
        self._computations: list[Any] = []
        self._performances: list[Any] = []
        self._routines = Routines()
        self._packed_transfers: list[Transfers] = []
        self._packed_computations: list[Computations] = []

    def transfer(
        self,
        source: int,
        target: int,
        kind: str,
        n_bytes: float,
        start_s: float,
        end_s: float,
        lost_bytes: float = 0.0,
    ) -> None:
        """Record that ``source`` sent something to ``target``.

        A message that carries several kinds is reported once per kind with the same times; the devices'
        transfer time counts it once, because it measures when a device was transferring, not how often. A message
        that was broken off ends when it was; what was sent of it is lost.

        Args:
            source: Id of the sender.
            target: Id of the receiver.
            kind: One of :class:`models.split.PayloadKind`.
            n_bytes: What was sent, bytes, >= 0.
            start_s: Simulated time at which it began, seconds.
            end_s: Simulated time at which it had arrived, seconds; it may lie beyond the open round.
            lost_bytes: How much of it never arrived, bytes, 0 to ``n_bytes``.

        Raises:
            RecordError: Now or when the round is closed: unknown ids or kind, or impossible size or times.
        """
        self._transfers.extend((source, target, kind, n_bytes, start_s, end_s, lost_bytes))
        if len(self._transfers) >= _FLUSH_VALUES:
            self._pack_transfers()

    def compute(
        self,
        device: int,
        start_s: float,
        end_s: float,
        flops: float,
        lost_flops: float = 0.0,
        work: Work = COMPUTATION,
    ) -> None:
        """Record that a device computed.

        Args:
            device: Id of the device.
            start_s: Simulated time at which it began, seconds.
            end_s: Simulated time at which it was done, or broken off, seconds; it may lie beyond the open round.
            flops: Work done, floating point operations, >= 0.
            lost_flops: How much of it was in vain, floating point operations, 0 to ``flops``.
            work: What it computed, and in which phase.

        Raises:
            RecordError: Now or when the round is closed: unknown id, or impossible work or times.
        """
        self._computations.extend((device, work, start_s, end_s, flops, lost_flops))
        if len(self._computations) >= _FLUSH_VALUES:
            self._pack_computations()

    def routine(
        self, transfers: Sequence[RoutineTransfer], computations: Sequence[RoutineComputation]
    ) -> int:
        """Describe legs that always follow one another in the same way; return their number for ``perform``.

        Raises:
            RecordError: Unknown kind; what else is impossible is found when the routine was performed.
        """
        # A fleet forges millions of these: no second named tuple is made of each.
        codes = _codes([str(one.kind) for one in transfers])
        coded = [(*one[:2], code, *one[3:]) for one, code in zip(transfers, codes, strict=True)]
        return self._routines.add(coded, [(*one[:-1], self._work_code(one.work)) for one in computations])

    def like_routines(
        self,
        transfers: Callable[[Mapping[str, int]], FloatArray],
        computations: Callable[[Callable[[Work], int]], FloatArray],
    ) -> int:
        """Describe many routines at once; return the number of the first, the others follow it.

        Args:
            transfers: Given the codes of payload kinds, returns the transfers: ``[n, k, 7]``, the numbers of
                :class:`analysis.routines.RoutineTransfer`.
            computations: Given what returns the code of what is computed, returns the computations: ``[n, m, 5]``, the
                numbers of :class:`analysis.routines.RoutineComputation`.
        """
        return self._routines.add_many(transfers(_KIND_CODES), computations(self._work_code))

    def perform(self, routine: int, start_s: float, wait_s: float) -> None:
        """Record all legs of a routine; nothing of them is lost.

        Args:
            routine: Its number.
            start_s: Simulated time at which it began, seconds.
            wait_s: How long its computations, and what follows them, had to wait for a busy processor, seconds.

        Raises:
            RecordError: As for ``transfer`` and ``compute``.
        """
        self._performances.extend((routine, start_s, wait_s))
        if len(self._performances) >= _FLUSH_VALUES:
            self._pack_performances()

    @property
    def is_empty(self) -> bool:
        """Whether no leg was recorded since the last ``take``."""
        unpacked = self._transfers or self._computations or self._performances
        return not (unpacked or self._packed_transfers or self._packed_computations)

    def bytes_by_kind(self) -> dict[str, float]:
        """Return all bytes ever recorded per payload kind, without the kinds never sent."""
        self._pack_transfers()
        self._pack_performances()
        sent = zip(KINDS, self._kind_bytes.tolist(), self._kind_counts.tolist(), strict=True)
        return {kind: n_bytes for kind, n_bytes, count in sent if count}

    def take(self) -> tuple[Transfers, Computations]:
        """Hand over the legs recorded since the last call, in the order in which they were packed.

        Raises:
            RecordError: A leg is impossible.
        """
        self._pack_transfers()
        self._pack_computations()
        self._pack_performances()
        transfers = Transfers(*joined(NO_TRANSFERS, self._packed_transfers))
        computations = Computations(*joined(NO_COMPUTATIONS, self._packed_computations))
        self._packed_transfers.clear()
        self._packed_computations.clear()
        return transfers, computations

    def describe_transfer(self, transfers: Transfers, i: int) -> str:
        """Say in words what the i-th transfer was."""
        source, target = self.names[transfers.source[i]], self.names[transfers.target[i]]
        size = f"{transfers.n_bytes[i]} bytes of {KINDS[transfers.kind[i]]}"
        lost = f" ({transfers.lost_bytes[i]} lost)" if transfers.lost_bytes[i] else ""
        return f"{source} -> {target}, {size}{lost} from {transfers.start_s[i]} s to {transfers.end_s[i]} s"

    def describe_computation(self, work: Computations, i: int) -> str:
        """Say in words what the i-th computation was."""
        span = f"from {work.start_s[i]} s to {work.end_s[i]} s"
        lost = f" ({work.lost_flops[i]} in vain)" if work.lost_flops[i] else ""
        return f"{self.names[work.device[i]]}, {work.flops[i]} FLOP{lost} {span}"

    def _pack_transfers(self) -> None:
        if not self._transfers:
            return
        source, target, kinds, n_bytes, start_s, end_s, lost = (self._transfers[i::7] for i in range(7))
        self._transfers.clear()
        self._keep_transfers(source, target, _codes(kinds), n_bytes, start_s, end_s, lost)

    def _pack_computations(self) -> None:
        if not self._computations:
            return
        device, works, start_s, end_s, flops, lost = (self._computations[i::6] for i in range(6))
        self._computations.clear()
        self._keep_computations(device, [self._work_code(one) for one in works], start_s, end_s, flops, lost)

    def _pack_performances(self) -> None:
        if not self._performances:
            return
        which, start_s, wait_s = (self._performances[i::3] for i in range(3))
        self._performances.clear()
        performances = (np.array(which, dtype=np.int64), _floats(start_s), _floats(wait_s))
        self._keep_transfers(*self._routines.transfers(*performances))
        self._keep_computations(*self._routines.computations(*performances))

    def _keep_transfers(
        self,
        source: Ids,
        target: Ids,
        kind: Ids,
        n_bytes: Values,
        start_s: Values,
        end_s: Values,
        lost: Values,
    ) -> None:
        """Check transfers given as columns, count their bytes, and keep them."""
        codes = np.asarray(kind, dtype=np.int64)
        ends = (self._rows(source), self._rows(target))
        numbers = (_floats(column) for column in (n_bytes, start_s, end_s, lost))
        packed = Transfers(*ends, codes, *numbers)
        possible = _possible(*packed[3:]) & (packed.source != packed.target)
        require(possible, lambda i: f"an impossible transfer: {self.describe_transfer(packed, i)}")
        self._kind_bytes += np.bincount(codes, weights=packed.n_bytes, minlength=len(KINDS))
        self._kind_counts += np.bincount(codes, minlength=len(KINDS))
        self._packed_transfers.append(packed)

    def _work_code(self, work: Work) -> int:
        """Turn what is computed into its code; what is new gets the next one."""
        code = self._work_codes.setdefault(work, len(self.works))
        if code == len(self.works):
            self.works.append(work)
        return code

    def _keep_computations(
        self, device: Ids, work: Ids, start_s: Values, end_s: Values, flops: Values, lost: Values
    ) -> None:
        """Check computations given as columns, and keep them."""
        numbers = (_floats(column) for column in (start_s, end_s, flops, lost))
        packed = Computations(self._rows(device), np.asarray(work, dtype=np.int64), *numbers)
        possible = _possible(packed.flops, packed.start_s, packed.end_s, packed.lost_flops)
        require(possible, lambda i: f"an impossible computation: {self.describe_computation(packed, i)}")
        self._packed_computations.append(packed)

    def _rows(self, ids: Ids) -> IntArray:
        """Turn device ids into device rows, id + 1."""
        rows: IntArray = np.asarray(ids, dtype=np.int64) + 1
        known = (rows >= 0) & (rows < len(self.names))
        require(known, lambda i: f"device {ids[i]} is not one of -1..{len(self.names) - 2}")
        return rows


_NO_INTS: IntArray = np.empty(0, dtype=np.int64)
_NO_FLOATS: FloatArray = np.empty(0, dtype=np.float64)
NO_TRANSFERS = Transfers(_NO_INTS, _NO_INTS, _NO_INTS, *[_NO_FLOATS] * 4)
NO_COMPUTATIONS = Computations(_NO_INTS, _NO_INTS, *[_NO_FLOATS] * 4)


def require(fine: BoolArray, describe: Callable[[int], str]) -> None:
    """Check every entry.

    Args:
        fine: Which entries are as they should be, shape ``[n]``.
        describe: Says what is wrong with the entry of a given index.

    Raises:
        RecordError: An entry is not fine; the message describes the first one.
    """
    if not fine.all():
        raise RecordError(describe(int(np.argmin(fine))))


def joined(nothing: tuple[Any, ...], parts: Sequence[Any]) -> list[Any]:
    """Join parts column by column; without parts, the columns are those of ``nothing``."""
    return [np.concatenate(columns) for columns in zip(nothing, *parts, strict=True)]


def _floats(values: Values) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def _codes(kinds: Sequence[str]) -> list[int]:
    """Turn payload kinds into their codes."""
    unknown = sorted(set(kinds) - _KIND_CODES.keys())
    if unknown:
        raise RecordError(f"transfers of the kinds {unknown}; allowed: {', '.join(KINDS)}")
    return [_KIND_CODES[kind] for kind in kinds]


def _possible(amount: FloatArray, start_s: FloatArray, end_s: FloatArray, lost: FloatArray) -> BoolArray:
    """Tell which legs have finite times in order, a finite amount of at least 0, and lost no more than that."""
    finite = np.isfinite(amount) & np.isfinite(start_s) & np.isfinite(end_s)
    possible: BoolArray = finite & (start_s <= end_s) & (lost >= 0.0) & (lost <= amount)
    return possible
