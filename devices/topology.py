"""The network as a graph of links, and the way a message takes through it.

Every device hangs on a router by an access link of its own, whose numbers are those of its profile; no message passes
through a device. What lies between the routers is the *backbone*: nothing in a star, whose devices all hang on one
hub; see `devices.topology_spokes` and `devices.topology_graph` for others.

Links have numbers. The access links come first, two a device in the order of their ids: ``2 (id + 1)`` is its uplink,
``2 (id + 1) + 1`` its downlink. The links of the backbone follow in its order.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

import networkx as nx

from devices.fleet import SERVER_ID, Device, Fleet

HUB = "hub"
"""The router in the middle."""

STRETCHES_KEPT = 4096
"""Ways between two routers that are kept: devices on the same routers share them."""

Graph: TypeAlias = "nx.DiGraph[int | str]"
"""Directed graph of routers (texts) and devices (ids); edges carry `name`, `bytes_per_s`, `latency_s`, `loss`."""

RouterOf: TypeAlias = Callable[[int], str]
"""Tells the router on which the device of an id hangs."""


class TopologyError(ValueError):
    """A topology that cannot be built, with the place in the `network` section that is to blame."""

    def __init__(self, key_path: str, message: str) -> None:
        super().__init__(message)
        self.key_path = key_path
        """Key path inside the section, such as ``topology.path``."""
        came, _, allowed = message.partition("; ")
        self.came = came
        """What was given."""
        self.allowed = allowed
        """What would have been right."""


@dataclass(frozen=True, slots=True)
class Link:
    """One direction of a cable, or of a radio cell."""

    name: str
    """Name that is unique in a topology, such as ``client-3 up`` or ``cell-0 down``."""
    bytes_per_s: float
    """Bytes it carries in a second, lost ones among them."""
    latency_s: float
    """One-way propagation delay."""
    loss: float = 0.0
    """Share of the bytes sent over it that are lost, 0 or more and less than 1."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A link of the backbone, and the routers it leads from and to."""

    source: str
    target: str
    link: Link


@dataclass(frozen=True, slots=True)
class Way:
    """The links from one device to another, as a message finds them that is alone there."""

    links: tuple[int, ...]
    """Their numbers in the order of the way: an uplink, links of the backbone, a downlink."""
    latency_s: float
    """Sum of their propagation delays."""
    bytes_per_s: float
    """Rate of the narrowest of them."""
    arriving: float = 1.0
    """Share of the bytes sent that arrive: the product of 1 - loss."""
    uplink_bytes_per_s: float = math.inf
    """Rate of the first of them, the sender's access link."""
    downlink_bytes_per_s: float = math.inf
    """Rate of the last of them, the receiver's access link."""
    inner: str | None = None
    """Name of the backbone's narrowest link, where it is as narrow as either access link; else None."""

    @property
    def loss(self) -> float:
        """Share of the bytes sent that are lost on the way."""
        return 1.0 - self.arriving


class Backbone(ABC):
    """Routers, and the links between them.

    Attributes:
        wires: the links; a way tells them by their position.
    """

    wires: tuple[Wire, ...] = ()

    @abstractmethod
    def plugs(self, fleet: Fleet) -> RouterOf:
        """Return on which router each device of a fleet hangs.

        Raises:
            TopologyError: A device has no place, or the server and it cannot reach each other.
        """

    @abstractmethod
    def path(self, source: str, target: str) -> tuple[int, ...]:
        """Return the wires from one router to another in their order: none from a router to itself."""


class Hub(Backbone):
    """One router for all."""

    def plugs(self, fleet: Fleet) -> RouterOf:
        """Hang every device on the hub."""
        del fleet
        return lambda device_id: HUB

    def path(self, source: str, target: str) -> tuple[int, ...]:
        """Return no wire at all."""
        del source, target
        return ()


