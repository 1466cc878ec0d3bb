"""Which combinations of a sweep are kept: lists of maps `axis: value`, read as conditions on labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from models.option_errors import allowed_names
from scenarios.messages import Problem, came, quoted
from scenarios.sweep_axes import Axis, text_of
from scenarios.tree import Items, Map, Node, Scalar

_MOST_SHOWN = 20


@dataclass(frozen=True)
class Condition:
    """Values of some axes; a combination fits where it has one of the labels of each.

    Attributes:
        labels: The labels, by axis.
    """

    labels: Mapping[str, frozenset[str]]

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a combination, given by its label of every axis, fits."""
        return all(labels[axis] in allowed for axis, allowed in self.labels.items())


def read_conditions(
    node: Node, key: str, axes: Mapping[str, Axis | None], problems: list[Problem]
) -> tuple[Condition, ...]:
    """Reads the conditions of `only` or `exclude`.

    Args:
        node: A list of maps `axis: value`, or `axis: [values]`.
        key: The key that holds it.
        axes: The axes by name; None for one that is wrong itself, so that its values are not known.
        problems: What is wrong is added here.
    """
    if not isinstance(node, Items) or not node.items:
        problems.append(Problem(node.at, key, f"{came(node)}; allowed: a list of maps 'axis: value'"))
        return ()
    return tuple(_condition(one, f"{key}.{index}", axes, problems) for index, one in enumerate(node.items))


def _condition(node: Node, path: str, axes: Mapping[str, Axis | None], problems: list[Problem]) -> Condition:
    if not isinstance(node, Map) or not node.entries:
        message = f"{came(node)}; allowed: a map 'axis: value', or 'axis: [values]'"
        problems.append(Problem(node.at, path, message))
        return Condition({})
    labels: dict[str, frozenset[str]] = {}
    for name, entry in node.entries.items():
        inner = f"{path}.{name}"
        if name not in axes:
            message = f"no axis; {allowed_names(name, axes)}" if axes else "no axis; allowed: axes first"
            problems.append(Problem(entry.key_at, inner, message))
        elif (axis := axes[name]) is not None:
            labels[name] = _labels(entry.value, inner, axis, problems)
    return Condition(labels)


def _labels(node: Node, path: str, axis: Axis, problems: list[Problem]) -> frozenset[str]:
    # A list may be one value of the axis, too.
    wanted = node.items if isinstance(node, Items) and _label(node, axis) is None else (node,)
    if not wanted:
        problems.append(Problem(node.at, path, f"{came(node)}; allowed: one or more values of the axis"))
    labels = set()
    for one in wanted:
        label = _label(one, axis)
        if label is None:
            text = text_of(one)
            message = f"{quoted(text)} is no value of the axis; {_allowed(text, axis.labels)}"
            problems.append(Problem(one.at, path, message))
        else:
            labels.add(label)
    return frozenset(labels)


def _label(node: Node, axis: Axis) -> str | None:
    """Returns the label that a value means: the same text, or the same number written otherwise."""
    text = text_of(node)
    value = node.value if isinstance(node, Scalar) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    for choice in axis.choices:
        if choice.label == text or (is_number and choice.value == value):
            return choice.label
    return None


def _allowed(text: str, labels: Sequence[str]) -> str:
    if len(labels) <= _MOST_SHOWN:
        return allowed_names(text, labels)
    close = get_close_matches(text, labels, n=1)
    return f"allowed: one of its {len(labels)} values{f'; did you mean {close[0]!r}?' if close else ''}"
