"""Tasks in processes of this machine: one at a time in each, every one with a single thread.

Workers are spawned, not forked, so that they begin alike however their parent has begun; they live for many tasks,
since loading the libraries takes seconds. One that dies takes its task with it and nothing else. One whose parent dies,
even by a signal that nobody can catch, ends at once: nobody is left to write where another sweep may begin.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import psutil

from simulator.executors.executor import Done, Event, Lost, Underway
from simulator.executors.memory import free_bytes
from simulator.executors.places import RUN
from simulator.executors.task import ONE_THREAD_ENVIRONMENT, Outcome, Task, perform
from simulator.progress import Told

_SPAWN = multiprocessing.get_context("spawn")
_END_WITHIN_S = 5.0


class _Worker:
    """A process and what it does.

    Attributes:
        task: what it does; None where it waits.
        folder: where it does it.
    """

    def __init__(self) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.process: SpawnProcess = _SPAWN.Process(target=_work, args=(theirs,), daemon=True)
        with _ignored_signals():
            self.process.start()
        theirs.close()
        self.task: Task | None = None
        self.folder = Path()

    def start(self, task: Task, folder: Path) -> None:
        self.connection.send((task, folder))
        self.task, self.folder = task, folder

    def still_to_take(self) -> float:
        """Return how much more memory its task may take than it has by now, in bytes."""
        return 0.0 if self.task is None else max(0.0, self.task.needed_bytes - self.has_bytes())

    def has_bytes(self) -> int:
        """Return how much memory it has, in bytes."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def end(self) -> None:
        self.process.terminate()
        self.process.join(_END_WITHIN_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.connection.close()


class LocalExecutor:
    """Does tasks on this machine.

    Args:
        workers: how many at once, at least 1.
        scratch: the folder in which tasks are done, each in one of its own.
    """

    def __init__(self, workers: int, scratch: Path) -> None:
        self._most = workers
        self._scratch = scratch
        self._workers: list[_Worker] = []

    @property
    def where(self) -> str:
        """Where tasks are done, in words."""
        return f"{self._most} worker{'s' if self._most > 1 else ''} of this machine"

    @property
    def has_room(self) -> bool:
        """Whether another task may be started."""
        return sum(worker.task is not None for worker in self._workers) < self._most

    def lacks(self, task: Task) -> str:
        """Return in words why there is too little memory for a task now; nothing where there is enough."""
        free = self._free_for_one()
        if task.needed_bytes > free:
            # Those that wait hold what they have once needed.
            for idle in [worker for worker in self._workers if worker.task is None]:
                self._remove(idle)
            free = self._free_for_one()
        if task.needed_bytes <= free:
            return ""
        return f"it may take {task.needed_bytes / 1e9:.3g} GB of memory, and {max(free, 0) / 1e9:.3g} GB are free"

    def _free_for_one(self) -> float:
        """Return the memory that a task may have: what is free and not promised, and what its worker has already."""
        promised = sum(worker.still_to_take() for worker in self._workers)
        own = next((worker.has_bytes() for worker in self._workers if worker.task is None), 0)
        return free_bytes() - promised + own

    def start(self, task: Task) -> None:
        """Start a task, in a worker that waits or in a new one."""
        folder = self._scratch / f"{task.job}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        for worker in [one for one in self._workers if one.task is None]:
            try:
                worker.start(task, folder)
            except BrokenPipeError:  # it died while it waited
                self._remove(worker)
            else:
                return
        self._new_worker().start(task, folder)

    def _remove(self, worker: _Worker) -> None:
        worker.end()
        self._workers.remove(worker)

    def _new_worker(self) -> _Worker:
        before = {name: os.environ.get(name) for name in ONE_THREAD_ENVIRONMENT}
        os.environ.update(ONE_THREAD_ENVIRONMENT)
        try:
            worker = _Worker()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        self._workers.append(worker)
        return worker

    def events(self, timeout_s: float) -> Iterator[Event]:
        """Wait until there is something to tell, at most for a time, and tell it."""
        busy = [worker for worker in self._workers if worker.task is not None]
        # A connection is ready too when its other end was closed by a death.
        ready = wait([worker.connection for worker in busy], timeout_s)
        for worker in busy:
            if worker.connection in ready:
                yield from self._heard(worker)

    def _heard(self, worker: _Worker) -> Iterator[Event]:
        task = worker.task
        if task is None:
            return
        try:
            message: Told | Outcome = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join(_END_WITHIN_S)
            why = _death(worker.process.exitcode)
            self._remove(worker)
            yield Lost(task.job, why)
            return
        if isinstance(message, Told):
            yield Underway(task.job, message)
            return
        worker.task = None
        yield Done(task.job, message, worker.folder / RUN)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _ignored_signals() -> Iterator[None]:
    """Let a process that is begun inherit that it ignores what reaches the whole group: Ctrl-C, a lost terminal.

    What becomes of its task is the parent's decision.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [one for one in (signal.SIGINT, getattr(signal, "SIGHUP", None)) if one is not None]
    before = [signal.signal(one, signal.SIG_IGN) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


def _death(exit_code: int | None) -> str:
    """Return what is known of a worker's death."""
    if exit_code is None:
        return "its worker closed its connection"
    if exit_code >= 0:
        return f"its worker ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = " (the system does so where memory runs out)" if name == "SIGKILL" else ""
    return f"its worker was ended by {name}{hint}"


def _work(connection: Connection) -> None:
    """Do tasks until there are no more: what a worker process runs."""
    # Ctrl-C and the loss of a terminal reach the whole group; what becomes of the tasks is the parent's decision.
    for ignored in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(ignored, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in ("matplotlib", "fontTools", "PIL"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(logging.NullHandler())
    with suppress(EOFError, BrokenPipeError):
        while True:
            task, folder = connection.recv()
            connection.send(perform(task, folder, connection.send))


def _end_with_parent() -> None:
    """End this process at once when its parent has ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
