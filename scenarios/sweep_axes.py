"""What a sweep varies: an axis is a list of choices, and a choice is a handful of values laid over the base."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.option_errors import allowed_names
from scenarios.messages import Problem, ScenarioError, came, one_line, refusal
from scenarios.overrides import Override, Step, steps_of
from scenarios.schema import EXTENDS
from scenarios.sweep_ranges import MOST_CHOICES, log_range_values, range_values
from scenarios.tree import Entry, Items, Location, Map, Node, Scalar, plain

FORMS: Mapping[str, tuple[str, ...]] = {
    "range": ("range", "step", "count"),
    "log_range": ("log_range", "count"),
    "zip": ("zip",),
    "variants": ("variants",),
}
"""The keys that say how an axis that is no plain list is meant, and the keys of each form."""

LONGEST_LABEL = 80
_LARGEST_WHOLE = 2**63 - 1
"""Whole numbers of a table's column reach so far."""


@dataclass(frozen=True)
class Choice:
    """One value of an axis.

    Attributes:
        label: How it is called.
        value: What stands for it in a table: a number where all choices of the axis are numbers, else the label.
        overrides: What it lays over the base.
    """

    label: str
    value: str | int | float
    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class Axis:
    """Something that is varied.

    Attributes:
        name: A key path, or a name of its own where several keys are varied together.
        kind: `values` of one key, `zip` of several lists, or named `variants`.
        at: Where it stands.
        choices: At least one; their labels differ.
    """

    name: str
    kind: str
    at: Location
    choices: tuple[Choice, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the choices, in order."""
        return tuple(choice.label for choice in self.choices)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key paths that it sets, in order."""
        return tuple(dict.fromkeys(one.key for choice in self.choices for one in choice.overrides))


def read_axis(name: str, entry: Entry, problems: list[Problem]) -> Axis | None:
    """Reads one entry of `axes`.

    Args:
        name: Its key.
        entry: Its value: a list, or a map with one of the keys of `FORMS`.
        problems: What is wrong with it is added here.

    Returns:
        The axis; None where something is wrong.
    """
    path = f"axes.{name}"
    try:
        _check_label(name, path, entry.key_at)
        kind, choices = _choices(name, path, entry)
    except ScenarioError as error:
        problems.extend(error.problems)
        return None
    return Axis(name, kind, entry.key_at, _with_numbers(choices))


def laid_over(node: Map, path: str) -> tuple[Override, ...]:
    """Reads a map `key.path: value` as what is laid over a scenario.

    Args:
        node: The map.
        path: Its own key path, for messages.

    Raises:
        ScenarioError: A key cannot be set.
    """
    return tuple(
        Override(_steps(key, f"{path}.{key}", entry.key_at), entry.value)
        for key, entry in node.entries.items()
    )


def label_of(node: Node, path: str) -> str:
    """Returns how a value is called: its text, or its JSON where it is a list or map.

    Args:
        node: The value.
        path: Its key path, for the message.

    Raises:
        ScenarioError: It is no name that fits into a line.
    """
    text = text_of(node)
    _check_label(text, path, node.at)
    return text


def text_of(node: Node) -> str:
    """Returns the text of a value, or its JSON where it is a list or map; it may be too long for a label."""
    if not isinstance(node, Scalar):
        return json.dumps(plain(node), ensure_ascii=False)
    if isinstance(node.value, bool) or node.value is None:
        return json.dumps(node.value)
    return node.text if isinstance(node.value, int | float) else str(node.value)


def _check_label(text: str, path: str, at: Location) -> None:
    """Refuses a name that a table or a plot cannot show.

    Raises:
        ScenarioError: It is empty, too long, or has characters that cannot be printed.
    """
    if not text or len(text) > LONGEST_LABEL or one_line(text) != text:
        came_as = f"a text of {len(text)} characters" if text and len(text) > LONGEST_LABEL else repr(text)
        message = (
            f"{came_as} as a label; allowed: 1 to {LONGEST_LABEL} printable characters, or names (variants)"
        )
        raise refusal(at, path, message)


def _choices(name: str, path: str, entry: Entry) -> tuple[str, list[Choice]]:
    node = entry.value
    if isinstance(node, Items):
        return "values", _of_values(name, path, entry.key_at, _filled(node, path))
    if not isinstance(node, Map):
        forms = f"a map with one of the keys {', '.join(FORMS)}"
        raise refusal(node.at, path, f"{came(node)}; allowed: a list of values, or {forms}")
    form = next((key for key in FORMS if key in node.entries), None)
    if form is None:
        found = next(iter(node.entries), "")
        message = f"{came(node)} without any of its forms; {allowed_names(found, FORMS)}"
        raise refusal(node.at, path, message)
    refuse_unknown(node, FORMS[form], path)
    if form == "variants":
        return form, _variants(_filled_map(node, form, path), f"{path}.{form}")
    if form == "zip":
        return form, _zipped(_filled_map(node, form, path), f"{path}.{form}")
    values = range_values(node, path) if form == "range" else log_range_values(node, path)
    return "values", _of_values(name, path, entry.key_at, values)


def _of_values(name: str, path: str, at: Location, values: Sequence[Node]) -> list[Choice]:
    steps = _steps(name, path, at)
    labels = [label_of(value, path) for value in values]
    _refuse_alike(labels, values, path)
    return [
        Choice(label, label, (Override(steps, value),)) for label, value in zip(labels, values, strict=True)
    ]


def _variants(named: Map, path: str) -> list[Choice]:
    choices = []
    for label, entry in named.entries.items():
        inner = f"{path}.{label}"
        _check_label(label, inner, entry.key_at)
        if not isinstance(entry.value, Map) or not entry.value.entries:
            message = f"{came(entry.value)}; allowed: a map 'key.path: value'"
            raise refusal(entry.value.at, inner, message)
        choices.append(Choice(label, label, laid_over(entry.value, inner)))
    return choices


def _zipped(lists: Map, path: str) -> list[Choice]:
    columns = []
    for key, entry in lists.entries.items():
        inner = f"{path}.{key}"
        if not isinstance(entry.value, Items):
            raise refusal(entry.value.at, inner, f"{came(entry.value)}; allowed: a list of values")
        columns.append((_steps(key, inner, entry.key_at), _filled(entry.value, inner)))
        first_key, number = next(iter(lists.entries)), len(columns[0][1])
        if len(columns[-1][1]) != number:
            message = f"{came(entry.value)}; allowed: {number} items, as '{first_key}' has"
            raise refusal(entry.value.at, inner, message)
    rows = [[values[row] for _, values in columns] for row in range(len(columns[0][1]))]
    labels = [", ".join(label_of(value, path) for value in row) for row in rows]
    for label, row in zip(labels, rows, strict=True):
        _check_label(label, path, row[0].at)
    _refuse_alike(labels, [row[0] for row in rows], path)
    return [
        Choice(
            label,
            label,
            tuple(Override(steps, value) for (steps, _), value in zip(columns, row, strict=True)),
        )
        for label, row in zip(labels, rows, strict=True)
    ]


def _steps(key_path: str, path: str, at: Location) -> tuple[Step, ...]:
    try:
        steps = steps_of(key_path, at)
    except ScenarioError as error:
        raise ScenarioError([replace(one, key_path=path) for one in error.problems]) from None
    if steps[0].key == EXTENDS:
        raise refusal(at, path, f"{EXTENDS} cannot be varied; allowed: a key of the scenario")
    return steps


def _with_numbers(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Returns the choices with their numbers in place of their labels, where each sets one number."""
    numbers = [number for choice in choices if (number := _number_of(choice)) is not None]
    if len(numbers) < len(choices):
        return tuple(choices)
    return tuple(replace(one, value=number) for one, number in zip(choices, numbers, strict=True))


def _number_of(choice: Choice) -> int | float | None:
    """Returns the number that a choice is called after; None where it is not, or no column of numbers can hold it."""
    node = choice.overrides[0].value
    if len(choice.overrides) > 1 or not isinstance(node, Scalar) or choice.label != node.text:
        return None
    value = node.value
    if isinstance(value, float):
        return value
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST_WHOLE:
        return None
    return value


def _filled(node: Items, path: str) -> Sequence[Node]:
    if not 1 <= len(node.items) <= MOST_CHOICES:
        raise refusal(node.at, path, f"{came(node)}; allowed: a list of 1 to {MOST_CHOICES} values")
    return node.items


def _filled_map(node: Map, key: str, path: str) -> Map:
    below = node.entries[key].value
    each = "a list of values" if key == "zip" else "a map 'key.path: value'"
    if not isinstance(below, Map) or not below.entries:
        what = "key paths" if key == "zip" else "names"
        raise refusal(below.at, f"{path}.{key}", f"{came(below)}; allowed: a map of {what}, each with {each}")
    return below


def _refuse_alike(labels: Sequence[str], values: Sequence[Node], path: str) -> None:
    seen: set[str] = set()
    for label, value in zip(labels, values, strict=True):
        if label in seen:
            raise refusal(value.at, path, f"'{label}' comes twice; allowed: each value once")
        seen.add(label)


def refuse_unknown(node: Map, keys: Sequence[str], path: str) -> None:
    """Refuses a key that is not known.

    Args:
        node: The map.
        keys: Those that are.
        path: Its key path.

    Raises:
        ScenarioError: There are others.
    """
    unknown = {key: entry.key_at for key, entry in node.entries.items() if key not in keys}
    if unknown:
        raise ScenarioError(
            Problem(at, f"{path}.{key}", f"unknown key; {allowed_names(key, keys)}")
            for key, at in unknown.items()
        )
