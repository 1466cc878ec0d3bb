"""The cut selectors by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from simulator.cuts.fixed import FixedOptions, select_fixed
from simulator.cuts.genetic import GeneticOptions, select_genetic
from simulator.cuts.greedy import GreedyOptions, select_greedy
from simulator.cuts.problem import CutProblem, Selection

Select = Callable[[CutProblem, Any, np.random.Generator], Selection]


@dataclass(frozen=True)
class Selector:
    """A cut selector: its options and the function that selects."""

    options: type[BaseModel]
    select: Select
    searches: bool
    """Whether it finds cuts by itself, so that it can be compared with others on any scenario."""


SELECTORS: Mapping[str, Selector] = {
    "fixed": Selector(FixedOptions, select_fixed, searches=False),
    "greedy": Selector(GreedyOptions, select_greedy, searches=True),
    "genetic": Selector(GeneticOptions, select_genetic, searches=True),
}

DEFAULT_SELECTOR = "genetic"
