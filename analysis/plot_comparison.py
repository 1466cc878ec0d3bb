"""Figures of a comparison: FID against simulated time by strategy, and how long their iterations take."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.comparison import ComparedRun
from analysis.figures.iteration_latency import iteration_latency
from analysis.plot_panels import quality_by_domain
from analysis.plot_quality import fid_frame
from analysis.plot_style import PAGE_IN, MissingDataError, save, styled

_log = logging.getLogger(__name__)

REFERENCE = "huscf_gan"
"""The strategy that others are measured by, where it takes part; else the first."""

_ROW_IN = 0.24


def draw_comparison(
    runs: Mapping[str, Sequence[ComparedRun]], facts: Mapping[str, Any], folder: Path
) -> list[Path]:
    """Draw a comparison's figures, as PNG and PDF; one whose data are missing is skipped and logged.

    Args:
        runs: every strategy's runs, one for each seed.
        facts: what `analysis.comparison.compare_runs` says of them.
        folder: where to; made when it is not there.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Callable[[], Figure]] = {
        "latency_fid": lambda: fid_by_strategy(runs),
        "iteration_latency": lambda: latency_by_strategy(facts),
    }
    written = []
    for name, make in figures.items():
        try:
            written += save(make(), folder / name)
        except MissingDataError as missing:
            _log.warning("figure %s of the comparison skipped: %s", name, missing)
    return written


def fid_by_strategy(runs: Mapping[str, Sequence[ComparedRun]]) -> Figure:
    """FID against simulated time: a panel for each domain, in it a curve for each strategy.

    A curve is the mean over seeds of the rounds that all of them have, its band their range. The dashed floor
    is the FID of held-out real images, the mean over all runs.

    Args:
        runs: every strategy's runs, one for each seed.

    Returns:
        The figure: one column wide for one domain, else a page wide.

    Raises:
        MissingDataError: when no run has a positive FID.
    """
    named = [(label, run) for label, own in runs.items() for run in own]
    return quality_by_domain(fid_frame(named, common_floor=True))


@dataclass(frozen=True)
class RelativeLatency:
    """Simulated seconds of an iteration with its share of the round's end, and their ratio to the reference's."""

    seconds: float
    ratio: float


def reference_of(facts: Mapping[str, Any]) -> str:
    """Return the strategy that a comparison's others are measured by."""
    labels = [str(one["strategy"]) for one in facts["strategies"]]
    return REFERENCE if REFERENCE in labels else labels[0]


def relative_latencies(facts: Mapping[str, Any]) -> dict[str, RelativeLatency]:
    """Return the mean over seeds of each strategy's amortised iteration.

    Raises:
        MissingDataError: when a strategy has played no iteration.
    """
    means = {one["strategy"]: one["amortised_iteration_latency_s"]["mean"] for one in facts["strategies"]}
    if any(mean is None or mean <= 0.0 for mean in means.values()):
        raise MissingDataError("some strategy has played no iteration that takes time")
    reference_s = means[reference_of(facts)]
    return {label: RelativeLatency(mean, mean / reference_s) for label, mean in means.items()}


def ratio_label(comparisons: Collection[Mapping[str, Any]]) -> str:
    """Return what the bars of comparisons are, and what they leave out where a strategy uploads before it begins."""
    references = dict.fromkeys(reference_of(facts) for facts in comparisons)
    label = f"An iteration with its share of the round's end, relative to {' or '.join(references)}"
    setups_s = [one["setup_s"]["mean"] for facts in comparisons for one in facts["strategies"]]
    if any(setup_s is not None and setup_s > 0.0 for setup_s in setups_s):
        label += "\n(the upload before the first round is not in it)"
    return label


def latency_frame(facts: Mapping[str, Any]) -> pd.DataFrame:
    """An iteration with its share of the round's end, by strategy, as `analysis.figures.iteration_latency` reads it.

    Raises:
        MissingDataError: when a strategy has played no iteration.
    """
    relative = relative_latencies(facts)
    reference_s = relative[reference_of(facts)].seconds
    spreads = {one["strategy"]: one["amortised_iteration_latency_s"]["values"] for one in facts["strategies"]}
    rows = []
    for label, own in relative.items():
        known = [value / reference_s for value in spreads[label] if value is not None]
        rows.append((label, own.seconds, own.ratio, min(known), max(known)))
    return pd.DataFrame(rows, columns=["strategy", "seconds", "ratio", "low", "high"])


@styled
def latency_by_strategy(facts: Mapping[str, Any]) -> Figure:
    """Simulated seconds an iteration costs with its share of the round's end, by strategy, as a ratio to HuSCF-GAN's.

    Bars begin at 1x, on a logarithmic scale: to the right is slower than the reference, to the left faster. The
    reference is HuSCF-GAN where it takes part, else the first strategy; each bar is a mean over seeds, its line their
    range.

    Args:
        facts: what `analysis.comparison.compare_runs` returned.

    Returns:
        The figure, a page wide.

    Raises:
        MissingDataError: when a strategy has played no iteration.
    """
    frame = latency_frame(facts)
    figure = Figure(figsize=(PAGE_IN, _ROW_IN * len(frame) + 0.65))
    iteration_latency(frame, figure.add_subplot(), x_label=ratio_label([facts]))
    return figure
