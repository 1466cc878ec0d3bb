"""What users call devices and links, found in a fleet: ``client-3``, ``server``, ``client-3 up``, ``cell-0 down``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from itertools import islice

from devices.fleet import Device, Fleet

DIRECTIONS = ("up", "down")
"""The two access links of a device: towards the network and from it."""

MOST_COMPARED = 10_000
"""Names of links that a mistyped one is compared with, at most."""

_NUMBERED = re.compile(r"(client|edge)-(0|[1-9][0-9]{0,8})")
_WRITTEN = re.compile(r"\s*(.*?)[-_ ]*([0-9]{0,9})\s*")


class UnknownNameError(ValueError):
    """Nothing of that name exists; the message says "what came; what is allowed"."""


class Names:
    """The names of a fleet's devices and of the links between them.

    Args:
        fleet: The devices, each with an access link of either direction.
        links: The names of all other links; those of access links may be among them.
    """

    def __init__(self, fleet: Fleet, links: Collection[str] = ()) -> None:
        self._fleet = fleet
        self._links = frozenset(links)

    @property
    def n_clients(self) -> int:
        """How many clients there are."""
        return len(self._fleet.clients)

    def find(self, name: str) -> Device | None:
        """Return the device of a name; None if there is none."""
        if name == self._fleet.server.name:
            return self._fleet.server
        match = _NUMBERED.fullmatch(name)
        if match is None:
            return None
        among = self._fleet.clients if match[1] == "client" else self._fleet.edges
        number = int(match[2])
        return among[number] if number < len(among) else None

    def device(self, name: str) -> Device:
        """Return the device of a name.

        Raises:
            UnknownNameError: There is none.
        """
        found = self.find(name)
        if found is None:
            link = f"or a link, such as 'link {self._fleet.clients[0].name} up'"
            raise UnknownNameError(
                f"no device is named {_shown(name)}; allowed: {self._devices()}, {link}{self._did_you_mean(name)}"
            )
        return found

    def client(self, name: str) -> int:
        """Return the id of a client that is called by its name or by its number.

        Raises:
            UnknownNameError: There is no such client.
        """
        found = self.find(f"client-{name}" if name.isdecimal() else name)
        if found is None or found.id not in range(len(self._fleet.clients)):
            numbers = _span("", len(self._fleet.clients))
            raise UnknownNameError(
                f"no client is named {_shown(name)}; allowed: {self._clients()}, or {numbers}{self._did_you_mean(name)}"
            )
        return found.id

    def links(self, name: str) -> Sequence[str]:
        """Return the full names of the links that a name means: one of its own, or both directions of it.

        Raises:
            UnknownNameError: It means none.
        """
        if self._is_link(name):
            return (name,)
        both = [f"{name} {direction}" for direction in DIRECTIONS]
        found = [link for link in both if self._is_link(link)]
        if not found:
            raise UnknownNameError(f"no link is named {_shown(name)}; {self._allowed_links(name)}")
        return found

    def end_of(self, link: str) -> tuple[Device, str] | None:
        """Return the device whose access link this is, and its direction; None if it is no access link."""
        name, _, direction = link.rpartition(" ")
        found = self.find(name) if direction in DIRECTIONS else None
        return None if found is None else (found, direction)

    def _is_link(self, name: str) -> bool:
        return name in self._links or self.end_of(name) is not None

    def _allowed_links(self, name: str) -> str:
        own = sorted(link for link in self._links if self.end_of(link) is None)
        some = [*own[:6], "..."] if len(own) > 6 else own
        near = get_close_matches(name, list(islice(own, MOST_COMPARED)), n=1, cutoff=0.8)
        hint = f"; did you mean {near[0]!r}?" if near else self._did_you_mean(name)
        device = f"a device ({self._devices()}) alone or with up or down behind it"
        return f"allowed: {', '.join([*some, device])}{hint}"

    def _clients(self) -> str:
        return _span("client-", len(self._fleet.clients))

    def _devices(self) -> str:
        edges = [_span("edge-", len(self._fleet.edges))] if self._fleet.edges else []
        return ", ".join([self._fleet.server.name, self._clients(), *edges])

    def _did_you_mean(self, name: str) -> str:
        """The nearest name has the nearest word and the nearest number; comparing all would take long."""
        words = name.split()
        direction = ""
        if len(words) > 1 and words[-1].isalpha():
            direction = "".join(f" {one}" for one in get_close_matches(words.pop().lower(), DIRECTIONS, n=1))
        match = _WRITTEN.fullmatch(" ".join(words))
        counts = {"server": 1, "client": len(self._fleet.clients), "edge": len(self._fleet.edges)}
        roles = [role for role, count in counts.items() if count]
        near = get_close_matches(match[1].lower(), roles, n=1) if match else []
        if not near or match is None:
            return ""
        number = "" if near[0] == "server" else f"-{min(int(match[2] or 0), counts[near[0]] - 1)}"
        return f"; did you mean '{near[0]}{number}{direction}'?"


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:57]}...")


def _span(before: str, count: int) -> str:
    return f"{before}0" if count == 1 else f"{before}0 to {before}{count - 1}"
