"""A sweep as text: its jobs before they are done, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from analysis.readable import aligned, bytes_text, duration_text, three_digits
from analysis.sweeps import Sweep
from simulator.sweeping.asking import Asked
from simulator.sweeping.folder import JOBS_FILE

_SHOWN: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("iteration_latency_s", "iteration", duration_text),
    ("simulated_s", "simulated", duration_text),
    ("total_bytes", "sent", bytes_text),
    ("fid", "FID", three_digits),
    ("generation_score", "score", three_digits),
    ("cas_accuracy", "CAS", three_digits),
    ("time_to_target_s", "to target", duration_text),
)
"""Columns of the results that are printed, where there are any: the column, its heading, and its words."""


def jobs_text(asked: Asked) -> str:
    """Return the jobs of a sweep as a table, with what is there already."""
    folder = asked.folder
    axes = [axis.name for axis in asked.file.axes]
    rows = [["job", *axes, "seed", "state"]]
    for job in asked.jobs:
        state = "finished" if folder.run_folder(job).is_dir() else "to do"
        rows.append([job.id, *(job.labels[axis] for axis in axes), str(job.seed), state])
    there = "is there already" if (folder.path / JOBS_FILE).is_file() else "would be made"
    return "\n".join([*aligned(rows), "", f"{len(asked.jobs)} jobs; {folder.path} {there}"])


def results_text(sweep: Sweep) -> str:
    """Return what came of a sweep: a row for each combination, means over its seeds."""
    facts, axes = sweep.facts, list(sweep.axes)
    shown = [
        one for one in _SHOWN if one[0] in sweep.finished.columns and sweep.finished[one[0]].notna().any()
    ]
    rows = [[*axes, "seeds", *(heading for _, heading, _ in shown)]]
    for values, group in _combinations(sweep.finished, axes):
        cells = [_mean(group[column], words) for column, _, words in shown]
        rows.append([*values, str(len(group)), *cells])
    told = f"{facts['jobs']} jobs: {facts['trained']} trained, {facts['retimed']} retimed, {facts['failed']} failed"
    return "\n".join([f"{facts['name']} (means over seeds)", *aligned(rows), "", told])


def _mean(values: pd.Series[float], words: Callable[[float], str]) -> str:
    mean = float(values.mean())
    return words(mean) if math.isfinite(mean) else "-"


def _combinations(finished: pd.DataFrame, axes: list[str]) -> list[tuple[list[str], pd.DataFrame]]:
    """Return the rows of each combination, in the order of their first jobs."""
    if not axes:
        return [([], finished)]
    return [([str(value) for value in key], group) for key, group in finished.groupby(axes, sort=False)]
