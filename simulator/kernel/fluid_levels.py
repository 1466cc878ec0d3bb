"""The levels of a fluid system's links: kept right from one change to the next.

A change (a flow joins or leaves its bundle, a capacity is another) touches the link that is concerned. A touched link
is settled: its level is moved to where it is exactly full, all other levels left as they are. On the way it meets the
caps of flows, which it frees or holds, and the levels of other links, with which it exchanges bundles. Where that
changes what flows over another full link, that one is touched in turn. When no link is left to settle, the rates are
max-min fair (see :mod:`simulator.kernel.fluid_parts`).
"""

from __future__ import annotations

import math
from heapq import heappop

from simulator.kernel.fluid_bundling import Bundling
from simulator.kernel.fluid_link import Link
from simulator.kernel.fluid_parts import BITS, INFINITE, NO_PROMISE, QUANTUM, SCALE, Bundle, Flow, FluidError
from simulator.kernel.fluid_promises import ask, fits, forget
from simulator.kernel.fluid_refill import refill

_ROOM = 40
"""A link whose flows are all held is full if it has neither more nor less room than this, 2**-40 of its capacity."""

_SAME = 1e-12
"""Links whose levels differ by less do not exchange bundles: they could do so without end."""

_OVERFULL = 30
"""More than this beyond the capacity, 2**-30 of it (1e-9), is a fault."""


