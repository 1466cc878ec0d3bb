"""What a run ran on: versions, machine, threads, data. Recorded, because results are the same only where these are."""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import sys
from collections.abc import Sequence
from typing import Any

import torch

from models.datasets import LabelledImages
from scenarios.load import Loaded

log = logging.getLogger(__name__)

RECORDED_PACKAGES = (
    "hetedge",
    "simpy",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "torchmetrics",
    "pandas",
    "pyarrow",
    "networkx",
    "matplotlib",
    "mlxtend",
)


def choose_device(loaded: Loaded) -> torch.device:
    """Return the device of the training; ``auto`` takes a GPU where there is one, and says so.

    Raises:
        ScenarioError: where ``cuda`` is asked for and there is none.
    """
    wanted = loaded.scenario.execution.device
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise loaded.error(
            "execution.device", "'cuda', but torch finds no GPU here", "allowed here: auto, cpu"
        )
    device = torch.device("cuda" if wanted == "cuda" or (wanted == "auto" and available) else "cpu")
    log.info("training on %s with %d threads", device, loaded.scenario.execution.threads)
    return device


def describe_environment(
    loaded: Loaded, device: torch.device | None, data: Sequence[LabelledImages]
) -> dict[str, Any]:
    """Return what ``environment.json`` holds: versions, machine, device, threads and the digests of the data."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
        "device": str(device) if device is not None else None,
        "gpu": torch.cuda.get_device_name() if device is not None and device.type == "cuda" else None,
        "threads": loaded.scenario.execution.threads,
        "training": device is not None,
        "data_sha256": {images.name: images.digest for images in data},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's model name, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as facts:
            names = [line.partition(":")[2].strip() for line in facts if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()
