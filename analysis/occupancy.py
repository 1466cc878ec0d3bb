"""How long devices were busy: the length of the union of their intervals, for all devices at once.

Intervals of one device may overlap (a server talks to many clients at a time), so adding durations is wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
TextArray = npt.NDArray[np.object_]
BoolArray = npt.NDArray[np.bool_]


class Spans(NamedTuple):
    """Intervals of devices as arrays of shape ``[n]``; ``device`` is the device's index."""

    device: IntArray
    start_s: FloatArray
    end_s: FloatArray

    def at(self, index: IntArray) -> Spans:
        """Return the intervals of an index, in its order."""
        return Spans(self.device[index], self.start_s[index], self.end_s[index])

    def within(self, from_s: float, to_s: float) -> Spans:
        """Return the parts between two times; what lies outside shrinks to nothing at one of them."""
        return Spans(self.device, np.clip(self.start_s, from_s, to_s), np.clip(self.end_s, from_s, to_s))


def tolerance_s(time_s: float) -> float:
    """Return the rounding allowed when simulated times near ``time_s`` are compared, seconds."""
    return 1e-9 * max(1.0, abs(time_s))


def by_device_and_start(device: IntArray, start_s: FloatArray) -> IntArray:
    """Return the order that sorts intervals by device and, within a device, by start.

    Args:
        device: Device index of each interval, shape ``[n]``.
        start_s: Start of each interval in seconds, shape ``[n]``.

    Returns:
        Indices, shape ``[n]``; intervals equal in both keep their order.
    """
    by_start = np.argsort(start_s, kind="stable")
    # NumPy sorts 16-bit integers by radix, several times faster than wide ones.
    narrow = np.int16 if device.size and device.max() <= np.iinfo(np.int16).max else np.int64
    order: IntArray = by_start[np.argsort(device[by_start].astype(narrow), kind="stable")]
    return order


def occupied_seconds(device: IntArray, start_s: FloatArray, end_s: FloatArray, devices: int) -> FloatArray:
    """Measure the union of each device's intervals.

    ``occupied[d] = sum_i max(0, end_i - max(start_i, reached_i))`` over the intervals of device ``d`` in order
    of their start, where ``reached_i`` is the latest end among the device's earlier intervals.

    Args:
        device: Device index of each interval, in ``0..devices-1``, in the order of
            :func:`by_device_and_start`; shape ``[n]``.
        start_s: Starts in seconds in the same order, shape ``[n]``.
        end_s: Ends in seconds, each at or after its start, shape ``[n]``.
        devices: Number of devices.

    Returns:
        Seconds per device, shape ``[devices]``; 0 for a device without intervals.

    Example:
        >>> index, start, end = np.array([0, 0, 1]), np.array([0.0, 1.0, 0.0]), np.array([2.0, 5.0, 3.0])
        >>> occupied_seconds(index, start, end, devices=3).tolist()
        [5.0, 3.0, 0.0]
    """
    from_s = start_s.copy()
    follows = device[1:] == device[:-1]
    reached_s = _running_maximum(device, end_s, follows, start_s)[:-1]
    from_s[1:][follows] = np.maximum(start_s[1:], reached_s)[follows]
    gained_s = np.maximum(end_s - from_s, 0.0)
    return np.bincount(device, weights=gained_s, minlength=devices).astype(np.float64)


def merged(spans: Spans) -> Spans:
    """Join the intervals of a device that touch or overlap.

    Args:
        spans: Intervals in any order, with finite ends.

    Returns:
        Disjoint intervals, sorted by device and, within a device, by time.

    Example:
        >>> spans = Spans(np.array([1, 0, 1]), np.array([2.0, 0.0, 1.0]), np.array([4.0, 1.0, 2.0]))
        >>> [column.tolist() for column in merged(spans)]
        [[0, 1], [0.0, 1.0], [1.0, 4.0]]
    """
    device, start_s, end_s = spans.at(by_device_and_start(spans.device, spans.start_s))
    follows = device[1:] == device[:-1]
    reached_s = _running_maximum(device, end_s, follows, start_s)
    begins = np.ones(len(device), dtype=np.bool_)
    begins[1:] = ~follows | (start_s[1:] > reached_s[:-1])
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(device))[: len(first)] - 1
    return Spans(device[first], start_s[first], reached_s[last])


def meeting(spans: Spans, blocks: Spans, allowed_s: float) -> IntArray:
    """Find the first block of its own device that each interval overlaps.

    Args:
        spans: The intervals, in any order.
        blocks: Disjoint intervals as :func:`merged` returns them.
        allowed_s: Overlaps that touch an end no further than this are rounding, seconds.

    Returns:
        Index in ``blocks`` of the first overlap of each interval, -1 where there is none.
    """
    found = np.full(len(spans.device), -1, dtype=np.int64)
    if not blocks.device.size:
        return found
    asked = np.flatnonzero(np.isin(spans.device, blocks.device))
    device, start_s, end_s = spans.at(asked)
    # Blocks and intervals in one order: the blocks before an interval are those that had ended when it began.
    count = len(blocks.device)
    times_s = np.concatenate([blocks.end_s, start_s + allowed_s])
    order = np.lexsort((times_s, np.concatenate([blocks.device, device])))
    is_block = order < count
    first = np.empty(len(asked), dtype=np.int64)
    first[order[~is_block] - count] = is_block.cumsum()[~is_block]
    at = np.minimum(first, count - 1)
    meets = (first < count) & (blocks.device[at] == device) & (blocks.start_s[at] < end_s - allowed_s)
    found[asked[meets]] = at[meets]
    return found


def _running_maximum(
    device: IntArray, end_s: FloatArray, follows: BoolArray, start_s: FloatArray
) -> FloatArray:
    """Return the latest end among each interval and those before it on its device; no arithmetic on times."""
    if not (follows & (start_s[1:] < end_s[:-1])).any():
        return end_s
    count = len(end_s)
    by_end = np.argsort(end_s, kind="stable")
    rank = np.empty(count, dtype=np.int64)
    rank[by_end] = np.arange(count)
    # A later device's keys all exceed an earlier one's, so one running maximum serves every device.
    highest = np.maximum.accumulate(device * count + rank) - device * count
    latest: FloatArray = end_s[by_end][highest]
    return latest
