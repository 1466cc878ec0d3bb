"""Flows join bundles and leave them, are held by their caps or freed; bundles change their governors."""

from __future__ import annotations

from heapq import heappop, heappush
from operator import attrgetter

from simulator.kernel.fluid_calendar import Calendar
from simulator.kernel.fluid_link import Link
from simulator.kernel.fluid_parts import INFINITE, NO_PROMISE, QUANTUM, SCALE, Bundle, Flow, Heap
from simulator.kernel.fluid_promises import ask

_SETTLED = 46
"""A full link that is off its capacity by less than 2**-46 of it need not be settled again."""

_by_level = attrgetter("level")
_by_capacity = attrgetter("capacity")


class Bundling:
    """The bundles of a fluid system, and the links that their changes have touched.

    Attributes:
        now_s: the time of all changes, in seconds.
        calendar: the ends to come.
        touched: heap of the links to be settled, the lowest level first: a level acts on higher ones only.
    """

    def __init__(self) -> None:
        self.now_s = -INFINITE
        self.calendar = Calendar()
        self.touched: Heap[Link] = []
        self._bundles: dict[tuple[int, ...], Bundle] = {}
        self._serial = 0

    def join(self, flow: Flow, left: float) -> None:
        """Let a flow flow from now on, with so many units to go."""
        flow.left = left
        shared = [link for link in flow.links if link.shared]
        if not shared:
            self.calendar.hold(flow, self.now_s)
            return
        bundle = flow.bundle = self._bundle_over(shared)
        bundle.members[flow.number] = flow
        governor = bundle.governor
        if flow.knee < INFINITE and flow.knee <= bundle.level():
            self._join_held(flow, bundle)
        else:
            self._join_free(flow, bundle)
            if governor is None:
                # Nothing bounds it, so one of its links is full now, and most likely this one.
                self.touch(min(bundle.links, key=_by_capacity))
        if governor is not None:
            self.touch(governor)
        if bundle.promises:
            rate_i = bundle.rate_i()
            if rate_i > bundle.promise_i:
                ask(bundle, rate_i, self.touch)

    def leave(self, flow: Flow) -> None:
        """Take a flow out."""
        flow.finish_s = INFINITE
        bundle = flow.bundle
        if bundle is None:
            return
        flow.bundle = None
        del bundle.members[flow.number]
        governor = bundle.governor
        if flow.free:
            bundle.weight_i -= flow.weight_i
            if governor is not None:
                governor.weight_i -= flow.weight_i
        else:
            bundle.held_i -= flow.cap_i
            if governor is not None:
                governor.held_i -= flow.cap_i
        if governor is not None:
            self.touch(governor)
        if not bundle.members:
            self._drop(bundle)

    def left(self, flow: Flow) -> float:
        """Return the units that a flow has to go now."""
        if flow.free and flow.bundle is not None:
            left = (flow.tag - flow.bundle.virtual_i(self.now_s)) * QUANTUM * flow.weight
        else:
            left = flow.left - flow.cap * (self.now_s - flow.at_s)
        return left if left > 0.0 else 0.0

    def touch(self, link: Link) -> None:
        """Have a link settled."""
        if not link.waiting:
            link.waiting = True
            heappush(self.touched, (link.level, link.number, link))

    def govern(self, bundle: Bundle, governor: Link | None) -> None:
        """Put a bundle under another link, or under none."""
        old = bundle.governor
        shift = bundle.virtual_i(self.now_s)
        if old is not None:
            old.held_i -= bundle.held_i
            old.weight_i -= bundle.weight_i
            old.fixed_i += bundle.recorded_i
            old.coupled.pop(bundle, None)
        bundle.governor = governor
        bundle.forget_keys()
        bundle.shift = shift
        if governor is not None:
            governor.advance(self.now_s)
            bundle.shift = shift - governor.virtual_i
            governor.held_i += bundle.held_i
            governor.weight_i += bundle.weight_i
            if old is not None:
                governor.fixed_i -= bundle.recorded_i
            if bundle.full > 1:
                governor.coupled[bundle] = None
            governor.watch(bundle)

    def record(self, bundle: Bundle) -> None:
        """Tell the full links that do not govern a bundle of its rate and level."""
        governor = bundle.governor
        if governor is None or bundle.full < 2:
            return
        rate_i = bundle.rate_i()
        change_i = rate_i - bundle.recorded_i
        bundle.recorded_i = rate_i
        for link in bundle.links:
            if link.full and link is not governor:
                link.fixed_i += change_i
                link.watch_above(bundle, governor.level)
                if abs(link.capacity_i - link.load_i()) > link.capacity_i >> _SETTLED:
                    self.touch(link)

    def attach(self, bundle: Bundle, virtual_i: int) -> None:
        """Put a bundle, at some virtual time, under the lowest of its full links; the others promise it nothing yet."""
        full = [link for link in bundle.links if link.full]
        bundle.full = len(full)
        bundle.promises = {link: 0 for link in bundle.links if not link.full}
        bundle.promise_i = 0 if bundle.promises else NO_PROMISE
        bundle.governor = None
        bundle.shift = virtual_i
        bundle.recorded_i = 0
        if full:
            self.govern(bundle, min(full, key=_by_level))
            self.record(bundle)

    def free_first(self, bundle: Bundle) -> None:
        """Let the held flow of the highest knee follow the level; it is on top of its heap."""
        flow = heappop(bundle.falling)[2]
        flow.left = self.left(flow)
        bundle.held_i -= flow.cap_i
        if bundle.governor is not None:
            bundle.governor.held_i -= flow.cap_i
        self._join_free(flow, bundle)

    def hold_first(self, bundle: Bundle) -> None:
        """Hold the free flow of the lowest knee by its cap; it is on top of its heap."""
        flow = heappop(bundle.rising)[2]
        flow.left = self.left(flow)
        bundle.weight_i -= flow.weight_i
        if bundle.governor is not None:
            bundle.governor.weight_i -= flow.weight_i
        self._join_held(flow, bundle)

    def _join_held(self, flow: Flow, bundle: Bundle) -> None:
        bundle.held_i += flow.cap_i
        heappush(bundle.falling, (-flow.knee, flow.number, flow))
        self.calendar.hold(flow, self.now_s)
        governor = bundle.governor
        if governor is not None:
            governor.held_i += flow.cap_i
            governor.watch_down(bundle, -flow.knee)
            if bundle.promises:
                governor.watch_up(bundle)
        bundle.tidy()

    def _join_free(self, flow: Flow, bundle: Bundle) -> None:
        flow.free = True
        flow.finish_s = INFINITE
        flow.tag = bundle.virtual_i(self.now_s) + int(flow.left / flow.weight * SCALE)
        bundle.weight_i += flow.weight_i
        heappush(bundle.tags, (flow.tag, flow.number, flow))
        if flow.knee < INFINITE:
            heappush(bundle.rising, (flow.knee, flow.number, flow))
        governor = bundle.governor
        if governor is not None:
            governor.weight_i += flow.weight_i
            governor.watch_up(bundle)
            governor.watch_end(bundle, flow.tag)
        bundle.tidy()

    def _bundle_over(self, links: list[Link]) -> Bundle:
        key = tuple(sorted([link.number for link in links]))
        bundle = self._bundles.get(key)
        if bundle is None:
            self._serial += 1
            bundle = self._bundles[key] = Bundle(tuple(links), self._serial)
            for link in links:
                link.bundles[bundle] = None
            self.attach(bundle, 0)
        return bundle

    def _drop(self, bundle: Bundle) -> None:
        """Forget a bundle without flows."""
        self.record(bundle)
        if bundle.governor is not None:
            bundle.governor.coupled.pop(bundle, None)
        bundle.governor = None
        for link in bundle.links:
            del link.bundles[bundle]
            if not link.full:
                link.room_i += bundle.promises[link]
        del self._bundles[tuple(sorted([link.number for link in bundle.links]))]
