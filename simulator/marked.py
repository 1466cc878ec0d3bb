"""A scenario read back from where a run has written it out in full, with its marks of what was given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scenarios.load import Loaded
from simulator import registry


def load_marked(file: Path) -> Loaded:
    """Load a resolved scenario that takes as given what it marks so, not everything that stands in it.

    Args:
        file: a ``scenario.yaml`` as runs write it.

    Raises:
        ScenarioError: It is no scenario.
    """
    loaded = registry.load(str(file))
    text = loaded.path.read_text(encoding="utf-8")
    marked = {number for number, line in enumerate(text.split("\n"), 1) if line.endswith(" # default")}
    defaults = {key for key, at in loaded.locations.items() if at.line in marked}
    return replace(loaded, given=loaded.given - defaults)
