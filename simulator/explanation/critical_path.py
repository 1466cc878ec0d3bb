"""The critical path: the chain of legs that decides how long an iteration takes.

It is found from its end: the client that is done last, what it did, the joined work its rows came from, and before
that whatever kept this from beginning earlier: the last rows to join, or the server's work before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

from devices.fleet import SERVER_ID
from simulator.explanation.legs import Kind, Leg
from simulator.explanation.timeline import Timeline


def critical_path(timeline: Timeline) -> tuple[Leg, ...]:
    """Return the legs of a critical path in order: the first begins at 0, each where the one before ends.

    Where several paths are equally long, the one over the rows of clients is taken, and of clients the first.
    """
    client, crossing = timeline.last_client, len(timeline.trace.ready_s) - 1
    stays = [timeline.ending(client)]
    while True:
        stays.append([timeline.receiving(client, crossing)])
        index = timeline.index_of_exit(client, crossing)
        stays.append([timeline.served(timeline.server[index])])
        while not timeline.server[index].waits_for_rows:
            index -= 1
            stays.append([timeline.served(timeline.server[index])])
        client, crossing = _last_to_join(timeline, index)
        stays += [[timeline.sending(client, crossing)], timeline.preparing(client, crossing)]
        if crossing == 0:
            return tuple(chain.from_iterable(reversed(stays)))
        if timeline.plan.setting.workload.lockstep:
            client = timeline.last_to_finish(crossing)
        stays.append(timeline.finishing(client, crossing))
        crossing -= 1


def _last_to_join(timeline: Timeline, index: int) -> tuple[int, int]:
    work = timeline.server[index]
    if work.last_to_join is None:
        raise RuntimeError(f"{work.leg.what} waits for rows, though none join there")
    return work.last_to_join, work.number


def seconds_by_device(path: Sequence[Leg]) -> Mapping[int, float]:
    """Return how long each device is on the path, the longest first; a message counts for its client."""
    seconds: dict[int, float] = defaultdict(float)
    for leg in path:
        seconds[leg.device] += leg.seconds
    return dict(sorted(seconds.items(), key=lambda one: (-one[1], one[0])))


def seconds_by_kind(path: Sequence[Leg]) -> Mapping[str, float]:
    """Return what the path's time goes into: clients' computing, bytes on links, propagation latency, the server."""
    seconds = dict.fromkeys(("compute", "transfer", "latency", "server"), 0.0)
    for leg in path:
        if leg.kind is Kind.TRANSFER:
            seconds["latency"] += leg.fixed_s
            seconds["transfer"] += leg.paced_s
        else:
            seconds[leg.kind] += leg.seconds
    return seconds


def busiest_client(path: Sequence[Leg]) -> int:
    """Return the client that spends most time on the path."""
    return next(device for device in seconds_by_device(path) if device != SERVER_ID)
