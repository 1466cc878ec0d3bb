"""Backbones of one hub and spokes: clients hang on routers that share a link to the hub, and one from it.

The spoke is a radio cell, or the site of an edge server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from devices.fleet import SERVER_ID, Fleet
from devices.topology import Backbone, Link, RouterOf, Wire

Assign = Literal["interleaved", "blocks"]
"""How clients are dealt to spokes: round-robin, or neighbours together."""


@dataclass(frozen=True)
class Spoke:
    """What all spokes are like.

    Attributes:
        name: the routers' common name; router 3 is called ``<name>-3``.
        uplink_bytes_per_s: rate of the link to the hub.
        downlink_bytes_per_s: rate of the link from the hub.
        latency_s: propagation delay of either.
        loss: share of the bytes that either loses.
    """

    name: str
    uplink_bytes_per_s: float
    downlink_bytes_per_s: float
    latency_s: float
    loss: float


class Spokes(Backbone):
    """A hub, on which the server hangs, and spokes, on which the clients do.

    Args:
        hub: Name of the hub.
        spoke: What every spoke is like.
        count: How many there are.
        assign: How clients are dealt to them.
        edges_outside: Whether edge servers hang on spokes, server e on spoke e mod ``count``; else on the hub.
    """

    def __init__(self, hub: str, spoke: Spoke, count: int, assign: Assign, edges_outside: bool) -> None:
        self._hub, self._assign, self._edges_outside = hub, assign, edges_outside
        self._routers = tuple(f"{spoke.name}-{number}" for number in range(count))
        self._number_of = {router: number for number, router in enumerate(self._routers)}
        self.wires = tuple(wire for router in self._routers for wire in _pair(router, hub, spoke))

    def plugs(self, fleet: Fleet) -> RouterOf:
        """Hang clients, and perhaps edge servers, on spokes; the rest on the hub."""
        routers, clients = self._routers, len(fleet.clients)
        spoke_of = _dealt(self._assign, len(routers), clients)

        def router_of(device_id: int) -> str:
            if device_id == SERVER_ID:
                return self._hub
            if device_id < clients:
                return routers[spoke_of(device_id)]
            return routers[(device_id - clients) % len(routers)] if self._edges_outside else self._hub

        return router_of

    def path(self, source: str, target: str) -> tuple[int, ...]:
        """Return the way up a spoke and down another; none between two routers that are one."""
        if source == target:
            return ()
        up = () if source == self._hub else (2 * self._number_of[source],)
        down = () if target == self._hub else (2 * self._number_of[target] + 1,)
        return (*up, *down)


def _pair(router: str, hub: str, spoke: Spoke) -> tuple[Wire, Wire]:
    up = Link(f"{router} up", spoke.uplink_bytes_per_s, spoke.latency_s, spoke.loss)
    down = Link(f"{router} down", spoke.downlink_bytes_per_s, spoke.latency_s, spoke.loss)
    return Wire(router, hub, up), Wire(hub, router, down)


def _dealt(assign: Assign, groups: int, clients: int) -> Callable[[int], int]:
    """Return which of several groups a client belongs to; their sizes differ by one client at most."""
    if assign == "blocks":
        return lambda client: client * groups // clients
    return lambda client: client % groups
