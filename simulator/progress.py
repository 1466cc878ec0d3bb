"""How far a run is: rounds, iterations, the simulated clock, losses, the latest FID, and the time left.

On a terminal it is one live line on standard error; elsewhere one plain line a round. It only looks: nothing of
a run depends on it.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

from analysis.readable import duration_text
from simulator.commits import Entry
from simulator.plan import Plan
from simulator.terminal import logs_above_bars

log = logging.getLogger(__name__)

SECONDS_BETWEEN_TELLINGS = 0.5
"""Real time that passes between two tellings to another process, evaluations aside."""


class Latest(Protocol):
    """What a run knows of its own quality, as it goes."""

    @property
    def losses(self) -> tuple[float, float]:
        """The latest mean losses of discriminator and generator."""

    @property
    def latest(self) -> Mapping[str, Mapping[str, float]]:
        """The latest metrics of every domain."""


class Progress:
    """Follows a run by its commits.

    Args:
        live: whether to draw a live line; else a plain line is logged after each evaluation.
    """

    def __init__(self, live: bool) -> None:
        self._live = live
        self._latest: Latest | None = None
        self._plan: Plan | None = None
        self._bar: RichProgress | None = None
        self._done = 0
        self._started = 0.0

    def say(self, what: str) -> None:
        """Tell what is being done outside the rounds."""
        log.info("%s", what)

    @contextmanager
    def started(self, plan: Plan, latest: Latest) -> Iterator[None]:
        """Follow a run while it lasts."""
        self._plan, self._latest, self._done, self._started = plan, latest, 0, time.perf_counter()
        if not self._live:
            yield
            return
        # Lines of a narrow terminal are folded, not cut: each of the facts was asked for.
        folded = Column(no_wrap=False, overflow="fold", ratio=1)
        text = TextColumn("{task.description}\n{task.fields[facts]}", markup=False, table_column=folded)
        columns = (BarColumn(bar_width=12), text)
        bars = RichProgress(*columns, console=Console(stderr=True), transient=True)
        with bars as self._bar, logs_above_bars():
            self._bar.add_task("starting", total=self._iterations, facts="")
            yield

    def committed(self, entry: Entry) -> None:
        """Take notice of a commit."""
        commit = entry.commit
        if self._plan is not None and commit.kind == self._plan.final_kind:
            self._done += 1
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(
                task, completed=self._done, description=self._where(entry), facts=self._text(entry)
            )
        elif commit.kind == "evaluate":
            log.info("%s: %s", self._where(entry), self._text(entry))

    @property
    def _iterations(self) -> int:
        return self._plan.rounds * self._plan.iterations_per_round if self._plan is not None else 0

    def _where(self, entry: Entry) -> str:
        plan, round_ = self._plan, entry.commit.info["round"]
        if plan is None or round_ < 0:
            return "before training"
        return f"round {round_ + 1}/{plan.rounds}, iteration {self._done}/{self._iterations}"

    def _text(self, entry: Entry) -> str:
        """Return the simulated clock, losses, latest FIDs and the time left as one line."""
        parts = [f"simulated {duration_text(entry.commit.time_s)}"]
        latest = self._latest
        if latest is not None and self._done and latest.latest:
            parts.append(f"loss D {latest.losses[0]:.3f} G {latest.losses[1]:.3f}")
        metrics = latest.latest if latest is not None else {}
        fids = [f"{domain} {found['fid']:.1f}" for domain, found in metrics.items() if "fid" in found]
        if fids:
            parts.append("FID " + ", ".join(fids))
        stops = entry.decision is not None and entry.decision.stop
        ended = stops or bool(entry.commit.info.get("last"))
        if 0 < self._done < self._iterations and not ended:
            left_s = (time.perf_counter() - self._started) / self._done * (self._iterations - self._done)
            parts.append(f"{duration_text(left_s)} left")
        return ", ".join(parts)


@dataclass(frozen=True)
class Told:
    """How far a run is, as it is told to another process.

    Attributes:
        done: iterations that are done.
        iterations: all that there are, unless the run ends early.
        where: round and iteration, in words.
        facts: the simulated clock, losses, latest FIDs and the time left, in words.
    """

    done: int
    iterations: int
    where: str
    facts: str


class ToldProgress(Progress):
    """Follows a run and tells it, not more often than anybody can read.

    Args:
        tell: what is told.
    """

    def __init__(self, tell: Callable[[Told], None]) -> None:
        super().__init__(live=False)
        self._tell = tell
        self._told_at = -math.inf

    def committed(self, entry: Entry) -> None:
        """Take notice of a commit; tell of evaluations, and of others now and then."""
        super().committed(entry)
        now = time.perf_counter()
        if entry.commit.kind == "evaluate" or now - self._told_at >= SECONDS_BETWEEN_TELLINGS:
            self._told_at = now
            self._tell(Told(self._done, self._iterations, self._where(entry), self._text(entry)))


def silent() -> Progress:
    """Return a progress that only logs."""
    return Progress(live=False)


def for_terminal() -> Progress:
    """Return a live line where standard error is a terminal, else plain log lines."""
    return Progress(live=sys.stderr.isatty())
