"""How long devices were busy: the length of the union of their intervals, for all devices at once.

Intervals of one device may overlap (a server talks to many clients at a time), so adding durations is wrong.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


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


def _running_maximum(
    device: IntArray, end_s: FloatArray, follows: npt.NDArray[np.bool_], start_s: FloatArray
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
