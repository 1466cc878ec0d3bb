"""``exact``: the best cuts, with proof, or the best found with a proven bound on what could be better.

The problem falls into independent parts where it can (:mod:`simulator.cuts.parts`). A part that is a choice between
two values is swept (:mod:`simulator.cuts.sweep`); any other is a mixed-integer linear programme
(:mod:`simulator.cuts.programme`). Very many kinds of devices are gathered into buckets first
(:mod:`simulator.cuts.buckets`). Whatever a part's solution claims, the answer is scored by the closed form, and the
gap is between that score and the proven bound.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.closed_form import Genes
from simulator.cuts.buckets import in_buckets
from simulator.cuts.objective import LIMIT_KEYS, SelectorOptions
from simulator.cuts.parts import Part, combined, constant_seconds, is_separable, parts_of
from simulator.cuts.problem import CutProblem, NoFeasibleCutError, Selection
from simulator.cuts.programme import Stakes, longest_seconds, solve
from simulator.cuts.sweep import can_sweep, sweep
from simulator.cuts.thresholds import best_for_all, descend

log = logging.getLogger(__name__)

SOLVER_TOLERANCE = 1e-8
"""A smaller relative gap is the solver's rounding."""

PROOF_TOLERANCE = 1e-6
"""How far, relatively, rounding may put a bound above an objective; more is no bound."""

DESCENT_EVALUATIONS = 3_000
"""Scored assignments for the first good one, which tells the solver what is not worth trying."""

RELAXED_KINDS = 5
"""How many times as many kinds a relaxation carries as a branch and bound."""


class ExactOptions(SelectorOptions):
    """The optimum; budgets are counted in nodes and gaps, so that an answer does not depend on the machine's speed."""

    selector: Literal["exact"] = Field("exact", description="The optimum, or a proven gap to it.")
    max_nodes: int = Field(
        500, ge=1, strict=True, description="Nodes of each branch and bound, after which its best counts."
    )
    relative_gap: float = Field(
        1e-9, ge=0, lt=1, allow_inf_nan=False, description="Proven gap to the optimum that is good enough."
    )
    max_kinds: int = Field(
        120, ge=2, strict=True, description="Kinds of devices above which like ones share a bucket."
    )


@dataclass(frozen=True)
class _Answer:
    """An assignment ``[N]`` (its other numbers 1; ``None``: none was found) and a bound on the part's objective."""

    genes: Genes | None
    bound: float
    infeasible: bool = False


def select_exact(problem: CutProblem, options: ExactOptions, rng: np.random.Generator) -> Selection:
    """Return the best assignment; deterministic.

    Raises:
        NoFeasibleCutError: where no assignment keeps the limits, or none was found.
    """
    del rng
    started = time.perf_counter()
    parts = parts_of(problem)
    known = None if all(part.independent and can_sweep(part) for part in parts) else _good_assignment(problem)
    answers = [_best_of(problem, part, known, options) for part in parts]
    bound = sum(answer.bound for answer in answers) + _constant(problem)
    found = [answer.genes for answer in answers if answer.genes is not None]
    candidates = [] if known is None else [known]
    if len(found) == len(answers):
        candidates.append(combined(problem, found))
        if known is not None:
            candidates.append(descend(problem, candidates[-1], problem.evaluations + DESCENT_EVALUATIONS))
    scores = problem.score(np.array(candidates))
    best = int(scores.argmin())
    if math.isinf(scores[best]) and problem.objective.limited:
        raise _nothing_found(problem, any(answer.infeasible for answer in answers))
    seconds = time.perf_counter() - started
    return problem.select("exact", candidates[best], seconds, _gap(float(scores[best]), bound))


def _good_assignment(problem: CutProblem) -> Genes:
    return descend(problem, best_for_all(problem), problem.evaluations + DESCENT_EVALUATIONS)


def _best_of(problem: CutProblem, part: Part, known: Genes | None, options: ExactOptions) -> _Answer:
    """Return the best assignment of one part."""
    if known is None or (part.independent and can_sweep(part)):
        swept = sweep(part)
        return _Answer(part.assign(swept.chosen), problem.objective.weights[0] * swept.seconds)
    stakes = _stakes(problem, part, known, options)
    if len(part.counts) <= options.max_kinds:
        solved = solve(part, stakes)
        return _Answer(_assigned(part, solved.chosen), solved.bound, solved.infeasible)
    # Without whole numbers many more kinds can be told apart.
    most = RELAXED_KINDS * options.max_kinds
    slower, faster = in_buckets(part, most, longest_seconds(part, stakes))
    bound = solve(faster, stakes, relaxed=True)
    answer = bound if len(slower.counts) == len(part.counts) else solve(slower, stakes, relaxed=True)
    return _Answer(_assigned(slower, answer.chosen), bound.bound, bound.infeasible)


def _assigned(part: Part, chosen: NDArray[np.intp] | None) -> Genes | None:
    return None if chosen is None else part.assign(chosen)


def _stakes(problem: CutProblem, part: Part, known: Genes, options: ExactOptions) -> Stakes:
    objective, energy = problem.objective, problem.quantities.energy
    known_s = part.seconds(part.chosen(known, problem.cuts))
    best_known = objective.weights[0] * known_s if part.independent else float(problem.score(known)[0])
    return Stakes(
        objective=objective,
        idle_w=energy.idle_w if objective.needed[1] and energy is not None else 0.0,
        server_room_bytes=math.inf if part.independent else problem.server_room_bytes,
        known=best_known,
        known_s=known_s,
        max_nodes=options.max_nodes,
        relative_gap=options.relative_gap,
    )


def _constant(problem: CutProblem) -> float:
    """Return what the segments that no cut changes add to the objective, where parts do not count them."""
    return problem.objective.weights[0] * constant_seconds(problem) if is_separable(problem) else 0.0


def _gap(score: float, bound: float) -> float | None:
    """Return the proven relative gap; ``None`` where nothing is proven.

    A bound above the score is none: the solver has lost its digits, and that is told rather than called optimal.
    """
    if not (math.isfinite(score) and math.isfinite(bound)):
        return None
    if bound > score * (1 + PROOF_TOLERANCE) + sys.float_info.min:
        log.warning(
            "selector exact: the solver's bound %r lies above the objective found, %r; nothing is proven",
            bound,
            score,
        )
        return None
    gap = (score - bound) / score if score > 0 else 0.0
    return gap if gap > SOLVER_TOLERANCE else 0.0


def _nothing_found(problem: CutProblem, infeasible: bool) -> NoFeasibleCutError:
    limited = [LIMIT_KEYS[index] for index in problem.objective.limited]
    key_path = f"cuts.limits.{limited[0]}" if len(limited) == 1 else "cuts.limits"
    told = ", ".join(
        f"{LIMIT_KEYS[index]} {problem.objective.told(index, problem.objective.limits[index])}"
        for index in problem.objective.limited
    )
    came = f"no cuts keep {told}" if infeasible else f"selector exact found no cuts that keep {told}"
    allowed = "higher limits would do" if infeasible else "higher limits, or more cuts.max_nodes, would do"
    return NoFeasibleCutError(key_path, f"{came}; {allowed}")
