"""A sweep as material: its axes, its table and its curves as the folder holds them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.report.material import CURVE_COLUMNS, NUMBERS, Axis, Entry, Material, Setting, no_curves
from analysis.report.of_runs import lacking_files, scenario_text
from analysis.report.reading import read_text, read_yaml, shaped_by
from analysis.report.sweep_files import reproduction
from analysis.runs import SCENARIO_FILE
from analysis.sweeps import CURVES_FILE, FIXED_COLUMNS, RESULTS_FILE, SWEEP_FILE, Sweep, load_sweep


def sweep_material(folder: Path) -> Material:
    """Read a sweep's folder.

    Raises:
        RunError: One of its files is missing or damaged.
    """
    with shaped_by(folder / SWEEP_FILE):
        sweep = load_sweep(folder)
    with shaped_by(folder / CURVES_FILE):
        measured, curves = _measured(sweep), _curves(sweep)
    with shaped_by(folder / RESULTS_FILE):
        rows = (row for _, row in sweep.results.iterrows())
        entries = tuple(_entry(sweep, row, measured.get(str(row["job"]), [])) for row in rows)
    with shaped_by(folder / SWEEP_FILE):
        axes = tuple(_axis(sweep, axis) for axis in sweep.facts["axes"])
        note, target = _counts(sweep), str((sweep.facts.get("target") or {}).get("text", ""))
    again = reproduction(folder, sweep.facts)
    first = _first_scenario(entries)
    base_text = "" if first is None else read_text(first)
    return Material(
        kind="sweep",
        title=str(sweep.facts["name"]),
        axes=axes,
        entries=entries,
        curves=curves,
        command=again.command,
        base={} if first is None else read_yaml(first),
        base_text=base_text,
        texts={**again.texts, **({"first-run.yaml": base_text} if base_text else {})},
        note=note,
        target=target,
        lacking=(*again.lacking, *lacking_files(_with_files(entries))),
        base_file=first,
    )


_PATH = re.compile(r"(?:^|[:\-]) *[\"']?/", re.MULTILINE)
"""Paths are absolute in a resolved scenario."""


def _with_files(entries: tuple[Entry, ...]) -> list[dict[str, Any]]:
    """The scenarios of the runs that may name files; those of most sweeps do not, and are not parsed for it."""
    folders = (entry.folder for entry in entries if entry.folder is not None)
    return [read_yaml(folder / SCENARIO_FILE) for folder in folders if _PATH.search(scenario_text(folder))]


def _counts(sweep: Sweep) -> str:
    numbers = [(int(sweep.facts.get(word, 0)), word) for word in ("trained", "retimed", "failed")]
    return ", ".join(f"{number:,} {word}" for number, word in numbers if number)


def _first_scenario(entries: tuple[Entry, ...]) -> Path | None:
    """The file of the resolved scenario of the first run that finished; None where none did."""
    folders = (entry.folder for entry in entries if entry.finished and entry.folder is not None)
    return next((file for one in folders if (file := one / SCENARIO_FILE).is_file()), None)


def _axis(sweep: Sweep, axis: dict[str, Any]) -> Axis:
    """An axis with the values of its column, in the order of the sweep's labels."""
    name = str(axis["name"])
    found = dict.fromkeys(_setting(value) for value in sweep.results[name])
    order = {_label(label): place for place, label in enumerate(axis.get("labels", ()))}
    if all(isinstance(value, int | float) for value in found):
        return Axis(name, tuple(sorted(found, key=float)))
    return Axis(name, tuple(sorted(found, key=lambda value: order.get(str(value), len(order)))))


def _label(value: object) -> str:
    """A label of a sweep's axis as a setting has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _setting(value: Any) -> Setting:  # noqa: ANN401 - a cell of any type
    """A cell of an axis' column as plain Python has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return _label(bool(value))
    number = float(value)
    if not math.isfinite(number):
        return str(value)
    return int(number) if number.is_integer() and not isinstance(value, float) else number


def _measured(sweep: Sweep) -> dict[str, list[tuple[str, str]]]:
    """By job, the metrics and domains that its run measured and the table has a column for."""
    found: dict[str, list[tuple[str, str]]] = {}
    seen = sweep.curves[["job", "metric", "domain"]].drop_duplicates()
    for job, metric, domain in seen.itertuples(index=False):
        if f"{metric}.{domain}" in sweep.results.columns and metric != "classifier_accuracy":
            found.setdefault(str(job), []).append((str(metric), str(domain)))
    return found


def _entry(sweep: Sweep, row: pd.Series[Any], measured: list[tuple[str, str]]) -> Entry:
    finished = row["status"] == "finished"
    job = str(row["job"])
    last: dict[str, dict[str, float]] = {}
    for metric, domain in measured:
        if not metric.endswith("_floor"):
            last.setdefault(metric, {})[domain] = float(row[f"{metric}.{domain}"])
    known = {key: float(row[key]) for key in NUMBERS if key in row.index and math.isfinite(row[key])}
    return Entry(
        name=job,
        strategy=str(row.get("strategy", "")) if finished else "",
        seed=int(row["seed"]),
        settings={name: _setting(row[name]) for name in sweep.axes},
        numbers=known if finished else {},
        last=last,
        error="" if finished else str(row["error"]) or "failed; no reason was recorded",
        folder=sweep.run_folder(job) if finished else None,
    )


_TYPES = {"round": "int64", "sim_time_s": "float64", "bytes": "float64", "value": "float64"}


def _curves(sweep: Sweep) -> pd.DataFrame:
    if sweep.curves.empty:
        return no_curves()
    rows = {str(job): number for number, job in enumerate(sweep.results[FIXED_COLUMNS[0]])}
    entry = sweep.curves["job"].map(rows)
    known = sweep.curves[entry.notna()].assign(entry=entry[entry.notna()].astype("int64"))
    return known[list(CURVE_COLUMNS)].astype(_TYPES).reset_index(drop=True)
