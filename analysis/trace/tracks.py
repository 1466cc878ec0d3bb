"""The tracks of a trace: which device and which link has which, and how its viewers order and name them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.trace.lanes import Interval, beside, first_free
from analysis.trace.timeline import Computation, Message

RUN, DEVICES, LINKS = 1, 2, 3
"""The processes of a trace, by pid."""

_PROCESSES = {RUN: "run", DEVICES: "devices", LINKS: "links"}
_FIRST_TID = 10
"""Thread ids are unique over all processes, and none is a process's: viewers take such a thread for the main one."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Track:
    """A line of a trace."""

    pid: int
    tid: int


class Tracks:
    """Numbers tracks in the order in which they are asked for, and names them."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[int, str, int], Track] = {}

    def track(self, pid: int, name: str, lane: int = 0) -> Track:
        """Return the track of a name; what does not fit on one has several lanes, numbered from 0."""
        key = (pid, name, lane)
        found = self._tracks.get(key)
        if found is None:
            found = self._tracks[key] = Track(pid, _FIRST_TID + len(self._tracks))
        return found

    def metadata(self) -> list[Event]:
        """Return the events that name processes and tracks, and say in which order they are shown."""
        events = []
        for place, (pid, name) in enumerate(_PROCESSES.items()):
            events.append(_metadata("process_name", Track(pid, pid), name=name))
            events.append(_metadata("process_sort_index", Track(pid, pid), sort_index=place))
        for (_, name, lane), track in self._tracks.items():
            shown = name if lane == 0 else f"{name} ({lane + 1})"
            events.append(_metadata("thread_name", track, name=shown))
            events.append(_metadata("thread_sort_index", track, sort_index=track.tid))
        return events


def _metadata(what: str, track: Track, **args: object) -> Event:
    return {"ph": "M", "name": what, "pid": track.pid, "tid": track.tid, "args": args}


@dataclass(frozen=True)
class DeviceLanes:
    """Where on its device's tracks everything is drawn that the device does.

    Attributes:
        computations: the lane of each computation.
        sent: the lane of each message on its sender's tracks; None where it is not drawn there.
        received: the lane of each message on its receiver's tracks, likewise.
    """

    computations: tuple[int, ...]
    sent: tuple[int | None, ...]
    received: tuple[int | None, ...]


def device_lanes(computations: Sequence[Computation], messages: Sequence[Message]) -> DeviceLanes:
    """Lay out the tracks of devices.

    A device has as many lanes as it computes things at once. Its messages are drawn beside its computations where one
    lane more is enough for them; the messages of a device that talks to many at once are drawn on its links alone.

    Args:
        computations: In the order of their starts.
        messages: In the order of their starts.
    """
    spans = [one.span for one in computations]
    lanes = [0] * len(spans)
    taken: dict[int, list[list[Interval]]] = {}
    for device, indices in _by([one.device for one in computations]).items():
        own = first_free(spans[index] for index in indices)
        taken[device] = [[] for _ in range(max(own) + 1)]
        for index, lane in zip(indices, own, strict=True):
            lanes[index] = lane
            taken[device][lane].append(spans[index])
    ends: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for index, message in enumerate(messages):
        ends[message.source].append((index, True))
        ends[message.target].append((index, False))
    placed: dict[bool, list[int | None]] = {way: [None] * len(messages) for way in (True, False)}
    crossing = [message.span for message in messages]
    for device, own_ends in ends.items():
        drawn = taken.get(device, [])
        most = max(1, len(drawn)) + 1
        found = beside((crossing[index] for index, _ in own_ends), drawn, most)
        if found is not None:
            for (index, way), lane in zip(own_ends, found, strict=True):
                placed[way][index] = lane
    return DeviceLanes(tuple(lanes), tuple(placed[True]), tuple(placed[False]))


def link_lanes(messages: Sequence[Message]) -> Mapping[str, Mapping[int, int]]:
    """Return for every link the lane of each message that crosses it, by the message's number.

    Args:
        messages: In the order of their starts.
    """
    crossing: dict[str, list[int]] = defaultdict(list)
    for index, message in enumerate(messages):
        for link in message.links:
            crossing[link].append(index)
    spans = [message.span for message in messages]
    return {
        link: dict(zip(indices, first_free(spans[index] for index in indices), strict=True))
        for link, indices in crossing.items()
    }


def _by(keys: Sequence[int]) -> Mapping[int, list[int]]:
    """Return the positions of each key."""
    found: dict[int, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        found[key].append(index)
    return found
