"""Max-min fair rates by plain progressive filling: the definition, written down.

All flows start at rate zero and rise together, each in proportion to its weight. A flow stops where it reaches its
cap, or where a link it crosses is full; the others rise on. What comes out is the max-min fair allocation: no flow
can get more without taking from another that has, for its weight, no more.

Everything is computed anew from capacities and routes. :class:`simulator.kernel.fluid.Fluid` finds the same rates from
one event to the next, and is tested against this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_SAME = 1.0 + 1e-12
"""Links whose levels differ by less are full at the same moment."""


def max_min_rates(
    capacities: ArrayLike,
    routes: Sequence[Sequence[int]],
    weights: ArrayLike | None = None,
    caps: ArrayLike | None = None,
) -> Floats:
    """Return the max-min fair rate of every flow.

    Args:
        capacities: of every link, in units per second, >= 0.
        routes: the links each flow crosses, as indices into ``capacities``, each at most once.
        weights: of every flow, > 0; left out = all 1. A flow's share of a full link is in proportion to it.
        caps: the greatest rate of every flow, in units per second, >= 0; left out = none is capped.

    Returns:
        One rate per flow, in units per second; infinite for a flow that nothing bounds.

    Example:
        >>> max_min_rates([10.0, 4.0], [[0], [0, 1], [1]]).tolist()
        [8.0, 2.0, 2.0]
    """
    room = np.array(capacities, dtype=float)
    weight = np.ones(len(routes)) if weights is None else np.array(weights, dtype=float)
    cap = np.full(len(routes), np.inf) if caps is None else np.array(caps, dtype=float)
    # Flow flows[i] crosses link links[i].
    flows = np.repeat(np.arange(len(routes)), [len(route) for route in routes])
    links = np.array([link for route in routes for link in route], dtype=np.int64)
    rates = np.zeros(len(routes))
    rising = np.ones(len(routes), dtype=bool)
    while rising.any():
        levels = _levels_when_full(room, links, flows, rates, np.where(rising, weight, 0.0))
        level = levels.min(initial=np.inf)
        stopped = rising & (cap <= level * weight)
        if not stopped.any():
            # Nobody is stopped by a cap before the first link is full.
            stopped[flows[levels[links] <= level * _SAME]] = True
            stopped &= rising
        rates[stopped] = np.minimum(cap, level * weight)[stopped]
        rising &= ~stopped
    return rates


def _levels_when_full(
    room: Floats, links: NDArray[np.int64], flows: NDArray[np.int64], rates: Floats, rising_weights: Floats
) -> Floats:
    """Return at which level, rate over weight of the rising flows, each link is full; infinite where none rises.

    The level of a link only grows while flows stop, so one that is least now is full first.
    """
    taken = np.bincount(links, weights=rates[flows], minlength=len(room))
    weights = np.bincount(links, weights=rising_weights[flows], minlength=len(room))
    left = np.maximum(room - taken, 0.0)
    none: Floats = np.full(len(room), np.inf)
    return np.asarray(np.divide(left, weights, out=none, where=weights > 0.0))
