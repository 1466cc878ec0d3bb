"""A sweep as its file has it: a base scenario, what is varied over it, and with which seeds.

::

    name: device-mix                 # default: the file's name
    base: quickstart                 # a library name, or a path that counts from this file
    set: {strategy.rounds: 4}        # laid over the base, for all
    axes:
      mix: {variants: {boards: {devices.clients: [...]}, phones: {devices.clients: [...]}}}
      cuts.selector: [exact, genetic]
      devices.server.uplink: {log_range: [1 MB/s, 100 MB/s], count: 5}
      model.width: {range: [8, 32], step: 8}
      size: {zip: {strategy.batch_size: [16, 32], strategy.local_epochs: [1, 2]}}
    seeds: 2                         # a number, or a list; default: the base's own
    only: [{mix: boards}]            # a combination is kept where one of these fits ...
    exclude: [{mix: phones, cuts.selector: genetic}]   # ... and none of these does
    target: fid<40                   # what the time to target is told for
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

from models.option_errors import allowed_names
from scenarios.extends import Asked
from scenarios.locate import label_of as label_of_file
from scenarios.locate import read_bytes, resolve, start_of
from scenarios.messages import Problem, ScenarioError, came
from scenarios.overrides import Override
from scenarios.reader import decode, read_file_text
from scenarios.sweep_axes import Axis, Choice, label_of, laid_over, read_axis
from scenarios.tree import Entry, Items, Location, Map, Node, Scalar, Source

KEYS = ("name", "base", "set", "axes", "seeds", "only", "exclude", "target")

MOST_COMBINATIONS = 100_000
MOST_SEEDS = 1_000


@dataclass(frozen=True)
class Condition:
    """Values of some axes; a combination fits where it has one of the labels of each.

    Attributes:
        labels: the labels, by axis.
    """

    labels: Mapping[str, frozenset[str]]

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a combination, given by its label of every axis, fits."""
        return all(labels[axis] in allowed for axis, allowed in self.labels.items())


@dataclass(frozen=True)
class SweepFile:
    """What a sweep's file says.

    Attributes:
        path: the file.
        text: its text, as it was written.
        name: what the sweep is called.
        base: the base scenario, as it was named.
        asked: where it was named.
        laid_over: what is laid over the base, for all.
        axes: what is varied.
        seeds: the seeds; None for the base's own; a number for as many from the base's own on.
        only: a combination is kept where one of these fits, or there is none.
        exclude: it is left out where one of these fits.
        target: the quality that is timed to, as it was written.
        target_at: where it was written.
    """

    path: Path
    text: str
    name: str
    base: str
    asked: Asked
    laid_over: tuple[Override, ...]
    axes: tuple[Axis, ...]
    seeds: tuple[int, ...] | int | None
    only: tuple[Condition, ...]
    exclude: tuple[Condition, ...]
    target: str | None
    target_at: Location

    def combinations(self) -> Iterator[tuple[Choice, ...]]:
        """Yield every combination that is kept: a choice of each axis; the last axis changes first."""
        for choices in product(*(axis.choices for axis in self.axes)):
            labels = {axis.name: choice.label for axis, choice in zip(self.axes, choices, strict=True)}
            wanted = not self.only or any(one.fits(labels) for one in self.only)
            if wanted and not any(one.fits(labels) for one in self.exclude):
                yield choices

    def seeds_from(self, own: int) -> tuple[int, ...]:
        """Return the seeds.

        Args:
            own: the base scenario's seed.
        """
        if self.seeds is None:
            return (own,)
        return tuple(range(own, own + self.seeds)) if isinstance(self.seeds, int) else self.seeds


def read_sweep_file(name_or_path: str, reserved: Collection[str] = ()) -> SweepFile:
    """Read and check a sweep's file, but for the scenarios that it makes.

    Args:
        name_or_path: a library name (`sweeps/device_mix`) or the path of a YAML 1.2 file.
        reserved: names that no axis may have, since columns of the results have them.

    Raises:
        ScenarioError: everything that is wrong with it, one line each.
    """
    path = resolve(name_or_path, Path())
    label = label_of_file(name_or_path, path)
    source = Source(label, path.parent, is_file=False)
    text = decode(read_bytes(path, name_or_path, start_of(label), sweep=True), source)
    problems: list[Problem] = []
    tree = read_file_text(text, source, problems, needed="base")
    found = _Reading(tree, problems, reserved).sweep(path, text)
    if problems or found is None:
        raise ScenarioError(problems)
    return found


