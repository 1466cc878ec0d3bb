"""From pydantic's errors to problems with a place and plain words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from models.option_errors import allowed_names
from scenarios.messages import Problem, came
from scenarios.paths import pattern
from scenarios.schema import PLANNED, Scenario
from scenarios.shape import Shape, faults_of_kind
from scenarios.tree import Key, KeyPath, Location, Map, Node, Scalar, child, dotted, find, plain

# Errors whose message was written by us, beside the option that it is about.
_OWN = {"value_error", "assertion_error"}
_BUILT_IN = frozenset(get_args(ErrorType)) - _OWN
_BAD_KEY = "[key]"


@dataclass(frozen=True)
class Fault:
    """One pydantic error, read against the tree.

    Attributes:
        path: Key path of the value (for a missing or unknown key: of that key).
        forks: For each union passed on the way, the key path of the union and the branch that was tried.
        error: What pydantic said.
        bad_key: Whether the key itself is wrong, not its value.
    """

    path: KeyPath
    forks: tuple[tuple[KeyPath, str], ...]
    error: ErrorDetails
    bad_key: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the message was written by the owner of the option."""
        return self.error["type"] not in _BUILT_IN


def validate(tree: Map, kind: type[Scenario], shape: Shape) -> tuple[Scenario | None, list[Problem]]:
    """Builds the scenario from a tree.

    Args:
        tree: The values with their places.
        kind: The scenario type of the roof.
        shape: The same type as a `Shape`.

    Returns:
        The scenario, or None and what is wrong, one problem per offending value or key.
    """
    wrong = dict(faults_of_kind(tree, shape))
    faults: list[Fault] = []
    scenario: Scenario | None = None
    try:
        scenario = kind.model_validate(plain(tree))
    except ValidationError as error:
        faults = _of_fitting_branches(
            [_fault(one, tree, shape) for one in error.errors(include_url=False)], wrong
        )
    told = {fault.path for fault in faults if fault.is_own}
    problems = [_wrong_value(tree, path, allowed) for path, allowed in wrong.items() if path not in told]
    problems += [_problem(fault, tree, shape) for fault in faults]
    return (None, problems) if problems else (scenario, [])


def location_of(tree: Map, path: KeyPath) -> Location:
    """Returns the place of the value at a key path, or of its nearest existing parent."""
    for length in range(len(path), -1, -1):
        node = find(tree, path[:length])
        if node is not None:
            return node.at
    return tree.at


def _key_location(tree: Map, path: KeyPath) -> Location:
    parent = find(tree, path[:-1])
    if path and isinstance(parent, Map) and path[-1] in parent.entries:
        return parent.entries[str(path[-1])].key_at
    return location_of(tree, path)


def _fault(error: ErrorDetails, tree: Map, shape: Shape) -> Fault:
    """Reads pydantic's location: steps that are no key of the tree are labels of union branches."""
    steps = [step for step in error["loc"] if step != _BAD_KEY]
    last: tuple[Key, ...] = ()
    if error["type"] in {"missing", "extra_forbidden"}:
        last = (steps.pop(),)
    path: KeyPath = ()
    forks: list[tuple[KeyPath, str]] = []
    here: Node = tree
    for position, step in enumerate(steps):
        below = child(here, step)
        if below is not None:
            path, here = (*path, step), below
        elif position == len(steps) - 1 and _is_left_out(step, here, shape.at(tree, path)):
            last = (step,)
        else:
            forks.append((path, str(step)))
    return Fault((*path, *last), tuple(forks), error, _BAD_KEY in error["loc"])


def _is_left_out(step: Key, here: Node, shape: Shape | None) -> bool:
    """Whether a step names a key that the user left to its default, and a check of its owner refused."""
    return isinstance(here, Map) and shape is not None and step in shape.narrowed(here).key_names()


def _of_fitting_branches(faults: list[Fault], wrong: dict[KeyPath, Shape]) -> list[Fault]:
    """Keeps the errors of the union branches that the user meant, and none below a value of a wrong kind."""
    kept = [fault for fault in faults if fault.is_own or not _is_below(fault.path, wrong)]
    for union in sorted({fork[0] for fault in kept for fork in fault.forks}, key=len):
        branches: dict[str, list[Fault]] = {}
        for fault in kept:
            label = dict(fault.forks).get(union)
            if label is not None:
                branches.setdefault(label, []).append(fault)
        meant = _meant(branches, union)
        kept = [fault for fault in kept if dict(fault.forks).get(union, meant) == meant]
    return kept


