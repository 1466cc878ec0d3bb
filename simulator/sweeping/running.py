"""A sweep, from its file to its table: what is finished is kept, what trains the same trains once, the rest is done."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from analysis.runs import RunError
from analysis.sweeps import Sweep
from scenarios.dump import resolved
from scenarios.paths import files_named
from simulator.executors.executor import Done, Event, Executor, Lost, Underway
from simulator.executors.task import Task
from simulator.run_log import early_log, log_file
from simulator.sweeping.asking import Asked
from simulator.sweeping.concluding import Concluded, conclude
from simulator.sweeping.display import Display
from simulator.sweeping.folder import LOG_FILE, SweepFolder
from simulator.sweeping.preparing import Prepared, prepare

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
"""How often a job is begun at most, where its worker dies."""

POLL_S = 0.5


class FailedJobsError(RunError):
    """Some jobs of a sweep failed, after all else was done and written.

    Attributes:
        sweep: the sweep.
    """

    def __init__(self, message: str, sweep: Sweep) -> None:
        super().__init__(message)
        self.sweep = sweep


MakeExecutor = Callable[[Path], AbstractContextManager[Executor]]


def carry_out(asked: Asked, make_executor: MakeExecutor, display: Display) -> Sweep:
    """Do a sweep, or what is left of it, and conclude it: tables, figures, report.

    Args:
        asked: the sweep.
        make_executor: makes what does its jobs, given the folder in which they are done.
        display: what is told how far it is.

    Returns:
        The sweep, as read back from its folder.

    Raises:
        ScenarioError: where data are missing or wrong.
        FileExistsError: where the folder holds something else, or another sweep writes into it.
        FailedJobsError: where jobs failed, after everything else was done and written.
        RunError: where the folder cannot be written.
        ExecutorError: where there is no such executor.
    """
    folder = asked.folder
    with early_log() as early:
        prepared = prepare(asked.jobs)
        with folder.alone(), log_file(folder.files, early, LOG_FILE):
            folder.begin(asked.file.name, asked.file.text, asked.command, asked.jobs)
            folder.adopt(asked.jobs)
            course = Course(folder, prepared, display)
            course.follow(make_executor)
            concluded = conclude(
                Concluded(asked.file, asked.target, asked.command, folder.path, asked.jobs, course.errors)
            )
            folder.tidy()
    if course.errors:
        raise FailedJobsError(_failures(asked, course.errors), concluded)
    return concluded


def _failures(asked: Asked, errors: Mapping[str, str]) -> str:
    failed = [job for job in asked.jobs if job.id in errors]
    lines = [f"{job.id} ({job.title}) failed: {errors[job.id]}" for job in failed]
    last = f"{len(failed)} of {len(asked.jobs)} jobs failed; --resume tries them again"
    return "\n".join([*lines, f"{asked.folder.path}: {last}"])


class Course:
    """The jobs of a sweep on their way: who waits for whose training, who is under way, who failed and why.

    Args:
        folder: the sweep's folder.
        prepared: the jobs, in their order.
        display: what is told how far they are.

    Attributes:
        errors: why jobs failed, by their id.
    """

    def __init__(self, folder: SweepFolder, prepared: Sequence[Prepared], display: Display) -> None:
        self.errors: dict[str, str] = {}
        self._folder = folder
        self._display = display
        self._all = {one.job.id: one for one in prepared}
        self._trained: dict[str, Path] = {}
        self._in_training: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._facts: dict[str, str] = {}
        self._under_way: set[str] = set()
        self._waiting: deque[Prepared] = deque()
        told = folder.told_finished()
        for one in prepared:
            if folder.is_finished(one.job, one.ground):
                self._note_training(one)
                if one.job.id not in told:  # the sweep was killed before it had
                    folder.note("finished", one.job, adopted=True)
            else:
                self._waiting.append(one)

    def follow(self, make_executor: MakeExecutor) -> None:
        """Do all that is left to do."""
        if not self._waiting:
            return
        with (
            make_executor(self._folder.scratch) as executor,
            self._display.started(len(self._all), len(self._waiting), executor.where),
        ):
            while self._waiting or self._under_way:
                self._start_what_may(executor)
                for event in executor.events(POLL_S) if self._under_way else ():
                    self._take(event)

    def _start_what_may(self, executor: Executor) -> None:
        """Start jobs, in their order, but for those whose training another one is at."""
        for one in list(self._waiting):
            if not executor.has_room:
                return
            if one.refusal:
                self._waiting.remove(one)
                self._fail(one, one.refusal)
            elif one.training is None or one.training not in self._in_training:
                lacking = executor.lacks(self._task(one))
                if lacking and self._under_way:
                    return
                self._waiting.remove(one)
                self._fail(one, lacking) if lacking else self._start(one, executor)

    def _task(self, one: Prepared) -> Task:
        trained = self._trained.get(one.training) if one.training is not None else None
        return Task(
            job=one.job.id,
            scenario=one.job.text,
            needed_bytes=one.needed_bytes,
            trained=trained,
            files=tuple(Path(name) for name in sorted(set(files_named(resolved(one.job.loaded.scenario))))),
            gpus=int(str(one.ground["device"]).startswith("cuda")),
        )

    def _start(self, one: Prepared, executor: Executor) -> None:
        job, task = one.job, self._task(one)
        self._attempts[job.id] = self._attempts.get(job.id, 0) + 1
        if one.training is not None and task.trained is None:
            self._in_training.add(one.training)
        self._under_way.add(job.id)
        self._folder.note("started", job, attempt=self._attempts[job.id], retimed=task.trained is not None)
        self._display.begins(job, task.trained is not None)
        try:
            executor.start(task)
        except OSError as error:
            # A file that it takes with it, or its own folder.
            self._end(one)
            self._fail(one, f"{error.filename}: {error.strerror or error}")

    def _take(self, event: Event) -> None:
        one = self._all[event.job]
        if isinstance(event, Underway):
            self._facts[event.job] = event.told.facts
            self._display.goes_on(one.job, event.told)
            return
        self._end(one)
        if isinstance(event, Lost):
            self._lost(one, event)
        elif event.outcome.error:
            self._fail(one, event.outcome.error, event)
        else:
            self._finish(one, event)

    def _end(self, one: Prepared) -> None:
        self._under_way.discard(one.job.id)
        self._in_training.discard(one.training or "")

    def _lost(self, one: Prepared, event: Lost) -> None:
        self._folder.drop(one.job)
        if event.final or self._attempts[one.job.id] >= MOST_ATTEMPTS:
            self._fail(one, event.why)
            return
        self._folder.note("lost", one.job, why=event.why)
        self._display.again(one.job, event.why)
        self._waiting.appendleft(one)

    def _fail(self, one: Prepared, error: str, done: Done | None = None) -> None:
        self.errors[one.job.id] = error
        details, run = (done.outcome.details, done.folder) if done is not None else ("", None)
        self._folder.fail(one.job, error, details, run)
        self._folder.note("failed", one.job, error=error)
        self._display.ended(one.job, error, done.outcome.seconds if done is not None else 0.0)

    def _finish(self, one: Prepared, done: Done) -> None:
        if told := self._folder.changed_grounds(done.folder, one.ground):
            self._fail(one, f"it ran on other grounds than these here: {told}", done)
            return
        self._folder.keep(one.job, done.folder)
        self._note_training(one)
        outcome = done.outcome
        self._folder.note(
            "finished",
            one.job,
            seconds=round(outcome.seconds, 3),
            peak_bytes=outcome.peak_bytes,
            worker=outcome.worker,
        )
        said = [text for text in (self._facts.pop(one.job.id, ""), outcome.remark) if text]
        self._display.ended(one.job, "", outcome.seconds, "; ".join(said))

    def _note_training(self, one: Prepared) -> None:
        if one.training is not None:
            self._trained.setdefault(one.training, self._folder.run_folder(one.job))
