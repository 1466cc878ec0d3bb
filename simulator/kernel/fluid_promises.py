"""Promises: why a link that is not full need not be touched by every change of what flows over it.

A link with room promises each of its bundles a rate, in all no more than its capacity. As long as every bundle keeps to
what it was promised the link is not full, whatever else happens. Only who needs more has to ask.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.kernel.fluid_link import Link
from simulator.kernel.fluid_parts import NO_PROMISE, Bundle

_FITS = 40
"""A link of which no more is asked than this beyond its capacity, 2**-40 of it, is not full."""

_MARGIN = 50
"""What is promised beyond a rate, 2**-50 of it, so that rounding does not ask again."""


def fits(link: Link) -> bool:
    """Whether a link that is not taken for full has room for all its bundles; if so, promise them what is left."""
    rates_i = {}
    for bundle in link.bundles:
        if bundle.governor is None and bundle.weight_i:
            return False  # its flows are bound by nothing else
        rates_i[bundle] = bundle.rate_i()
    spare_i = link.capacity_i - sum(rates_i.values())
    if -spare_i > link.capacity_i >> _FITS:
        return False
    spare_i = max(spare_i, 0)
    # Where there are several, half is kept for whoever needs more.
    share_i = spare_i if len(rates_i) == 1 else spare_i // max(2 * len(rates_i), 1)
    for bundle, rate_i in rates_i.items():
        before_i = bundle.promise_i
        bundle.promises[link] = rate_i + share_i + (rate_i >> _MARGIN)
        bundle.promise_i = min(bundle.promises.values())
        if bundle.promise_i < before_i and bundle.governor is not None:
            bundle.governor.watch_up(bundle)
    link.room_i = spare_i - share_i * len(rates_i)
    return True


def ask(bundle: Bundle, rate_i: int, touch: Callable[[Link], None]) -> None:
    """Ask a bundle's links for a rate: they promise it, or else they are touched and will look at all their bundles."""
    rate_i += rate_i >> _MARGIN
    promises = bundle.promises
    for link, promise_i in promises.items():
        need_i = rate_i - promise_i
        if need_i <= 0:
            continue
        if need_i > link.room_i:
            promises[link] = NO_PROMISE
            touch(link)
        else:
            more_i = link.room_i - need_i
            grant_i = need_i + (more_i if len(link.bundles) == 1 else more_i >> 3)
            link.room_i -= grant_i
            promises[link] = promise_i + grant_i
    bundle.promise_i = min(promises.values())


def forget(bundle: Bundle, link: Link) -> None:
    """Drop a promise: the link is full now."""
    del bundle.promises[link]
    bundle.promise_i = min(bundle.promises.values(), default=NO_PROMISE)
