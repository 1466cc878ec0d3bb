"""What a sweep lays over what: nothing that it sets may be undone by what it sets later.

Later values win, and a map replaces a map. So a part may be set after the whole (first `cuts`, then `cuts.population`),
but neither the same key twice nor the whole after a part: one of the two would say what no job does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scenarios.messages import Problem
from scenarios.overrides import Override
from scenarios.sweep_axes import Axis

Owners = dict[str, tuple[str, str]]
"""A key path, or the beginning of one -> the key that was set there, and what set it."""


def undone(laid_over: Sequence[Override], axes: Sequence[Axis]) -> list[Problem]:
    """Returns what a sweep sets in vain: a problem at each key that undoes another.

    Args:
        laid_over: What `set` lays over the base, before the axes.
        axes: The axes, in their order.
    """
    owners: Owners = {}
    problems = _laid(laid_over, "set", "'set'", owners)
    for axis in axes:
        path, by = f"axes.{axis.name}", f"axis '{axis.name}'"
        below: Owners = {}
        found = []
        for choice in axis.choices:
            # Choices are alternatives: they set the same keys, and none undoes another.
            own = dict(owners)
            found += _laid(choice.overrides, path, by, own)
            below |= own
        problems += dict.fromkeys(found)
        owners = below
    return problems


def _laid(overrides: Iterable[Override], path: str, by: str, owners: Owners) -> list[Problem]:
    """Lays values down, one after the other, and returns what undoes what was there."""
    problems = []
    for one in overrides:
        if one.key in owners:
            key, owner = owners[one.key]
            message = (
                f"it sets '{key}', as {owner} does; allowed: each key once"
                if key == one.key
                else f"it sets '{one.key}', and so undoes '{key}' of {owner}; allowed: the whole before its part"
            )
            problems.append(Problem(one.steps[0].at, path, message))
        for end in range(1, len(one.steps) + 1):
            owners.setdefault(".".join(step.key for step in one.steps[:end]), (one.key, by))
    return problems
