"""How a column of numbers is labelled on an axis: its name, its unit, and what to divide it by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.metrics import SMALLER_IS_BETTER
from analysis.readable import three_digits, time_unit

FID_LABEL = "FID (features of the domain's\nown classifier, not Inception)"

_METRICS = {
    "fid": FID_LABEL,
    "generation_score": "Generation score\n(1 to the number of classes)",
    "cas_accuracy": "Accuracy of a classifier trained\non generated images (0 to 1)",
    "cas_precision": "Precision of a classifier trained\non generated images (0 to 1)",
    "cas_recall": "Recall of a classifier trained\non generated images (0 to 1)",
    "cas_f1": "F1 of a classifier trained\non generated images (0 to 1)",
    "cas_fpr": "False positive rate of a classifier\ntrained on generated images (0 to 1)",
}
_NAMES = {
    "iteration_latency_s": "Mean latency of an iteration",
    "round_latency_s": "Mean latency of a round",
    "simulated_s": "Simulated time of the run",
    "time_to_target_s": "Simulated time to the target",
    "total_bytes": "Bytes sent",
    "energy_j": "Energy of the clients",
    "clients": "Clients",
    "rounds": "Rounds",
    "iterations": "Iterations",
}
_COUNTS = ("clients", "rounds", "iterations")
_SIZES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))
_ENERGIES = (("MJ", 1e6), ("kJ", 1e3), ("J", 1.0), ("mJ", 1e-3))


@dataclass(frozen=True)
class Quantity:
    """How numbers of one kind are shown.

    Attributes:
        label: the axis's label, with its unit in parentheses.
        divisor: what numbers are divided by, so that they are in that unit.
        symbol: the unit behind a single number; empty where it has none.
    """

    label: str
    divisor: float
    symbol: str = ""

    def text(self, value: float) -> str:
        """A number in this unit, three significant digits, without the unit."""
        return three_digits(value / self.divisor)


def is_number(values: pd.Series[Any] | pd.Index[Any]) -> bool:
    """Whether a column is of numbers; true and false are none."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def metric_of(column: str) -> str:
    """The metric that a column of a sweep is of: ``fid`` of ``fid`` and of ``fid.mnist5k``."""
    return column.partition(".")[0]


def is_metric(column: str) -> bool:
    """Whether a column is a measured quality."""
    return metric_of(column) in _METRICS


def larger_is_better(column: str) -> bool:
    """Whether larger values of a metric are better; of all else smaller ones are."""
    return is_metric(column) and metric_of(column) not in SMALLER_IS_BETTER


def metric_label(column: str, domains: int = 1) -> str:
    """The label of a metric's axis; of one domain's values with the domain.

    Args:
        column: the metric's column, ``fid`` or ``fid.mnist5k``.
        domains: over how many domains a column of no domain is the mean.
    """
    metric, _, domain = column.partition(".")
    label = _METRICS.get(metric, f"{metric} (as measured)")
    of = domain or (f"Mean over {domains} domains" if domains > 1 else "")
    return f"{of}:\n{label}" if of else label


def quantity(column: str, values: Iterable[float]) -> Quantity:
    """How a column of results is shown, in the unit that fits its values.

    Args:
        column: its name; ``_s``, ``_bytes`` and ``_j`` at its end tell seconds, bytes and joules.
        values: what is shown of it; those that are not finite do not count.

    Returns:
        Its label, its divisor and its unit.
    """
    finite = [abs(float(value)) for value in values if np.isfinite(value)]
    largest = max(finite, default=0.0)
    if is_metric(column):
        return Quantity(metric_label(column), 1.0)
    name = _NAMES.get(column, column)
    if column in _COUNTS:
        return Quantity(f"{name} (number)", 1.0)
    if column.endswith("_s"):
        unit = time_unit(largest)
        return Quantity(f"{name} ({unit.symbol})", unit.seconds, unit.symbol)
    for end, units in (("bytes", _SIZES), ("_j", _ENERGIES)):
        if column.endswith(end):
            symbol, size = next(((one, size) for one, size in units if largest >= size), units[-1])
            return Quantity(f"{name} ({symbol})", size, symbol)
    return Quantity(f"{name} (as in the scenario)", 1.0)
