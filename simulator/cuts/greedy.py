"""``greedy``: the best change of one kind of device after the other, until none helps.

It starts from the best cut that all clients can share, then gives one kind of device at a time (identical devices move
together) the cut that helps most, then single clients, and goes round until nothing changes. It stops in a local
optimum: a change that helps only together with another is never found.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.closed_form import Genes
from simulator.cuts.objective import SelectorOptions
from simulator.cuts.problem import CutProblem, Selection
from simulator.cuts.thresholds import best_for_all


class GreedyOptions(SelectorOptions):
    """Descent by the best change of each device in turn."""

    selector: Literal["greedy"] = Field("greedy", description="The best change of each device in turn.")
    max_evaluations: int = Field(
        50_000,
        ge=1,
        strict=True,
        description="Scored assignments after which no further device is looked at.",
    )


def select_greedy(problem: CutProblem, options: GreedyOptions, rng: np.random.Generator) -> Selection:
    """Return a local optimum of the objective; deterministic."""
    del rng
    started = time.perf_counter()
    genes = best_for_all(problem)
    singles = [np.array([client], dtype=np.intp) for client in range(problem.clients)]
    for movers in (problem.groups, singles):
        genes = _descend(problem, genes, movers, options.max_evaluations)
    return problem.select("greedy", genes, time.perf_counter() - started)


def _descend(
    problem: CutProblem, genes: Genes, movers: Sequence[NDArray[np.intp]], max_evaluations: int
) -> Genes:
    """Give each mover in turn its best cut until none changes or the budget is spent."""
    idle = 0
    while idle < len(movers):
        for members in movers:
            if idle >= len(movers) or problem.evaluations >= max_evaluations:
                return genes
            candidates = _changes(problem, genes, members)
            best = int(problem.guide(candidates).argmin())
            idle = 0 if best else idle + 1
            genes = candidates[best]
    return genes


def _changes(problem: CutProblem, genes: Genes, members: NDArray[np.intp]) -> Genes:
    """Return the assignment, and those in which some clients have another cut that fits them all, ``[changes, N]``."""
    fitting = np.flatnonzero(problem.allowed[members].all(axis=0))
    others = fitting[fitting != genes[members[0]]]
    changed = np.repeat(genes[None, :], len(others) + 1, axis=0)
    changed[1:, members] = others[:, None]
    return changed
