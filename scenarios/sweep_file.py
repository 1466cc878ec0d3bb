"""A sweep as its file has it: a base scenario, what is varied over it, and with which seeds.

::

    name: device-mix                 # default: the file's name
    base: quickstart                 # a library name, or a path that counts from this file
    set: {strategy.rounds: 4, devices.server: {profile: server-large}}   # laid over the base, for all
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

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from scenarios.extends import Asked
from scenarios.messages import refusal
from scenarios.overrides import Override
from scenarios.sweep_axes import Axis, Choice
from scenarios.sweep_conditions import Condition
from scenarios.tree import Location

KEYS = ("name", "base", "set", "axes", "seeds", "only", "exclude", "target")

LARGEST_SEED = 2**63 - 1
"""A column of whole numbers reaches so far."""


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
        axes_at: where that stands.
        seeds: the seeds; a number for as many from the base's own on.
        seeds_at: where they stand.
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
    axes_at: Location
    seeds: tuple[int, ...] | int
    seeds_at: Location
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

    @property
    def seed_count(self) -> int:
        """How many seeds every combination has."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    @property
    def job_count(self) -> int:
        """How many jobs there are: every kept combination with every seed."""
        return sum(1 for _ in self.combinations()) * self.seed_count

    def seeds_from(self, own: int) -> tuple[int, ...]:
        """Return the seeds.

        Args:
            own: the base scenario's seed.

        Raises:
            ScenarioError: they are larger than a table of whole numbers can hold.
        """
        seeds = tuple(range(own, own + self.seeds)) if isinstance(self.seeds, int) else self.seeds
        if seeds[-1] > LARGEST_SEED:
            message = f"{self.seed_count} from the base's own on, {own}; allowed: up to {LARGEST_SEED}"
            raise refusal(self.seeds_at, "seeds", message)
        return seeds
