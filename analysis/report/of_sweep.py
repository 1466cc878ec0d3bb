"""A sweep as material: its axes, its table and its curves as the folder holds them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from analysis.report.material import CURVE_COLUMNS, NUMBERS, Axis, Entry, Material, Setting, no_curves
from analysis.report.of_runs import scenario_text
from analysis.runs import SCENARIO_FILE
from analysis.sweeps import FIXED_COLUMNS, Sweep, load_sweep

_SWEEP_YAML = "sweep.yaml"


def sweep_material(folder: Path) -> Material:
    """Read a sweep's folder.

    Raises:
        RunError: One of its files is missing or damaged.
    """
    sweep = load_sweep(folder)
    measured = _measured(sweep)
    rows = (row for _, row in sweep.results.iterrows())
    entries = tuple(_entry(sweep, row, measured.get(str(row["job"]), [])) for row in rows)
    base_text = _first_scenario(entries)
    return Material(
        kind="sweep",
        title=str(sweep.facts["name"]),
        axes=tuple(_axis(sweep, axis) for axis in sweep.facts["axes"]),
        entries=entries,
        curves=_curves(sweep),
        command=str(sweep.facts.get("command", f"hetedge sweep {_SWEEP_YAML}")),
        base=YAML(typ="safe", pure=True).load(base_text) or {},
        base_text=base_text,
        texts=_texts(folder, base_text),
        note=_counts(sweep),
        target=str((sweep.facts.get("target") or {}).get("text", "")),
    )


def _texts(folder: Path, first_scenario: str) -> dict[str, str]:
    """The sweep as the user wrote it, and the scenario that its first run had in the end."""
    written = folder / _SWEEP_YAML
    texts = {_SWEEP_YAML: written.read_text(encoding="utf-8")} if written.is_file() else {}
    return {**texts, "first-run.yaml": first_scenario} if first_scenario else texts


def _counts(sweep: Sweep) -> str:
    numbers = [(int(sweep.facts.get(word, 0)), word) for word in ("trained", "retimed", "failed")]
    return ", ".join(f"{number:,} {word}" for number, word in numbers if number)


def _first_scenario(entries: tuple[Entry, ...]) -> str:
    """The resolved scenario of the first run that finished; empty where none did."""
    folders = (entry.folder for entry in entries if entry.finished and entry.folder is not None)
    first = next((one for one in folders if (one / SCENARIO_FILE).is_file()), None)
    return "" if first is None else scenario_text(first)


def _axis(sweep: Sweep, axis: dict[str, Any]) -> Axis:
    """An axis with the values of its column, in the order of the sweep's labels."""
    name = str(axis["name"])
    found = dict.fromkeys(_setting(value) for value in sweep.results[name])
    order = {str(label): place for place, label in enumerate(axis.get("labels", ()))}
    if all(isinstance(value, int | float) for value in found):
        return Axis(name, tuple(sorted(found, key=float)))
    return Axis(name, tuple(sorted(found, key=lambda value: order.get(str(value), len(order)))))


def _setting(value: Any) -> Setting:  # noqa: ANN401 - a cell of any type
    """A cell of an axis' column as plain Python has it."""
    if isinstance(value, str):
        return value
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


def _curves(sweep: Sweep) -> pd.DataFrame:
    if sweep.curves.empty:
        return no_curves()
    rows = {str(job): number for number, job in enumerate(sweep.results[FIXED_COLUMNS[0]])}
    entry = sweep.curves["job"].map(rows)
    known = sweep.curves[entry.notna()].assign(entry=entry[entry.notna()].astype("int64"))
    return known[list(CURVE_COLUMNS)].reset_index(drop=True)
