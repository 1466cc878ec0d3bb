"""The fluid engine in simulated time: flows that share links, each with an event of its end.

The engine knows no clock; here its next finish is turned into an alarm. All changes of one instant are gathered before
the alarm is set anew, so that a thousand flows that begin together are rated once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import simpy

from analysis.runs import RunError
from devices.conditions import Factor
from simulator.kernel.fluid import Fluid
from simulator.kernel.link_ledger import LinkLedger

MOST_CHANGES = 100_000
"""Changes of links between two looks at what flows. A flow of which nothing passes in twice as many changes of its own
links, though none of them was closed from one look to the next, has links that are never open together."""


@dataclass(frozen=True, slots=True)
class FlowEnd:
    """How a flow ended.

    Attributes:
        completed: whether all of it came through.
        missing: units that did not.
        closed: whether a link of it is closed for good.
    """

    completed: bool
    missing: float
    closed: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """A flow as it was when it was last seen to go on, or to have a reason not to.

    Attributes:
        left: units that were missing.
        changes: how often its links had changed.
    """

    left: float
    changes: int


class FlowsInTime:
    """Flows over shared links, played by the events of a SimPy environment.

    Args:
        env: whose time it is.
        capacities: of each link, in units per second.
        names: what messages call the links.

    Raises:
        FluidError: by what it schedules, where a link has carried more than it can.
        RunError: by what it schedules, where links change for ever and never so that anything flows.
    """

    def __init__(self, env: simpy.Environment, capacities: Sequence[float], names: Sequence[str]) -> None:
        self._env = env
        self._fluid = Fluid(capacities)
        self._ledger = LinkLedger(capacities, names)
        self._capacities = tuple(capacities)
        self._names = tuple(names)
        self._events: dict[int, simpy.Event] = {}
        self._links: dict[int, tuple[int, ...]] = {}
        self._units: dict[int, float] = {}
        self._closed: set[int] = set()
        self._factors: dict[int, Factor] = {}
        self._flowing: Counter[int] = Counter()
        self._followed: set[int] = set()
        self._changes: Counter[int] = Counter()
        self._shut_since_s: dict[int, float] = {}
        self._seen: dict[int, _Seen] = {}
        self._looked_s = 0.0
        self._clock_s = 0.0
        self._alarm_s = math.inf
        self._settling = False

    def start(
        self,
        units: float,
        links: Sequence[int],
        weight: float = 1.0,
        cap: float = math.inf,
        until_s: float = math.inf,
    ) -> simpy.Event:
        """Begin a flow; return the event of its end, whose value is a :class:`FlowEnd`.

        Args:
            units: how much flows.
            links: which links it crosses.
            weight: its weight where links are shared.
            cap: its greatest rate, in units per second.
            until_s: when it is broken off.
        """
        event = self._env.event()
        if units and not self._closed.isdisjoint(links):
            return event.succeed(FlowEnd(completed=False, missing=units, closed=True))
        flow = self._fluid.start(self._now_s(), units, links, weight, cap)
        self._events[flow] = event
        self._links[flow] = tuple(links)
        self._units[flow] = units
        self._ledger.begin(links, self._now_s())
        self._enter(links)
        if until_s < math.inf:
            timer = self._env.timeout(max(0.0, until_s - self._env.now))
            timer.callbacks.append(lambda _: self._break_off(flow))
        self._settle_soon()
        return event

    def follow(self, link: int, factor: Factor) -> None:
        """Let a link's capacity follow a factor of its own; it is looked at while something flows."""
        self._factors[link] = factor

    def _enter(self, links: Sequence[int]) -> None:
        """Have the links of a new flow follow their factors, if they do not already."""
        for link in links:
            if link in self._factors:
                self._flowing[link] += 1
                if link not in self._followed:
                    self._followed.add(link)
                    self._follow_on(link)

    def _leave(self, flow: int, missing: float = 0.0) -> None:
        links = self._links.pop(flow)
        self._ledger.end(links, self._units.pop(flow) - missing, self._now_s())
        for link in links:
            if link in self._factors:
                self._flowing[link] -= 1

    def _follow_on(self, link: int) -> None:
        """Set a link's capacity, and look again at its next change; with nothing on it, wait for the next flow."""
        if not self._flowing[link]:
            self._followed.remove(link)
            return
        factor, now_s = self._factors[link], self._now_s()
        capacity = self._capacities[link] * factor.value(now_s)
        self._fluid.set_capacity(now_s, link, capacity)
        self._ledger.change(link, capacity, now_s)
        if capacity:
            self._shut_since_s.pop(link, None)
        else:
            self._shut_since_s.setdefault(link, now_s)
        self._settle_soon()
        change_s = factor.next_change_s(now_s)
        if change_s < math.inf:
            timer = self._env.timeout(max(0.0, change_s - self._env.now))
            timer.callbacks.append(lambda _: self._changed(link, change_s))
        elif factor.value(now_s) == 0.0:
            self._close(link)

    def _changed(self, link: int, time_s: float) -> None:
        self._clock_s = max(self._now_s(), time_s)
        self._changes[link] += 1
        if self._changes.total() % MOST_CHANGES == 0:
            self._look_for_stuck_flows()
        self._follow_on(link)

    def _look_for_stuck_flows(self) -> None:
        """Check that every flow has gone on, or waits for a link that has been closed all the time since the last look.

        Such a link opens again, or is closed for good one day. A flow that has neither, though its own links have
        changed very often, has links that are never open together.
        """
        now_s, seen = self._now_s(), {}
        for flow, links in self._links.items():
            now = _Seen(self._fluid.remaining(now_s, flow), sum(self._changes[link] for link in links))
            before = self._seen.get(flow, now)
            waits = any(self._shut_since_s.get(link, math.inf) <= self._looked_s for link in links)
            stands = before.left == now.left and not waits
            # Twice, so that a link that opens just now, or takes turns with another in between, has its chance.
            if stands and now.changes - before.changes >= 2 * MOST_CHANGES:
                crossed = ", ".join(self._names[link] for link in links)
                raise RunError(
                    f"up to {now_s:.6g} s nothing passes from {self._names[links[0]]} on, in "
                    f"{now.changes - before.changes} changes of the links on the way: {crossed} are never open together"
                )
            seen[flow] = before if stands else now
        self._seen, self._looked_s = seen, now_s

    def _now_s(self) -> float:
        # An alarm comes at a sum of floats, which may lie an ulp before the time it was set for.
        self._clock_s = max(self._clock_s, self._env.now)
        return self._clock_s

    def _close(self, link: int) -> None:
        """Break off what flows over a link that is closed for good: it would never end."""
        self._closed.add(link)
        for flow in [flow for flow, links in self._links.items() if link in links]:
            self._break_off(flow, closed=True)

    def _break_off(self, flow: int, closed: bool = False) -> None:
        event = self._events.pop(flow, None)
        if event is None:
            return
        missing = self._fluid.stop(self._now_s(), flow)
        self._leave(flow, missing)
        event.succeed(FlowEnd(completed=missing == 0.0, missing=missing, closed=closed))
        self._settle_soon()

    def _settle_soon(self) -> None:
        """Look for the next finish when all else of this instant has happened."""
        if not self._settling:
            self._settling = True
            self._env.timeout(0.0).callbacks.append(self._settle)

    def _settle(self, _: simpy.Event) -> None:
        self._settling = False
        finish_s = self._fluid.next_finish_s()
        if finish_s == self._alarm_s or finish_s == math.inf:
            self._alarm_s = finish_s
            return
        self._alarm_s = finish_s
        alarm = self._env.timeout(max(0.0, finish_s - self._env.now))
        alarm.callbacks.append(lambda _: self._ring(finish_s))

    def _ring(self, set_for_s: float) -> None:
        """End the flows whose time has come, unless the alarm was set for another time since."""
        if set_for_s != self._alarm_s:
            return
        self._alarm_s = math.inf
        self._clock_s = max(self._now_s(), set_for_s)
        for flow in self._fluid.finished(self._clock_s):
            self._leave(flow)
            self._events.pop(flow).succeed(FlowEnd(completed=True, missing=0.0))
        self._settle_soon()
