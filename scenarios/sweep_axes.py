"""What a sweep varies: an axis is a list of choices, and a choice is a handful of values laid over the base."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models.option_errors import allowed_names
from scenarios.messages import Problem, ScenarioError, came
from scenarios.overrides import Override, Step, steps_of
from scenarios.schema import EXTENDS
from scenarios.tree import Entry, Items, Location, Map, Node, Scalar, Value, plain

FORMS = ("range", "log_range", "zip", "variants")
"""The keys that say how an axis that is no plain list is meant."""

MOST_CHOICES = 10_000
LONGEST_LABEL = 80

_RANGE_KEYS = ("range", "step", "count")
_LOG_RANGE_KEYS = ("log_range", "count")
_NUMBER = re.compile(r"\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>.*?)\s*")
_DIGITS = 12
"""Significant digits of a number in a range: it hides the last bits of a division, and no more."""


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
        paths = (
            ".".join(step.key for step in one.steps) for choice in self.choices for one in choice.overrides
        )
        return tuple(dict.fromkeys(paths))


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
        kind, choices = _choices(name, path, entry)
        _refuse_alike(choices, path, entry.value.at)
    except ScenarioError as error:
        problems.extend(error.problems)
        return None
    return Axis(name, kind, entry.key_at, tuple(_with_numbers(choices)))


def _choices(name: str, path: str, entry: Entry) -> tuple[str, list[Choice]]:
    node = entry.value
    if isinstance(node, Items):
        return "values", _of_values(name, path, entry.key_at, _filled(node, path))
    if not isinstance(node, Map):
        raise _refusal(
            node.at, path, f"{came(node)}; allowed: a list of values, or a map with {_one_of(FORMS)}"
        )
    form = next((key for key in FORMS if key in node.entries), None)
    if form is None:
        found = next(iter(node.entries), "")
        message = f"{came(node)} without any of its forms; {allowed_names(found, FORMS)}"
        raise _refusal(node.at, path, message)
    if form == "variants":
        return form, _variants(node, path)
    if form == "zip":
        return form, _zipped(node, path)
    values = _range(node, path) if form == "range" else _log_range(node, path)
    return "values", _of_values(name, path, entry.key_at, values)


def _of_values(name: str, path: str, at: Location, values: Sequence[Node]) -> list[Choice]:
    steps = _steps(name, path, at)
    return [
        Choice(label_of(value, path), label_of(value, path), (Override(steps, value),)) for value in values
    ]


def _steps(key_path: str, path: str, at: Location) -> tuple[Step, ...]:
    steps = steps_of(key_path, at)
    if steps[0].key == EXTENDS:
        raise _refusal(at, path, "extends cannot be varied; allowed: a key of the scenario")
    return steps


def label_of(node: Node, path: str) -> str:
    """Returns how a value is called: its text, or its JSON where it is a list or map.

    Args:
        node: The value.
        path: Its key path, for the message.

    Raises:
        ScenarioError: It is too long to be a name.
    """
    text = _scalar_text(node) if isinstance(node, Scalar) else json.dumps(plain(node))
    if len(text) > LONGEST_LABEL:
        message = f"a value of {len(text)} characters as a label; allowed: at most {LONGEST_LABEL}, or names (variants)"
        raise _refusal(node.at, path, message)
    return text


def _scalar_text(node: Scalar) -> str:
    if isinstance(node.value, bool) or node.value is None:
        return json.dumps(node.value)
    return node.text if isinstance(node.value, int | float) else str(node.value)


def _variants(node: Map, path: str) -> list[Choice]:
    _only(node, ("variants",), path)
    named = _map_of(node, "variants", path, "a map of names, each with a map of key paths")
    choices = []
    for label, entry in named.entries.items():
        inner = f"{path}.variants.{label}"
        if not isinstance(entry.value, Map) or not entry.value.entries:
            message = f"{came(entry.value)}; allowed: a map 'key.path: value'"
            raise _refusal(entry.value.at, inner, message)
        choices.append(Choice(label, label, laid_over(entry.value, inner)))
    return choices


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


def _zipped(node: Map, path: str) -> list[Choice]:
    _only(node, ("zip",), path)
    lists = _map_of(node, "zip", path, "a map of key paths, each with a list of values")
    columns: list[tuple[str, Entry, Sequence[Node]]] = []
    for key, entry in lists.entries.items():
        inner = f"{path}.zip.{key}"
        if not isinstance(entry.value, Items):
            raise _refusal(entry.value.at, inner, f"{came(entry.value)}; allowed: a list of values")
        columns.append((key, entry, _filled(entry.value, inner)))
        first_key, _, first = columns[0]
        if len(columns[-1][2]) != len(first):
            message = f"{came(entry.value)}; allowed: {len(first)} items, as '{first_key}' has"
            raise _refusal(entry.value.at, inner, message)
    choices = []
    for row in zip(*(values for _, _, values in columns), strict=True):
        label = ", ".join(label_of(value, path) for value in row)
        overrides = tuple(
            Override(_steps(key, path, entry.key_at), value)
            for (key, entry, _), value in zip(columns, row, strict=True)
        )
        choices.append(Choice(label, label, overrides))
    return choices


def _range(node: Map, path: str) -> list[Node]:
    """Reads evenly spaced values, both ends among them."""
    _only(node, _RANGE_KEYS, path)
    low, high = _ends(node, "range", path)
    if ("step" in node.entries) == ("count" in node.entries):
        raise _refusal(
            node.at, path, "a range needs one of step and count; allowed: {range: [FROM, TO], step: STEP}"
        )
    if "count" in node.entries:
        count = _count(node, path)
        values = [low.number + (high.number - low.number) * i / (count - 1) for i in range(count)]
    else:
        values = _stepped(node, low, high, path)
    return [low.like(value, whole=low.whole and high.whole and _all_whole(values)) for value in values]


def _stepped(node: Map, low: _End, high: _End, path: str) -> list[float]:
    step = _end(node.entries["step"].value, f"{path}.step")
    if step.unit != low.unit or step.number == 0 or (high.number - low.number) / step.number < 0:
        message = f"{step.text}; allowed: a step that leads from {low.text} to {high.text}"
        raise _refusal(step.at, f"{path}.step", message)
    count = (high.number - low.number) / step.number
    if abs(count - round(count)) > 1e-9 * max(1.0, count) or count + 1 > MOST_CHOICES:
        message = (
            f"{step.text} makes {count + 1:.6g} values; allowed: a step that meets {high.text}, in at most "
            f"{MOST_CHOICES} values"
        )
        raise _refusal(step.at, f"{path}.step", message)
    return [low.number + step.number * i for i in range(round(count) + 1)]


def _log_range(node: Map, path: str) -> list[Node]:
    """Reads values whose neighbours have one ratio, both ends among them; whole ends give whole values."""
    _only(node, _LOG_RANGE_KEYS, path)
    low, high = _ends(node, "log_range", path)
    if low.number <= 0 or high.number <= 0:
        wrong = low if low.number <= 0 else high
        raise _refusal(wrong.at, f"{path}.log_range", f"{wrong.text}; allowed: an end greater than 0")
    count = _count(node, path)
    ratio = math.log(high.number / low.number)
    inner = [low.number * math.exp(ratio * i / (count - 1)) for i in range(1, count - 1)]
    whole = low.whole and high.whole
    values = [low.number, *(float(round(value)) if whole else value for value in inner), high.number]
    return [low.like(value, whole=whole) for value in values]


@dataclass(frozen=True)
class _End:
    """A number with its unit, as a range's end is written."""

    at: Location
    text: str
    number: float
    unit: str
    whole: bool

    def like(self, number: float, *, whole: bool) -> Scalar:
        """Returns a value written as this end is: with its unit, whole where both ends are."""
        rounded = float(f"{number:.{_DIGITS}g}")
        value: Value = int(rounded) if whole else rounded
        text = str(value) if whole else f"{rounded:.{_DIGITS}g}"
        return Scalar(self.at, f"{text} {self.unit}" if self.unit else value, f"{text} {self.unit}".rstrip())


