"""Runs of the tiny scenario by the library, without figures: the larger part of so short a run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_run import write_tiny

from analysis.runs import Run
from simulator import retiming, runner


class TinyRuns:
    """A folder with the tiny scenario, its images and a cache.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scenario = write_tiny(folder)

    def train(self, name: str, *overrides: str, scenario: Path | None = None) -> Run:
        """Train into a folder of this name."""
        with self._quickly():
            return runner.run(scenario or self.scenario, self.folder / name, overrides)

    def retime(self, run: Run | Path, name: str, *overrides: str) -> Run:
        """Retime a run into a folder of this name; no image can be opened meanwhile."""
        with self._quickly(), self._without_images():
            return retiming.retime(run if isinstance(run, Path) else run.path, self.folder / name, overrides)

    @contextmanager
    def _quickly(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HETEDGE_CACHE", str(self.folder / "cache"))
            patch.delenv("HETEDGE_DATA", raising=False)
            patch.setattr("simulator.writing.FIGURES", {})
            patch.setattr("simulator.retiming.FIGURES_DRAWN", ())
            yield

    @contextmanager
    def _without_images(self) -> Iterator[None]:
        hidden = [(self.folder / name, self.folder / f"hidden-{name}") for name in ("bars", "dots")]
        for here, there in hidden:
            os.rename(here, there)
        try:
            yield
        finally:
            for here, there in hidden:
                os.rename(there, here)


def copied(run: Run, folder: Path, harm: Callable[[Path], object] = lambda path: None) -> Path:
    """Copy a run folder, and do something to the copy."""
    shutil.copytree(run.path, folder)
    harm(folder)
    return folder
