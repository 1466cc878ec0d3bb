"""Names, units and directions of what is measured, as the page writes them."""

from __future__ import annotations

from analysis.metrics import SMALLER_IS_BETTER
from analysis.readable import amount_text, bytes_text, duration_text, three_digits
from analysis.summary import FID_FEATURES

MEASURES = {
    "iteration_latency_s": "s",
    "round_latency_s": "s",
    "simulated_s": "s",
    "total_bytes": "B",
    "energy_j": "J",
    "time_to_target_s": "s",
}
"""The unit of each number of an entry."""

_TITLES = {
    "fid": "FID",
    "generation_score": "Generation score",
    "cas_accuracy": "CAS accuracy",
    "cas_precision": "CAS precision",
    "cas_recall": "CAS recall",
    "cas_f1": "CAS F1",
    "cas_fpr": "CAS false positive rate",
}

METRIC_NOTES = {
    "fid": f"Distance of generated from real images ({FID_FEATURES}). Lower is better.",
    "generation_score": "How sure and how varied, 1 to the number of classes. Higher is better.",
    "cas_accuracy": "Accuracy on real images of a classifier trained on generated ones, 0 to 1. Higher is better.",
}
"""One sentence on a metric."""


def metric_title(name: str) -> str:
    """What the page calls a metric.

    Example:
        >>> metric_title("cas_accuracy"), metric_title("my_own")
        ('CAS accuracy', 'My own')
    """
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def smaller_is_better(name: str) -> bool:
    """Whether a smaller value of a metric is the better one."""
    return name in SMALLER_IS_BETTER


def number_text(name: str, value: float) -> str:
    """A number of an entry with its unit, three significant digits."""
    unit = MEASURES[name]
    if unit == "s":
        return duration_text(value)
    return bytes_text(value) if unit == "B" else amount_text(value, unit)


def value_text(value: float | None) -> str:
    """A metric's value; a dash where there is none."""
    return "-" if value is None else three_digits(value)
