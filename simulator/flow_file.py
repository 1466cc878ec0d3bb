"""Reading a file of links and flows, with the place of every mistake."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.option_errors import allowed_names
from scenarios.messages import Problem, ScenarioError, came
from scenarios.reader import compose, convert, decode
from scenarios.tree import Entry, Items, KeyPath, Location, Map, Node, Scalar, Source, dotted
from simulator.flows import Flow
from simulator.kernel.fluid import LEAST, LEAST_WEIGHT, MOST, MOST_WEIGHT

_FORM = 'a map such as {"links": {"up": 1e6}, "flows": [{"start_s": 0, "bytes": 1000, "links": ["up"]}]}'
_FILE_KEYS = ("links", "flows")
_FLOW_KEYS = ("start_s", "bytes", "links", "weight", "cap_bytes_per_s")
_NEEDED = ("start_s", "bytes", "links")

_RANGE = f"from {LEAST} to {MOST}"
_RATE = f"a number above 0, in bytes per second, {_RANGE}"
_WEIGHT = f"a number above 0, from {LEAST_WEIGHT} to {MOST_WEIGHT}"
_HALF = "half a character (a lone surrogate) in a name; allowed: names of whole characters"
_SIZE = f"a number of bytes, at least 0, and {_RANGE} if above"

Check = Callable[[float], bool]


def read_flows(path: Path) -> tuple[dict[str, float], list[Flow]]:
    """Read links and flows from a JSON file (or YAML, of which JSON is a part).

    Args:
        path: ``{"links": {name: byte/s}, "flows": [{"start_s", "bytes", "links": [names]}]}``; a flow may also have a
            ``weight`` and a ``cap_bytes_per_s``.

    Returns:
        Each link's capacity by name, in bytes per second, and the flows in their order.

    Raises:
        ScenarioError: something is wrong with the file; every mistake with its line and column.
    """
    source = Source(str(path), path.parent)
    start = Location(source, 1, 1)
    try:
        text = decode(path.read_bytes(), source)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        message = f"cannot be read ({reason}); allowed: a file that holds {_FORM}"
        raise ScenarioError([Problem(start, "", message)]) from None
    faultless = _without_places(text, start)
    return faultless if faultless is not None else _with_places(text, start)


def _without_places(text: str, start: Location) -> tuple[dict[str, float], list[Flow]] | None:
    """Read plain JSON, many times faster; None where it is none or anything is wrong with it."""
    try:
        values = json.loads(text, object_pairs_hook=_map_of(start), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    root = _node(values, start)
    if not isinstance(root, Map):
        return None
    reader = _Reader()
    links = reader.links(root)
    flows = reader.flows(root, links)
    return None if reader.problems else (links, flows)


def _with_places(text: str, start: Location) -> tuple[dict[str, float], list[Flow]]:
    """Read a file and tell where its mistakes are."""
    problems: list[Problem] = []
    root = compose(text, start.source)
    node = convert(root, start.source, problems) if root is not None else None
    if not isinstance(node, Map):
        what = "the file is empty" if node is None else came(node)
        at = start if node is None else node.at
        raise ScenarioError([*problems, Problem(at, "", f"{what}; allowed: {_FORM}")])
    if problems:
        raise ScenarioError(problems)
    reader = _Reader(problems)
    links = reader.links(node)
    flows = reader.flows(node, links)
    if problems:
        raise ScenarioError(problems)
    return links, flows


def _map_of(at: Location) -> Callable[[list[tuple[str, object]]], Map]:
    def made(pairs: list[tuple[str, object]]) -> Map:
        entries = {key: Entry(at, _node(value, at)) for key, value in pairs}
        if len(entries) < len(pairs):
            raise ValueError("a key twice")
        return Map(at, entries)

    return made


def _node(value: object, at: Location) -> Node:
    """Return a value of JSON as a node; its maps are nodes already."""
    if isinstance(value, Map):
        return value
    if isinstance(value, list):
        return Items(at, tuple(_node(one, at) for one in value))
    if value is None or isinstance(value, str | int | float):
        return Scalar(at, value, "")
    raise TypeError(f"{type(value).__name__}; allowed: a value of JSON")


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text}; allowed: a finite number")


@dataclass
class _Reader:
    """Turns nodes into numbers and names, and collects what is wrong."""

    problems: list[Problem] = field(default_factory=list)

    def links(self, root: Map) -> dict[str, float]:
        self._known_keys(root, _FILE_KEYS, ())
        node = self._entry(root, "links", ())
        if node is not None and not isinstance(node, Map):
            self._refuse(node, ("links",), "a map of link names and bytes per second")
            return {}
        entries = node.entries if isinstance(node, Map) else {}
        links: dict[str, float] = {}
        for written, entry in entries.items():
            name = _whole(written)
            if name is None:
                self.problems.append(Problem(entry.key_at, dotted(("links", written)), _HALF))
            else:
                links[name] = self._number(entry.value, ("links", name), _is_rate, _RATE)
        return links

    def flows(self, root: Map, links: Mapping[str, float]) -> list[Flow]:
        node = self._entry(root, "flows", ())
        if node is not None and not isinstance(node, Items):
            self._refuse(node, ("flows",), "a list of flows")
            return []
        items = node.items if isinstance(node, Items) else ()
        return [self._flow(item, index, links) for index, item in enumerate(items)]

    def _flow(self, node: Node, index: int, links: Mapping[str, float]) -> Flow:
        path: KeyPath = ("flows", index)
        if not isinstance(node, Map):
            self._refuse(node, path, f"a map with the keys {', '.join(_FLOW_KEYS)}")
            return Flow(0.0, 0.0, ())
        self._known_keys(node, _FLOW_KEYS, path)
        start_s = self._of(node, "start_s", path, lambda one: True, "a number of seconds")
        n_bytes = self._of(node, "bytes", path, lambda one: one == 0 or _is_rate(one), _SIZE)
        weight = self._of(node, "weight", path, lambda one: LEAST_WEIGHT <= one <= MOST_WEIGHT, _WEIGHT, 1.0)
        cap = self._of(node, "cap_bytes_per_s", path, _is_rate, _RATE, math.inf)
        return Flow(start_s, n_bytes, self._crossed(node, path, links), weight, cap)

    def _crossed(self, node: Map, path: KeyPath, links: Mapping[str, float]) -> tuple[str, ...]:
        found = self._entry(node, "links", path)
        if found is None:
            return ()
        if not isinstance(found, Items) or not found.items:
            self._refuse(found, (*path, "links"), "a list of names of links, one at least")
            return ()
        names: list[str] = []
        for number, item in enumerate(found.items):
            where = (*path, "links", number)
            value = item.value if isinstance(item, Scalar) else None
            name = _whole(value) if isinstance(value, str) else None
            if not isinstance(value, str):
                self._refuse(item, where, _named_in_text(item, links))
            elif name is None:
                self.problems.append(Problem(item.at, dotted(where), _HALF))
            elif name not in links:
                self._refuse(item, where, allowed_names(name, tuple(links)).removeprefix("allowed: "))
            elif name in names:
                self._refuse(item, where, "each link once")
            else:
                names.append(name)
        return tuple(names)

    def _of(
        self, node: Map, key: str, path: KeyPath, check: Check, allowed: str, default: float = math.nan
    ) -> float:
        found = self._entry(node, key, path)
        return default if found is None else self._number(found, (*path, key), check, allowed)

    def _number(self, node: Node, path: KeyPath, check: Check, allowed: str) -> float:
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(value, bool) and isinstance(value, int | float):
            # A whole number may be too large for a float.
            number = float(value) if abs(value) <= MOST or isinstance(value, float) else math.inf
            if math.isfinite(number) and check(number):
                return number
        self._refuse(node, path, allowed)
        return math.nan

    def _entry(self, node: Map, key: str, path: KeyPath) -> Node | None:
        if key in node.entries:
            return node.entries[key].value
        if key in (*_FILE_KEYS, *_NEEDED) and (key in _NEEDED or not path):
            self.problems.append(Problem(node.at, dotted((*path, key)), "missing; required"))
        return None

    def _known_keys(self, node: Map, keys: tuple[str, ...], path: KeyPath) -> None:
        for key, entry in node.entries.items():
            if key not in keys:
                message = f"unknown key; {allowed_names(key, keys)}"
                self.problems.append(Problem(entry.key_at, dotted((*path, key)), message))

    def _refuse(self, node: Node, path: KeyPath, allowed: str) -> None:
        self.problems.append(
            Problem(node.at, dotted(path), f"{came(node, text_allowed=False)}; allowed: {allowed}")
        )


def _whole(text: str) -> str | None:
    """Return a text whose characters are whole, as YAML leaves them in the two halves JSON may write; None if not."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _named_in_text(node: Node, links: Mapping[str, float]) -> str:
    """Say what is allowed where something stands that is no text: the name it may mean, as a text."""
    written = node.text if isinstance(node, Scalar) else ""
    example = written if written in links else next(iter(links), "up")
    return f"a text, the name of a link, such as {json.dumps(example)}"


def _is_rate(value: float) -> bool:
    return LEAST <= value <= MOST
