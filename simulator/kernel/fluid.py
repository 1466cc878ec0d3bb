"""A fluid system: flows over links of finite capacity, which share every link max-min fairly.

No time steps: rates are constant between events (a flow begins, ends or is stopped, a capacity changes) and are found
again after each, exactly, and only where the event reaches. All changes of one instant are rated once, when somebody
asks. The system has no clock of its own; whoever plays it tells the time with every call::

    fluid = Fluid([10.0])
    first = fluid.start(0.0, 30.0, [0])
    second = fluid.start(1.0, 5.0, [0])
    fluid.next_finish_s()                 # 2.0: both have 5 units/s from 1.0 on
    fluid.finished(2.0)                   # [1]
    fluid.next_finish_s()                 # 3.5

How it works is told in :mod:`simulator.kernel.fluid_parts`; what the rates are in :mod:`simulator.kernel.sharing`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.kernel.fluid_bundling import Bundling
from simulator.kernel.fluid_levels import Levels
from simulator.kernel.fluid_link import Link
from simulator.kernel.fluid_parts import INFINITE, QUANTUM, Flow, FluidError

__all__ = ["Fluid", "FluidError"]

LEAST, MOST = 1e-15, 1e30
"""Between these, or zero, must be capacities, caps and units: so they are counted to the last bit of their floats."""
LEAST_WEIGHT, MOST_WEIGHT = 1e-9, 1e9
"""Between these must be weights."""


class Fluid:
    """Flows that share links max-min fairly.

    ``now_s`` never runs backwards from call to call. Times may be any finite numbers of seconds. A flow that has come
    to its end when the time moves on has ended, whatever happens later; it is told by the next :meth:`finished`.

    Args:
        capacities: of every link, in units per second, >= 0 and finite. A link of capacity 0 is closed.
    """

    def __init__(self, capacities: Sequence[float]) -> None:
        self._bundling = Bundling()
        self._levels = Levels(self._bundling)
        self._now_s = -INFINITE
        self._links: list[Link] = []
        self._flows: dict[int, Flow] = {}
        self._ended: dict[int, float] = {}
        self._next_number = 0
        for capacity in capacities:
            self.add_link(capacity)

    def add_link(self, capacity: float) -> int:
        """Add a link; return its number, which counts from 0 in the order of adding.

        Args:
            capacity: in units per second, >= 0 and finite.
        """
        self._links.append(Link(len(self._links), _checked("capacity", capacity)))
        return len(self._links) - 1

    def start(
        self,
        now_s: float,
        units: float,
        links: Sequence[int],
        weight: float = 1.0,
        cap: float = math.inf,
    ) -> int:
        """Begin a flow; return its number, which counts from 0 in the order of starting.

        Args:
            now_s: the time, in seconds.
            units: how much flows, >= 0. A flow of nothing ends at once.
            links: the links it crosses, all at the same time; each once. None = only its cap bounds it.
            weight: its share of a full link is in proportion to it.
            cap: its greatest rate, in units per second.
        """
        self._advance(now_s)
        number = self._next_number
        crossed = tuple([self._links[link] for link in links])
        if len(set(links)) != len(crossed) or min(links, default=0) < 0:
            raise ValueError(
                f"the links {list(links)} of flow {number}; allowed: numbers of links, each once"
            )
        if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
            raise ValueError(f"the weight {weight}; allowed: a number from {LEAST_WEIGHT} to {MOST_WEIGHT}")
        if cap != INFINITE:
            cap = _checked("cap", cap)
        flow = Flow(number, _checked("units", units), crossed, float(weight), cap)
        self._next_number += 1
        if units == 0.0 or (not crossed and cap == INFINITE):
            self._ended[number] = now_s
            return number
        self._flows[number] = flow
        for first in self._occupy(flow):
            self._limit_anew(first)
        flow.limit()
        self._bundling.join(flow, flow.units)
        return number

    def stop(self, now_s: float, flow: int) -> float:
        """Abandon a flow; return the units that were still missing, 0 if it had ended."""
        self._advance(now_s)
        if self._ended.pop(flow, None) is not None:
            return 0.0
        stopped = self._under_way(flow)
        missing = self._bundling.left(stopped)
        self._bundling.leave(stopped)
        self._vacate(stopped)
        return missing

    def set_capacity(self, now_s: float, link: int, units_per_s: float) -> None:
        """Change the capacity of a link from now on; what has flowed has flowed."""
        self._advance(now_s)
        changed = self._links[link]
        changed.set_capacity(_checked("capacity", units_per_s))
        if changed.shared:
            self._bundling.touch(changed)
        elif changed.sole is not None:
            self._limit_anew(changed.sole)

    def next_finish_s(self) -> float:
        """Return the time of the earliest end if nothing changes, in seconds; infinite if nothing ends."""
        if self._ended:
            return min(self._ended.values())
        self._levels.settle_all()
        return max(self._bundling.calendar.first_s(), self._now_s)

    def finished(self, now_s: float) -> list[int]:
        """Forget the flows whose end has come; return their numbers by time of end, and in order at one instant."""
        if now_s == self._now_s:
            self._end_until(now_s)
        else:
            self._advance(now_s)
        ended = sorted(self._ended.items(), key=lambda one: (one[1], one[0]))
        self._ended.clear()
        return [number for number, _ in ended]

    def rate(self, flow: int) -> float:
        """Return the rate of a flow, in units per second; 0 if it has ended."""
        if flow in self._ended:
            return 0.0
        self._levels.settle_all()
        return self._under_way(flow).rate()

    def remaining(self, now_s: float, flow: int) -> float:
        """Return the units of a flow that are missing; 0 if it has ended."""
        self._advance(now_s)
        return 0.0 if flow in self._ended else self._bundling.left(self._under_way(flow))

    def link_rate(self, link: int) -> float:
        """Return the sum of the rates of the flows over a link, in units per second."""
        self._levels.settle_all()
        asked = self._links[link]
        if asked.shared:
            return sum(bundle.rate_i() for bundle in asked.bundles) * QUANTUM
        return 0.0 if asked.sole is None else asked.sole.rate()

    def _advance(self, now_s: float) -> None:
        """Move on to a time, and end on the way what comes to its end."""
        if now_s == self._now_s:
            return
        if not self._now_s < now_s < INFINITE:
            raise FluidError(
                f"the time {now_s} s; allowed: a time from {self._now_s} s on, where the last call was"
            )
        self._end_until(now_s)
        self._now_s = self._bundling.now_s = now_s

    def _end_until(self, now_s: float) -> None:
        """End what comes to its end up to a time; what ends at that time is not followed by rates found again."""
        first_s = self._bundling.calendar.first_s
        while True:
            self._levels.settle_all()
            due_s = first_s()
            if due_s > now_s:
                return
            # An end that rounding put before now comes now.
            self._now_s = self._bundling.now_s = max(due_s, self._now_s)
            for flow in self._levels.take_ended():
                self._vacate(flow)
                self._ended[flow.number] = self._now_s
            if self._now_s == now_s:
                return

    def _occupy(self, flow: Flow) -> list[Flow]:
        """Let a flow take its links; return the flows that lose a link they had to themselves."""
        sharers: dict[int, Flow] = {}
        for link in flow.links:
            if link.flows == 0:
                link.sole = flow
            elif link.sole is not None:
                sharers[link.sole.number] = link.sole
                link.share()
            link.flows += 1
        return list(sharers.values())

    def _vacate(self, flow: Flow) -> None:
        """Let a flow that has left its bundle go from its links."""
        del self._flows[flow.number]
        for link in flow.links:
            link.flows -= 1
            if link.flows == 0:
                link.sole = None
                link.shared = False

    def _limit_anew(self, flow: Flow) -> None:
        left = self._bundling.left(flow)
        self._bundling.leave(flow)
        flow.limit()
        self._bundling.join(flow, left)

    def _under_way(self, flow: int) -> Flow:
        if flow not in self._flows:
            allowed = "allowed: a flow that has begun and not ended"
            raise FluidError(f"at {self._now_s} s flow {flow} is not under way; {allowed}")
        return self._flows[flow]


def _checked(what: str, value: float) -> float:
    if value != 0.0 and not LEAST <= value <= MOST:
        raise ValueError(f"the {what} {value}; allowed: 0, or a number from {LEAST} to {MOST}")
    return float(value)
