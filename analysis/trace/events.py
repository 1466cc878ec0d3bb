"""The events of a trace: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.

Slices (``X``) for computations, for messages on the links they cross and on the devices that do little else, for
iterations and phases; arrows (``s``, ``f``) from each message's sender to its receiver; counters (``C``) of what is
under way; instants (``i``) for commits. ``ts`` and ``dur`` are microseconds of simulated time.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence

from analysis.trace.instants import nanoseconds
from analysis.trace.lanes import Interval, open_at
from analysis.trace.timeline import Computation, Message
from analysis.trace.tracks import DEVICES, LINKS, RUN, DeviceLanes, Event, Track, Tracks
from analysis.trace.window import TracedIteration

NS_PER_US = 1000

BEFORE = -1
"""The iteration of what began before the window's first."""

_SHORTEST_ARROW_NS = 2

_RANK = {"X": 0, "C": 1, "i": 2, "s": 3, "f": 4}


class EventList:
    """Collects events, and returns them in the order of their times.

    Args:
        iterations: of the window, in order.
    """

    def __init__(self, iterations: Sequence[TracedIteration]) -> None:
        self.tracks = Tracks()
        self._iterations = iterations
        self._starts_s = [one.start_s for one in iterations]
        self._events: list[tuple[int, int, int, Event]] = []

    def iteration_of(self, start_s: float) -> int:
        """Return the number of the iteration in which something began, or :data:`BEFORE`."""
        at = bisect.bisect_right(self._starts_s, start_s) - 1
        return self._iterations[at].number if at >= 0 else BEFORE

    def slice(self, track: Track, span: Interval, cat: str, name: str, args: Mapping[str, object]) -> None:
        """Add a slice of a track."""
        start, end = span
        event = _event("X", track, start, name, cat) | {"dur": (end - start) / NS_PER_US, "args": args}
        self._add(start, end - start, event)

    def arrow(self, number: int, span: Interval, from_: Track, to: Track) -> None:
        """Add an arrow between two slices of a message; it begins and ends within them.

        A message of less than two nanoseconds has no instant to itself, where its neighbours on the track are not as
        well: viewers would bind its arrow to any of them. It has none.
        """
        if span[1] - span[0] < _SHORTEST_ARROW_NS:
            return
        for phase, track, time in (("s", from_, span[0] + 1), ("f", to, span[1] - 1)):
            event = _event(phase, track, time, "message", "message") | {"id": number}
            self._add(time, 0, event | ({"bp": "e"} if phase == "f" else {}))

    def counter(self, pid: int, name: str, steps: Sequence[tuple[int, int]]) -> None:
        """Add a counter, given the times at which it changes and what it is from then on."""
        for time, count in steps:
            self._add(
                time, 0, _event("C", Track(pid, pid), time, name, "counter") | {"args": {"count": count}}
            )

    def instant(self, track: Track, time: int, name: str, args: Mapping[str, object]) -> None:
        """Add something that takes no time."""
        self._add(time, 0, _event("i", track, time, name, "commit") | {"s": "t", "args": args})

    def _add(self, time: int, length: int, event: Event) -> None:
        self._events.append((time, _RANK[event["ph"]], length, event))

    def __len__(self) -> int:
        return len(self._events)

    def in_order(self) -> list[Event]:
        """Return the names of the tracks, and then all events by time.

        Slices of a track lie side by side: of two that begin at once the one that takes no time comes first.
        """
        return [*self.tracks.metadata(), *(one[3] for one in sorted(self._events, key=lambda one: one[:3]))]


def _event(phase: str, track: Track, time: int, name: str, cat: str) -> Event:
    return {
        "ph": phase,
        "cat": cat,
        "name": name,
        "pid": track.pid,
        "tid": track.tid,
        "ts": time / NS_PER_US,
    }


