"""Whether a run that is there rested on what one would rest on now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.environment import DECIDING_PACKAGES


def changes(environment: Mapping[str, Any], ground: Mapping[str, Any]) -> str:
    """Return in words where a run rested on something else; nothing where it did not.

    Args:
        environment: the run's ``environment.json``.
        ground: what it would rest on now.
    """
    before = {name: _recorded(environment, name) for name in ground}
    differing = [name for name in ground if before[name] != ground[name]]
    return ", ".join(f"{name} was {before[name]}, is {ground[name]}" for name in differing)


def _recorded(environment: Mapping[str, Any], name: str) -> object:
    """Return what a run recorded of one of the grounds; None where it recorded nothing."""
    place = environment.get("packages", {}) if name in DECIDING_PACKAGES else environment
    return place.get(name)
