"""A guard against files of the user that hide our packages.

Their names are plain words, so a ``models.py`` on Python's path can take the place of our ``models``. This file
imports nothing but the standard library: it must run before any other room is imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOMS = ("devices", "models", "scenarios", "analysis", "simulator")
"""The packages that belong together."""


def shadowed_room() -> str:
    """Say which of our packages is hidden by another of its name, and where that one is; empty where none is."""
    home = Path(__file__).resolve().parent.parent
    for room in ROOMS:
        found = _place_of(room)
        if found is None:
            return f"the package '{room}' cannot be found beside {home}; install hetedge again"
        if found.parent != home:
            return (
                f"{found} hides the package '{room}' of hetedge, which is in {home}; "
                "rename it, or keep its folder off Python's path (PYTHONPATH)"
            )
    return ""


def _place_of(room: str) -> Path | None:
    """Return the folder of a package, or the file of a module, that ``import room`` would find."""
    spec = importlib.util.find_spec(room)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or [])
    place = folders[0] if folders else spec.origin
    return Path(place).resolve() if place else None
