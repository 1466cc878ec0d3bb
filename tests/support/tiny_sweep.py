"""A sweep of the tiny scenario: two mixes whose runs train the same, two batch sizes, two seeds."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tiny_run import HETEDGE, LISTENING, environment, hetedge_process, write_tiny

DEADLINE_S = 120.0

SWEEP = """\
name: small
base: tiny.yaml
set: {cuts: {selector: fixed, every_client: [1, 2, 2, 1]}}
axes:
  mix:
    variants:
      pis: {devices.clients: [{profile: raspberry-pi-4, count: 4}]}
      phones: {devices.clients: [{profile: phone-2024, count: 4}]}
  strategy.batch_size: [8, 16]
seeds: 2
target: fid<1000
"""

JOBS, TRAININGS = 8, 4
"""How many jobs it has, and how many of them differ in what they train."""

TABLES = ("results.parquet", "curves.parquet")


def write_small_sweep(folder: Path, text: str = SWEEP) -> Path:
    """Write a sweep beside the tiny scenario; return its file."""
    if not (folder / "tiny.yaml").exists():
        write_tiny(folder)
    file = folder / "small.yaml"
    file.write_text(text)
    return file


def sweep(folder: Path, out: str, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Do the sweep with the command line, with the cache in its folder; return the finished process."""
    return hetedge_process("sweep", "small.yaml", "-o", out, *options, folder=folder, **more)


def start_sweep(folder: Path, out: str, *options: str, **more: str) -> subprocess.Popen[str]:
    """Begin the sweep with the command line."""
    *interpreter, code = HETEDGE
    command = [*interpreter, LISTENING + code, "sweep", "small.yaml", "-o", out, *options]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(folder / "cache", **more),
    )


def wait_until(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for something to be true while a process lives."""
    end = time.monotonic() + DEADLINE_S
    while not happened():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def tables(folder: Path) -> list[bytes]:
    """Return a sweep's tables, to the last bit."""
    return [(folder / name).read_bytes() for name in TABLES]


def attempts(folder: Path) -> list[dict[str, Any]]:
    """Return what was tried in a sweep, in its order."""
    file = folder / "attempts.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def events(folder: Path, event: str) -> list[str]:
    """Return the jobs of all events of a kind, in their order."""
    return [line["job"] for line in attempts(folder) if line["event"] == event]


def begun_again_after_the_end(lines: Sequence[dict[str, Any]]) -> list[str]:
    """Return the jobs that were begun although they had been finished before."""
    ended: set[str] = set()
    again = []
    for line in lines:
        if line["event"] == "finished":
            ended.add(line["job"])
        elif line["event"] == "started" and line["job"] in ended:
            again.append(line["job"])
    return again
