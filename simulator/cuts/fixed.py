"""``fixed``: the cuts the scenario states."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from models.split import Cut
from simulator.cuts.objective import SelectorOptions
from simulator.cuts.problem import CutProblem, Selection

BlockCount = Annotated[int, Field(strict=True)]
CutRow = Annotated[list[BlockCount], Field(min_length=4, max_length=4)]


class FixedOptions(SelectorOptions):
    """Cuts in block counts ``[g_head, g_tail, d_head, d_tail]``; the paper's bits are these minus 1."""

    selector: Literal["fixed"] = Field("fixed", description="The cuts stated here.")
    per_client: list[CutRow] | None = Field(
        None,
        description="One [g_head, g_tail, d_head, d_tail] per client, in block counts.",
        examples=[[[1, 1, 1, 1], [2, 2, 1, 2]]],
    )
    every_client: CutRow | None = Field(
        None,
        description="One [g_head, g_tail, d_head, d_tail] for all clients.",
        examples=[[1, 1, 2, 1]],
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.per_client is None) == (self.every_client is None):
            raise ValueError("selector fixed needs exactly one of per_client and every_client")
        if self.reselect is not None:
            raise ValueError("selector fixed with reselect; a selector that searches can choose cuts anew")
        return self


class StatedCutError(ValueError):
    """A stated cut that cannot be; the message says "what came; what is allowed".

    Attributes:
        key_path: the key to blame, below ``cuts``.
    """

    def __init__(self, key_path: str, message: str) -> None:
        super().__init__(message)
        self.key_path = key_path


def select_fixed(problem: CutProblem, options: FixedOptions, rng: np.random.Generator) -> Selection:
    """Return the stated cuts.

    Raises:
        StatedCutError: where they are not one per client, or are out of range.
        NoFeasibleCutError: where they do not fit a device's memory, or break a limit.
    """
    del rng
    rows = options.per_client if options.per_client is not None else [options.every_client] * problem.clients
    if len(rows) != problem.clients:
        came = f"the number of cuts is {len(rows)}"
        raise StatedCutError("per_client", f"{came}; allowed: {problem.clients}, one per client")
    cuts = [Cut(*row) for row in rows if row is not None]
    for client, cut in enumerate(cuts):
        key_path = "every_client" if options.per_client is None else f"per_client.{client}"
        try:
            problem.check_cut(cut)
        except ValueError as error:
            raise StatedCutError(key_path, f"cut {list(cut.as_tuple())}: {error}") from error
        problem.check_memory(client, cut, f"cuts.{key_path}")
    return problem.select("fixed", problem.model.genes_of(cuts), seconds=0.0)
