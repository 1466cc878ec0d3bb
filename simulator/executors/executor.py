"""What a sweep asks of an executor, and what an executor tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from simulator.executors.task import Outcome, Task
from simulator.progress import Told


class ExecutorError(ValueError):
    """An executor that cannot be had; the message says what came and what is allowed."""


@dataclass(frozen=True)
class Underway:
    """How far a job is."""

    job: str
    told: Told


@dataclass(frozen=True)
class Done:
    """A job came to its end, well or not.

    Attributes:
        job: its id.
        outcome: what came of it.
        folder: the run folder; whole where the outcome is without error, else what there is of it, if anything.
    """

    job: str
    outcome: Outcome
    folder: Path


@dataclass(frozen=True)
class Lost:
    """A job's worker died; nothing came of it.

    Attributes:
        job: its id.
        why: what is known of the death.
        final: whether the executor has tried again itself, as often as it does.
    """

    job: str
    why: str
    final: bool = False


Event: TypeAlias = Underway | Done | Lost


class Executor(Protocol):
    """Where tasks are done. Used in a ``with``; leaving it ends what is still under way."""

    @property
    def where(self) -> str:
        """Where tasks are done, in words."""

    @property
    def has_room(self) -> bool:
        """Whether another task may be started."""

    def lacks(self, task: Task) -> str:
        """Return in words why there is too little memory for a task now; nothing where there is enough."""

    def start(self, task: Task) -> None:
        """Start a task."""

    def events(self, timeout_s: float) -> Iterable[Event]:
        """Wait until there is something to tell, at most for a time, and tell it."""

    def close(self) -> None:
        """End everything."""