def add_iterations(
    events: EventList,
    iterations: Sequence[TracedIteration],
    exchanges: Sequence[tuple[int, float, float]],
) -> None:
    """Add iterations, their phases, and the exchange at the end of rounds."""
    whole, parts = events.tracks.track(RUN, "iterations"), events.tracks.track(RUN, "phases")
    for one in iterations:
        args = {"round": one.round, "iteration": one.number, "start_s": one.start_s, "end_s": one.end_s}
        losses = dict(zip(("discriminator_loss", "generator_loss"), one.losses, strict=True))
        args |= {name: loss for name, loss in losses.items() if math.isfinite(loss)}
        events.slice(whole, _span(one.start_s, one.end_s), "iteration", f"iteration {one.number}", args)
        reached_s = one.start_s
        for name, seconds in one.phases:
            # Durations add up to the iteration only but for rounding.
            end_s = min(reached_s + seconds, one.end_s)
            if end_s > reached_s:
                where = {"round": one.round, "iteration": one.number}
                events.slice(parts, _span(reached_s, end_s), "phase", name.replace("_", " "), where)
                reached_s = end_s
    for round_, start_s, end_s in exchanges:
        if end_s > start_s:
            args = {"round": round_, "start_s": start_s, "end_s": end_s}
            events.slice(whole, _span(start_s, end_s), "exchange", f"end of round {round_}", args)


def add_computations(
    events: EventList, devices: Sequence[str], computations: Sequence[Computation], lanes: DeviceLanes
) -> None:
    """Add a slice for each computation."""
    for one, lane in zip(computations, lanes.computations, strict=True):
        name = devices[one.device]
        args: dict[str, object] = {"device": name, "phase": one.phase} if one.phase else {"device": name}
        args |= {"flops": one.flops, "round": one.round, "iteration": events.iteration_of(one.start_s)}
        args |= {"start_s": one.start_s, "end_s": one.end_s}
        if one.lost_flops:
            args["lost_flops"] = one.lost_flops
        what = one.what.replace("_", " ")
        events.slice(events.tracks.track(DEVICES, name, lane), one.span, "compute", what, args)


def add_messages(
    events: EventList,
    devices: Sequence[str],
    messages: Sequence[Message],
    lanes: DeviceLanes,
    on_links: Mapping[str, Mapping[int, int]],
) -> None:
    """Add the slices of each message, and the arrow from its sender to its receiver where it takes time.

    The first link that a message crosses carries all that there is to say of it.
    """
    for index, one in enumerate(messages):
        source, target = devices[one.source], devices[one.target]
        brief = {"message": index, "from": source, "to": target, "bytes": one.n_bytes}
        links = [events.tracks.track(LINKS, link, on_links[link][index]) for link in one.links]
        for place, track in enumerate(links):
            full = brief | _details(events, one) if place == 0 else brief
            events.slice(track, one.span, "crossing" if place else "transfer", one.what, full)
        from_, to = links[0], links[-1]
        if (lane := lanes.sent[index]) is not None:
            from_ = events.tracks.track(DEVICES, source, lane)
            events.slice(from_, one.span, "message", f"send {one.what}", brief)
        if (lane := lanes.received[index]) is not None:
            to = events.tracks.track(DEVICES, target, lane)
            events.slice(to, one.span, "message", f"receive {one.what}", brief)
        events.arrow(index, one.span, from_, to)


def _details(events: EventList, one: Message) -> dict[str, object]:
    payload = [
        {"kind": kind, "bytes": n_bytes} | ({"lost_bytes": lost} if lost else {})
        for kind, n_bytes, lost in one.payload
    ]
    times = {"start_s": one.start_s, "end_s": one.end_s}
    where = {"round": one.round, "iteration": events.iteration_of(one.start_s)}
    return {"payload": payload, **where, **times}


def add_counters(
    events: EventList,
    window: Interval,
    computations: Sequence[Computation],
    messages: Sequence[Message],
    shared: Mapping[str, Sequence[int]],
) -> None:
    """Add how many computations and messages are under way, in all and on each of some links.

    Args:
        events: Where they are added.
        window: When the window begins and ends.
        computations: The computations.
        messages: The messages.
        shared: Of each link the numbers of the messages that cross it.
    """
    working, flowing = [one.span for one in computations], [one.span for one in messages]
    events.counter(DEVICES, "active computations", open_at(working, *window))
    events.counter(LINKS, "active flows", open_at(flowing, *window))
    for link, crossing in shared.items():
        own = [flowing[index] for index in crossing]
        events.counter(LINKS, f"flows on {link}", open_at(own, *window))


def add_commits(events: EventList, commits: Sequence[tuple[float, str, Mapping[str, object]]]) -> None:
    """Add commits, given when each was, of what kind, and what else is said of it."""
    track = events.tracks.track(RUN, "commits")
    for time_s, kind, args in commits:
        events.instant(track, nanoseconds(time_s), kind, args)


def _span(start_s: float, end_s: float) -> Interval:
    return nanoseconds(start_s), nanoseconds(end_s)
