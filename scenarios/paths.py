"""Relative paths in a scenario count from the file they are written in: here they become absolute."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from devices.profile import is_path
from scenarios.schema import PATHS
from scenarios.tree import Entry, Items, KeyPath, Location, Map, Node, dotted


def pattern(path: KeyPath) -> str:
    """Writes a key path with `*` for every list index."""
    return dotted(tuple("*" if isinstance(key, int) else key for key in path))


def with_absolute_paths(tree: Map) -> Map:
    """Returns the tree with every relative path made absolute.

    A path in a file counts from the file's folder, one in a `--set` argument from the working directory. A
    scenario is then the same wherever it is written out.
    """
    return _map(tree, ())


def _node(node: Node, path: KeyPath) -> Node:
    if isinstance(node, Map):
        return _map(node, path)
    if isinstance(node, Items):
        return replace(
            node, items=tuple(_node(item, (*path, index)) for index, item in enumerate(node.items))
        )
    always = PATHS.get(pattern(path))
    if always is None or not isinstance(node.value, str) or not node.value:
        return node
    return replace(node, value=_absolute(node.value, node.at)) if always or is_path(node.value) else node


def _map(node: Map, path: KeyPath) -> Map:
    keys_may_be_paths = f"{pattern(path)}.<key>" in PATHS
    entries: dict[str, Entry] = {}
    for key, entry in node.entries.items():
        name = _absolute(key, entry.key_at) if keys_may_be_paths and is_path(key) else key
        entries[name] = Entry(entry.key_at, _node(entry.value, (*path, key)))
    return Map(node.at, entries)


def _absolute(text: str, at: Location) -> str:
    return os.path.abspath(at.source.folder / os.path.expanduser(text))


def files_named(content: object, path: KeyPath = ()) -> Iterator[str]:
    """Yields the paths that a resolved scenario names, each as often as it does.

    Args:
        content: What `scenarios.dump.resolved` returned, or a part of it.
        path: The part's key path.
    """
    if isinstance(content, Mapping):
        keys_may_be_paths = f"{pattern(path)}.<key>" in PATHS
        for key, value in content.items():
            if keys_may_be_paths and is_path(str(key)):
                yield str(key)
            yield from files_named(value, (*path, key))
    elif isinstance(content, list):
        for index, item in enumerate(content):
            yield from files_named(item, (*path, index))
    elif isinstance(content, str) and content:
        always = PATHS.get(pattern(path))
        if always is not None and (always or is_path(content)):
            yield content
