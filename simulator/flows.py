"""Finish times of given flows that share links max-min fairly: the fluid engine alone, without a fleet around it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.kernel.fluid import Fluid


@dataclass(frozen=True)
class Flow:
    """One flow.

    Attributes:
        start_s: when it begins, in seconds.
        n_bytes: its size.
        links: names of the links it crosses, all at the same time, each once.
        weight: on a full link flows get rates in proportion to their weights.
        cap_bytes_per_s: its greatest rate.
    """

    start_s: float
    n_bytes: float
    links: tuple[str, ...]
    weight: float = 1.0
    cap_bytes_per_s: float = math.inf


def finish_times(links: Mapping[str, float], flows: Sequence[Flow]) -> list[float]:
    """Return when each flow ends, in seconds, under max-min fair sharing.

    Rates change when a flow begins or ends and are constant in between, so the times are exact but for rounding.

    Args:
        links: each link's capacity by name, in bytes per second, > 0.
        flows: in any order.

    Returns:
        The finish time of every flow, in the order of ``flows``.

    Raises:
        KeyError: a flow crosses a link that is not there.
        ValueError: a number is out of range.

    Example:
        >>> finish_times({"up": 100.0}, [Flow(0.0, 100.0, ("up",)), Flow(0.0, 200.0, ("up",))])
        [2.0, 3.0]
    """
    numbers = {name: number for number, name in enumerate(links)}
    fluid = Fluid(list(links.values()))
    waiting = sorted(range(len(flows)), key=lambda index: flows[index].start_s, reverse=True)
    finish_s = [math.nan] * len(flows)
    index_of: dict[int, int] = {}
    while waiting or index_of:
        begins_s = flows[waiting[-1]].start_s if waiting else math.inf
        now_s = min(begins_s, fluid.next_finish_s())
        for flow in fluid.finished(now_s):
            finish_s[index_of.pop(flow)] = now_s
        while waiting and flows[waiting[-1]].start_s <= now_s:
            index = waiting.pop()
            one = flows[index]
            crossed = [numbers[name] for name in one.links]
            index_of[fluid.start(now_s, one.n_bytes, crossed, one.weight, one.cap_bytes_per_s)] = index
    return finish_s
