"""``greedy``: the best single change, again and again, until none helps.

It starts from the best cut that all clients can share, then changes the cut of one kind of device at a time (identical
devices move together), and in the end of single clients. Of few kinds the one whose change helps most is taken first;
many kinds, and single clients, take their turns. It stops in a local optimum: a change that helps only together with
another is never found.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.closed_form import Genes
from simulator.cuts.problem import CutProblem, Selection
from simulator.cuts.scoring import ScoredOptions
from simulator.cuts.thresholds import best_for_all

FEW_KINDS = 32
"""Kinds that are compared with each other for every change; more would cost too many evaluations."""


class GreedyOptions(ScoredOptions):
    """Descent by the best change of a kind of device, then of single clients."""

    selector: Literal["greedy"] = Field("greedy", description="The best single change, again and again.")
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
    kinds = problem.groups
    singles = [np.array([client], dtype=np.intp) for client in range(problem.clients)]
    turns = [kinds] if len(kinds) <= FEW_KINDS else [[kind] for kind in kinds]
    for movers in (turns, [[single] for single in singles]):
        genes = _descend(problem, genes, movers, options.max_evaluations)
    return problem.select("greedy", genes, time.perf_counter() - started)


def _descend(
    problem: CutProblem,
    genes: Genes,
    turns: Sequence[Sequence[NDArray[np.intp]]],
    max_evaluations: int,
) -> Genes:
    """Take the best change of each turn's movers, turn after turn, until none helps or the budget is spent."""
    idle = 0
    while idle < len(turns):
        for movers in turns:
            if idle >= len(turns) or problem.evaluations >= max_evaluations:
                return genes
            candidates = _changes(problem, genes, movers)
            best = int(problem.guide(candidates).argmin())
            idle = 0 if best else idle + 1
            genes = candidates[best]
    return genes


def _changes(problem: CutProblem, genes: Genes, movers: Sequence[NDArray[np.intp]]) -> Genes:
    """Return the assignment, and those in which one mover has another cut that fits all of it, ``[changes, N]``."""
    changed = [genes[None, :]]
    for members in movers:
        fitting = np.flatnonzero(problem.allowed[members].all(axis=0))
        others = fitting[fitting != genes[members[0]]]
        own = np.repeat(genes[None, :], len(others), axis=0)
        own[:, members] = others[:, None]
        changed.append(own)
    return np.concatenate(changed)
