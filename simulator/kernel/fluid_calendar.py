"""When flows end: those that are held by their caps one by one, the others by the link that governs them."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace

from simulator.kernel.fluid_link import Link
from simulator.kernel.fluid_parts import INFINITE, SPARE_ENTRIES, Flow, Heap, rebuild


class Calendar:
    """The ends to come; entries that no longer hold are dropped when they come up."""

    def __init__(self) -> None:
        self._flows: Heap[Flow] = []
        self._links: Heap[Link] = []
        # Longer than this they are rid of entries that no longer hold: so long as to be twice what is left then.
        self._most_flows = self._most_links = SPARE_ENTRIES

    def hold(self, flow: Flow, now_s: float) -> None:
        """Enter the end of a flow that has ``left`` units to go from now on, at its cap."""
        flow.free = False
        flow.at_s = now_s
        flow.finish_s = INFINITE
        if flow.cap > 0.0:
            flow.finish_s = finish_s = now_s + flow.left / flow.cap
            if finish_s < INFINITE:
                heappush(self._flows, (finish_s, flow.number, flow))
                if len(self._flows) > self._most_flows:
                    rebuild(self._flows, [one for one in self._flows if one[2].finish_s == one[0]])
                    self._most_flows = 2 * len(self._flows) + SPARE_ENTRIES

    def set_end(self, link: Link, finish_s: float) -> None:
        """Enter the first end among the free flows that a link governs."""
        link.finish_s = finish_s
        if finish_s < link.queued_s:
            link.queued_s = finish_s
            heappush(self._links, (finish_s, link.number, link))
            if len(self._links) > self._most_links:
                valid = {one[1]: one for one in self._links if one[2].queued_s == one[0]}
                rebuild(self._links, list(valid.values()))
                self._most_links = 2 * len(self._links) + SPARE_ENTRIES

    def next_flow(self) -> tuple[float, Flow | None]:
        """Return the first end of a held flow, in seconds."""
        heap = self._flows
        while heap:
            finish_s, _, flow = heap[0]
            if flow.finish_s == finish_s:
                return finish_s, flow
            heappop(heap)
        return INFINITE, None

    def next_link(self) -> tuple[float, Link | None]:
        """Return the first end of a free flow, in seconds, and the link that governs it."""
        heap = self._links
        while heap:
            finish_s, number, link = heap[0]
            if link.queued_s != finish_s:
                heappop(heap)
            elif link.finish_s <= finish_s:
                return link.finish_s, link
            else:
                link.queued_s = link.finish_s
                if link.finish_s == INFINITE:
                    heappop(heap)
                else:
                    heapreplace(heap, (link.finish_s, number, link))
        return INFINITE, None

    def first_s(self) -> float:
        """Return the time of the first end; infinite if nothing comes to an end."""
        return min(self.next_flow()[0], self.next_link()[0])
