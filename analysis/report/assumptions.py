"""What nobody stated: the defaults that a scenario fell back on, and the assumed numbers of its devices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devices.profile import is_path, load_profile

_MARKED = re.compile(r"(?P<indent> *)(?P<dash>- )?(?P<key>[^\s:#][^:]*):(?P<rest>.*)")
_DEFAULT = " # default"


@dataclass(frozen=True)
class Assumed:
    """A number of a device profile that no source states.

    Attributes:
        profile: the profile's name.
        number: which of its numbers.
        reason: why it is what it is.
    """

    profile: str
    number: str
    reason: str


def defaults_of(text: str) -> list[tuple[str, str]]:
    """The defaults of a resolved scenario.

    Args:
        text: the scenario as ``scenario.yaml`` of a run folder has it, each value marked as given or default.

    Returns:
        Dotted key path (of a list's items their numbers) and value of each one marked ``# default``, in order.
    """
    found = []
    path: list[tuple[int, str]] = []
    items: dict[int, int] = {}
    for line in text.split("\n"):
        match = _MARKED.fullmatch(line)
        if match is None:
            continue
        indent = len(match["indent"])
        path = [step for step in path if step[0] < indent]
        items = {depth: number for depth, number in items.items() if depth <= indent}
        if match["dash"]:
            items[indent] = items.get(indent, -1) + 1
            path.append((indent, str(items[indent])))
            indent += 2
        path.append((indent, match["key"]))
        if match["rest"].endswith(_DEFAULT):
            value = match["rest"].removesuffix(_DEFAULT).strip()
            found.append((".".join(step for _, step in path), value))
    return found


def assumed_numbers(scenario: Mapping[str, Any]) -> list[Assumed]:
    """The assumed numbers of a scenario's devices, as the catalogue says of them.

    Numbers that the scenario itself states are none of them. Profiles that are files of the user's own are looked for
    where the scenario names them; of one that is not there any more, that is told in place of its numbers.

    Args:
        scenario: a resolved scenario.
    """
    stated: dict[str, set[str]] = {}
    for profile, given in _profiles(scenario):
        # What one entry states another may not: only what all of them state is not assumed.
        stated[profile] = stated[profile] & given if profile in stated else given
    return [one for profile in sorted(stated) for one in _of_profile(profile, stated[profile])]


def _of_profile(name: str, stated: set[str]) -> list[Assumed]:
    try:
        profile = load_profile(name)
    except ValueError:
        kind = "its file is not where the scenario names it" if is_path(name) else "this catalogue has none"
        return [Assumed(name, "all", f"unknown: {kind}")]
    return [
        Assumed(profile.name, key, reason.removeprefix("assumed").lstrip(": "))
        for key, reason in profile.assumed.items()
        if key not in stated
    ]


def _profiles(scenario: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """The profiles in use, each with the numbers that its entry states."""
    devices = scenario.get("devices", {})
    clients = devices.get("clients", [])
    entries = clients if isinstance(clients, list) else [clients]
    for entry in (devices.get("server"), *entries, scenario.get("strategy", {}).get("edge")):
        if isinstance(entry, str):
            yield entry, set()
        elif isinstance(entry, Mapping):
            names = entry["mix"] if "mix" in entry else [entry["profile"]] if "profile" in entry else []
            for name in names:
                yield str(name), set(entry)
