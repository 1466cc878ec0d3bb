"""``homogeneous``: the best cut that all clients can share, whatever their devices.

It is what cuts that fit each device are compared with: the ablation ``homogeneous_cuts`` of HuSCF-GAN.
"""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
from pydantic import Field

from simulator.cuts.objective import SelectorOptions
from simulator.cuts.problem import CutProblem, NoFeasibleCutError, Selection


class HomogeneousOptions(SelectorOptions):
    """The best cut that all clients can share."""

    selector: Literal["homogeneous"] = Field(
        "homogeneous", description="The best cut that all clients can share."
    )


def select_homogeneous(
    problem: CutProblem, options: HomogeneousOptions, rng: np.random.Generator
) -> Selection:
    """Return the best assignment in which all clients have the same cut; every one of them is scored.

    Of equals the first in lexicographic order is taken. Nothing is proven about assignments with different cuts, so
    there is no gap.

    Raises:
        NoFeasibleCutError: where no cut fits the memory of all clients, or none that does fits the server's memory
            and the limits.
    """
    del options, rng
    started = time.perf_counter()
    shared = np.flatnonzero(problem.allowed.all(axis=0))
    if not len(shared):
        raise NoFeasibleCutError(
            "cuts.selector",
            "selector homogeneous: no cut fits the memory of every client; "
            "a selector that gives each its own cut, a smaller batch_size or model.width would do",
        )
    uniform = np.repeat(shared[:, None], problem.clients, axis=1)
    best = uniform[int(problem.guide(uniform).argmin())]
    return problem.select("homogeneous", best, time.perf_counter() - started)
