"""A scenario as plain values that remember where they were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool | None
Key: TypeAlias = str | int
KeyPath: TypeAlias = tuple[Key, ...]


@dataclass(frozen=True)
class Source:
    """A text that values come from.

    Attributes:
        label: How errors call it: the file as the user named it, or the `--set` argument.
        folder: The folder that relative paths written in this text count from.
        is_file: False for what is laid over files: a `--set` argument, the values of a sweep.
    """

    label: str
    folder: Path
    is_file: bool = True


@dataclass(frozen=True)
class Location:
    """A place in a source; line and column count from 1."""

    source: Source
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source.label}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Scalar:
    """A single value and the text it was written as."""

    at: Location
    value: Value
    text: str


@dataclass(frozen=True)
class Items:
    """A list of nodes."""

    at: Location
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Entry:
    """One `key: value` pair of a map; `key_at` is where the key stands."""

    key_at: Location
    value: Node


@dataclass(frozen=True)
class Map:
    """A map from text keys to entries, in the order of the file."""

    at: Location
    entries: dict[str, Entry]

    def with_entry(self, key: str, entry: Entry) -> Map:
        """Returns a copy in which `key` holds `entry`."""
        return Map(self.at, {**self.entries, key: entry})

    def without(self, key: str) -> Map:
        """Returns a copy that lacks `key`."""
        return Map(self.at, {name: entry for name, entry in self.entries.items() if name != key})


Node: TypeAlias = Scalar | Items | Map


def dotted(path: KeyPath) -> str:
    """Writes a key path as users do: `devices.clients.0.count`."""
    return ".".join(str(key) for key in path)


def child(node: Node, key: Key) -> Node | None:
    """Returns what a map holds under a text key or a list under an index; None where there is nothing."""
    if isinstance(node, Map) and isinstance(key, str) and key in node.entries:
        return node.entries[key].value
    if isinstance(node, Items) and isinstance(key, int) and 0 <= key < len(node.items):
        return node.items[key]
    return None


def find(node: Node, path: KeyPath) -> Node | None:
    """Returns the node at a key path; None where the path leaves the tree."""
    here: Node | None = node
    for key in path:
        if here is None:
            return None
        here = child(here, key)
    return here


def plain(node: Node) -> object:
    """Returns the tree as dicts, lists and values, without places."""
    if isinstance(node, Map):
        return {key: plain(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.value


def walk(node: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Node]]:
    """Yields every node below and including `node` with its key path, parents first."""
    yield path, node
    if isinstance(node, Map):
        for key, entry in node.entries.items():
            yield from walk(entry.value, (*path, key))
    elif isinstance(node, Items):
        for index, item in enumerate(node.items):
            yield from walk(item, (*path, index))
