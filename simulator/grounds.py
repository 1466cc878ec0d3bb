"""What decides a run's numbers beside its scenario: versions, device, threads, data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from models.datasets import LabelledImages
from scenarios.load import Loaded
from simulator.environment import DECIDING_PACKAGES, describe_machine
from simulator.runner import choose_device


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
