"""What the searches share: the order of clients by speed, draws of neighbours in it, first starts and a quick descent.

Clients of like speed want like cuts, so a good assignment is nearly a few thresholds in this order, one for each of a
cut's four numbers. A random search therefore changes neighbours together (:class:`MoversDraw`). The descent by
thresholds (:func:`descend`) tries every value of one number for the slowest, or the fastest, so many clients; it starts
well from the best cut for everybody (:func:`best_for_all`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.closed_form import Genes
from simulator.cuts.problem import CutProblem

MOST_THRESHOLDS = 32
"""Places in the order of speed at which a threshold is tried."""

WHOLE_KINDS_SHARE = 0.5
"""Share of random changes that meet whole kinds of clients."""


def speed_rank(problem: CutProblem) -> NDArray[np.intp]:
    """Return each client's rank ``[N]`` by how long it computes and transfers on average; the fastest is 0."""
    # Absurdly long times may sum to infinity; they come last all the same.
    with np.errstate(over="ignore"):
        compute_s, transfer_s = problem.model.client_seconds()
        slowness = (compute_s + transfer_s).mean(axis=1)
    return np.asarray(slowness.argsort(kind="stable").argsort())


def kind_rank(problem: CutProblem) -> NDArray[np.intp]:
    """Return the rank ``[N]`` of each client's kind by the speed of its fastest member; alike clients rank alike."""
    rank = speed_rank(problem)
    kinds = np.empty(problem.clients, dtype=np.intp)
    for place, members in enumerate(sorted(problem.groups, key=lambda members: int(rank[members].min()))):
        kinds[members] = place
    return kinds


class MoversDraw:
    """Draws which clients a random change meets: neighbours in speed, single clients or whole kinds.

    Args:
        problem: the problem.
        single_share: share of changes that meet a single client, or a single kind.
        rng: what is drawn from.
    """

    def __init__(self, problem: CutProblem, single_share: float, rng: np.random.Generator) -> None:
        self._ranks = speed_rank(problem), kind_rank(problem)
        self._single_share, self._rng = single_share, rng

    def draw(self, count: int) -> NDArray[np.bool_]:
        """Return the clients ``[count, N]`` that each of ``count`` changes meets."""
        clients, kinds = (_slices(ranks, count, self._single_share, self._rng) for ranks in self._ranks)
        return np.where(self._rng.random((count, 1)) < WHOLE_KINDS_SHARE, kinds, clients)


def _slices(
    ranks: NDArray[np.intp], count: int, single_share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw neighbours in a rank, ``[count, N]``; lengths log-uniform, or a single rank."""
    steps = int(ranks.max()) + 1
    length = np.ceil(steps ** rng.random(count)).astype(np.intp)
    length[rng.random(count) < single_share] = 1
    first = rng.integers(1 - length, steps)[:, None]
    return np.asarray((ranks >= first) & (ranks < first + length[:, None]))


def descend(problem: CutProblem, genes: Genes, max_evaluations: int) -> Genes:
    """Return an assignment at least as good as ``genes``: the best threshold of each number in turn until none helps.

    Args:
        problem: the problem.
        genes: where to start, ``[N]``.
        max_evaluations: most scored assignments, counted from the problem's beginning; where they are spent already,
            ``genes`` come back as they are.
    """
    if problem.evaluations >= max_evaluations:
        return genes
    cuts = problem.cuts
    rank = speed_rank(problem)
    steps = np.unique(np.linspace(1, problem.clients, min(MOST_THRESHOLDS, problem.clients)).astype(np.intp))
    sides = np.concatenate([rank < steps[:, None], rank >= problem.clients - steps[:-1, None]])
    best, idle, turn = float(problem.guide(genes)[0]), 0, 0
    while idle < 4 and problem.evaluations < max_evaluations:
        left = max_evaluations - problem.evaluations
        candidates = _with_number(problem, genes, cuts, turn % 4, sides)[:left]
        scores = problem.guide(candidates)
        chosen = int(scores.argmin())
        idle = 0 if scores[chosen] < best else idle + 1
        if scores[chosen] < best:
            genes, best = candidates[chosen], float(scores[chosen])
        turn += 1
    return genes


def best_for_all(problem: CutProblem) -> Genes:
    """Return the best assignment in which every client has the cut that comes nearest to one wish."""
    cuts = problem.cuts
    wishes = [_nearest_allowed(problem, cuts, wish) for wish in range(len(cuts))]
    starts = np.array([*wishes, problem.lightest_for_server()])
    return np.asarray(starts[int(problem.guide(starts).argmin())])


def _nearest_allowed(problem: CutProblem, cuts: NDArray[np.intp], wish: int) -> Genes:
    distance = np.abs(cuts - cuts[wish]).sum(axis=1).astype(float)
    return np.asarray(np.where(problem.allowed, distance, np.inf).argmin(axis=1))


def _with_number(
    problem: CutProblem, genes: Genes, cuts: NDArray[np.intp], number: int, sides: NDArray[np.bool_]
) -> Genes:
    """Return assignments in which the clients of one side have another value of one number, where it fits them."""
    longest = tuple(cuts.max(axis=0))
    found = [genes[None, :]]
    for value in range(longest[number]):
        wished = cuts[genes] - 1
        wished[:, number] = value
        wish = np.ravel_multi_index(tuple(wished.T), longest)
        fits = problem.allowed[np.arange(problem.clients), wish]
        found.append(np.where(sides & fits, wish, genes))
    return np.concatenate(found)
