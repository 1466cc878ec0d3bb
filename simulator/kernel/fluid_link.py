"""A link of a fluid system, and what it knows of the bundles that cross it."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace

from simulator.kernel.fluid_parts import (
    BITS,
    INFINITE,
    SCALE,
    SPARE_ENTRIES,
    Bundle,
    Flow,
    Heap,
    exact,
    rebuild,
)


class Link:
    """A link, and the flows it shares out.

    Attributes:
        number: its number in the system.
        capacity: units per second.
        flows: how many flows cross it.
        sole: the flow that has it to itself, if there is one.
        shared: whether it has been crossed by two flows since it was last empty. If not, it is a cap.
        bundles: those that cross it, in the order in which they came.
        full: whether what is asked of it is more than it has.
        level: what its flows get per weight, in units per second; infinite where it is not full.
        fixed_i: if full: sum of the rates of the bundles that another link governs.
        held_i: if full: sum of the caps of the held flows of the bundles it governs.
        weight_i: if full: sum of the weights of the free flows of the bundles it governs.
        virtual_i: its virtual time at ``at_s``.
        room_i: if not full: what it has promised to no bundle.
        coupled: the bundles it governs that cross other full links too.
        above: heap of the bundles that other links govern, the highest level first.
        up: heap of the bundles it governs by what a rising level meets first.
        down: heap of the bundles it governs by what a falling level meets first.
        ends: heap of the bundles it governs by the end of their first free flow, in the link's virtual time.
        finish_s: when the first of those flows ends.
        queued_s: the time of its valid entry in the heap of ends of the system.
        waiting: whether it is queued to be settled.
    """

    __slots__ = (
        "above", "at_s", "bundles", "capacity", "capacity_i", "coupled", "down", "ends", "finish_s", "fixed_i", "flows",
        "full", "held_i", "level", "level_i", "number", "queued_s", "room_i", "shared", "sole", "up", "virtual_i",
        "waiting", "weight_i",
    )  # fmt: skip

    def __init__(self, number: int, capacity: float) -> None:
        self.number = number
        self.set_capacity(capacity)
        self.flows = 0
        self.sole: Flow | None = None
        self.shared = False
        self.bundles: dict[Bundle, None] = {}
        self.room_i = self.capacity_i
        self.waiting = False
        self.virtual_i = 0
        self.at_s = 0.0
        self.finish_s = self.queued_s = INFINITE
        self.clear()

    def clear(self) -> None:
        """Forget what is known of a full link; it is not full now."""
        self.full = False
        self.level = INFINITE
        self.level_i = 0
        self.fixed_i = self.held_i = self.weight_i = 0
        self.coupled: dict[Bundle, None] = {}
        self.above: Heap[Bundle] = []
        self.up: Heap[Bundle] = []
        self.down: Heap[Bundle] = []
        self.ends: Heap[Bundle] = []

    def set_capacity(self, capacity: float) -> None:
        """Set the capacity, in units per second."""
        self.capacity = capacity
        self.capacity_i = exact(capacity)

    def share(self) -> None:
        """Stop being the cap of a sole flow: from now on bundles cross it."""
        self.sole = None
        self.shared = True
        self.room_i = self.capacity_i

    def set_level(self, level: float) -> None:
        """Set a finite level."""
        self.level = level
        self.level_i = int(level * SCALE)

    def load_i(self) -> int:
        """Return what flows over it, if it is full."""
        return self.fixed_i + self.held_i + (self.weight_i * self.level_i >> BITS)

    def virtual_at(self, now_s: float) -> int:
        """Return its virtual time, if it is full."""
        if now_s <= self.at_s:
            return self.virtual_i
        return self.virtual_i + int(self.level * (now_s - self.at_s) * SCALE)

    def advance(self, now_s: float) -> None:
        """Count the virtual time up to now."""
        self.virtual_i = self.virtual_at(now_s)
        self.at_s = now_s

    def watch(self, bundle: Bundle) -> None:
        """Enter a bundle that this link governs from now on."""
        self.watch_up(bundle)
        knee = bundle.first_falling()
        if knee < INFINITE:
            self.watch_down(bundle, knee)
        tag = bundle.first_end()
        if tag is not None:
            self.watch_end(bundle, tag)

    def watch_up(self, bundle: Bundle) -> None:
        """See to it that the heap holds a bound of what a rising level meets first in a bundle."""
        key = bundle.first_up()
        if key < bundle.up_key:
            bundle.up_key = key
            heappush(self.up, (key, bundle.serial, bundle))

    def watch_down(self, bundle: Bundle, key: float) -> None:
        """The same for a falling level; ``key`` is the negative knee of a held flow."""
        if key < bundle.down_key:
            bundle.down_key = key
            heappush(self.down, (key, bundle.serial, bundle))

    def watch_end(self, bundle: Bundle, tag: int) -> None:
        """The same for the end of a free flow, in the bundle's virtual time."""
        key = tag - bundle.shift
        if bundle.end_key is None or key < bundle.end_key:
            bundle.end_key = key
            heappush(self.ends, (key, bundle.serial, bundle))

    def next_up(self) -> tuple[float, Bundle | None]:
        """Return what a rising level meets first, and in which of the bundles that this link governs."""
        heap = self.up
        while heap:
            key, serial, bundle = heap[0]
            if bundle.governor is not self or bundle.up_key != key:
                heappop(heap)
                continue
            now = bundle.first_up()
            if now <= key:
                return now, bundle
            bundle.up_key = now
            _put_right(heap, now, serial, bundle)
        return INFINITE, None

    def next_down(self) -> tuple[float, Bundle | None]:
        """Return the highest knee of a held flow, and in which bundle; -1 where there is none."""
        heap = self.down
        while heap:
            key, serial, bundle = heap[0]
            if bundle.governor is not self or bundle.down_key != key:
                heappop(heap)
                continue
            now = bundle.first_falling()
            if now <= key:
                return -now, bundle
            bundle.down_key = now
            _put_right(heap, now, serial, bundle)
        return -1.0, None

    def next_end(self) -> tuple[int, Bundle | None]:
        """Return the first end of a free flow, in the link's virtual time, and in which bundle."""
        heap = self.ends
        while heap:
            key, serial, bundle = heap[0]
            if bundle.governor is not self or bundle.end_key != key:
                heappop(heap)
                continue
            tag = bundle.first_end()
            if tag is None:
                bundle.end_key = None
                heappop(heap)
                continue
            now = tag - bundle.shift
            if now <= key:
                return now, bundle
            bundle.end_key = now
            heapreplace(heap, (now, serial, bundle))
        return 0, None

    def next_above(self) -> tuple[float, Bundle | None]:
        """Return the highest level of a bundle that another link governs; -1 where there is none."""
        heap = self.above
        while heap:
            key, _, bundle = heap[0]
            governor = bundle.governor
            if governor is not None and governor is not self and governor.level == -key:
                return -key, bundle
            heappop(heap)
        return -1.0, None

    def watch_above(self, bundle: Bundle, level: float) -> None:
        """Note the level of a bundle that another link governs."""
        heappush(self.above, (-level, bundle.serial, bundle))
        if len(self.above) > 4 * len(self.bundles) + SPARE_ENTRIES:
            # It is told of levels whether or not it is settled itself.
            self.tidy()

    def tidy(self) -> None:
        """Drop the invalid entries of heaps that have grown much longer than there are bundles."""
        most = 4 * len(self.bundles) + SPARE_ENTRIES
        if max(len(self.up), len(self.down), len(self.ends), len(self.above)) <= most:
            return
        own = [one for one in self.bundles if one.governor is self]
        if len(self.up) > most:
            rebuild(self.up, [(one.up_key, one.serial, one) for one in own if one.up_key < INFINITE])
        if len(self.down) > most:
            rebuild(self.down, [(one.down_key, one.serial, one) for one in own if one.down_key < INFINITE])
        if len(self.ends) > most:
            rebuild(self.ends, [(one.end_key, one.serial, one) for one in own if one.end_key is not None])
        if len(self.above) > most:
            other = [one for one in self.bundles if one.governor not in (None, self)]
            rebuild(self.above, [(-one.level(), one.serial, one) for one in other])


def _put_right(heap: Heap[Bundle], key: float, serial: int, bundle: Bundle) -> None:
    """Replace the top of a heap by a later entry; drop it if there is nothing to come."""
    if key == INFINITE:
        heappop(heap)
    else:
        heapreplace(heap, (key, serial, bundle))
