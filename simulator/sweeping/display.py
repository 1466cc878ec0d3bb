"""What is seen of a sweep while it lasts: on a terminal a bar for all and one for every run, else a line a job."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

from analysis.readable import duration_text
from simulator.progress import Told
from simulator.sweeping.jobs import Job
from simulator.terminal import logs_above_bars

log = logging.getLogger(__name__)


class Display:
    """Shows how far a sweep is. It only looks: nothing of the sweep depends on it.

    Args:
        live: whether to draw bars; lines are logged in any case.
    """

    def __init__(self, live: bool) -> None:
        self._live = live
        self._bars: RichProgress | None = None
        self._overall: TaskID | None = None
        self._rows: dict[str, TaskID] = {}
        self._started_at = 0.0
        self._todo = self._ended = self._failed = 0

    @contextmanager
    def started(self, jobs: int, todo: int, where: str) -> Iterator[None]:
        """Follow a sweep while it lasts.

        Args:
            jobs: how many jobs it has.
            todo: how many of them are not finished yet.
            where: where they are done, in words.
        """
        self._todo, self._started_at = todo, time.perf_counter()
        log.info("%d jobs, %d to do, on %s", jobs, todo, where)
        if not self._live:
            yield
            return
        folded = Column(no_wrap=False, overflow="fold", ratio=1)
        columns = (
            BarColumn(bar_width=12),
            TextColumn("{task.description}", markup=False, table_column=folded),
        )
        bars = RichProgress(*columns, console=Console(stderr=True), transient=True)
        with bars as self._bars, logs_above_bars():
            self._overall = self._bars.add_task(self._overall_text(), total=max(1, todo))
            yield
        self._bars = None

    def begins(self, job: Job, retimed: bool) -> None:
        """Tell that a job begins."""
        log.info("%s (%s) %s", job.id, job.title, "is retimed" if retimed else "begins")
        if self._bars is not None:
            self._rows[job.id] = self._bars.add_task(f"{job.title}: begins", total=None)

    def goes_on(self, job: Job, told: Told) -> None:
        """Tell how far a job is."""
        if self._bars is not None and job.id in self._rows:
            text = f"{job.title}: {told.where}\n{told.facts}"
            self._bars.update(
                self._rows[job.id], total=told.iterations, completed=told.done, description=text
            )

    def again(self, job: Job, why: str) -> None:
        """Tell that a job must begin again."""
        log.warning("%s (%s): %s; it is tried again", job.id, job.title, why)
        self._remove(job)

    def ended(self, job: Job, error: str, seconds: float, facts: str = "") -> None:
        """Tell that a job has ended, well or not."""
        self._ended += 1
        self._failed += bool(error)
        self._remove(job)
        if error:
            log.error("%s (%s) failed: %s", job.id, job.title, error)
        else:
            told = f": {facts}" if facts else ""
            log.info("%s (%s) finished in %s%s", job.id, job.title, duration_text(seconds), told)
        log.info("%s", self._overall_text())
        if self._bars is not None and self._overall is not None:
            self._bars.update(self._overall, completed=self._ended, description=self._overall_text())

    def _remove(self, job: Job) -> None:
        if self._bars is not None and job.id in self._rows:
            self._bars.remove_task(self._rows.pop(job.id))

    def _overall_text(self) -> str:
        parts = [f"{self._ended} of {self._todo} jobs"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if 0 < self._ended < self._todo:
            left_s = (time.perf_counter() - self._started_at) / self._ended * (self._todo - self._ended)
            parts.append(f"{duration_text(left_s)} left")
        return ", ".join(parts)
