"""`--set key.path=value`: values from the command line, laid over those of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios.messages import Problem, ScenarioError, came, one_line
from scenarios.reader import compose, convert
from scenarios.schema import EXTENDS
from scenarios.shape import Shape
from scenarios.tree import Entry, Items, KeyPath, Location, Map, Node, Scalar, Source, dotted

_LONGEST_LABEL = 100


@dataclass(frozen=True)
class Step:
    """One key of an override's key path and where it stands in the argument."""

    key: str
    at: Location


@dataclass(frozen=True)
class Override:
    """One value that is laid over a scenario: a parsed `--set` argument, or a value of a sweep."""

    steps: tuple[Step, ...]
    value: Node

    @property
    def key(self) -> str:
        """Its dotted key path."""
        return ".".join(step.key for step in self.steps)


def apply_overrides(
    tree: Map, arguments: Sequence[str | Override], shape: Shape, problems: list[Problem]
) -> Map:
    """Sets the values of `--set` arguments, in their order.

    A value replaces what the file has under its key. Choosing another plug-in drops the options that the file
    gives for the old one; those given by other `--set` arguments stay.

    Args:
        tree: The merged files.
        arguments: Texts `key.path=value`, or such as were read already; the value is YAML, a list item is named by
            its index from 0.
        shape: What a scenario allows.
        problems: Arguments that cannot be used are added here, and left out.
    """
    for argument in arguments:
        try:
            override = parse_override(argument, problems) if isinstance(argument, str) else argument
            tree = _set_key(tree, override.steps, override.value, shape, ())
        except ScenarioError as error:
            problems.extend(error.problems)
    return tree


def override_source(argument: str, flag: str = "--set") -> Source:
    """Returns the source that values of a command line argument have in errors, cut short where it is long."""
    shown = one_line(argument)
    shown = shown if len(shown) <= _LONGEST_LABEL else shown[: _LONGEST_LABEL - 3] + "..."
    return Source(f"{flag} {shown}", Path(), is_file=False)


def parse_override(argument: str, problems: list[Problem]) -> Override:
    """Splits a `--set` argument at its first `=` and reads the value as YAML.

    Columns in errors count inside the argument, from 1.

    Raises:
        ScenarioError: There is no `=`, a key is empty, or the value is no YAML.
    """
    source = override_source(argument)
    written, equals, text = argument.partition("=")
    if not equals:
        message = "no '=' in it; allowed: key.path=value"
        raise ScenarioError([Problem(Location(source, 1, len(argument) + 1), "", message)])
    steps = steps_of(written, Location(source, 1, 1))
    if steps[0].key == EXTENDS:
        message = "cannot be set from the command line; allowed: extends in the scenario file"
        raise ScenarioError([Problem(steps[0].at, EXTENDS, message)])
    column = len(written) + 2
    return Override(steps, _value(text, column, source, tuple(step.key for step in steps), problems))


def steps_of(written: str, at: Location) -> tuple[Step, ...]:
    """Splits a key path into its keys.

    Args:
        written: The key path, `key.path`.
        at: Where its first character stands.

    Raises:
        ScenarioError: A key is empty.
    """
    steps: list[Step] = []
    column = at.column
    for key in written.split("."):
        steps.append(Step(key, Location(at.source, at.line, column)))
        column += len(key) + 1
    empty = next((step for step in steps if not step.key), None)
    if empty is not None:
        raise ScenarioError([Problem(empty.at, "", "an empty key; allowed: key.path=value")])
    return tuple(steps)


def _value(text: str, column: int, source: Source, path: KeyPath, problems: list[Problem]) -> Node:
    # Blanks in front make YAML count columns inside the whole argument; they would break a value of several lines.
    padding = "" if "\n" in text else " " * (column - 1)
    root = compose(padding + text, source)
    if root is None:
        return Scalar(Location(source, 1, column), None, "")
    return convert(root, source, problems, path)


def _set(node: Node, steps: tuple[Step, ...], value: Node, shape: Shape | None, done: KeyPath) -> Node:
    if not steps:
        return value
    if isinstance(node, Map):
        return _set_key(node, steps, value, shape, done)
    if isinstance(node, Items):
        return _set_item(node, steps, value, shape, done)
    key = steps[0].key
    message = f"{came(node)} has no key '{key}'; allowed: {dotted(done)}=VALUE, a new value for all of it"
    raise ScenarioError([Problem(steps[0].at, dotted(done), message)])


def _set_key(node: Map, steps: tuple[Step, ...], value: Node, shape: Shape | None, done: KeyPath) -> Map:
    step, rest = steps[0], steps[1:]
    if not rest and shape is not None:
        node = _without_options_of_other(node, step, value, shape)
    below = shape.child(step.key, node) if shape is not None else None
    path = (*done, step.key)
    given = step.key in node.entries and not _is_null(node.entries[step.key].value)
    held = node.entries[step.key].value if given else Map(step.at, {})
    if not given and rest and below is not None and _only_lists(below, rest[0]):
        message = f"no list is given here, so there is no item {rest[0].key}; allowed: {dotted(path)}=[...]"
        raise ScenarioError([Problem(rest[0].at, dotted(path), message)])
    return node.with_entry(step.key, Entry(step.at, _set(held, rest, value, below, path)))


def _set_item(node: Items, steps: tuple[Step, ...], value: Node, shape: Shape | None, done: KeyPath) -> Items:
    step, rest = steps[0], steps[1:]
    index = int(step.key) if step.key.isascii() and step.key.isdigit() else len(node.items)
    if index >= len(node.items):
        last = len(node.items) - 1
        allowed = f"an index from 0 to {last}" if last > 0 else "the index 0" if last == 0 else "no index"
        message = f"there is no item '{step.key}' in {came(node)}; allowed: {allowed}"
        raise ScenarioError([Problem(step.at, dotted(done), message)])
    below = shape.child(index, node) if shape is not None else None
    items = list(node.items)
    items[index] = _set(items[index], rest, value, below, (*done, index))
    return Items(node.at, tuple(items))


def _is_null(node: Node) -> bool:
    """Whether a value is written out as left out, as a resolved scenario does."""
    return isinstance(node, Scalar) and node.value is None


def _only_lists(shape: Shape, step: Step) -> bool:
    return (
        step.key.isdigit()
        and "array" in shape.kinds
        and "object" not in shape.narrowed(Map(step.at, {})).kinds
    )


def _without_options_of_other(node: Map, step: Step, value: Node, shape: Shape) -> Map:
    tag = shape.tag
    if tag is None or step.key != tag.key:
        return node
    if isinstance(value, Scalar) and value.text == shape.chosen(node):
        return node
    kept = {key: entry for key, entry in node.entries.items() if not entry.key_at.source.is_file}
    return Map(node.at, kept)
