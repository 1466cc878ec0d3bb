"""The profile of the machine that hetedge runs on: what the system tells of it, written as a device profile."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from devices.profile import DeviceProfile, load_profile
from devices.units import Kind, humanize, to_text
from simulator.calibration import Calibration, Setup
from simulator.environment import processor_name

ASSUMED_LINKS = {
    "uplink": ("300 Mbit/s", "assumed: 802.11ax with two antennas, seen by TCP in a shared channel"),
    "downlink": ("300 Mbit/s", "assumed: as the uplink"),
    "latency": ("2 ms", "assumed: one Wi-Fi hop"),
}
"""Links are not measured; these are the laptop's of the catalogue."""

SUFFIXES = (".yaml", ".yml")

_HEADING = (
    "# This machine, as hetedge calibrate measured it. Its links are assumed: put in what is true of yours.\n"
)


@dataclass(frozen=True)
class Machine:
    """What the system tells of itself.

    Attributes:
        processor: name of the processor.
        torch: version of torch.
        processors: how many of them this process may use.
        memory_bytes: all memory of the system; None where the system does not tell.
        day: the day of the measurement.
    """

    processor: str
    torch: str
    processors: int
    memory_bytes: int | None
    day: date


def this_machine() -> Machine:
    """Return what this machine's system tells; nothing is measured."""
    return Machine(processor_name(), version("torch"), _processors(), _memory_bytes(), date.today())


class UnfitError(ValueError):
    """What was asked for cannot be measured here, or not be written there; the message begins with the option."""


def check_fit(setup: Setup, machine: Machine) -> None:
    """Make sure that this machine can measure what is asked for.

    Raises:
        UnfitError: where it has fewer processors, or less memory.
    """
    if setup.threads > machine.processors:
        raise UnfitError(
            f"--threads: {setup.threads}; this machine has {machine.processors} "
            f"processor{'s' if machine.processors > 1 else ''}, allowed: at most as many threads"
        )
    memory = machine.memory_bytes
    if memory is not None and setup.memory_bytes > memory:
        raise UnfitError(
            f"--batch-size: {setup.batch} at width {setup.model.width} takes about "
            f"{humanize(setup.memory_bytes, Kind.BYTES)}; this machine has {humanize(memory, Kind.BYTES)}, "
            "take a smaller batch or width"
        )


def check_path(path: Path) -> None:
    """Make sure that a new profile can be written, before time is spent on what goes into it; leave no file behind.

    Raises:
        UnfitError: where it cannot: the file exists, its folder does not or is closed to us, or no scenario would take
            its name for that of a file.
    """
    if path.suffix not in SUFFIXES:
        raise UnfitError(f"-o: {path}; the name of a profile ends in {' or '.join(SUFFIXES)}")
    if str(path) != str(path).encode(errors="ignore").decode():
        # Bytes of a name that are no UTF-8 come as lone surrogates.
        raise UnfitError(f"-o: {str(path)!a}; no scenario could write this name, allowed: UTF-8 text")
    try:
        path.open("x").close()
    except FileExistsError:
        raise UnfitError(f"-o: {path}: there is such a file already; name a new one") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UnfitError(
            f"-o: {path}: {reason}; name a new file in a folder that can be written to"
        ) from error
    path.unlink()


def write_profile(path: Path, calibration: Calibration, machine: Machine) -> DeviceProfile:
    """Write a new profile file and return it as read back.

    Raises:
        OSError: where the file exists by now, or cannot be written.
    """
    with path.open("x", encoding="utf-8") as file:
        file.write(profile_text(calibration, machine))
    return load_profile(str(path.absolute()))


def profile_text(calibration: Calibration, machine: Machine) -> str:
    """Return the profile as YAML, every number with its source."""
    setup = calibration.setup
    how = (
        f"measured by hetedge calibrate: {setup.model.name}, width {setup.model.width}, batch {setup.batch}, "
        f"{setup.threads} thread{'s' if setup.threads > 1 else ''}, torch {machine.torch}, {machine.processor}, "
        f"{machine.day.isoformat()}"
    )
    # Rounded to four digits: more would claim what no measurement holds.
    rate = humanize(calibration.flops_per_s, Kind.FLOPS_PER_S)
    spread = f"median of {calibration.repeats} repeats, spread {100 * calibration.spread:.1f} %"
    numbers = {"measured_flops_per_s": (rate, f"{how}; {spread}")}
    if machine.memory_bytes is not None:
        memory = to_text(machine.memory_bytes // 2**20 * 2**20, Kind.BYTES)
        numbers["memory"] = (memory, "told by the system: all of its memory; other programs need some of it")
    lines = [
        f"{key}: {{value: {value}, source: {json.dumps(source)}}}"
        for key, (value, source) in (numbers | ASSUMED_LINKS).items()
    ]
    description = json.dumps(f"The machine that hetedge ran on: {machine.processor}.")
    return _HEADING + "\n".join([f"description: {description}", "kind: computer", *lines]) + "\n"


def _processors() -> int:
    """Return how many processors this process may use; not every system can bind a process to some of them."""
    bound = getattr(os, "sched_getaffinity", None)
    return len(bound(0)) if bound is not None else os.cpu_count() or 1


def _memory_bytes() -> int | None:
    """Return the system's memory; only POSIX systems tell."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
