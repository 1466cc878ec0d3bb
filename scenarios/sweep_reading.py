"""From the text of a sweep's file to a checked `SweepFile`: all that is wrong with it is told together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from math import prod
from pathlib import Path

from models.option_errors import allowed_names
from scenarios.extends import Asked
from scenarios.kinds import refuse_scenario
from scenarios.locate import label_of, name_of, read_bytes, resolve, start_of
from scenarios.messages import Problem, ScenarioError, came
from scenarios.overrides import Override
from scenarios.reader import decode, read_file_text
from scenarios.schema import folder_name
from scenarios.sweep_axes import Axis, laid_over, read_axis
from scenarios.sweep_conditions import Condition, read_conditions
from scenarios.sweep_file import KEYS, LARGEST_SEED, SweepFile
from scenarios.sweep_order import undone
from scenarios.tree import Items, Location, Map, Node, Scalar, Source

MOST_COMBINATIONS = 100_000
"""Before the conditions."""

MOST_JOBS = 10_000
MOST_SEEDS = 1_000

_ONE_THREAD = "every job has one thread of torch; allowed: keys of execution other than threads"
NO_AXES = {
    "seed": "the seed is no axis; allowed: seeds: N, or seeds: [0, 1]",
    "execution": _ONE_THREAD,
    "execution.threads": _ONE_THREAD,
}
"""Keys that no axis may set, and why."""


def read_sweep_file(name_or_path: str, is_taken: Callable[[str], bool] = lambda _: False) -> SweepFile:
    """Read and check a sweep's file, but for the scenarios that it makes.

    Args:
        name_or_path: a library name (`sweeps/device_mix`) or the path of a YAML 1.2 file.
        is_taken: whether no axis may have a name: columns of the results have it.

    Raises:
        ScenarioError: everything that is wrong with it, one line each.
    """
    path = resolve(name_or_path, Path())
    label = label_of(name_or_path, path)
    source = Source(label, path.parent, is_file=False)
    text = decode(read_bytes(path, name_or_path, start_of(label), sweep=True), source)
    unread: list[Problem] = []
    tree = read_file_text(text, source, unread, needed="base")
    refuse_scenario(tree)
    problems: list[Problem] = []
    found = _Reading(tree, problems, is_taken).sweep(path, text)
    if unread or problems or found is None:
        raise ScenarioError([*unread, *(one for one in problems if not _is_echo(one, unread))])
    return found


def _is_echo(problem: Problem, unread: Sequence[Problem]) -> bool:
    """Whether a problem only tells again, in other words, that something could not be read."""
    return any(f"{one.key_path}.".startswith(f"{problem.key_path}.") for one in unread)


class _Reading:
    """One walk over a sweep's file; what is wrong is collected."""

    def __init__(self, tree: Map, problems: list[Problem], is_taken: Callable[[str], bool]) -> None:
        self._tree = tree
        self._problems = problems
        self._is_taken = is_taken

    def sweep(self, path: Path, text: str) -> SweepFile | None:
        for key, entry in self._tree.entries.items():
            if key not in KEYS:
                self._refuse(entry.key_at, key, f"unknown key; {allowed_names(key, KEYS)}")
        base, target, overrides, by_name = self._base(), self._text("target"), self._laid_over(), self._axes()
        axes = tuple(axis for axis in by_name.values() if axis is not None)
        self._problems += undone(overrides, axes)
        found = SweepFile(
            path=path,
            text=text,
            name=self._name(path),
            base=base,
            asked=Asked(self._at("base"), "base"),
            laid_over=overrides,
            axes=axes,
            axes_at=self._at("axes"),
            seeds=self._seeds(overrides),
            seeds_at=self._at("seeds"),
            only=self._conditions("only", by_name),
            exclude=self._conditions("exclude", by_name),
            target=target,
            target_at=self._at("target"),
        )
        if not self._problems:
            self._check_number(found)
        return found

    def _at(self, key: str) -> Location:
        """Where a key's value stands; the beginning of the file where it was not given."""
        entry = self._tree.entries.get(key)
        return entry.value.at if entry is not None else self._tree.at

    def _refuse(self, at: Location, key_path: str, message: str) -> None:
        self._problems.append(Problem(at, key_path, message))

    def _text(self, key: str) -> str | None:
        entry = self._tree.entries.get(key)
        if entry is None:
            return None
        if isinstance(entry.value, Scalar) and isinstance(entry.value.value, str) and entry.value.value:
            return entry.value.value
        self._refuse(entry.value.at, key, f"{came(entry.value, text_allowed=False)}; allowed: a text")
        return None

    def _base(self) -> str:
        if "base" not in self._tree.entries:
            message = "missing; required: the scenario that is varied, by name or path"
            self._refuse(self._tree.at, "base", message)
        return self._text("base") or ""

    def _name(self, path: Path) -> str:
        name = self._text("name")
        try:
            return folder_name(name) if name is not None else name_of(path)
        except ValueError as error:
            self._refuse(self._at("name"), "name", str(error))
            return name_of(path)

    def _map(self, key: str, allowed: str) -> Map | None:
        node = self._tree.entries[key].value if key in self._tree.entries else None
        if node is None or isinstance(node, Map):
            return node
        self._refuse(node.at, key, f"{came(node)}; allowed: {allowed}")
        return None

    def _laid_over(self) -> tuple[Override, ...]:
        found = self._map("set", "a map 'key.path: value'")
        try:
            return laid_over(found, "set") if found is not None else ()
        except ScenarioError as error:
            self._problems.extend(error.problems)
            return ()

    def _axes(self) -> dict[str, Axis | None]:
        """Read the axes, by name; None for one that is wrong."""
        found = self._map("axes", "a map of axes: a key path, or a name, each with what it takes on")
        entries = found.entries if found is not None else {}
        axes = {name: read_axis(name, entry, self._problems) for name, entry in entries.items()}
        for axis in axes.values():
            if axis is not None:
                self._check_axis(axis)
        number = prod(len(axis.choices) for axis in axes.values() if axis is not None)
        if number > MOST_COMBINATIONS and found is not None:
            message = f"more than {MOST_COMBINATIONS} combinations; allowed: at most so many"
            self._refuse(found.at, "axes", message)
        return axes

    def _check_axis(self, axis: Axis) -> None:
        path = f"axes.{axis.name}"
        forbidden = [NO_AXES[key] for key in axis.keys if key in NO_AXES]
        if forbidden:
            self._refuse(axis.at, path, forbidden[0])
        elif self._is_taken(axis.name):
            message = "the results have a column of this name; allowed: another name"
            self._refuse(axis.at, path, message)

    def _seeds(self, overrides: Sequence[Override]) -> tuple[int, ...] | int:
        if "seeds" not in self._tree.entries:
            return 1
        node = self._tree.entries["seeds"].value
        if isinstance(node, Items):
            seeds = tuple(seed for one in node.items if (seed := _whole(one)) is not None)
            if 1 <= len(node.items) == len(set(seeds)) <= MOST_SEEDS and max(seeds) <= LARGEST_SEED:
                at = next((one.steps[0].at for one in overrides if one.key == "seed"), None)
                if at is not None:
                    self._refuse(at, "set.seed", "'seeds' lists them already; allowed: one of the two")
                return seeds
        elif 1 <= (_whole(node) or 0) <= MOST_SEEDS:
            return _whole(node) or 1
        allowed = (
            f"how many (1 to {MOST_SEEDS}), or a list of different whole numbers from 0 to {LARGEST_SEED}"
        )
        self._refuse(node.at, "seeds", f"{came(node, text_allowed=False)}; allowed: {allowed}")
        return 1

    def _conditions(self, key: str, axes: Mapping[str, Axis | None]) -> tuple[Condition, ...]:
        entry = self._tree.entries.get(key)
        return read_conditions(entry.value, key, axes, self._problems) if entry is not None else ()

    def _check_number(self, found: SweepFile) -> None:
        kept = sum(1 for _ in islice(found.combinations(), MOST_JOBS + 1))
        if not kept:
            key = "only" if found.only else "exclude"
            self._refuse(self._at(key), key, "no combination is left; allowed: to leave some")
        elif kept * found.seed_count > MOST_JOBS:
            message = f"more than {MOST_JOBS} combinations and seeds; allowed: at most so many jobs"
            self._refuse(found.axes_at, "axes", message)


def _whole(node: Node) -> int | None:
    """Returns a whole number from 0."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
