"""The tables of a sweep, made of its runs: a row for each job, and every evaluation of every run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from analysis.comparison import ComparedRun, Target, mean_times, reached_s
from analysis.timing import is_client

UNKNOWN = -1
"""Stands for a whole number that is not known, in a table that has no gaps."""

_TEXTS = ("strategy", "stopped_by", "training_key", "timeline_sha256", "weights_sha256")
_COUNTS = ("clients", "rounds", "iterations")
_NUMBERS = ("iteration_latency_s", "round_latency_s", "simulated_s", "total_bytes", "energy_j")


@dataclass(frozen=True)
class JobRow:
    """What a sweep knows of a job, beside its run.

    Attributes:
        job: its id.
        seed: its seed.
        values: the value of every axis.
        error: why it failed; empty where it finished.
    """

    job: str
    seed: int
    values: Mapping[str, str | int | float]
    error: str = ""


def result_row(row: JobRow, run: ComparedRun | None, target: Target | None) -> dict[str, Any]:
    """Return a job's row of ``results.parquet``.

    Args:
        row: the job.
        run: its run; None where it failed.
        target: the quality to time to, if any.

    Returns:
        By column; ``trained_in`` is empty until all rows are known. A metric's own column is the mean over domains of
        its last values, ``<metric>.<domain>`` one of them.
    """
    facts = {
        "job": row.job,
        "status": "failed" if run is None else "finished",
        "error": row.error,
        "seed": row.seed,
        "trained_in": "",
        **row.values,
    }
    if run is None:
        empty = dict.fromkeys(_TEXTS, ""), dict.fromkeys(_COUNTS, UNKNOWN), dict.fromkeys(_NUMBERS, math.nan)
        return {**facts, **empty[0], **empty[1], **empty[2], "time_to_target_s": math.nan}
    summary = run.summary
    return {
        **facts,
        **{name: summary.get(name) or "" for name in _TEXTS},
        "clients": len({name for name in run.devices["device"] if is_client(name)}),
        "rounds": summary["rounds"],
        "iterations": summary["iterations"],
        **{name: _number(mean_times(run)[name]) for name in _NUMBERS[:2]},
        **{name: _number(summary[name]) for name in _NUMBERS[2:]},
        "time_to_target_s": math.nan if target is None else _time_to_target_s(run, target),
        **_last_values(summary),
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _last_values(summary: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric, domains in summary["metrics"].items():
        values = {domain: _number(one["last"]) for domain, one in domains.items()}
        found[metric] = fmean(values.values())
        found |= {f"{metric}.{domain}": value for domain, value in values.items()}
    return found


def _time_to_target_s(run: ComparedRun, target: Target) -> float:
    """Return when the last of the domains first reached a target; NaN where one never did."""
    domains = dict.fromkeys(run.metrics.loc[run.metrics["metric"] == target.metric, "domain"])
    times = [reached_s(run.metrics, str(domain), target) for domain in domains]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else math.nan


def results_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows as a table without gaps in texts and counts; a metric that a run lacks is NaN there."""
    table = pd.DataFrame(list(rows))
    return table.reset_index(drop=True)


def curve_rows(row: JobRow, run: ComparedRun) -> pd.DataFrame:
    """Return a run's part of ``curves.parquet``: its metrics, with the job, its seed and its values before them."""
    metrics = run.metrics.reset_index(drop=True)
    own = {"job": row.job, "seed": row.seed, **row.values}
    columns = {name: np.full(len(metrics), value, dtype=object) for name, value in own.items()}
    typed = pd.DataFrame(columns).infer_objects() if len(metrics) else pd.DataFrame(columns)
    return pd.concat([typed, metrics], axis=1)


def curves_table(parts: Sequence[pd.DataFrame], axes: Sequence[str]) -> pd.DataFrame:
    """Return all runs' curves as one table.

    Args:
        parts: what :func:`curve_rows` returned of every run that has metrics.
        axes: the axes' names.
    """
    filled = [part for part in parts if len(part)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    texts = {name: pd.Series([], dtype="str") for name in ("job", *axes, "domain", "metric")}
    numbers = {name: pd.Series([], dtype="float64") for name in ("sim_time_s", "bytes", "value")}
    counts = {name: pd.Series([], dtype="int64") for name in ("seed", "round")}
    order = ("job", "seed", *axes, "round", "sim_time_s", "bytes", "domain", "metric", "value")
    return pd.DataFrame({name: (texts | numbers | counts)[name] for name in order})
