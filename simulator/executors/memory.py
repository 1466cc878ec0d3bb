"""How much of this machine's memory a job may take, before it takes it; and how much there is.

The bounds come from measured runs (docs/sweeps.md has the command): a process with all libraries, what its devices
would hold between them, the images that are judged, and the records. They are meant to be too large rather than too
small.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

PROCESS_BYTES = 550e6
"""A process that has loaded all libraries."""

JUDGING_BYTES = 350e6
"""The classifiers and the images that they judge, in a run that trains."""

PER_DEVICE_BYTE = 1.3
"""What networks, gradients, moments and activations take, over what the devices hold of them."""

PER_IMAGE_BYTE = 2.0
"""What the data take, over the bytes of their images."""

PER_TRANSFER_BYTES = 800.0
"""What a transfer takes in the records, with the computation before it, until it is written."""

TRANSFERS_PER_STEP = 10
"""At most as many messages does a client send or receive in an iteration."""

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Load:
    """What of a run takes memory.

    Attributes:
        clients: how many train.
        iterations: in how many iterations; of one round, where records are summed up after each.
        trains: whether anything is trained.
        held_bytes: what the devices hold between them of networks, gradients, moments and activations.
        data_bytes: the size of the images.
    """

    clients: int
    iterations: int
    trains: bool = False
    held_bytes: float = 0.0
    data_bytes: float = 0.0


def needed_bytes(load: Load) -> float:
    """Return a bound on the memory that a run takes, in bytes."""
    transfers = load.clients * load.iterations * TRANSFERS_PER_STEP
    needed = PROCESS_BYTES + transfers * PER_TRANSFER_BYTES
    if load.trains:
        needed += JUDGING_BYTES + PER_DEVICE_BYTE * load.held_bytes + PER_IMAGE_BYTE * load.data_bytes
    return needed


def free_bytes() -> float:
    """Return the memory that a new process may take here, in bytes: the machine's, or what its container leaves."""
    free = float(psutil.virtual_memory().available)
    limit, used = (_cgroup_number(_CGROUP / name) for name in ("memory.max", "memory.current"))
    return free if limit is None or used is None else min(free, limit - used + _reclaimable())


def _reclaimable() -> float:
    """Return how much of what the container uses are files that the kernel keeps while nobody wants the room."""
    try:
        lines = (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0.0)


def _cgroup_number(file: Path) -> float | None:
    """Read a number of the kernel's; None where there is no such file, or no limit."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return float(text) if text.isdigit() else None
