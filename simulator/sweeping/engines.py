"""The engines of sweeps by name, and whether what they need is installed."""

from __future__ import annotations

from importlib.util import find_spec

ENGINES = ("local", "ray")


def missing_extra(engine: str) -> str:
    """Return in words what an engine lacks here; nothing where it lacks nothing."""
    if engine == "ray" and find_spec("ray") is None:
        return "engine 'ray': Ray is not installed; allowed: local, or first pip install 'hetedge[ray]'"
    return ""
