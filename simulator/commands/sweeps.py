"""The command that does many runs: sweep."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.commands.shared import InputError, Set, known, to_path

if TYPE_CHECKING:
    from analysis.sweeps import Sweep
    from simulator.sweeping.asking import Asked


def sweep(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Path of a sweep, or a library name.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", parser=to_path, help="The sweep's folder.")
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="ENGINE", help="local: processes of this machine; ray: a Ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, metavar="N", help="Jobs at once; default: one for every core."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where it was: finished jobs are kept, failed ones tried again."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the jobs; nothing is written.")
    ] = False,
    overrides: Set = None,
) -> None:
    """Run a scenario in many variants: one table, figures and a report; the last line printed is the folder.

    Jobs whose training would be the same train once, and the others are retimed.
    """
    from simulator.sweeping.asking import ask
    from simulator.sweeping.engines import ENGINES, missing_extra

    if lacking := missing_extra(known("engine", engine, ENGINES)):
        raise InputError(lacking)

    asked = ask(file, out, overrides or [], resume or dry_run, _command(file, overrides or []))
    if dry_run:
        from simulator.sweeping.listing import jobs_text

        print(jobs_text(asked))
        return
    _fetch(asked)

    from simulator.executors.executor import ExecutorError
    from simulator.sweeping.front import finish
    from simulator.sweeping.running import FailedJobsError

    try:
        done = finish(asked, engine, workers, live=sys.stderr.isatty())
    except ExecutorError as error:
        raise InputError(str(error)) from error
    except FailedJobsError as error:
        _print(error.sweep)
        raise
    _print(done)


def _print(done: Sweep) -> None:
    from simulator.sweeping.listing import results_text

    print(results_text(done))
    print(done.path)


def _command(file: str, overrides: list[str]) -> str:
    """Return the command that makes the same sweep: where and by how many it is done does not matter."""
    return shlex.join(["hetedge", "sweep", file, *(part for one in overrides for part in ("--set", one))])


def _fetch(asked: Asked) -> None:
    """Fetch what is missing of all jobs' data."""
    from simulator.loading import fetch_missing

    seen: set[str] = set()
    for job in asked.jobs:
        names = repr([domain.dataset for domain in job.loaded.scenario.data.domains])
        if names not in seen:
            seen.add(names)
            fetch_missing(job.loaded)