class Topology:
    """The links of a fleet, and the ways over them.

    Ways are found when they are asked for, and kept; links and graph are made when they are looked at. So a
    topology of many devices costs nothing until it is used.

    Args:
        fleet: The devices.
        backbone: What lies between their access links; left out = a hub.

    Raises:
        TopologyError: A device has no place, or cannot be reached.
    """

    def __init__(self, fleet: Fleet, backbone: Backbone | None = None) -> None:
        self.fleet = fleet
        self.backbone: Backbone = backbone if backbone is not None else Hub()
        self._router_of = self.backbone.plugs(fleet)
        self._first_inner = 2 * (1 + len(fleet.clients) + len(fleet.edges))
        self._ways: dict[tuple[int, int], Way] = {}
        self._between = lru_cache(maxsize=STRETCHES_KEPT)(self._stretch)

    def of_fleet(self, fleet: Fleet) -> Topology:
        """Return the topology of another fleet on the same backbone."""
        return Topology(fleet, self.backbone)

    def router_of(self, device_id: int) -> str:
        """Return the router on which a device hangs: devices of one router and one profile have like ways."""
        return self._router_of(device_id)

    @staticmethod
    def access_links(device_id: int) -> tuple[int, int]:
        """Return the numbers of a device's uplink and downlink."""
        return 2 * (device_id + 1), 2 * (device_id + 1) + 1

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """All links in the order of their numbers."""
        access = (link for device in self.fleet.devices for link in _access_links(device))
        return (*access, *self.inner_links)

    @property
    def inner_links(self) -> tuple[Link, ...]:
        """The links of the backbone; the first has the number that follows those of all access links."""
        return tuple(wire.link for wire in self.backbone.wires)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each link by its name."""
        return {link.name: number for number, link in enumerate(self.links)}

    @cached_property
    def graph(self) -> Graph:
        """The whole network: routers, devices and the links between them."""
        graph: Graph = nx.DiGraph()
        for device in self.fleet.devices:
            router, (up, down) = self._router_of(device.id), _access_links(device)
            graph.add_edge(device.id, router, **_attributes(up))
            graph.add_edge(router, device.id, **_attributes(down))
        for wire in self.backbone.wires:
            graph.add_edge(wire.source, wire.target, **_attributes(wire.link))
        return graph

    def route(self, source: int, target: int) -> Way:
        """Return the way from one device to another.

        Between the routers it is the one of least latency; among those, of fewest links. It never leads through a
        third device.

        Args:
            source: Id of the sending device.
            target: Id of the receiving device, not the source.

        Raises:
            ValueError: A device is not in the fleet, or sends to itself.
        """
        way = self._ways.get((source, target))
        if way is None:
            way = self._ways[source, target] = self._find(source, target)
        return way

    def _find(self, source: int, target: int) -> Way:
        if source == target:
            raise ValueError(f"a route from device {source} to itself; source and target must differ")
        sender, receiver = self.fleet.device(source).profile, self.fleet.device(target).profile
        between = self._between(self._router_of(source), self._router_of(target))
        up_rate, down_rate = sender.uplink_bytes_per_s, receiver.downlink_bytes_per_s
        access_rate = min(up_rate, down_rate)
        inner_is_narrowest = between.bytes_per_s <= access_rate
        return Way(
            links=(self.access_links(source)[0], *between.links, self.access_links(target)[1]),
            latency_s=sender.latency_s + between.latency_s + receiver.latency_s,
            bytes_per_s=between.bytes_per_s if inner_is_narrowest else access_rate,
            arriving=(1.0 - sender.loss) * between.arriving * (1.0 - receiver.loss),
            uplink_bytes_per_s=up_rate,
            downlink_bytes_per_s=down_rate,
            inner=between.narrowest if inner_is_narrowest else None,
        )

    def _stretch(self, source: str, target: str) -> _Stretch:
        """Return the stretch from one router to another."""
        path = self.backbone.path(source, target)
        if not path:
            return _Stretch()
        links = [self.backbone.wires[position].link for position in path]
        narrowest = min(links, key=lambda link: link.bytes_per_s)
        return _Stretch(
            links=tuple(self._first_inner + position for position in path),
            latency_s=sum(link.latency_s for link in links),
            arriving=math.prod(1.0 - link.loss for link in links),
            bytes_per_s=narrowest.bytes_per_s,
            narrowest=narrowest.name,
        )


class Replugged(Backbone):
    """The backbone of another topology, on which some of its clients hang where they did, under new numbers.

    Args:
        topology: The other.
        clients: Their ids there, in the order of the new ones.
    """

    def __init__(self, topology: Topology, clients: Sequence[int]) -> None:
        self._topology, self._clients = topology, tuple(clients)
        self.wires = topology.backbone.wires

    def plugs(self, fleet: Fleet) -> RouterOf:
        """Hang every device on the router that it had."""
        del fleet
        old, router_of = self._clients, self._topology.router_of
        return lambda device_id: router_of(device_id if device_id == SERVER_ID else old[device_id])

    def path(self, source: str, target: str) -> tuple[int, ...]:
        """Return the wires from one router to another in their order."""
        return self._topology.backbone.path(source, target)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The links of a way that are the backbone's; by default none."""

    links: tuple[int, ...] = ()
    latency_s: float = 0.0
    arriving: float = 1.0
    bytes_per_s: float = math.inf
    narrowest: str | None = None


def star(fleet: Fleet) -> Topology:
    """Return the star of a fleet: every device hangs on one hub."""
    return Topology(fleet)


def _access_links(device: Device) -> tuple[Link, Link]:
    name, profile = device.name, device.profile
    return (
        Link(f"{name} up", profile.uplink_bytes_per_s, profile.latency_s, profile.loss),
        Link(f"{name} down", profile.downlink_bytes_per_s, profile.latency_s, profile.loss),
    )


def _attributes(link: Link) -> dict[str, float | str]:
    return {
        "name": link.name,
        "bytes_per_s": link.bytes_per_s,
        "latency_s": link.latency_s,
        "loss": link.loss,
    }
