"""``local_search``: descents from several starts, by random moves of single clients and of groups, and by swaps.

A move gives some clients another cut, or another value of one of a cut's four numbers; a swap exchanges the cuts of two
clients. Moves are drawn in batches and the best of a batch is taken if it helps. A descent starts from the best cut for
everybody after a descent by thresholds, the later ones from the best assignment so far with a part of it shaken.
"""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
from pydantic import Field

from simulator.closed_form import Genes
from simulator.cuts.problem import CutProblem, Selection
from simulator.cuts.scoring import ScoredOptions
from simulator.cuts.thresholds import MoversDraw, best_for_all, descend

MOVES_AT_A_TIME = 64

FRUITLESS_BATCHES = 12
"""Batches without an improvement after which a descent ends."""

SWAP_SHARE = 0.2
WHOLE_CUT_SHARE = 0.25
SINGLE_SHARE = 0.6
"""Share of slices that are a single client, or a single kind."""

SHAKEN_MOVES = 6
"""Moves that shake the best assignment before the next descent."""


class LocalSearchOptions(ScoredOptions):
    """Descents by random moves; the budget is counted in scored assignments."""

    selector: Literal["local_search"] = Field(
        "local_search", description="Descents by random moves and swaps from several starts."
    )
    max_evaluations: int = Field(20_000, ge=1, strict=True, description="Scored assignments in all.")


def select_local_search(
    problem: CutProblem, options: LocalSearchOptions, rng: np.random.Generator
) -> Selection:
    """Return the best assignment found within the budget; the same ``rng`` gives the same answer."""
    started = time.perf_counter()
    moves = _Moves(problem, rng)
    start = problem.lightest_for_server()
    # The best cut for everybody needs an evaluation for every choice and one more.
    if options.max_evaluations > len(problem.cuts) + 1:
        start = descend(problem, best_for_all(problem), options.max_evaluations // 2)
    # A descent scores its start first, and something of the budget is always left for that.
    best, best_score = start, np.inf
    while problem.evaluations < options.max_evaluations:
        genes, score = _descent(problem, start, moves, options.max_evaluations)
        if score < best_score:
            best, best_score = genes, score
        start = moves.shaken(best)
    return problem.select("local_search", best, time.perf_counter() - started)


def _descent(problem: CutProblem, genes: Genes, moves: _Moves, max_evaluations: int) -> tuple[Genes, float]:
    """Take the best of a batch of moves as long as one helps; return where it ends."""
    score, fruitless = np.inf, 0
    while fruitless < FRUITLESS_BATCHES and problem.evaluations < max_evaluations:
        count = min(MOVES_AT_A_TIME, max_evaluations - problem.evaluations)
        candidates = moves.of(genes, count)
        candidates[0] = genes if np.isinf(score) else candidates[0]
        scores = problem.guide(candidates)
        place = int(scores.argmin())
        fruitless += 1
        if scores[place] < score:
            genes, score, fruitless = candidates[place], float(scores[place]), 0
    return genes, float(score)


class _Moves:
    """Draws changes of an assignment; every client always has a cut that fits its memory."""

    def __init__(self, problem: CutProblem, rng: np.random.Generator) -> None:
        self._rng = rng
        self._allowed = problem.allowed
        self._cuts = problem.cuts - 1
        self._longest = tuple(problem.cuts.max(axis=0))
        self._movers = MoversDraw(problem, SINGLE_SHARE, rng)
        self._clients = np.arange(problem.clients)

    def of(self, genes: Genes, count: int) -> Genes:
        """Return ``[count, N]`` assignments that are one move or swap away."""
        moved = self._moved(np.repeat(genes[None, :], count, axis=0))
        swapped = self._swapped(genes, count)
        swaps = self._rng.random((count, 1)) < SWAP_SHARE
        return np.where(swaps, swapped, moved)

    def shaken(self, genes: Genes) -> Genes:
        """Return an assignment that is several moves away."""
        one = genes[None, :]
        for _ in range(SHAKEN_MOVES):
            one = self._moved(one)
        return np.asarray(one[0])

    def _moved(self, genes: Genes) -> Genes:
        rows, count = np.arange(len(genes)), len(genes)
        number = self._rng.integers(4, size=count)
        wished = self._cuts[genes]
        wished[rows, :, number] = self._rng.integers(np.array(self._longest)[number])[:, None]
        whole = self._rng.integers(len(self._cuts), size=(count, 1))
        wish = np.ravel_multi_index(tuple(np.moveaxis(wished, -1, 0)), self._longest)
        wish = np.where(self._rng.random((count, 1)) < WHOLE_CUT_SHARE, whole, wish)
        fits = self._allowed[self._clients, wish]
        return np.where(self._movers.draw(count) & fits, wish, genes)

    def _swapped(self, genes: Genes, count: int) -> Genes:
        """Exchange the cuts of two clients in each of ``count`` copies, where both fit."""
        swapped = np.repeat(genes[None, :], count, axis=0)
        one, other = self._rng.integers(len(genes), size=(2, count))
        fits = self._allowed[one, genes[other]] & self._allowed[other, genes[one]]
        rows = np.flatnonzero(fits)
        swapped[rows, one[fits]], swapped[rows, other[fits]] = genes[other[fits]], genes[one[fits]]
        return swapped
