"""A scenario where a sweep is wanted, or the other way round: told in one line, not in one for every key."""

from __future__ import annotations

from scenarios.messages import refusal
from scenarios.tree import Location, Map

_OF_A_SWEEP = {"base", "axes"}
_OF_A_SCENARIO = {"devices", "extends"}


def refuse_sweep(tree: Map, asked_at: Location, key_path: str) -> None:
    """Refuses a sweep's file as a scenario.

    Args:
        tree: What the file holds.
        asked_at: Where it is asked for.
        key_path: The key that asks for it; empty for the command line.

    Raises:
        ScenarioError: It is a sweep's.
    """
    if _OF_A_SWEEP & tree.entries.keys() and not _OF_A_SCENARIO & tree.entries.keys():
        label = tree.at.source.label
        what = f"{label} is a sweep" if key_path else "a sweep"
        raise refusal(asked_at, key_path, f"{what}; allowed: a scenario, or hetedge sweep {label}")


def refuse_scenario(tree: Map) -> None:
    """Refuses a scenario's file as a sweep.

    Raises:
        ScenarioError: It is a scenario's.
    """
    if _OF_A_SCENARIO & tree.entries.keys() and not _OF_A_SWEEP & tree.entries.keys():
        label = tree.at.source.label
        message = f"a scenario; allowed: a sweep, which names a scenario as its base, or hetedge run {label}"
        raise refusal(tree.at, "", message)
