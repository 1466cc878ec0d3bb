"""The parts of a fluid system: flows, and bundles of flows that cross the same shared links.

**Levels.** A full link has a *level*: what each of its flows gets per unit of weight, unless something else gives the
flow less. The rate of a flow is ``min(cap, weight * lowest level among its links)``; a link that is not full has an
infinite level and gives nobody less. Any levels at which every full link is exactly filled and no link is overfilled
give the max-min fair allocation.

**Bundles.** Flows that cross the same shared links have the same level at all times, so they are kept together. The
full link of the lowest level is the bundle's *governor*. A flow of a bundle is *held* by its cap, or *free*: then its
rate follows the level.

**Virtual time.** A link counts the integral of its level over time. A free flow ends when that count has grown by its
units over its weight, however often the level has changed. So a change of level touches no flow, except those whose cap
lies between the old and the new level.

**Exact sums.** Sums of rates and weights and the virtual time are whole numbers of a tiny quantum (:data:`BITS`), so
what is added and taken away again leaves no trace, whatever was beside it.

**Bounds instead of values in heaps.** Whom a rising or falling level meets first is kept in heaps of lower bounds: an
entry is looked at again, and put right, only when it comes to the top.
"""

from __future__ import annotations

import math
from heapq import heapify, heappop
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from simulator.kernel.fluid_link import Link

BITS = 160
"""Rates, weights and virtual times are counted in units of 2**-BITS."""

SCALE = 2.0**BITS
QUANTUM = 2.0**-BITS

INFINITE = math.inf
NO_PROMISE = 1 << 400
"""A promise beyond any rate: nothing is asked of the bundle."""

SPARE_ENTRIES = 64

PartT = TypeVar("PartT")
Heap = list[tuple[Any, int, PartT]]
"""Entries ``(key, number, part)``: a heap orders parts of the same key by their numbers."""


class FluidError(RuntimeError):
    """The fluid system is in a state that cannot be, or is asked for what is not there."""


def exact(value: float) -> int:
    """Return a rate, a weight or a virtual time in whole quanta."""
    return int(value * SCALE)


class Flow:
    """Something that flows from its start to its end over fixed links.

    Attributes:
        number: its number in the system.
        links: the links it crosses.
        units: how much flows in all.
        weight: its weight where links are shared.
        own_cap: its greatest rate as given, in units per second.
        cap: the same, and no more than what the links give that it has to itself.
        knee: the level from which on the cap holds it: cap over weight.
        bundle: where it flows; None where it shares no link.
        free: whether its rate follows the bundle's level.
        tag: if free: the bundle's virtual time of its end.
        left: if held: units that were missing at ``at_s``.
        at_s: if held: since when.
        finish_s: if held: when it ends.
    """

    __slots__ = (
        "at_s", "bundle", "cap", "cap_i", "finish_s", "free", "knee", "left", "links", "number", "own_cap", "tag",
        "units", "weight", "weight_i",
    )  # fmt: skip

    def __init__(
        self, number: int, units: float, links: tuple[Link, ...], weight: float, own_cap: float
    ) -> None:
        self.number = number
        self.links = links
        self.units = units
        self.weight = weight
        self.weight_i = int(weight * SCALE)
        self.own_cap = own_cap
        self.cap = self.knee = own_cap
        self.cap_i = 0
        self.bundle: Bundle | None = None
        self.free = False
        self.tag = 0
        self.left = units
        self.at_s = 0.0
        self.finish_s = INFINITE

    def rate(self) -> float:
        """Return its rate, in units per second."""
        if self.free and self.bundle is not None:
            return self.weight * self.bundle.level()
        return self.cap

    def limit(self) -> None:
        """Set the cap by the own one and by the links that nobody else uses."""
        cap = self.own_cap
        for link in self.links:
            if not link.shared and link.capacity < cap:
                cap = link.capacity
        self.cap = cap
        self.knee = cap / self.weight
        self.cap_i = int(cap * SCALE) if cap < INFINITE else 0


