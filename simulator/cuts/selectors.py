"""The cut selectors by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.cuts.exact import ExactOptions, select_exact
from simulator.cuts.fixed import FixedOptions, select_fixed
from simulator.cuts.genetic import GeneticOptions, select_genetic
from simulator.cuts.greedy import GreedyOptions, select_greedy
from simulator.cuts.homogeneous import HomogeneousOptions, select_homogeneous
from simulator.cuts.local_search import LocalSearchOptions, select_local_search
from simulator.cuts.objective import SelectorOptions
from simulator.cuts.problem import CutProblem, Selection
from simulator.cuts.random_search import RandomOptions, select_random

Select = Callable[[CutProblem, Any, np.random.Generator], Selection]


@dataclass(frozen=True)
class Selector:
    """A cut selector: its options and the function that selects."""

    options: type[SelectorOptions]
    select: Select
    searches: bool
    """Whether it finds cuts by itself, so that it can be compared with others on any scenario."""


SELECTORS: Mapping[str, Selector] = {
    "exact": Selector(ExactOptions, select_exact, searches=True),
    "genetic": Selector(GeneticOptions, select_genetic, searches=True),
    "local_search": Selector(LocalSearchOptions, select_local_search, searches=True),
    "greedy": Selector(GreedyOptions, select_greedy, searches=True),
    "random": Selector(RandomOptions, select_random, searches=True),
    "homogeneous": Selector(HomogeneousOptions, select_homogeneous, searches=True),
    "fixed": Selector(FixedOptions, select_fixed, searches=False),
}

DEFAULT_SELECTOR = "exact"
