"""What the page's scripts draw from, as JSON: entries, axes, evaluations and what single runs tell."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.report.material import NUMBERS, Entry, Material
from analysis.report.measures import MEASURES, metric_title, smaller_is_better

_FLOOR = "_floor"


def page_data(material: Material, details: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Everything that charts, filters and the table's script need.

    Args:
        material: what is reported.
        details: of some entries, by row, what :func:`analysis.report.details.details_of` returns.
    """
    series = series_of(material)
    return {
        "kind": material.kind,
        "axes": [{"name": axis.name, "values": list(axis.values)} for axis in material.axes],
        "metrics": [
            {"name": name, "title": metric_title(name), "lower": smaller_is_better(name)}
            for name in material.metrics
        ],
        "measures": [
            {"name": name, "title": title, "unit": MEASURES[name]}
            for name, title in NUMBERS.items()
            if any(name in entry.numbers for entry in material.entries)
        ],
        "domains": list(material.domains),
        "floors": _floors(material.curves),
        "target": material.target,
        "runs": [_entry(*one, material) for one in zip(material.entries, series, strict=True)],
        "curves": _curves(material.curves),
        "details": {str(row): dict(one) for row, one in details.items()},
    }


def script_json(value: object) -> str:
    """JSON that may stand in an HTML script element: no ``<``, ``>`` or ``&``, and null for what is not finite."""
    text = json.dumps(finite(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same value with None for every number that is not finite, and six significant digits."""
    if isinstance(value, Mapping):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def series_of(material: Material) -> list[int]:
    """The series of each entry: those that agree in all but the seed share one; they are numbered as they come up.

    Entries that agree in the seed too are no seeds of each other: the second of them begins another series.
    """
    numbers: dict[tuple[object, ...], int] = {}
    seen: Counter[tuple[object, ...]] = Counter()
    found = []
    for entry in material.entries:
        settings = (*(entry.settings[axis.name] for axis in material.axes), *entry.apart)
        before = seen[(*settings, entry.seed)]
        seen[(*settings, entry.seed)] += 1
        found.append(numbers.setdefault((*settings, before), len(numbers)))
    return found


def _entry(entry: Entry, series: int, material: Material) -> dict[str, Any]:
    return {
        "name": entry.name,
        "strategy": entry.strategy,
        "seed": entry.seed,
        "series": series,
        "settings": [entry.settings[axis.name] for axis in material.axes],
        "numbers": dict(entry.numbers),
        "last": {metric: dict(values) for metric, values in entry.last.items()},
        "finished": entry.finished,
    }


def _floors(curves: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The mean floor of each metric that has one, by domain."""
    rows = curves[curves["metric"].astype(str).str.endswith(_FLOOR)]
    found: dict[str, dict[str, float]] = {}
    for (metric, domain), own in rows.groupby(["metric", "domain"], sort=False):
        found.setdefault(str(metric).removesuffix(_FLOOR), {})[str(domain)] = float(own["value"].mean())
    return found


def _curves(curves: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Of each entry its evaluations in the order of rounds: their rounds, times, bytes, and values by metric."""
    metric = curves["metric"].astype(str)
    shown = curves[~metric.str.endswith(_FLOOR) & (metric != "classifier_accuracy")]
    found = {}
    for entry, rows in shown.groupby("entry", sort=True):
        points = rows.groupby("round", sort=True)[["sim_time_s", "bytes"]].first()
        values: dict[str, dict[str, list[float]]] = {}
        for (name, domain), own in rows.groupby(["metric", "domain"], sort=False):
            course = own.groupby("round")["value"].first().reindex(points.index)
            values.setdefault(str(name), {})[str(domain)] = course.tolist()
        found[str(int(str(entry)))] = {
            "round": [int(one) for one in points.index],
            "time": points["sim_time_s"].tolist(),
            "bytes": points["bytes"].tolist(),
            "values": values,
        }
    return found