class Bundle:
    """The flows that cross the same shared links.

    Attributes:
        links: the shared links.
        serial: numbers the bundles in the order in which they came up.
        members: its flows by number.
        governor: the full link of the lowest level; None where no link is full.
        shift: what to add to the governor's virtual time to have the bundle's own.
        held_i: sum of the caps of the held flows.
        weight_i: sum of the weights of the free flows.
        full: how many of its links are full.
        recorded_i: its rate, as it is counted in ``fixed_i`` of its full links other than the governor.
        promises: by link that is not full: the rate up to which the link need not be asked.
        promise_i: the least of them.
        tags: heap of its free flows by their end in virtual time.
        rising: heap of its free flows by their knees, the lowest first.
        falling: heap of its held flows by their knees, the highest first.
        up_key: its valid entry in the governor's heap of the same name; so are the others.
    """

    __slots__ = (
        "down_key", "end_key", "falling", "full", "governor", "held_i", "links", "members", "promise_i", "promises",
        "recorded_i", "rising", "serial", "shift", "tags", "up_key", "weight_i",
    )  # fmt: skip

    def __init__(self, links: tuple[Link, ...], serial: int) -> None:
        self.links = links
        self.serial = serial
        self.members: dict[int, Flow] = {}
        self.governor: Link | None = None
        self.shift = 0
        self.held_i = 0
        self.weight_i = 0
        self.full = 0
        self.recorded_i = 0
        self.promises: dict[Link, int] = {}
        self.promise_i = NO_PROMISE
        self.tags: Heap[Flow] = []
        self.rising: Heap[Flow] = []
        self.falling: Heap[Flow] = []
        self.forget_keys()

    def forget_keys(self) -> None:
        """Make all entries in a governor's heaps invalid."""
        self.up_key: float = INFINITE
        self.down_key: float = INFINITE
        self.end_key: int | None = None

    def rate_i(self) -> int:
        """Return the sum of the rates of its flows, at the governor's level."""
        governor = self.governor
        if governor is None:
            return self.held_i
        return self.held_i + (self.weight_i * governor.level_i >> BITS)

    def level(self) -> float:
        """Return its level: that of the governor."""
        return INFINITE if self.governor is None else self.governor.level

    def virtual_i(self, now_s: float) -> int:
        """Return its virtual time."""
        return self.shift if self.governor is None else self.shift + self.governor.virtual_at(now_s)

    def first_end(self) -> int | None:
        """Return the earliest end of a free flow, in the bundle's virtual time."""
        tags = self.tags
        while tags:
            tag, _, flow = tags[0]
            if flow.free and flow.bundle is self and flow.tag == tag:
                return int(tag)
            heappop(tags)
        return None

    def first_rising(self) -> float:
        """Return the lowest knee of a free flow: where a rising level meets a cap first."""
        rising = self.rising
        while rising:
            knee, _, flow = rising[0]
            if flow.free and flow.bundle is self and flow.knee == knee:
                return float(knee)
            heappop(rising)
        return INFINITE

    def first_falling(self) -> float:
        """Return the highest knee of a held flow, negative: where a falling level frees a flow first."""
        falling = self.falling
        while falling:
            key, _, flow = falling[0]
            if not flow.free and flow.bundle is self and flow.knee == -key:
                return float(key)
            heappop(falling)
        return INFINITE

    def first_up(self) -> float:
        """Return up to which level nothing changes in kind: the first knee, or a promise comes to its end."""
        knee = self.first_rising()
        if self.weight_i and self.promises:
            return min(knee, (self.promise_i - self.held_i) / self.weight_i)
        return knee

    def tidy(self) -> None:
        """Drop the invalid entries of heaps that have grown much longer than there are flows."""
        most = 4 * len(self.members) + SPARE_ENTRIES
        if len(self.tags) > most:
            rebuild(self.tags, [(one.tag, one.number, one) for one in self.members.values() if one.free])
        if len(self.rising) > most:
            free = [one for one in self.members.values() if one.free and one.knee < INFINITE]
            rebuild(self.rising, [(one.knee, one.number, one) for one in free])
        if len(self.falling) > most:
            held = [one for one in self.members.values() if not one.free]
            rebuild(self.falling, [(-one.knee, one.number, one) for one in held])


def rebuild(heap: Heap[PartT], entries: Heap[PartT]) -> None:
    """Fill a heap anew."""
    heap[:] = entries
    heapify(heap)
