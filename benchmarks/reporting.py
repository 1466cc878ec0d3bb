"""What all benchmarks share: interleaved timing, the table of bars, and the machine it was measured on.

A benchmark measures ratios within one process, because absolute times say more about the machine and its other
users than about the code. Candidates take turns, so that a slow minute hits them alike, and their medians are
compared.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

PACKAGES = ("hetedge", "numpy", "simpy", "torch")


@dataclass(frozen=True)
class Measurement:
    """One measured number beside the bar it is held against.

    Attributes:
        what: what was measured.
        measured: the number.
        unit: its unit; ``x`` for a ratio.
        bar: the number it should not exceed (``<=``) or fall below (``>=``); ``None`` for a number that only informs.
        side: on which side of the bar it should lie.
    """

    what: str
    measured: float
    unit: str
    bar: float | None = None
    side: Literal["<=", ">="] = "<="

    @property
    def verdict(self) -> str:
        """``holds``, ``missed``, or nothing where there is no bar."""
        if self.bar is None:
            return ""
        holds = self.measured <= self.bar if self.side == "<=" else self.measured >= self.bar
        return "holds" if holds else "missed"


def parse_arguments(description: str, threads: int = 1) -> argparse.Namespace:
    """Read ``--quick``, ``--threads`` and ``--json`` from the command line."""
    return argument_parser(description, threads).parse_args()


def argument_parser(description: str, threads: int = 1) -> argparse.ArgumentParser:
    """Return the parser of ``--quick``, ``--threads`` and ``--json``, for a benchmark that knows more options."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, few repetitions: does it still run?"
    )
    parser.add_argument("--threads", type=int, default=threads, help="torch's threads (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE as well")
    return parser


def clock(threads: int) -> Callable[[], float]:
    """Return the clock to measure with, in seconds.

    With one thread it is the processor time of this process, which other processes disturb less; with more it
    is the clock on the wall, because waiting threads burn processor time.
    """
    return time.process_time if threads == 1 else time.perf_counter


def interleaved_medians(
    candidates: Mapping[str, Callable[[], object]], repetitions: int, now: Callable[[], float]
) -> dict[str, float]:
    """Return every candidate's median seconds; they take turns, and each has one turn to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(repetitions + 1):
        for name, run in candidates.items():
            started = now()
            run()
            if turn:
                seconds[name].append(now() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def report(arguments: argparse.Namespace, measurements: Sequence[Measurement]) -> None:
    """Print the machine and the table; write both to the file the command line names."""
    machine = describe_machine(arguments)
    for name, value in machine.items():
        print(f"{name:12s}{value}")
    print()
    width = max(len(one.what) for one in measurements)
    for one in measurements:
        bar = "" if one.bar is None else f"bar {one.side} {one.bar:g} {one.unit}"
        verdict = "" if arguments.quick else one.verdict
        print(f"{one.what:{width}s}  {one.measured:10.4g} {one.unit:8s}  {bar:18s}  {verdict}".rstrip())
    if arguments.json is not None:
        rows = [asdict(one) | {"verdict": one.verdict} for one in measurements]
        text = json.dumps({"machine": machine, "measurements": rows}, indent=2)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def describe_machine(arguments: argparse.Namespace) -> dict[str, str]:
    """Return what the numbers depend on besides the code: versions, machine, threads, clock."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {
        "versions": ", ".join((f"python {platform.python_version()}", *versions)),
        "machine": f"{platform.platform()}, {os.cpu_count()} processors, load {load:.1f} in the last minute",
        "threads": str(arguments.threads),
        "clock": "processor time" if arguments.threads == 1 else "wall",
        "form": "quick: the numbers are no evidence" if arguments.quick else "full",
    }
