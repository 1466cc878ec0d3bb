"""How a search scores its candidates: by the closed form, or by playing an iteration of each as events."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.cuts.objective import SelectorOptions


class ScoredOptions(SelectorOptions):
    """What the selectors share that need nothing of a candidate but its score.

    The closed form gives every message its way to itself and the server one lane. Where links are shared that is an
    estimate, and candidates can be scored by the event simulation instead: exact, and some thousand times slower.
    """

    score: Literal["formula", "events"] = Field(
        "formula",
        description="What candidates are scored by: formula = the closed form; events = one iteration of each, played.",
    )
