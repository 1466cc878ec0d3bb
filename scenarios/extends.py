"""`extends:` one scenario builds on another: maps are merged, lists and values are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scenarios.kinds import refuse_sweep
from scenarios.locate import label_of, read_bytes, resolve, start_of
from scenarios.messages import Problem, ScenarioError, came
from scenarios.reader import decode, read_file_text
from scenarios.schema import EXTENDS
from scenarios.shape import Shape
from scenarios.tree import Entry, Location, Map, Node, Scalar, Source


@dataclass(frozen=True)
class Asked:
    """Where a file asks for a scenario: paths count from that file, and errors name it."""

    at: Location
    key_path: str


def read_chain(
    name_or_path: str, shape: Shape, problems: list[Problem], asked: Asked | None = None
) -> tuple[Path, Map]:
    """Reads a scenario and all it extends.

    Args:
        name_or_path: Library name or path, relative to the working directory.
        shape: What a scenario allows; tells the keys that choose a plug-in.
        problems: Mistakes that do not stop the reading are added here.
        asked: Who asked for it; None for the command line.

    Returns:
        The scenario's own file and the merged tree, without `extends` keys; each value keeps its place.

    Raises:
        ScenarioError: A file is missing, unreadable or no YAML map, or the chain leads back into itself.
    """
    path = resolve(name_or_path, asked.at.source.folder if asked else Path())
    label = str(path) if asked else label_of(name_or_path, path)
    asked_at, key = (asked.at, asked.key_path) if asked else (start_of(label), "")
    data = read_bytes(path, name_or_path, asked_at, key)
    files: list[Path] = []
    trees: list[Map] = []
    while True:
        files.append(path)
        source = Source(label, path.parent)
        tree = read_file_text(decode(data, source), source, problems)
        refuse_sweep(tree, asked_at, key)
        trees.append(tree.without(EXTENDS))
        if EXTENDS not in tree.entries:
            break
        name, asked_at = _parent_of(tree.entries[EXTENDS].value, problems)
        path = resolve(name, path.parent)
        label, key = str(path), EXTENDS
        _refuse_cycle(path, files, asked_at, name, problems)
        data = read_bytes(path, name, asked_at, key)
    merged = trees.pop()
    while trees:
        merged = merge_maps(merged, trees.pop(), shape)
    return files[0], merged


def merge_maps(base: Map, top: Map, shape: Shape | None) -> Map:
    """Lays one map over another.

    Where the upper map chooses another plug-in than the lower one, the lower one's options are dropped: they
    belong to a plug-in that is not used.

    Args:
        base: The lower map.
        top: The upper map, whose values win.
        shape: What is allowed here; None where nothing is known.
    """
    tag = shape.tag if shape is not None else None
    if (
        shape is not None
        and tag is not None
        and tag.key in top.entries
        and shape.chosen(base) != shape.chosen(top)
    ):
        return top
    entries = dict(base.entries)
    merged = Map(top.at, {**entries, **top.entries})
    for key, entry in top.entries.items():
        lower = base.entries[key].value if key in base.entries else None
        value: Node = entry.value
        if isinstance(lower, Map) and isinstance(value, Map):
            value = merge_maps(lower, value, shape.child(key, merged) if shape is not None else None)
        entries[key] = Entry(entry.key_at, value)
    return Map(top.at, entries)


def _parent_of(node: Node, problems: list[Problem]) -> tuple[str, Location]:
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
        return node.value, node.at
    message = f"{came(node, text_allowed=False)}; allowed: one path or library name"
    raise ScenarioError([*problems, Problem(node.at, EXTENDS, message)])


def _refuse_cycle(path: Path, files: list[Path], at: Location, name: str, problems: list[Problem]) -> None:
    chain = [*files, path]
    real = [one.resolve() for one in chain]
    if real[-1] not in real[:-1]:
        return
    round_trip = " -> ".join(one.name for one in chain[real.index(real[-1]) :])
    message = f"'{name}' leads back to itself ({round_trip}); allowed: a scenario outside this chain"
    raise ScenarioError([*problems, Problem(at, EXTENDS, message)])
