"""The way out where links would not settle: all around them is filled anew, from zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from simulator.kernel.fluid_bundling import Bundling
from simulator.kernel.fluid_link import Link
from simulator.kernel.fluid_parts import INFINITE, Bundle
from simulator.kernel.fluid_promises import fits
from simulator.kernel.sharing import max_min_rates

_FULL = 1e-9
"""A link with less than this share of its capacity left may be what bounds its fastest flow."""


def refill(bundling: Bundling, schedule: Callable[[Link], None]) -> None:
    """Set the levels of the touched links, and of all that hang together with them, by progressive filling.

    Args:
        bundling: the flows in their bundles.
        schedule: enters the first end among a full link's flows in the calendar.
    """
    links, bundles = _component([link for _, _, link in bundling.touched])
    levels = _levels(links, bundles)
    virtual = [bundle.virtual_i(bundling.now_s) for bundle in bundles]
    for link, level in zip(links, levels, strict=True):
        link.clear()
        if level < INFINITE:
            link.full = True
            link.set_level(level)
            link.at_s = bundling.now_s
    for bundle, virtual_i in zip(bundles, virtual, strict=True):
        bundling.attach(bundle, virtual_i)
        _cross(bundling, bundle)
        bundling.record(bundle)
    for link in links:
        link.waiting = False
        if link.full:
            schedule(link)
        else:
            bundling.calendar.set_end(link, INFINITE)
            fits(link)
    bundling.touched.clear()


def _component(touched: Iterable[Link]) -> tuple[list[Link], list[Bundle]]:
    """Return the links and bundles that hang together with the given links."""
    links = dict.fromkeys(touched)
    bundles: dict[Bundle, None] = {}
    waiting = list(links)
    while waiting:
        for bundle in waiting.pop().bundles:
            if bundle not in bundles:
                bundles[bundle] = None
                new = [link for link in bundle.links if link not in links]
                links.update(dict.fromkeys(new))
                waiting += new
    return list(links), list(bundles)


def _levels(links: list[Link], bundles: list[Bundle]) -> list[float]:
    """Return the level of every link: that of its fastest flow where it is full, else infinite."""
    index = {link: number for number, link in enumerate(links)}
    flows = [flow for bundle in bundles for flow in bundle.members.values()]
    routes = [[index[link] for link in bundle.links] for bundle in bundles for _ in bundle.members]
    weights = np.array([flow.weight for flow in flows])
    rates = max_min_rates(
        [link.capacity for link in links], routes, weights, [min(flow.cap, INFINITE) for flow in flows]
    )
    loads, fastest = np.zeros(len(links)), np.zeros(len(links))
    for route, rate, level in zip(routes, rates, rates / weights, strict=True):
        loads[route] += rate
        fastest[route] = np.maximum(fastest[route], level)
    full = [load >= link.capacity * (1.0 - _FULL) for load, link in zip(loads, links, strict=True)]
    return [float(level) if is_full else INFINITE for level, is_full in zip(fastest, full, strict=True)]


def _cross(bundling: Bundling, bundle: Bundle) -> None:
    """Free and hold the flows of a bundle whose caps are on the other side of its level now."""
    level = bundle.level()
    while -bundle.first_falling() > level:
        bundling.free_first(bundle)
    while bundle.first_rising() <= level and bundle.first_rising() < INFINITE:
        bundling.hold_first(bundle)
