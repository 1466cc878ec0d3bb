"""The network as a graph of links, and the way a message takes through it.

Default world: a star. Every device, the server too, hangs on a hub named `HUB` by its own access link, whose rate
is the uplink towards the hub and the downlink from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import networkx as nx

from devices.fleet import Fleet

HUB = "core"
"""Node between all access links; the other nodes are device ids."""

Graph: TypeAlias = "nx.DiGraph[int | str]"
"""Directed graph whose edges carry `bytes_per_s` and `latency_s`."""


@dataclass(frozen=True)
class Route:
    """The way from one device to another, without anybody else on it."""

    bytes_per_s: float
    """Rate of the slowest link."""
    latency_s: float
    """Sum of the links' one-way propagation delays."""
    uplink_bytes_per_s: float
    """Rate of the first link alone."""
    downlink_bytes_per_s: float
    """Rate of the last link alone."""


def star(fleet: Fleet) -> Graph:
    """Build the star of a fleet: edges device -> hub (its uplink) and hub -> device (its downlink)."""
    graph: Graph = nx.DiGraph()
    for device in fleet.devices:
        profile = device.profile
        graph.add_edge(device.id, HUB, bytes_per_s=profile.uplink_bytes_per_s, latency_s=profile.latency_s)
        graph.add_edge(HUB, device.id, bytes_per_s=profile.downlink_bytes_per_s, latency_s=profile.latency_s)
    return graph


def route(graph: Graph, source: int, target: int) -> Route:
    """Return the way from ``source`` up to the hub and down to ``target``.

    Rate = min(uplink of the source, downlink of the target); latency = sum of both.

    Args:
        graph: A star, as `star` builds it.
        source: Id of the sending device.
        target: Id of the receiving device, not the source.

    Raises:
        ValueError: A device is not in the graph, or sends to itself.
    """
    if source == target:
        raise ValueError(f"a route from device {source} to itself; source and target must differ")
    for device_id in (source, target):
        if device_id not in graph:
            raise ValueError(f"no device {device_id!r} in the network; allowed: {_devices(graph)}")
    up, down = graph.edges[source, HUB], graph.edges[HUB, target]
    return Route(
        bytes_per_s=min(up["bytes_per_s"], down["bytes_per_s"]),
        latency_s=up["latency_s"] + down["latency_s"],
        uplink_bytes_per_s=up["bytes_per_s"],
        downlink_bytes_per_s=down["bytes_per_s"],
    )


def _devices(graph: Graph) -> str:
    ids = sorted(node for node in graph if isinstance(node, int))
    return f"{ids[0]} to {ids[-1]}" if ids else "none"