def _is_below(path: KeyPath, wrong: Iterable[KeyPath]) -> bool:
    # A wrong choosing key makes all that stands beside it meaningless, hence its parent counts too.
    return any(path[: len(one)] == one or path == one[:-1] for one in wrong)


def _meant(branches: dict[str, list[Fault]], union: KeyPath) -> str:
    """Picks the branch whose errors lie deepest: it got past the kind of the value. Then the fewest errors."""

    def rank(label: str) -> tuple[bool, bool, bool, int]:
        faults = branches[label]
        inside = all(len(fault.path) > len(union) for fault in faults)
        other_choice = any(fault.error["type"] == "literal_error" for fault in faults)
        return (not inside, other_choice, not any(fault.is_own for fault in faults), len(faults))

    return min(branches, key=rank)


def _wrong_value(tree: Map, path: KeyPath, allowed: Shape) -> Problem:
    node = find(tree, path)
    if node is None:
        return Problem(location_of(tree, path), dotted(path), f"missing; required: {allowed.describe()}")
    if isinstance(node, Scalar) and node.text in planned_values(path):
        message = f"'{node.text}' is planned but not built yet; allowed: {allowed.describe()}"
    elif isinstance(node, Scalar) and isinstance(node.value, str) and allowed.is_choice():
        near = allowed_names(node.value, allowed.choices()).removeprefix("allowed: ")
        _, _, hint = near.partition(";")
        message = f"{came(node)}; allowed: {allowed.describe()}{';' + hint if hint else ''}"
    else:
        text_allowed = "string" in allowed.kinds and not allowed.is_choice()
        message = f"{came(node, text_allowed)}; allowed: {allowed.describe()}"
    return Problem(node.at, dotted(path), message)


def planned_values(path: KeyPath) -> tuple[str, ...]:
    """Returns the values that a later version will accept at a key path."""
    return tuple(value for one in PLANNED if one.key == pattern(path) for value in one.values)


def _problem(fault: Fault, tree: Map, shape: Shape) -> Problem:
    kind = fault.error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(fault.path, tree, shape)
    if kind == "missing":
        allowed = shape.at(tree, fault.path)
        what = allowed.describe() if allowed is not None else "a value"
        return Problem(location_of(tree, fault.path), dotted(fault.path), f"missing; required: {what}")
    if fault.bad_key:
        message = f"the key '{fault.path[-1]}'; {_own_words(fault.error)}"
        return Problem(_key_location(tree, fault.path), dotted(fault.path), message)
    return Problem(location_of(tree, fault.path), dotted(fault.path), _message(fault, tree, shape))


def _message(fault: Fault, tree: Map, shape: Shape) -> str:
    if fault.is_own:
        return _own_words(fault.error)
    node, allowed = find(tree, fault.path), shape.at(tree, fault.path)
    if node is None or allowed is None:
        return _own_words(fault.error)
    words = allowed.narrowed(node).describe()
    bounded = any(word in fault.error["type"] for word in ("than", "short", "long", "type"))
    return f"{came(node)}; allowed: {words}" if bounded else f"{came(node)}; {_own_words(fault.error)}"


def _own_words(error: ErrorDetails) -> str:
    cause = error.get("ctx", {}).get("error")
    return str(cause) if cause is not None else error["msg"][:1].lower() + error["msg"][1:]


def _unknown_key(path: KeyPath, tree: Map, shape: Shape) -> Problem:
    at = _key_location(tree, path)
    parent = find(tree, path[:-1])
    holder = shape.at(tree, path[:-1])
    keys = holder.narrowed(parent).key_names() if holder is not None and parent is not None else ()
    if any(one.key == pattern(path) and not one.values for one in PLANNED):
        return Problem(at, dotted(path), f"this key is planned but not built yet; allowed: {', '.join(keys)}")
    return Problem(at, dotted(path), f"unknown key; {allowed_names(str(path[-1]), keys)}")