class _Reading:
    """One walk over a sweep's file; what is wrong is collected."""

    def __init__(self, tree: Map, problems: list[Problem], reserved: Collection[str]) -> None:
        self._tree = tree
        self._problems = problems
        self._reserved = reserved

    def sweep(self, path: Path, text: str) -> SweepFile | None:
        for key, entry in self._tree.entries.items():
            if key not in KEYS:
                self._refuse(entry.key_at, key, f"an unknown key; {allowed_names(key, KEYS)}")
        axes = self._axes()
        base = self._text("base")
        if "base" not in self._tree.entries:
            self._refuse(
                self._tree.at, "base", "no base; allowed: the scenario that is varied, by name or path"
            )
        if base is None or self._problems:
            return None
        target = self._text("target")
        found = SweepFile(
            path=path,
            text=text,
            name=self._text("name") or path.stem.replace("_", "-"),
            base=base,
            asked=Asked(self._tree.entries["base"].value.at, "base"),
            laid_over=self._laid_over(),
            axes=axes,
            seeds=self._seeds(),
            only=self._conditions("only", axes),
            exclude=self._conditions("exclude", axes),
            target=target,
            target_at=self._tree.entries["target"].value.at if target else self._tree.at,
        )
        if not self._problems and next(found.combinations(), None) is None:
            key = "only" if "only" in self._tree.entries else "exclude"
            self._refuse(
                self._tree.entries[key].value.at, key, "no combination is left; allowed: to leave some"
            )
        return found

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

    def _map(self, key: str, allowed: str) -> Map | None:
        entry = self._tree.entries.get(key)
        if entry is None or isinstance(entry.value, Map):
            return None if entry is None or not isinstance(entry.value, Map) else entry.value
        self._refuse(entry.value.at, key, f"{came(entry.value)}; allowed: {allowed}")
        return None

    def _laid_over(self) -> tuple[Override, ...]:
        found = self._map("set", "a map 'key.path: value'")
        try:
            return laid_over(found, "set") if found is not None else ()
        except ScenarioError as error:
            self._problems.extend(error.problems)
            return ()

    def _axes(self) -> tuple[Axis, ...]:
        found = self._map("axes", "a map of axes: a key path, or a name, each with what it takes on")
        axes: list[Axis] = []
        owners: dict[str, str] = {}
        for name, entry in (found.entries if found is not None else {}).items():
            axis = read_axis(name, entry, self._problems)
            if axis is None:
                continue
            axes.append(axis)
            self._check_name(axis)
            for key in axis.keys:
                if key in owners:
                    message = f"it sets '{key}', as '{owners[key]}' does; allowed: each key in one axis"
                    self._refuse(axis.at, f"axes.{name}", message)
                owners.setdefault(key, name)
        number = prod(len(axis.choices) for axis in axes)
        if number > MOST_COMBINATIONS and found is not None:
            self._refuse(found.at, "axes", f"{number} combinations; allowed: at most {MOST_COMBINATIONS}")
        return tuple(axes)

    def _check_name(self, axis: Axis) -> None:
        if "seed" in axis.keys:
            self._refuse(
                axis.at, f"axes.{axis.name}", "the seed is no axis; allowed: seeds: N, or seeds: [0, 1]"
            )
        elif axis.name in self._reserved:
            message = "the results have a column of this name; allowed: another name"
            self._refuse(axis.at, f"axes.{axis.name}", message)

    def _seeds(self) -> tuple[int, ...] | int | None:
        entry = self._tree.entries.get("seeds")
        if entry is None:
            return None
        node = entry.value
        allowed = f"allowed: how many (1 to {MOST_SEEDS}), or a list of different whole numbers from 0"
        if isinstance(node, Items):
            seeds = tuple(_whole(one) for one in node.items)
            known = tuple(seed for seed in seeds if seed is not None)
            if known and len(known) == len(seeds) == len(set(seeds)) <= MOST_SEEDS and min(known) >= 0:
                return known
        elif 1 <= (_whole(node) or 0) <= MOST_SEEDS:
            return _whole(node)
        self._refuse(node.at, "seeds", f"{came(node)}; {allowed}")
        return None

    def _conditions(self, key: str, axes: Sequence[Axis]) -> tuple[Condition, ...]:
        entry = self._tree.entries.get(key)
        if entry is None:
            return ()
        if not isinstance(entry.value, Items) or not entry.value.items:
            message = f"{came(entry.value)}; allowed: a list of maps 'axis: value'"
            self._refuse(entry.value.at, key, message)
            return ()
        found = (
            self._condition(f"{key}.{index}", node, axes) for index, node in enumerate(entry.value.items)
        )
        return tuple(one for one in found if one is not None)

    def _condition(self, path: str, node: Node, axes: Sequence[Axis]) -> Condition | None:
        if not isinstance(node, Map) or not node.entries:
            self._refuse(node.at, path, f"{came(node)}; allowed: a map 'axis: value', or 'axis: [values]'")
            return None
        by_name = {axis.name: axis for axis in axes}
        labels: dict[str, frozenset[str]] = {}
        for name, entry in node.entries.items():
            if name not in by_name:
                self._refuse(entry.key_at, f"{path}.{name}", f"no axis; {allowed_names(name, by_name)}")
            else:
                labels[name] = self._labels(f"{path}.{name}", entry, by_name[name])
        return Condition(labels)

    def _labels(self, path: str, entry: Entry, axis: Axis) -> frozenset[str]:
        nodes = entry.value.items if isinstance(entry.value, Items) else (entry.value,)
        labels = [label_of(node, path) for node in nodes]
        for node, label in zip(nodes, labels, strict=True):
            if label not in axis.labels:
                message = f"'{label}' is no value of the axis; {allowed_names(label, axis.labels)}"
                self._refuse(node.at, path, message)
        return frozenset(labels)


def _whole(node: Node) -> int | None:
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
