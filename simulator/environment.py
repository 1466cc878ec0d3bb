"""What a run ran on: versions, machine, threads, data. Recorded, because results are the same only where these are."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.catalog import ImageForm

CPU_FACTS = Path("/proc/cpuinfo")

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

DECIDING_PACKAGES = ("hetedge", "torch", "numpy")
"""Those whose version may change a run's numbers."""


def describe_environment(
    *,
    device: str | None,
    gpu: str | None,
    threads: int,
    data_sha256: Mapping[str, str],
    data_forms: Mapping[str, ImageForm],
) -> dict[str, Any]:
    """Return what ``environment.json`` holds: versions, machine, device, threads, digests and forms of the data.

    Args:
        device: where the networks were trained; None where nothing was.
        gpu: the name of the GPU, if it was one.
        threads: threads of torch.
        data_sha256: domain -> digest of its data set.
        data_forms: domain -> form of its images, as the files gave it.
    """
    return {
        **describe_machine(),
        "device": device,
        "gpu": gpu,
        "threads": threads,
        "training": device is not None,
        "data_sha256": dict(data_sha256),
        "data_forms": {name: asdict(form) for name, form in data_forms.items()},
    }


def describe_machine() -> dict[str, Any]:
    """Return the versions of Python and of the packages, the platform and the processor."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": processor_name(),
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor_name() -> str:
    """Return the processor's name; Linux keeps it in a file of its own."""
    if CPU_FACTS.is_file():
        for line in CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return " ".join(value.split())
    return platform.processor() or platform.machine()
