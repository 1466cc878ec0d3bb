"""A run whose terminal is closed goes on, and says so in its log."""

import os
import pty
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tiny_run import HETEDGE, write_tiny

DEADLINE_S = 120.0

LONG_ENOUGH = ("--set", "strategy.rounds=3", "--set", "strategy.steps_per_round=25")


def start_on_terminal(arguments: list[str], folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command with a terminal of its own as its controlling one; return it and the terminal's other end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*HETEDGE, *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: _take_terminal(theirs),
    )
    os.close(theirs)
    return process, ours


def _take_terminal(terminal: int) -> None:
    import fcntl
    import termios

    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def wait_until(happened, terminal: int) -> None:
    """Wait for something to be true, and read the terminal meanwhile."""
    end = time.monotonic() + DEADLINE_S
    while not happened():
        drain(terminal)
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def drain(terminal: int) -> None:
    """Read what a terminal shows by now, so that writing to it does not stall."""
    os.set_blocking(terminal, False)
    with suppress(OSError):
        os.read(terminal, 1_000_000)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["closed", "hung up"])
def test_a_run_outlives_its_terminal(tmp_path, how):
    write_tiny(tmp_path)
    process, terminal = start_on_terminal(["run", "tiny.yaml", "-o", "out", *LONG_ENOUGH], tmp_path)
    log = tmp_path / "out" / "run.log"
    wait_until(lambda: log.exists() or process.poll() is not None, terminal)
    assert process.poll() is None
    if how == "hung up":
        os.kill(process.pid, signal.SIGHUP)
        wait_until(lambda: "the terminal is gone" in log.read_text(), terminal)
    os.close(terminal)
    assert process.wait(DEADLINE_S) == 0
    assert "the terminal is gone; going on without it" in log.read_text()
    assert (tmp_path / "out" / "summary.json").is_file()


@pytest.mark.slow
def test_a_sweep_and_its_workers_outlive_their_terminal(tmp_path):
    write_tiny(tmp_path)
    (tmp_path / "sweep.yaml").write_text("base: tiny.yaml\nseeds: 2\n")
    arguments = ["sweep", "sweep.yaml", "-o", "out", "--workers", "2", *LONG_ENOUGH]
    process, terminal = start_on_terminal(arguments, tmp_path)
    unfinished = tmp_path / "out" / "unfinished"
    wait_until(lambda: list(unfinished.glob("*/run/scenario.yaml")), terminal)
    os.close(terminal)
    assert process.wait(DEADLINE_S) == 0
    assert "the terminal is gone" in (tmp_path / "out" / "sweep.log").read_text()
    assert (tmp_path / "out" / "results.parquet").is_file()
    attempts = (tmp_path / "out" / "attempts.jsonl").read_text()
    assert attempts.count('"started"') == 2
