"""What is made of a sweep's runs when they are there: the tables, the figures and the report."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.comparison import Target
from analysis.plots import draw_sweep
from analysis.report import write_report
from analysis.report.material import ReportError
from analysis.runs import Run, RunFolder, load_run
from analysis.sweep_tables import JobRow, curve_rows, curves_table, result_row, results_table
from analysis.sweeps import (
    CURVES_FILE,
    RESULTS_FILE,
    RUNS_FOLDER,
    SWEEP_FILE,
    SWEEP_FORMAT,
    Sweep,
    load_sweep,
    parquet_bytes,
)
from scenarios.sweep_file import SweepFile
from simulator.sweeping.jobs import Job

log = logging.getLogger(__name__)

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Concluded:
    """A sweep all of whose jobs have ended.

    Attributes:
        file: what its file says.
        target: the quality that is timed to, if any.
        command: the command that reproduces it.
        path: its folder.
        jobs: its jobs, in their order.
        errors: why some failed, by their id.
    """

    file: SweepFile
    target: Target | None
    command: str
    path: Path
    jobs: tuple[Job, ...]
    errors: Mapping[str, str]


def conclude(ended: Concluded) -> Sweep:
    """Write tables, figures and report.

    Args:
        ended: the sweep.

    Raises:
        RunError: a run's folder is damaged, or something cannot be written.
    """
    folder = RunFolder(ended.path)
    rows, curves, sources = list[dict[str, Any]](), list[pd.DataFrame](), dict[str, str]()
    for job in ended.jobs:
        run = None if job.id in ended.errors else load_run(ended.path / RUNS_FOLDER / job.id)
        row = JobRow(job.id, job.seed, job.values, ended.errors.get(job.id, ""))
        rows.append(result_row(row, run, ended.target))
        if run is not None:
            curves.append(curve_rows(row, run))
            sources[job.id] = _source(job.id, run)
    origins = Counter[str]()
    for job, result in zip(ended.jobs, rows, strict=True):
        result["trained_in"] = origin = trained_in(job.id, sources)
        if job.id in sources:
            origins["trained" if origin == job.id else "retimed" if origin else "timed"] += 1
    axes = [axis.name for axis in ended.file.axes]
    folder.write_bytes(RESULTS_FILE, parquet_bytes(results_table(rows)))
    folder.write_bytes(CURVES_FILE, parquet_bytes(curves_table(curves, axes)))
    folder.write_json(SWEEP_FILE, _facts(ended, origins))
    sweep = load_sweep(ended.path)
    log.info("drawing the figures and the report")
    draw_sweep(sweep, ended.path / "figures")
    try:
        write_report([ended.path], ended.path / REPORT_FILE)
    except ReportError as error:
        # A file of the user's own is in its place, say: the tables are there all the same.
        log.warning("no report is written: %s", error)
    return sweep


def _source(job: str, run: Run) -> str:
    """Return the job that a run has its weights from; nothing where it has none."""
    if run.summary.get("weights_sha256") is None:
        return ""
    origin: Mapping[str, Any] | None = run.summary.get("retimed_from")
    return job if origin is None else str(origin["folder"])


def trained_in(job: str, sources: Mapping[str, str]) -> str:
    """Return the job whose training gave a job its weights; nothing where it has none.

    A run that is gone may have been made again from one that had been made from it. Then it is the first of them, as in
    a sweep in which nothing was ever gone.

    Args:
        job: the job.
        sources: for every job that finished, in their order, which one it has its weights from.
    """
    if not sources.get(job):
        return ""
    order = list(sources)
    way = [job]
    while (source := sources.get(way[-1], way[-1])) not in way:
        way.append(source)
    circle = way[way.index(source) :]
    return min(circle, key=lambda one: order.index(one) if one in order else -1)


def _facts(ended: Concluded, origins: Mapping[str, int]) -> dict[str, Any]:
    target = ended.target
    return {
        "format": SWEEP_FORMAT,
        "name": ended.file.name,
        "base": ended.file.base,
        "axes": [
            {"name": axis.name, "kind": axis.kind, "labels": list(axis.labels)} for axis in ended.file.axes
        ],
        "seeds": list(dict.fromkeys(job.seed for job in ended.jobs)),
        "jobs": len(ended.jobs),
        "finished": len(ended.jobs) - len(ended.errors),
        "failed": len(ended.errors),
        "trained": origins.get("trained", 0),
        "retimed": origins.get("retimed", 0),
        "target": None
        if target is None
        else {"metric": target.metric, "bound": target.bound, "above": target.above, "text": target.text},
        "command": ended.command,
    }
