"""A backbone read from a file: any graph of routers, with ways of least latency through it.

A device hangs on the node that bears its name (``server``, ``client-0``, ``edge-0``). Such a node is a router like any
other: it may have links to several others, and the messages of others may pass through it, but never through the
device. Clients without a node of their own are dealt round-robin to the nodes that the scenario names for that.

Latencies are compared in whole femtoseconds, so that rounding decides nothing. Of several ways of least latency the one
of fewest links is taken. Where those tie too, the order of the file decides: at each router of the way, looking back
to where the search began, the link that comes first is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache

import networkx as nx

from devices.fleet import SERVER_ID, Device, Fleet
from devices.graph_file import Edge, link_name
from devices.topology import Backbone, Link, RouterOf, TopologyError, Wire

MOST_NAMED = 5
"""Devices that an error lists at most."""

_SERVER = "server"
_EDGE_SERVERS = "edge-"
_FEMTOSECONDS = 10**15
_FEMTOSECOND = 2**40
"""Weight of a femtosecond in links: more links than a way can have, so that they only break ties."""

_Tree = dict[str, int]
"""Router -> the wire between it and its parent in a tree of best ways."""


class GraphBackbone(Backbone):
    """A graph of routers, read from a file.

    Args:
        edges: Its edges.
        attach: Nodes to which clients without a node of their own are dealt.
        label: What errors call the file.

    Raises:
        TopologyError: Two edges join the same nodes in the same direction, or a node to attach to is not there.
    """

    def __init__(self, edges: Sequence[Edge], attach: Sequence[str], label: str) -> None:
        self._attach, self._label = tuple(attach), label
        self.wires = tuple(_wires(edges))
        self._graph = _weighted(self.wires)
        self._reversed = self._graph.reverse()
        self._check_attach()
        # A tree from or to the server, or an edge server, serves all clients; those of single clients come and go.
        self._tree = lru_cache(maxsize=64)(self._make_tree)

    def plugs(self, fleet: Fleet) -> RouterOf:
        """Hang every device on the node of its name, clients without one on those they are dealt to."""
        places = {device.id: device.name for device in fleet.devices if device.name in self._graph}
        if self._attach:
            placeless = (client.id for client in fleet.clients if client.id not in places)
            places |= {
                client: self._attach[turn % len(self._attach)] for turn, client in enumerate(placeless)
            }
        self._check_places(places, fleet)
        self._check_reached(places, fleet)
        return places.__getitem__

    def path(self, source: str, target: str) -> tuple[int, ...]:
        """Return the wires of the way of least latency from one router to another."""
        if source == target:
            return ()
        if target == _SERVER or target.startswith(_EDGE_SERVERS):
            return tuple(self._steps(target, source, backwards=True))
        return tuple(self._steps(source, target, backwards=False))[::-1]

    def _steps(self, root: str, router: str, backwards: bool) -> Iterator[int]:
        """Yield the wires between a router and the root of a tree, beginning at the router."""
        tree = self._tree(root, backwards)
        while router != root:
            number = tree[router]
            yield number
            router = self.wires[number].target if backwards else self.wires[number].source

    def _make_tree(self, root: str, backwards: bool) -> _Tree:
        """Return the tree of best ways from a root, or to it."""
        graph = self._reversed if backwards else self._graph
        parents_of, _ = nx.dijkstra_predecessor_and_distance(graph, root, weight="weight")
        return {
            router: min(graph.edges[parent, router]["number"] for parent in parents)
            for router, parents in parents_of.items()
            if parents
        }

    def _check_attach(self) -> None:
        for index, node in enumerate(self._attach):
            if node not in self._graph:
                near = get_close_matches(node, list(self._graph), n=1)
                guess = f"did you mean {near[0]!r}? " if near else ""
                first = next(iter(self._graph))
                raise TopologyError(
                    f"topology.attach.{index}",
                    f"{self._label} has no node {node!r}; {guess}allowed: its nodes, such as {first!r}",
                )

    def _check_places(self, places: dict[int, str], fleet: Fleet) -> None:
        lacking = [device for device in fleet.devices if device.id not in places]
        if lacking:
            raise TopologyError(
                "topology.path",
                f"{self._label} has no node for {_named(lacking)}; allowed: a node of its name for every device, "
                "or attach: [NODE, ...] for clients without one",
            )

    def _check_reached(self, places: dict[int, str], fleet: Fleet) -> None:
        """Refuse a graph in which the server and a device cannot reach each other, and so perhaps no two can."""
        hub = places[SERVER_ID]
        for graph, of_way in ((self._reversed, "from {} to server"), (self._graph, "from server to {}")):
            reached = nx.descendants(graph, hub) | {hub}
            cut_off = [device for device in fleet.devices if places[device.id] not in reached]
            if cut_off:
                raise TopologyError(
                    "topology.path",
                    f"{self._label} has no way {of_way.format(_named(cut_off))}; "
                    "allowed: links that join every device to the server both ways",
                )


def _wires(edges: Sequence[Edge]) -> Iterator[Wire]:
    """Yield the links of edges: one each, or one in either direction.

    Raises:
        TopologyError: Two lead from the same node to the same node.
    """
    place_of: dict[tuple[str, str], str] = {}
    for edge in edges:
        ways = [(edge.source, edge.target)]
        if not edge.directed:
            ways.append((edge.target, edge.source))
        for source, target in ways:
            if (source, target) in place_of:
                raise TopologyError(
                    "topology.path",
                    f"{edge.place}: a second link from {source!r} to {target!r}, after {place_of[source, target]}; "
                    "allowed: one link in each direction (an edge that is not directed is both)",
                )
            place_of[source, target] = edge.place
            link = Link(link_name(source, target), edge.bytes_per_s, edge.latency_s, edge.loss)
            yield Wire(source, target, link)


def _weighted(wires: Sequence[Wire]) -> nx.DiGraph[str]:
    """Return the graph of some wires, whose edges carry their number and the weight that ways are compared by."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for number, wire in enumerate(wires):
        latency = round(wire.link.latency_s * _FEMTOSECONDS)
        graph.add_edge(wire.source, wire.target, number=number, weight=latency * _FEMTOSECOND + 1)
    return graph


def _named(devices: Sequence[Device]) -> str:
    names = ", ".join(device.name for device in devices[:MOST_NAMED])
    more = len(devices) - MOST_NAMED
    return f"{names} and {more} more" if more > 0 else names
