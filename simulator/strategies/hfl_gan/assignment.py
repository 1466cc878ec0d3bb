"""Which client belongs to which edge server, in time and in mathematics alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Assignment = tuple[int, ...]
"""The number of each client's edge."""


def first_assignment(clients: int, edges: int) -> Assignment:
    """Deal clients to edges in turn."""
    return tuple(client % edges for client in range(clients))


def members_of(assignment: Assignment) -> Mapping[int, tuple[int, ...]]:
    """Return the sorted members of every edge that has some, by the edge's number, in order."""
    return {
        edge: tuple(client for client, own in enumerate(assignment) if own == edge)
        for edge in sorted(set(assignment))
    }


def reassigned(assignment: Assignment, clusters: Sequence[Sequence[int]]) -> Assignment:
    """Return who belongs to which edge once clients were clustered: cluster i to edge i.

    One cluster tells nobody apart, so all stay where they are; so it is too where nothing is learned.
    """
    if len(clusters) < 2:
        return assignment
    edge_of = {client: edge for edge, members in enumerate(clusters) for client in members}
    return tuple(edge_of[client] for client in range(len(assignment)))
