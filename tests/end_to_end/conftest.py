"""The command line inside the test process, and one tiny run that many tests read."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_run import hetedge_process, write_tiny

from simulator import cli


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard error."""
        return self.err.splitlines()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all commands in this process, away from the folders that tests look into."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def hetedge(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Run the command in this process (milliseconds instead of a second), in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HETEDGE_DATA", raising=False)
    monkeypatch.setenv("HETEDGE_CACHE", str(cache))

    def command(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["hetedge", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        logging.getLogger().handlers[0].flush()
        return Answer(int(stopped.value.code or 0), *capfd.readouterr())

    return command


@dataclass(frozen=True)
class TinyRun:
    """A finished tiny run: the folder it was started in, its own folder, and what was printed."""

    home: Path
    folder: Path
    out: str
    err: str


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """Train the tiny scenario once, by the command, into its default folder."""
    home = tmp_path_factory.mktemp("tiny")
    write_tiny(home)
    done = hetedge_process("run", "tiny.yaml", folder=home)
    assert done.returncode == 0, done.stderr
    return TinyRun(home, home / done.stdout.splitlines()[-1], done.stdout, done.stderr)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Write the tiny scenario and its images into the test's folder."""
    return write_tiny(tmp_path)
