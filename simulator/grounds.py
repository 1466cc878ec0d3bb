"""What decides a run's numbers beside its scenario: versions, device, threads, data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from models.datasets import LabelledImages
from scenarios.load import Loaded
from simulator.environment import describe_machine
from simulator.runner import choose_device

DECIDING_PACKAGES = ("hetedge", "torch", "numpy")


def ground_of(loaded: Loaded, data: Sequence[LabelledImages] | None) -> dict[str, Any]:
    """Return what a run of a scenario would rest on here, in the words of ``environment.json``.

    Args:
        loaded: the scenario.
        data: its domains' images; None where nothing is trained.
    """
    packages = describe_machine()["packages"]
    return {
        **{name: packages[name] for name in DECIDING_PACKAGES},
        "device": None if data is None else str(choose_device(loaded)),
        "threads": loaded.scenario.execution.threads,
        "data_sha256": {images.name: images.digest for images in data or ()},
        "data_forms": {images.name: json.loads(json.dumps(asdict(images.form))) for images in data or ()},
    }


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
