"""``random``: the best of many random assignments, the yardstick of every other search.

In half of the assignments every client draws its own cut, within its memory; in the others all draw the same one. Of
hundreds of slow and fast clients that each draw for themselves some slow one always draws badly.
"""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
from pydantic import Field

from simulator.closed_form import Genes
from simulator.cuts.problem import CutProblem, Selection
from simulator.cuts.scoring import ScoredOptions

AT_A_TIME = 256


class RandomOptions(ScoredOptions):
    """The best of a number of random assignments."""

    selector: Literal["random"] = Field("random", description="The best of many random assignments.")
    max_evaluations: int = Field(2_000, ge=1, strict=True, description="Scored assignments.")


def select_random(problem: CutProblem, options: RandomOptions, rng: np.random.Generator) -> Selection:
    """Return the best of the assignments drawn; the same ``rng`` gives the same answer.

    The first one is not drawn: it leaves the server the least memory to hold, so that one fits if any does.
    """
    started = time.perf_counter()
    best = problem.lightest_for_server()
    best_score = float(problem.guide(best)[0])
    left = options.max_evaluations - 1
    while left > 0:
        candidates = random_genes(problem, min(left, AT_A_TIME), rng)
        scores = problem.guide(candidates)
        place = int(scores.argmin())
        if scores[place] < best_score:
            best, best_score = candidates[place], float(scores[place])
        left -= len(candidates)
    return problem.select("random", best, time.perf_counter() - started)


def random_genes(problem: CutProblem, count: int, rng: np.random.Generator) -> Genes:
    """Return assignments ``[count, N]`` within every client's memory: every other one is the same cut for all."""
    cumulative = problem.allowed.cumsum(axis=1) / problem.allowed.sum(axis=1, keepdims=True)
    draws = rng.random((count, problem.clients, 1))
    draws[::2] = draws[::2, :1]
    return np.asarray((draws >= cumulative).sum(axis=2))
