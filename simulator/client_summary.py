"""Where the time of very many clients goes, by profile: what is told of a fleet too large to list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES: Mapping[str, float] = {"min": 0.0, "p05": 0.05, "median": 0.5, "p95": 0.95, "max": 1.0}
"""What is told of each time: the quantiles by name."""

TIMES = ("compute_s", "transfer_s", "wait_s")


def summary_by_profile(
    names: Sequence[str],
    name_of: NDArray[np.integer[Any]],
    seconds: Mapping[str, NDArray[np.float64]],
) -> list[dict[str, Any]]:
    """Return the clients and the quantiles of their times for each profile.

    Args:
        names: the profiles' names, each once.
        name_of: the profile of each client, as an index into them, ``[N]``.
        seconds: each of :data:`TIMES` of the clients, ``[N]``.

    Returns:
        For each profile that has clients ``profile``, ``clients``, and for each time a mapping of quantiles.
    """
    summary = []
    for index, name in enumerate(names):
        members = np.flatnonzero(name_of == index)
        if len(members):
            own = {time: quantiles(seconds[time][members]) for time in TIMES}
            summary.append({"profile": name, "clients": len(members), **own})
    return summary


def summary_of_list(clients: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the same of clients that are listed, each with ``profile`` and :data:`TIMES`."""
    names = list(dict.fromkeys(one["profile"] for one in clients))
    index_of = {name: index for index, name in enumerate(names)}
    name_of = np.array([index_of[one["profile"]] for one in clients])
    seconds = {time: np.array([one[time] for one in clients], dtype=np.float64) for time in TIMES}
    return summary_by_profile(names, name_of, seconds)


def quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the quantiles of values ``[n]`` by name."""
    found = np.quantile(values, list(QUANTILES.values()))
    return dict(zip(QUANTILES, found.tolist(), strict=True))
