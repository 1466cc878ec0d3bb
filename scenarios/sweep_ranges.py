"""Ranges and log ranges of a sweep: from two ends to the values between them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from scenarios.messages import came, refusal
from scenarios.tree import Items, Location, Map, Node, Scalar

MOST_CHOICES = 10_000

_NUMBER = re.compile(r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>(?:\S.*)?)", re.ASCII)
_DIGITS = 12
"""Significant digits of a value between the ends that has no short decimal form, such as a third."""


@dataclass(frozen=True)
class _End:
    """A number with its unit, as a range's end is written; the number is exact."""

    at: Location
    text: str
    number: Fraction
    unit: str
    is_whole: bool

    def like(self, number: Fraction | float, *, whole: bool) -> Scalar:
        """Returns a value written as this end is: with its unit, and as a whole number or not."""
        value = int(number) if whole else float(number)
        text = repr(value).removesuffix(".0")
        return Scalar(self.at, f"{text} {self.unit}" if self.unit else value, f"{text} {self.unit}".rstrip())


def range_values(node: Map, path: str) -> list[Scalar]:
    """Returns evenly spaced values, both ends among them; whole where all of them can be.

    Args:
        node: The map `{range: [FROM, TO], step: STEP}`, or with a `count`; the keys are known to be right.
        path: Its key path, for messages.

    Raises:
        ScenarioError: An end, the step or the count is wrong, or the step does not meet the end.
    """
    low, high = _ends(node, "range", path)
    if ("step" in node.entries) == ("count" in node.entries):
        message = "a range needs one of step and count; allowed: {range: [FROM, TO], step: STEP}"
        raise refusal(node.at, path, message)
    count = _count(node, path) if "count" in node.entries else _steps_between(node, low, high, path) + 1
    step = (high.number - low.number) / (count - 1)
    inner = [low.number + step * i for i in range(1, count - 1)]
    whole = low.is_whole and high.is_whole and all(value.denominator == 1 for value in inner)
    return _written(low, inner if whole else [_short(value) for value in inner], high, whole=whole)


def log_range_values(node: Map, path: str) -> list[Scalar]:
    """Returns values whose neighbours have one ratio, both ends among them; whole ends give whole values.

    Args:
        node: The map `{log_range: [FROM, TO], count: N}`; the keys are known to be right.
        path: Its key path, for messages.

    Raises:
        ScenarioError: An end or the count is wrong, or values would come twice when they are rounded.
    """
    low, high = _ends(node, "log_range", path)
    wrong = next((end for end in (low, high) if end.number <= 0), None)
    if wrong is not None:
        raise refusal(wrong.at, f"{path}.log_range", f"{wrong.text}; allowed: an end greater than 0")
    count = _count(node, path)
    begin, end = math.log(float(low.number)), math.log(float(high.number))
    inner = [math.exp(begin + (end - begin) * i / (count - 1)) for i in range(1, count - 1)]
    whole = low.is_whole and high.is_whole
    values = _written(low, [round(one) if whole else _short(one) for one in inner], high, whole=whole)
    if len({value.text for value in values}) < count:
        message = (
            f"{count} whole numbers between {low.text} and {high.text} come twice; "
            "allowed: fewer, or ends that are not whole, such as 1.0"
        )
        raise refusal(node.entries["count"].value.at, f"{path}.count", message)
    return values


def _written(low: _End, inner: Sequence[Fraction | float], high: _End, *, whole: bool) -> list[Scalar]:
    return [low.like(value, whole=whole) for value in (low.number, *inner, high.number)]


def _short(value: Fraction | float) -> float:
    """Returns a value to all its digits where these are few, else to some: labels are read."""
    exact = float(value)
    return exact if Fraction(repr(exact)) == value else float(f"{exact:.{_DIGITS}g}")


def _steps_between(node: Map, low: _End, high: _End, path: str) -> int:
    step = _end(node.entries["step"].value, f"{path}.step")
    inner = f"{path}.step"
    if step.unit != low.unit or step.number == 0 or (high.number - low.number) / step.number < 0:
        message = f"{step.text}; allowed: a step that leads from {low.text} to {high.text}"
        raise refusal(step.at, inner, message)
    steps = (high.number - low.number) / step.number
    if steps >= MOST_CHOICES:
        message = f"{step.text} makes too many values; allowed: at most {MOST_CHOICES}"
        raise refusal(step.at, inner, message)
    if steps.denominator != 1:
        message = f"{step.text} does not meet {high.text}; allowed: a step that does, or a count"
        raise refusal(step.at, inner, message)
    return int(steps)


def _end(node: Node, path: str) -> _End:
    value, text = (node.value, node.text) if isinstance(node, Scalar) else (None, "")
    written = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    found = _NUMBER.fullmatch(written.strip())
    number = _exact(found["number"]) if found is not None else None
    if found is None or number is None or (isinstance(value, str) and not found["unit"]):
        message = f"{came(node, text_allowed=False)}; allowed: a number, or one with its unit ('5 MB/s')"
        raise refusal(node.at, path, message)
    is_whole = found["number"].lstrip("+-").isdigit()
    return _End(node.at, text.strip(), number, found["unit"], is_whole)


def _ends(node: Map, form: str, path: str) -> tuple[_End, _End]:
    inner, pair = f"{path}.{form}", node.entries[form].value
    if not isinstance(pair, Items) or len(pair.items) != 2:
        raise refusal(pair.at, inner, f"{came(pair)}; allowed: [FROM, TO]")
    low, high = (_end(one, inner) for one in pair.items)
    if low.unit != high.unit:
        raise refusal(high.at, inner, f"{low.text} and {high.text}; allowed: one unit for both ends")
    if low.number == high.number:
        raise refusal(high.at, inner, f"{high.text} twice; allowed: two ends that differ")
    return low, high


def _exact(text: str) -> Fraction | None:
    """Returns a decimal number; None where no float comes near it (it would take an age to write it out)."""
    near = float(text)
    if near == 0:
        is_zero = not re.search("[1-9]", re.split("[eE]", text)[0])
        return Fraction(0) if is_zero else None
    return Fraction(text) if math.isfinite(near) else None


def _count(node: Map, path: str) -> int:
    given = node.entries.get("count")
    allowed = f"allowed: a whole number from 2 to {MOST_CHOICES}"
    if given is None:
        raise refusal(node.at, path, f"no count; {allowed}")
    value = given.value.value if isinstance(given.value, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 2 <= value <= MOST_CHOICES:
        raise refusal(given.value.at, f"{path}.count", f"{came(given.value, text_allowed=False)}; {allowed}")
    return value
