"""Simulated times as whole nanoseconds, in which what touches does so exactly.

One leg begins when another ends, but the two times are sums of other numbers and may differ in their last bits. Rounded
one by one they would now and then come to lie on two sides of a nanosecond; so times that only rounding can have parted
are made one first.
"""

from __future__ import annotations

import numpy as np

from analysis.occupancy import FloatArray, IntArray

NS_PER_S = 1e9

LATEST_S = 9e9
"""The latest time, in seconds, that 64 bits can hold in nanoseconds: 285 years."""

_ULPS = 64
"""Units in the last place that sums of a leg's times may be off by; at 10,000 s they are a tenth of a nanosecond."""


def nanoseconds(time_s: float) -> int:
    """Return a simulated time in whole nanoseconds."""
    return round(time_s * NS_PER_S)


def instants(*times_s: FloatArray) -> tuple[IntArray, ...]:
    """Return times in nanoseconds; those that lie next to each other, within their rounding, become the same.

    Args:
        times_s: Arrays of simulated times in seconds.

    Returns:
        For each array one of the same shape.

    Example:
        >>> instants(np.array([0.1 + 0.2, 1.0]), np.array([0.3]))
        (array([ 300000000, 1000000000]), array([300000000]))
    """
    known = np.unique(np.concatenate([np.ravel(one) for one in times_s]))
    begins = np.ones(len(known), dtype=np.bool_)
    begins[1:] = np.diff(known) > _ULPS * np.spacing(known[1:])
    first = known[begins][begins.cumsum() - 1]
    whole = np.rint(first * NS_PER_S).astype(np.int64)
    return tuple(whole[np.searchsorted(known, one)] for one in times_s)
