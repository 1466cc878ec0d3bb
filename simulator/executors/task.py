"""One job of a sweep, as any executor does it: a scenario's text in, a run folder out."""

from __future__ import annotations

import errno
import logging
import os
import platform
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.runs import RunError
from scenarios.load import ScenarioError
from simulator.executors.places import RUN, SCENARIO
from simulator.marked import load_marked
from simulator.progress import Told, ToldProgress
from simulator.recorded import NotRecordedError
from simulator.retiming import retime_as
from simulator.runner import run_loaded

log = logging.getLogger(__name__)

NO_FIGURES: tuple[str, ...] = ()
"""The runs of a sweep are drawn together at its end; ``hetedge plot all DIR`` draws one alone."""

ONE_THREAD_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""Of a process that does jobs: no library takes more threads than torch has."""


@dataclass(frozen=True)
class Task:
    """A job, as it is given to a worker.

    Attributes:
        job: its id.
        scenario: the resolved scenario, with its marks of what was given.
        needed_bytes: a bound on the memory that it takes.
        trained: the folder of the run that has trained what it would train; None where it trains itself.
        files: the files and folders that the scenario names; no network of machines is assumed to share them.
        gpus: how many GPUs it takes.
    """

    job: str
    scenario: str
    needed_bytes: float
    trained: Path | None = None
    files: tuple[Path, ...] = ()
    gpus: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        error: why it failed, in a line; empty where it finished.
        details: the traceback, where the fault is our own.
        seconds: how long it took, in real time.
        peak_bytes: the most memory that its process has ever had.
        remark: what was done otherwise than was asked, in a line; empty where nothing was.
        worker: who did it: machine and process, or node and process.
    """

    error: str = ""
    details: str = ""
    seconds: float = 0.0
    peak_bytes: float = 0.0
    remark: str = ""
    worker: str = ""


def perform(task: Task, folder: Path, tell: Callable[[Told], None]) -> Outcome:
    """Do a task.

    Whatever comes is told in the outcome: one job's fault, even our own, is no reason to end the others.

    Args:
        task: the task.
        folder: an empty folder; the run folder in it is whole when the outcome is without error.
        tell: told how far the run is.
    """
    started = time.perf_counter()
    error, details, remark = "", "", ""
    try:
        remark = _run(task, folder, ToldProgress(tell))
    except ScenarioError as refused:
        error = " | ".join(f"{one.key_path}: {one.message}".removeprefix(": ") for one in refused.problems)
    except RunError as stopped:
        error = str(stopped).replace(f"{folder}/", "")
    except OSError as failed:
        if failed.errno not in (errno.ENOSPC, errno.EDQUOT):
            error, details = _own_fault(failed)
        else:
            error = f"cannot be written: {failed.strerror}"
    except Exception as fault:
        error, details = _own_fault(fault)
    worker = f"{platform.node()}:{os.getpid()}"
    return Outcome(error, details, time.perf_counter() - started, _peak_bytes(), remark, worker)


def _run(task: Task, folder: Path, progress: ToldProgress) -> str:
    """Run, or retime; return what was done otherwise than was asked."""
    file, run = folder / SCENARIO, folder / RUN
    file.write_text(task.scenario, encoding="utf-8")
    loaded, remark = load_marked(file), ""
    if task.trained is not None:
        try:
            retime_as(task.trained, loaded, run, progress, NO_FIGURES)
        except (ScenarioError, NotRecordedError) as refused:
            # Its training may end elsewhere on this fleet (stop.sim_time): then it is trained after all.
            remark = f"it was trained, not retimed: {' | '.join(str(refused).splitlines())}"
            log.info(remark)
            shutil.rmtree(run, ignore_errors=True)
        else:
            return ""
    run_loaded(loaded, run, progress, NO_FIGURES)
    return remark


def _own_fault(fault: Exception) -> tuple[str, str]:
    """Return an unexpected error in a line, and its traceback."""
    return f"a fault of hetedge's own: {type(fault).__name__}: {fault}".splitlines()[
        0
    ], traceback.format_exc()


def _peak_bytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
