"""The best other cut that some clients could have while everybody else keeps theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.split import Cut
from simulator.cuts.problem import CutProblem

GENES_AT_ONCE = 2_000_000
"""Cuts scored together at most, so that a large fleet needs no more memory than a small one."""


def best_other_cut(
    problem: CutProblem, cuts: Sequence[Cut], members: Sequence[int]
) -> tuple[Cut, float] | None:
    """Return the best cut that some clients could all have instead of theirs.

    Args:
        problem: scores assignments by their latency, and knows what fits.
        cuts: the assignment as it is.
        members: the clients that change, all to one cut.

    Returns:
        The cut and the iteration's latency with it, which may be longer than now; ``None`` where no other cut fits.
    """
    genes, changing = problem.model.genes_of(cuts), np.array(members)
    now = set(genes[changing].tolist())
    others = [choice for choice in range(len(problem.model.choices)) if now != {choice}]
    scores_s: list[float] = []
    at_once = max(1, GENES_AT_ONCE // len(genes))
    for start in range(0, len(others), at_once):
        part = others[start : start + at_once]
        candidates = np.tile(genes, (len(part), 1))
        candidates[:, changing] = np.array(part)[:, None]
        scores_s += problem.score(candidates).tolist()
    if not np.isfinite(scores_s).any():
        return None
    best = int(np.argmin(scores_s))
    return problem.model.choices[others[best]], scores_s[best]