def _end(node: Node, path: str) -> _End:
    found = _NUMBER.fullmatch(node.text) if isinstance(node, Scalar) else None
    if found is None or not isinstance(node, Scalar):
        raise _refusal(node.at, path, f"{came(node)}; allowed: a number, or one with its unit ('5 MB/s')")
    text = found["number"]
    return _End(node.at, node.text, float(text), found["unit"], whole=text.lstrip("+-").isdigit())


def _ends(node: Map, form: str, path: str) -> tuple[_End, _End]:
    pair = node.entries[form].value
    if not isinstance(pair, Items) or len(pair.items) != 2:
        raise _refusal(pair.at, f"{path}.{form}", f"{came(pair)}; allowed: [FROM, TO]")
    low, high = (_end(one, f"{path}.{form}") for one in pair.items)
    if low.unit != high.unit:
        message = f"{low.text} and {high.text}; allowed: one unit for both ends"
        raise _refusal(high.at, f"{path}.{form}", message)
    if low.number == high.number:
        raise _refusal(high.at, f"{path}.{form}", f"{high.text} twice; allowed: two ends that differ")
    return low, high


def _count(node: Map, path: str) -> int:
    given = node.entries.get("count")
    allowed = f"allowed: a whole number from 2 to {MOST_CHOICES}"
    if given is None:
        raise _refusal(node.at, path, f"no count; {allowed}")
    value = given.value.value if isinstance(given.value, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 2 <= value <= MOST_CHOICES:
        raise _refusal(given.value.at, f"{path}.count", f"{came(given.value)}; {allowed}")
    return value


def _all_whole(values: Sequence[float]) -> bool:
    return all(value == round(value) for value in values)


def _with_numbers(choices: Sequence[Choice]) -> list[Choice]:
    """Returns the choices with their numbers in place of their labels, where each sets one number."""
    numbers = [
        node.value
        for choice in choices
        if len(choice.overrides) == 1
        and isinstance(node := choice.overrides[0].value, Scalar)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
        and choice.label == node.text
    ]
    if len(numbers) != len(choices):
        return list(choices)
    return [Choice(one.label, number, one.overrides) for one, number in zip(choices, numbers, strict=True)]


def _filled(node: Items, path: str) -> Sequence[Node]:
    if not 1 <= len(node.items) <= MOST_CHOICES:
        message = f"{came(node)}; allowed: a list of 1 to {MOST_CHOICES} values"
        raise _refusal(node.at, path, message)
    return node.items


def _refuse_alike(choices: Sequence[Choice], path: str, at: Location) -> None:
    counts = Counter(choice.label for choice in choices)
    twice = next((label for label, count in counts.items() if count > 1), None)
    if twice is not None:
        raise _refusal(at, path, f"'{twice}' comes twice; allowed: each value once")


def _map_of(node: Map, key: str, path: str, allowed: str) -> Map:
    below = node.entries[key].value
    if not isinstance(below, Map) or not below.entries:
        raise _refusal(below.at, f"{path}.{key}", f"{came(below)}; allowed: {allowed}")
    return below


def _only(node: Map, keys: Sequence[str], path: str) -> None:
    for key, entry in node.entries.items():
        if key not in keys:
            raise _refusal(entry.key_at, f"{path}.{key}", f"an unknown key; {allowed_names(key, keys)}")


def _one_of(names: Sequence[str]) -> str:
    return f"one of the keys {', '.join(names)}"


def _refusal(at: Location, path: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(at, path, message)])
