"""``trace.json``: a window of iterations for https://ui.perfetto.dev and chrome://tracing."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.runs import RunFolder
from analysis.trace.events import (
    EventList,
    add_commits,
    add_computations,
    add_counters,
    add_iterations,
    add_messages,
)
from analysis.trace.instants import nanoseconds
from analysis.trace.lanes import Interval
from analysis.trace.reading import TRACE_FILE
from analysis.trace.timeline import Computation, Links, Message, timeline
from analysis.trace.tracks import DEVICES, LINKS, device_lanes, link_lanes
from analysis.trace.window import Traced

log = logging.getLogger(__name__)

TRACE_FORMAT = 1
"""Number of what stands in the events' ``args`` and in ``otherData``."""

MOST_EVENTS = 200_000
"""Events of a trace at most, besides those that name its tracks: viewers grow slow beyond."""


def write_trace(folder: RunFolder, traced: Traced, commits: pd.DataFrame, links: Links, shares: bool) -> None:
    """Write ``trace.json``; where it does not hold all of its window, that is logged.

    Args:
        folder: The run folder.
        traced: What was kept of the window.
        commits: The table ``commits``.
        links: Tells the links that messages cross.
        shares: Whether messages share links; then there is a counter for each link that several are on at once.

    Raises:
        RunError: It cannot be written.
    """
    content = trace_of(traced, commits, links, shares)
    left_out = content["otherData"]["left_out"]
    if left_out is not None:
        log.warning(
            "%s has no room for all of its window: %d computations and %d transfers that begin at %.6g s or later are "
            "left out; a smaller trace.iterations fits",
            TRACE_FILE,
            left_out["computations"],
            left_out["transfers"],
            left_out["from_s"],
        )
    folder.write_text(TRACE_FILE, json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")


def trace_of(traced: Traced, commits: pd.DataFrame, links: Links, shares: bool) -> dict[str, Any]:
    """Return the JSON object of a trace; see :func:`write_trace`."""
    drawing = _Drawing(*timeline(traced, links))
    window_s = traced.start_s, _end_s(traced)
    told = _commits_within(commits, *window_s)
    costs = [
        *((one.start_s, 1 + len(one.phases)) for one in traced.iterations),
        *((start_s, 1) for _, start_s, _ in traced.exchanges),
        *((time_s, 1) for time_s, _, _ in told),
        *drawing.costs(shares),
    ]
    limit_s = min(_limit_s(costs), traced.full_s)
    kept = drawing.until(limit_s)
    events = EventList(traced.iterations)
    _number_tracks(events, traced.devices, kept)
    add_iterations(
        events,
        [one for one in traced.iterations if one.start_s < limit_s],
        [one for one in traced.exchanges if one[1] < limit_s],
    )
    add_commits(events, [one for one in told if one[0] < limit_s])
    add_computations(events, traced.devices, kept.computations, kept.lanes)
    add_messages(events, traced.devices, kept.messages, kept.lanes, kept.on_links)
    window = nanoseconds(window_s[0]), nanoseconds(min(window_s[1], limit_s))
    add_counters(events, window, kept.computations, kept.messages, kept.shared() if shares else {})
    return {
        "traceEvents": events.in_order(),
        "displayTimeUnit": "ms",
        "otherData": _facts(traced, window_s, limit_s, drawing, kept),
    }


class _Drawing:
    """Computations and messages, in the order of their starts, and the tracks they are drawn on."""

    def __init__(self, computations: Sequence[Computation], messages: Sequence[Message]) -> None:
        self.computations, self.messages = computations, messages
        self.lanes = device_lanes(computations, messages)
        self.on_links = link_lanes(messages)

    def shared(self) -> dict[str, Sequence[int]]:
        """Return the links that several messages are on at once, with the messages that cross them."""
        return {link: list(lanes) for link, lanes in self.on_links.items() if any(lanes.values())}

    def costs(self, shares: bool) -> Iterator[tuple[float, int]]:
        """Yield when each computation and message begins, and how many events it takes at most.

        Counters change once at an instant, however much begins and ends then.
        """
        told: set[tuple[str, int]] = set()

        def changes(counter: str, span: Interval) -> int:
            new = {(counter, time) for time in span} - told
            told.update(new)
            return len(new)

        for one in self.computations:
            yield one.start_s, 1 + changes("computations", one.span)
        for index, message in enumerate(self.messages):
            drawn = (self.lanes.sent[index] is not None) + (self.lanes.received[index] is not None)
            counters = ("flows", *(message.links if shares else ()))
            changed = sum(changes(counter, message.span) for counter in counters)
            yield message.start_s, len(message.links) + drawn + 2 + changed

    def until(self, limit_s: float) -> _Drawing:
        """Return what begins before a time; it is drawn as it is here."""
        if limit_s == math.inf:
            return self
        return _Drawing(
            [one for one in self.computations if one.start_s < limit_s],
            [one for one in self.messages if one.start_s < limit_s],
        )


def _limit_s(costs: Sequence[tuple[float, int]]) -> float:
    """Return from which time on there is no room for what begins; infinite where there is room for everything."""
    ordered = sorted(costs)
    reached = np.cumsum([events for _, events in ordered])
    first_over = int(np.searchsorted(reached, MOST_EVENTS, side="right"))
    return ordered[first_over][0] if first_over < len(ordered) else math.inf


def _number_tracks(events: EventList, devices: Sequence[str], drawn: _Drawing) -> None:
    """Give tracks their numbers in the order in which they are to be seen: that of the devices."""
    lanes = Counter[str]()
    placed = [
        *zip((one.device for one in drawn.computations), drawn.lanes.computations, strict=True),
        *zip((one.source for one in drawn.messages), drawn.lanes.sent, strict=True),
        *zip((one.target for one in drawn.messages), drawn.lanes.received, strict=True),
    ]
    for device, lane in placed:
        lanes[devices[device]] = max(lanes[devices[device]], 1 + (lane or 0))
    for name in devices:
        for lane in range(max(1, lanes[name])):
            events.tracks.track(DEVICES, name, lane)
    access = [f"{name} {way}" for name in devices for way in ("up", "down")]
    for link in dict.fromkeys([*access, *drawn.on_links]):
        for lane in range(max(drawn.on_links[link].values()) + 1 if link in drawn.on_links else 0):
            events.tracks.track(LINKS, link, lane)


def _end_s(traced: Traced) -> float:
    """Return when a window ends; where the run ended before, when that was."""
    if traced.end_s < math.inf:
        return traced.end_s
    return max(
        (*(one.end_s for one in traced.iterations), *(end_s for _, _, end_s in traced.exchanges)),
        default=traced.start_s,
    )


def _commits_within(
    commits: pd.DataFrame, start_s: float, end_s: float
) -> list[tuple[float, str, dict[str, Any]]]:
    inside = commits[(commits["time_s"] >= start_s) & (commits["time_s"] <= end_s)]
    rows = zip(
        inside["seq"], inside["time_s"], inside["kind"], inside["clients"], inside["info"], strict=True
    )
    return [
        (time_s, kind, {"seq": seq, "clients": len(json.loads(clients)), **json.loads(info)})
        for seq, time_s, kind, clients, info in rows
    ]


def _facts(
    traced: Traced, window_s: tuple[float, float], limit_s: float, all_: _Drawing, kept: _Drawing
) -> dict[str, Any]:
    """Return what is to be said of a trace as a whole."""
    left_out = None
    if limit_s < math.inf:
        rows = sum(len(one.payload) for one in all_.messages) - sum(len(one.payload) for one in kept.messages)
        left_out = {
            "from_s": limit_s,
            "computations": traced.left_out[1] + len(all_.computations) - len(kept.computations),
            "transfers": traced.left_out[0] + rows,
        }
    iterations = [
        {"iteration": one.number, "round": one.round, "start_s": one.start_s, "end_s": one.end_s}
        for one in traced.iterations
    ]
    return {
        "devices": list(traced.devices),
        "written_by": "hetedge",
        "format": TRACE_FORMAT,
        "time": "ts and dur: microseconds of simulated time; start_s and end_s: seconds of it, exactly",
        "window": {"start_s": window_s[0], "end_s": window_s[1], "iterations": iterations},
        "left_out": left_out,
    }
