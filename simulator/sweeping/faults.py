"""What is wrong with the combinations of a sweep: each mistake once, where needed with a combination that has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from scenarios.load import Location, Problem, ScenarioError
from scenarios.sweep_axes import Axis, Choice
from scenarios.tree import walk

MOST_WRONG = 200
"""Wrong combinations after which no more are looked at: they mostly repeat each other."""

MOST_TOLD = 20
"""Mistakes after which it is the same: nobody mends more of them at once."""

Combination = tuple[Choice, ...]


class Faults:
    """Collects the mistakes of combinations.

    Args:
        axes: the axes of the sweep.
    """

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._axes = axes
        self._tried: list[Combination] = []
        self._found: dict[Problem, list[Combination]] = {}
        self._wrong = 0

    @property
    def are_many(self) -> bool:
        """Whether there is no use in looking further."""
        return self._wrong >= MOST_WRONG or len(self._found) >= MOST_TOLD

    def right(self, choices: Combination) -> None:
        """Note that a combination is a scenario."""
        self._tried.append(choices)

    def wrong(self, choices: Combination, problems: Iterable[Problem]) -> None:
        """Note what is wrong with a combination."""
        self._tried.append(choices)
        self._wrong += 1
        for problem in problems:
            self._found.setdefault(problem, []).append(choices)

    def check(self) -> None:
        """Tell the mistakes.

        Raises:
            ScenarioError: there are some.
        """
        if self._found:
            raise ScenarioError(self._told(problem, shown) for problem, shown in self._found.items())

    def _told(self, problem: Problem, shown: Sequence[Combination]) -> Problem:
        """Return a mistake, with a combination where not the place alone tells what is wrong."""
        if len(shown) == len(self._tried) or self._is_of_one_choice(problem, shown):
            return problem
        names = (axis.name for axis in self._axes)
        combination = ", ".join(f"{name}={one.label}" for name, one in zip(names, shown[0], strict=True))
        return replace(problem, message=f"{problem.message} (in the combination {combination})")

    def _is_of_one_choice(self, problem: Problem, shown: Sequence[Combination]) -> bool:
        """Whether the mistake stands in a choice, and is there whatever the other axes have."""
        for index, choice in enumerate(shown[0]):
            if problem.at in _places(choice):
                return list(shown) == [one for one in self._tried if one[index] is choice]
        return False


def _places(choice: Choice) -> set[Location]:
    values = (node.at for one in choice.overrides for _, node in walk(one.value))
    return {*values, *(step.at for one in choice.overrides for step in one.steps)}
