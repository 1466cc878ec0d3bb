"""``greedy``: the best single change, again and again.

It starts from the best cut that all clients can share, then changes the cut of one kind of device at a time
(identical devices move together), then of single clients, and takes the change that helps most until none
helps. It stops in a local optimum: a change that helps only together with another is never found.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from simulator.closed_form import Genes
from simulator.cuts.problem import CutProblem, Selection


class GreedyOptions(BaseModel):
    """Steepest descent by single changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    selector: Literal["greedy"] = Field("greedy", description="Best single change, again and again.")
    max_evaluations: int = Field(
        200_000, ge=1, strict=True, description="Scored assignments after which no new step begins."
    )


def select_greedy(problem: CutProblem, options: GreedyOptions, rng: np.random.Generator) -> Selection:
    """Return a local optimum of the iteration latency; deterministic."""
    del rng
    started = time.perf_counter()
    genes = _start(problem)
    singles = [np.array([client], dtype=np.intp) for client in range(problem.clients)]
    for movers in (problem.groups, singles):
        genes = _descend(problem, genes, movers, options.max_evaluations)
    return problem.select("greedy", genes, time.perf_counter() - started)


def _start(problem: CutProblem) -> Genes:
    """Return the best assignment in which every client has the cut that comes nearest to one wish."""
    choices = problem.allowed.shape[1]
    wishes = [_nearest_allowed(problem, wish) for wish in range(choices)]
    starts = np.array([*wishes, problem.lightest_for_server()])
    return np.asarray(starts[int(problem.score(starts).argmin())])


def _nearest_allowed(problem: CutProblem, wish: int) -> Genes:
    cuts = np.array([cut.as_tuple() for cut in problem.model.choices])
    distance = np.abs(cuts - cuts[wish]).sum(axis=1).astype(float)
    return np.asarray(np.where(problem.allowed, distance, np.inf).argmin(axis=1))


def _descend(
    problem: CutProblem, genes: Genes, movers: Sequence[NDArray[np.intp]], max_evaluations: int
) -> Genes:
    """Take the best change of one mover until none helps or the budget is spent."""
    latency_s = float(problem.score(genes)[0])
    while problem.evaluations < max_evaluations:
        candidates = _changes(problem, genes, movers)
        scores = problem.score(candidates)
        best = int(scores.argmin())
        if not scores[best] < latency_s:
            break
        genes, latency_s = candidates[best], float(scores[best])
    return genes


def _changes(problem: CutProblem, genes: Genes, movers: Sequence[NDArray[np.intp]]) -> Genes:
    """Return every assignment in which one mover has another cut, ``[changes, N]`` (and the present one, first)."""
    changed = [genes]
    for members in movers:
        for gene in range(problem.allowed.shape[1]):
            if gene != genes[members[0]] and problem.allowed[members, gene].all():
                candidate = genes.copy()
                candidate[members] = gene
                changed.append(candidate)
    return np.array(changed)
