"""From the name of a scenario to a checked `Scenario` that knows where each of its values was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from scenarios.extends import Asked, read_chain
from scenarios.locate import library_names, name_of
from scenarios.messages import Problem, ScenarioError
from scenarios.overrides import Override, apply_overrides
from scenarios.paths import with_absolute_paths
from scenarios.schema import Scenario, scenario_json_schema
from scenarios.shape import Shape
from scenarios.tree import Entry, Location, Map, Scalar, dotted, walk
from scenarios.validation import validate

__all__ = [
    "Loaded",
    "Location",
    "Problem",
    "ScenarioError",
    "Unchecked",
    "library_names",
    "load_scenario",
    "read_scenario",
]


@dataclass(frozen=True)
class Loaded:
    """A scenario and where it came from.

    Attributes:
        scenario: The checked scenario. Paths in it are absolute.
        path: Its file.
        base_dir: The file's folder.
        given: Dotted key paths of all values, lists and maps that the user gave, in a file or by `--set`.
        locations: The same key paths -> where the value stands; the key "" is the whole scenario.
    """

    scenario: Scenario
    path: Path
    base_dir: Path
    given: frozenset[str]
    locations: Mapping[str, Location]

    def error(self, key_path: str, came: str, allowed: str) -> ScenarioError:
        """Makes the error of a check that needs more than the scenario, such as the devices' memory.

        Args:
            key_path: Dotted key path of the offending value; if it was not given, the nearest parent that was
                tells the place.
            came: What came.
            allowed: What is allowed.
        """
        parent = key_path
        while parent not in self.locations:
            parent = parent.rpartition(".")[0]
        return ScenarioError([Problem(self.locations[parent], key_path, f"{came}; {allowed}")])


@dataclass(frozen=True)
class Unchecked:
    """A scenario as its files have it: nothing is laid over it yet, and nothing is checked.

    Attributes:
        path: Its file.
        tree: The merged files; each value keeps its place.
        kind: What it is to be: what `scenarios.schema.scenario_type` built.
        problems: Mistakes of the text that did not stop the reading.
    """

    path: Path
    tree: Map
    kind: type[Scenario]
    problems: tuple[Problem, ...]

    def loaded(self, overrides: Sequence[str | Override]) -> Loaded:
        """Lays values over it and checks the result.

        Args:
            overrides: `--set` arguments, `key.path=value`, or such as were read already.

        Returns:
            The scenario. Without a `name` it is called as its file.

        Raises:
            ScenarioError: Everything that is wrong with it, one line each.
        """
        shape = _shape_of(self.kind)
        problems = list(self.problems)
        tree = with_absolute_paths(apply_overrides(self.tree, overrides, shape, problems))
        locations = {dotted(keys): node.at for keys, node in walk(tree)}
        scenario, more = validate(_named(tree, self.path), self.kind, shape)
        known = {problem.at for problem in problems}
        problems += [
            one
            for one in more
            if one.at not in known and not any(_is_above(one, problem) for problem in problems)
        ]
        if scenario is None or problems:
            raise ScenarioError(problems)
        given = frozenset(locations) - {""}
        return Loaded(scenario, self.path, self.path.parent, given, locations)


def read_scenario(name_or_path: str, scenario_type: type[Scenario], asked: Asked | None = None) -> Unchecked:
    """Reads a scenario's files.

    Args:
        name_or_path: Library name (`quickstart`, `paper/s1_single_iid`) or path of a YAML 1.2 file.
        scenario_type: What `scenarios.schema.scenario_type` built.
        asked: Who asked for it; None for the command line.

    Raises:
        ScenarioError: A file is missing, unreadable or no YAML map, or what it extends leads back into itself.
    """
    problems: list[Problem] = []
    path, tree = read_chain(name_or_path, _shape_of(scenario_type), problems, asked)
    return Unchecked(path, tree, scenario_type, tuple(problems))


def load_scenario(name_or_path: str, overrides: Sequence[str], scenario_type: type[Scenario]) -> Loaded:
    """Reads and checks a scenario; see `read_scenario` and `Unchecked.loaded`.

    Raises:
        ScenarioError: Everything that is wrong with it, one line each.
    """
    return read_scenario(name_or_path, scenario_type).loaded(overrides)


def _is_above(problem: Problem, unread: Problem) -> bool:
    """Whether a problem is one of a map in which a value could not be read: it would be told of what is not there."""
    return unread.key_path.startswith(f"{problem.key_path}.")


@lru_cache(maxsize=8)
def _shape_of(kind: type[Scenario]) -> Shape:
    return Shape.root(scenario_json_schema(kind))


def _named(tree: Map, path: Path) -> Map:
    if "name" in tree.entries:
        return tree
    name = name_of(path)
    return tree.with_entry("name", Entry(tree.at, Scalar(tree.at, name, name)))
