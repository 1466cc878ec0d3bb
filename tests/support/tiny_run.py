"""A scenario that runs in a second: random images of the user's own, networks of width 2, one step a round."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

HETEDGE = (sys.executable, "-c", "from simulator.cli import main; main()")
"""The command of this interpreter's environment, whether its scripts are on PATH or not."""

LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
"""A process inherits that Ctrl-C is ignored, say from a shell that runs the tests in the background."""

TINY = """\
name: tiny
devices:
  server: server-small
  clients:
    - {profile: raspberry-pi-4, count: 2}
    - {profile: phone-2024, count: 2}
data:
  domains:
    - {dataset: {path: bars, format: idx}, clients: 2}
    - {dataset: {path: dots, format: idx}, clients: 2}
model: {width: 2}
cuts: {selector: greedy}
strategy: {rounds: 2, steps_per_round: 1, batch_size: 8, warmup_rounds: 0, clusters: 2}
evaluation: {samples: 20, cas: {samples: 20, epochs: 1}}
execution: {device: cpu, threads: 1}
"""


def write_idx(folder: Path, part: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Write a part of a data set as MNIST's files are written: uint8 images [n, 28, 28] and labels [n]."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, magic, array in (("images-idx3", 0x0803, images), ("labels-idx1", 0x0801, labels)):
        header = np.array([magic, *array.shape], dtype=">u4").tobytes()
        (folder / f"{part}-{kind}-ubyte").write_bytes(header + array.astype(np.uint8).tobytes())


def write_images(folder: Path, seed: int) -> None:
    """Write a small data set: 80 images to train on and 40 to test on, of ten classes."""
    rng = np.random.default_rng(seed)
    for part, count in (("train", 80), ("t10k", 40)):
        write_idx(folder, part, rng.integers(0, 256, (count, 28, 28)), np.arange(count) % 10)


def write_tiny(folder: Path) -> Path:
    """Write the scenario and its images; return the scenario's file."""
    write_images(folder / "bars", 1)
    write_images(folder / "dots", 2)
    path = folder / "tiny.yaml"
    path.write_text(TINY)
    return path


def environment(cache: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process: this one's, with its own cache, one thread and no data folder."""
    kept = {key: value for key, value in os.environ.items() if key not in {"HETEDGE_DATA", "PYTHONPATH"}}
    return kept | {"HETEDGE_CACHE": str(cache), "OMP_NUM_THREADS": "1"} | more


def hetedge_process(*arguments: object, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, in a folder, which also holds its cache."""
    command = [*HETEDGE, *map(str, arguments)]
    env = environment(folder / "cache", **more)
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)


def interrupted_process(*arguments: object, folder: Path, when: str) -> tuple[int, str, str]:
    """Run the command and press Ctrl-C as soon as a line of standard error holds a text.

    Returns:
        Exit code, standard output, standard error.
    """
    *interpreter, code = HETEDGE
    command = [*interpreter, LISTENING + code, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, env=environment(folder / "cache"), **pipes) as process:
        told = ""
        for line in process.stderr:
            told += line
            if when in line:
                process.send_signal(signal.SIGINT)
                break
        try:
            out, rest = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return process.returncode, out, told + rest
