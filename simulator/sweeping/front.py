"""A sweep in one call: ``from simulator import sweep``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from analysis.sweeps import Sweep
from simulator.executors.executor import Executor
from simulator.sweeping.asking import Asked, ask
from simulator.sweeping.display import Display
from simulator.sweeping.engines import ENGINES
from simulator.sweeping.running import MakeExecutor, carry_out


def sweep(
    file: str | Path,
    out: str | Path | None = None,
    engine: str = "local",
    workers: int | None = None,
    resume: bool = False,
    overrides: Sequence[str] = (),
) -> Sweep:
    """Do all runs of a sweep and return what came of it, as read back from its folder.

    In a script, call it below ``if __name__ == "__main__":``, since workers begin by importing the script.

    Args:
        file: a path, or a name of the library, such as ``sweeps/device_mix``.
        out: the sweep's folder; by default ``runs/sweep-<name>-<hash of its jobs>``.
        engine: ``local``, processes of this machine, or ``ray``, a Ray cluster.
        workers: how many jobs are done at once; by default as many as there are cores.
        resume: whether the sweep may be there already, and goes on.
        overrides: ``key.path=value`` texts over the base, for all.

    Raises:
        ScenarioError: where the file, its base, a combination or the data are wrong.
        FileExistsError: where the folder holds something else, or the sweep is there and was not to go on.
        RunError: where jobs failed, after everything else was done and written.
        ExecutorError: where there is no cluster at ``RAY_ADDRESS``.
        ValueError: there is no such engine.
    """
    return finish(ask(file, out, overrides, resume), engine, workers, live=False)


def finish(asked: Asked, engine: str, workers: int | None, live: bool) -> Sweep:
    """Do a sweep that was asked for.

    Args:
        asked: the sweep.
        engine: one of :data:`simulator.sweeping.engines.ENGINES`.
        workers: how many jobs are done at once; None for as many as there are cores.
        live: whether to draw bars.

    Raises:
        ScenarioError, FileExistsError, RunError, ValueError: as :func:`sweep`.
    """
    return carry_out(asked, executor_of(engine, workers), Display(live))


def executor_of(engine: str, workers: int | None) -> MakeExecutor:
    """Return what makes an executor.

    Args:
        engine: one of :data:`simulator.sweeping.engines.ENGINES`.
        workers: how many jobs are done at once; None for as many as there are cores.

    Raises:
        ValueError: there is no such engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine {engine!r}; allowed: {', '.join(ENGINES)}")

    def make(scratch: Path) -> AbstractContextManager[Executor]:
        if engine == "ray":
            from simulator.executors.ray import RayExecutor

            return RayExecutor(workers, scratch)
        from simulator.executors.local import LocalExecutor

        return LocalExecutor(workers or usable_cores(), scratch)

    return make


def usable_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
