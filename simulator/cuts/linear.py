"""A mixed-integer linear programme, built variable by variable, and its solution by HiGHS (through scipy)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.closed_form import Floats

Indices = NDArray[np.intp]

INFEASIBLE = 2
"""scipy's status of a problem that was proven to have no solution."""


@dataclass(frozen=True)
class Sum:
    """A weighted sum of variables, and a constant."""

    indices: Indices
    weights: Floats
    constant: float = 0.0

    @classmethod
    def of(cls, indices: Sequence[int] | Indices, weights: Sequence[float] | Floats | float = 1.0) -> Sum:
        """Return the sum of variables with these weights (or one for all)."""
        found = np.asarray(indices, dtype=np.intp)
        return cls(found, np.broadcast_to(np.asarray(weights, dtype=float), found.shape))

    @classmethod
    def number(cls, constant: float) -> Sum:
        """Return a constant."""
        return cls(np.zeros(0, dtype=np.intp), np.zeros(0), constant)

    def __add__(self, other: Sum) -> Sum:
        """Add two sums."""
        return Sum(
            np.concatenate([self.indices, other.indices]),
            np.concatenate([self.weights, other.weights]),
            self.constant + other.constant,
        )

    def __mul__(self, factor: float) -> Sum:
        """Multiply by a number."""
        return Sum(self.indices, self.weights * factor, self.constant * factor)


@dataclass(frozen=True)
class Solution:
    """What the solver found.

    Attributes:
        values: the variables, or ``None`` where nothing was found within the budget.
        bound: no solution has a smaller objective.
        infeasible: whether there is proof that no solution exists.
    """

    values: Floats | None
    bound: float
    infeasible: bool


@dataclass
class LinearProgramme:
    """Variables with bounds, rows ``sum >= 0``, and a sum to be made small."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    rows: list[Sum] = field(default_factory=list)

    def variable(self, lower: float, upper: float, *, integer: bool = False) -> int:
        """Add a variable; return its index."""
        self.lower.append(lower)
        self.upper.append(upper)
        self.integer.append(integer)
        return len(self.lower) - 1

    def at_least(self, greater: Sum, smaller: Sum) -> None:
        """Demand ``greater >= smaller``."""
        self.rows.append(greater + smaller * -1.0)

    def minimise(
        self, objective: Sum, max_nodes: int, relative_gap: float, *, relaxed: bool = False
    ) -> Solution:
        """Solve it.

        Args:
            objective: the sum to be made small.
            max_nodes: nodes of the branch and bound after which the search ends.
            relative_gap: proven relative gap at which it ends.
            relaxed: whether whole numbers may be fractions, which gives a bound without a search.
        """
        # scipy.optimize takes half a second to import: only where there is something to solve.
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array

        shape = (len(self.rows), len(self.lower))
        row_of = np.repeat(np.arange(shape[0]), [len(row.indices) for row in self.rows])
        columns = np.concatenate([row.indices for row in self.rows])
        weights = np.concatenate([row.weights for row in self.rows])
        cost = np.zeros(shape[1])
        np.add.at(cost, objective.indices, objective.weights)
        found = milp(
            cost,
            integrality=np.array(self.integer, dtype=int) * (not relaxed),
            bounds=Bounds(np.array(self.lower), np.array(self.upper)),
            constraints=LinearConstraint(
                coo_array((weights, (row_of, columns)), shape=shape).tocsr(),
                lb=np.array([-row.constant for row in self.rows]),
            ),
            options={"node_limit": max_nodes, "mip_rel_gap": relative_gap},
        )
        # A relaxation has no dual bound of its own: its optimum is the bound.
        bound = found.fun if relaxed else found.mip_dual_bound
        proven = -np.inf if bound is None else float(bound)
        values = None if found.x is None else np.asarray(found.x)
        return Solution(values, proven + objective.constant, found.status == INFEASIBLE)