class Levels:
    """Settles the links that changes have touched.

    Attributes:
        bundling: the flows in their bundles.
        patience: how often, on average, a touched link may be settled before all around it is filled anew.
        refills: how often that has been.
    """

    def __init__(self, bundling: Bundling) -> None:
        self.bundling = bundling
        self.patience = 16
        self.refills = 0

    def settle_all(self) -> None:
        """Settle all links that are touched, and those that are touched by that."""
        touched = self.bundling.touched
        settled: set[int] = set()
        times = 0
        while touched:
            link = heappop(touched)[2]
            link.waiting = False
            self._settle(link)
            settled.add(link.number)
            times += 1
            if touched and times > self.patience * (len(settled) + 4):
                self.refills += 1
                refill(self.bundling, self._schedule)

    def take_ended(self) -> list[Flow]:
        """Take out the flows that end now; return them."""
        bundling, calendar = self.bundling, self.bundling.calendar
        ended: list[Flow] = []
        finish_s, flow = calendar.next_flow()
        while flow is not None and finish_s <= bundling.now_s:
            ended.append(flow)
            bundling.leave(flow)
            finish_s, flow = calendar.next_flow()
        finish_s, link = calendar.next_link()
        while link is not None and finish_s <= bundling.now_s:
            self._take_free(link, ended)
            finish_s, link = calendar.next_link()
        return ended

    def _settle(self, link: Link) -> None:
        if link.full:
            link.advance(self.bundling.now_s)
        elif fits(link):
            return
        else:
            self._fill(link)
        self._sink(link)
        level = self._rise(link)
        if level == INFINITE:
            self._empty(link)
        else:
            self._publish(link, level)
        link.tidy()

    def _fill(self, link: Link) -> None:
        """Take a link for full, from above: as if its level were infinite."""
        link.clear()
        link.full = True
        link.at_s = self.bundling.now_s
        for bundle in link.bundles:
            forget(bundle, link)
            bundle.full += 1
            governor = bundle.governor
            if governor is None:
                self.bundling.govern(bundle, link)
                continue
            if bundle.full == 2:
                bundle.recorded_i = bundle.rate_i()
                governor.coupled[bundle] = None
            link.fixed_i += bundle.recorded_i
            link.watch_above(bundle, governor.level)

    def _empty(self, link: Link) -> None:
        """Take a link for not full; what it governed is governed by nobody."""
        for bundle in link.bundles:
            bundle.promises[link] = NO_PROMISE
            bundle.full -= 1
            if bundle.governor is link:
                self.bundling.govern(bundle, None)
            elif bundle.full == 1 and bundle.governor is not None:
                del bundle.governor.coupled[bundle]
        link.clear()
        self.bundling.calendar.set_end(link, INFINITE)
        if not fits(link):
            self.bundling.touch(link)

    def _sink(self, link: Link) -> None:
        """Lower the level while more flows than there is room for: free flows, take bundles over."""
        while True:
            room_i = link.capacity_i - link.fixed_i - link.held_i
            if link.weight_i:
                level = room_i / link.weight_i
            elif -room_i <= link.capacity_i >> _ROOM:
                return
            else:
                level = -1.0
            knee, bundle = link.next_down()
            above, other = link.next_above()
            if other is not None and above > knee:
                if level >= above * (1.0 - _SAME):
                    return
                if other.governor is not None:
                    self.bundling.touch(other.governor)
                self.bundling.govern(other, link)
            elif bundle is None or level >= knee:
                return
            else:
                self.bundling.free_first(bundle)

    def _rise(self, link: Link) -> float:
        """Raise the level while less flows than there is room for: hold flows, hand bundles over; return the level."""
        others = _other_governors(link)
        while True:
            room_i = link.capacity_i - link.fixed_i - link.held_i
            if link.weight_i:
                level = max(room_i / link.weight_i, 0.0)
            else:
                level = INFINITE if room_i > link.capacity_i >> _ROOM else link.level
            up, bundle = link.next_up()
            if others and others[-1][0].level <= up:
                other, handed = others[-1]
                if level <= other.level * (1.0 + _SAME):
                    return level
                others.pop()
                self._hand_over(handed, other)
            elif bundle is None or level <= up:
                return level
            elif bundle.first_rising() <= up:
                self.bundling.hold_first(bundle)
            else:
                rate_i = bundle.held_i + (bundle.weight_i * int(level * SCALE) >> BITS)
                ask(bundle, rate_i, self.bundling.touch)

    def _hand_over(self, bundle: Bundle, governor: Link) -> None:
        self.bundling.govern(bundle, governor)
        self.bundling.record(bundle)
        self.bundling.touch(governor)

    def _publish(self, link: Link, level: float) -> None:
        """Set a link's level and tell who must know."""
        link.set_level(level)
        if link.load_i() - link.capacity_i > link.capacity_i >> _OVERFULL:
            raise self._overfull(link)
        for bundle in link.coupled:
            self.bundling.record(bundle)
        self._schedule(link)

    def _schedule(self, link: Link) -> None:
        """Enter the first end of a full link's free flows in the calendar."""
        tag, bundle = link.next_end()
        finish_s = INFINITE
        if bundle is not None and link.level > 0.0:
            finish_s = self.bundling.now_s + max(tag - link.virtual_i, 0) * QUANTUM / link.level
        self.bundling.calendar.set_end(link, finish_s)

    def _take_free(self, link: Link, ended: list[Flow]) -> None:
        """Take out the free flows under a link that end now: the first of them, and all that end no later."""
        now_s = self.bundling.now_s
        link.advance(now_s)
        self.bundling.calendar.set_end(link, INFINITE)
        tag, bundle = link.next_end()
        latest = max(tag, link.virtual_i) + int(link.level * math.ulp(now_s) * SCALE)
        while bundle is not None and tag <= latest:
            flow = bundle.tags[0][2]
            missing = (tag - link.virtual_i) * QUANTUM * flow.weight
            if abs(missing) > 1e-9 * flow.units + 1e-12 * abs(now_s) * link.level * flow.weight:
                raise FluidError(
                    f"at {now_s} s flow {flow.number} over link {link.number} ends with {missing} of its {flow.units} "
                    f"units missing"
                )
            ended.append(flow)
            self.bundling.leave(flow)
            tag, bundle = link.next_end()

    def _overfull(self, link: Link) -> FluidError:
        flows = [number for bundle in link.bundles for number in bundle.members]
        told = ", ".join(map(str, flows[:20])) + (", ..." if len(flows) > 20 else "")
        return FluidError(
            f"at {self.bundling.now_s} s link {link.number} carries {link.load_i() * QUANTUM} units/s; allowed: its "
            f"capacity of {link.capacity}; its flows: {told}"
        )


def _other_governors(link: Link) -> list[tuple[Link, Bundle]]:
    """Return the bundles that another full link would govern if this one's level rose above it; the lowest last."""
    found = []
    for bundle in link.coupled:
        others = (one for one in bundle.links if one.full and one is not link)
        found.append((min(others, key=lambda one: one.level), bundle))
    if len(found) > 1:
        found.sort(key=lambda one: (-one[0].level, -one[1].serial))
    return found
