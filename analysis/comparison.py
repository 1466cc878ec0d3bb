"""What the runs of several strategies on one scenario say of each other, in numbers.

All is read from the runs' folders: their summaries, metrics and iterations. Times are simulated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol

import pandas as pd

from analysis.metrics import CAS_METRIC_NAMES
from analysis.readable import way_text
from analysis.summary import household_bytes
from analysis.timing import TimedRun

FID = "fid"
SHOWN_METRICS = (FID, "generation_score", "cas_accuracy")
"""The metrics of the tables, where they were measured."""

RAW_IMAGES, LABELS, SYNTHETIC_IMAGES, WHOLE_NETWORKS = EXPOSED = (
    "raw_images",
    "labels",
    "synthetic_images",
    "whole_networks",
)
"""What is asked of every strategy: who gets it?"""

_KINDS = {RAW_IMAGES: "real_sample", LABELS: "label", SYNTHETIC_IMAGES: "synthetic_sample"}

_TARGET = re.compile(r"\s*(?P<metric>\w+)\s*(?P<sign>[<>])\s*(?P<bound>\S+)\s*")


class TargetError(ValueError):
    """A target that cannot be; the message says what came and what is allowed."""


class ComparedRun(TimedRun, Protocol):
    """What a comparison reads of a run (`analysis.runs.Run` has all of it)."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """The run in a few numbers."""


@dataclass(frozen=True)
class Target:
    """A quality that all strategies are timed to.

    Attributes:
        metric: the metric.
        bound: its bound, in the metric's unit; reached by a value beyond it.
        above: whether larger values are beyond it, not smaller ones.
    """

    metric: str
    bound: float
    above: bool = False

    @property
    def text(self) -> str:
        """The target as the user writes it."""
        return f"{self.metric}{'>' if self.above else '<'}{self.bound:g}"


def parse_target(text: str) -> Target:
    """Read a target such as ``fid<20`` or ``generation_score>6``.

    Raises:
        TargetError: It has another form.
    """
    found = _TARGET.fullmatch(text)
    allowed = "allowed: METRIC<VALUE or METRIC>VALUE, such as fid<20"
    if found is None:
        raise TargetError(f"target '{text}'; {allowed}")
    try:
        bound = float(found["bound"])
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise TargetError(f"target '{text}': '{found['bound']}' is no number; {allowed}")
    return Target(found["metric"], bound, found["sign"] == ">")


def check_target(target: Target, metrics: Sequence[str], cas: bool) -> None:
    """Refuse a target whose metric no run measures.

    Args:
        target: the target.
        metrics: what is measured at every evaluation.
        cas: whether the classification accuracy score is measured.

    Raises:
        TargetError: It is not among them.
    """
    measured = [*metrics, *(CAS_METRIC_NAMES if cas else ())]
    if target.metric not in measured:
        raise TargetError(
            f"target '{target.text}': '{target.metric}' is not measured; allowed: {', '.join(measured)}"
        )


def compare_runs(runs: Mapping[str, Sequence[ComparedRun]], target: Target | None = None) -> dict[str, Any]:
    """Return a comparison as JSON can hold it.

    Args:
        runs: every strategy's runs, one for each seed, in one order of seeds.
        target: the quality to time to; by default, for each domain, the largest of the runs' best FIDs, which every
            run reaches.

    Returns:
        ``seeds``, ``target`` {metric, above, bounds {domain: value}, given} or None where nothing was measured, and
        ``strategies``, a list of {strategy, quality {metric: {domain: spread}}, time_to_target_s {domain: spread},
        iteration_latency_s, amortised_iteration_latency_s, aggregation_s, round_latency_s, setup_s, simulated_s,
        rounds, iterations, total_bytes, energy_j, network_bytes, bytes_per_round, household_bytes,
        household_bytes_per_round (spreads), bytes_per_round_by_kind {kind: spread}, exposed {what: ["sender ->
        receiver"]}, ledger}. A spread is {mean, half_range, n, values}, with a value for each seed; None stands for
        what is unknown or was never reached. ``total_bytes`` is the sum of ``network_bytes``, which cross the network
        between parties, and ``household_bytes``, which cross a household's LAN; ``bytes_per_round`` and those by kind
        are the network's alone.
    """
    bounds = _bounds(runs, target)
    metric, above = (target.metric, target.above) if target is not None else (FID, False)
    return {
        "seeds": [run.scenario.get("seed") for run in next(iter(runs.values()))],
        "target": {"metric": metric, "above": above, "bounds": bounds, "given": target is not None}
        if bounds
        else None,
        "strategies": [
            {"strategy": label, **_facts(own, _Bounds(metric, above, bounds, target is not None))}
            for label, own in runs.items()
        ],
    }


@dataclass(frozen=True)
class _Bounds:
    """A target, for each domain.

    Attributes:
        metric: the metric.
        above: whether larger values are better.
        of_domain: each domain's bound.
        strict: whether a value equal to the bound is not enough.
    """

    metric: str
    above: bool
    of_domain: Mapping[str, float]
    strict: bool

    def reached_s(self, metrics: pd.DataFrame, domain: str) -> float | None:
        """Return when a trained round's evaluation first reached a domain's bound; None where none did."""
        rows = _trained(metrics, self.metric)
        rows = rows[rows["domain"] == domain]
        beyond = rows["value"] - self.of_domain[domain]
        beyond = beyond if self.above else -beyond
        reached = rows[(beyond > 0) | ((beyond == 0) & (not self.strict))]
        return float(reached["sim_time_s"].min()) if len(reached) else None


def reached_s(metrics: pd.DataFrame, domain: str, target: Target) -> float | None:
    """Return when a trained round's evaluation of a domain first reached a target; None where none did.

    Args:
        metrics: a run's metrics.
        domain: the domain.
        target: the target.
    """
    bounds = _Bounds(target.metric, target.above, {domain: target.bound}, strict=True)
    return bounds.reached_s(metrics, domain)


def _trained(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    rows: pd.DataFrame = metrics[(metrics["metric"] == metric) & (metrics["round"] >= 0)]
    return rows


def _bounds(runs: Mapping[str, Sequence[ComparedRun]], target: Target | None) -> dict[str, float]:
    """Return each domain's bound; nothing where the metric was not measured."""
    metric = FID if target is None else target.metric
    tables = [_trained(run.metrics, metric) for own in runs.values() for run in own]
    domains = dict.fromkeys(str(name) for table in tables for name in table["domain"])
    if target is not None:
        return dict.fromkeys(domains, target.bound)
    best = [table.groupby("domain", sort=False)["value"].min() for table in tables]
    return {domain: max(float(one[domain]) for one in best if domain in one.index) for domain in domains}


def _facts(runs: Sequence[ComparedRun], bounds: _Bounds) -> dict[str, Any]:
    times = [mean_times(run) for run in runs]
    traffic = [_traffic(run) for run in runs]
    kinds = dict.fromkeys(kind for one in traffic for kind in one.by_kind)
    return {
        "quality": _quality(runs),
        "time_to_target_s": {
            domain: spread([bounds.reached_s(run.metrics, domain) for run in runs])
            for domain in bounds.of_domain
        },
        **{key: spread([one[key] for one in times]) for key in times[0]},
        **{
            key: spread([run.summary[key] for run in runs])
            for key in ("simulated_s", "rounds", "iterations", "total_bytes", "energy_j")
        },
        "network_bytes": spread([one.network for one in traffic]),
        "bytes_per_round": spread([one.network / one.rounds for one in traffic]),
        "household_bytes": spread([one.household for one in traffic]),
        "household_bytes_per_round": spread([one.household / one.rounds for one in traffic]),
        "bytes_per_round_by_kind": {
            kind: spread([one.by_kind.get(kind, 0.0) / one.rounds for one in traffic]) for kind in kinds
        },
        "exposed": exposed(runs[0].summary["ledger"]),
        "ledger": runs[0].summary["ledger"],
    }


@dataclass(frozen=True)
class _Traffic:
    """What a run sent, in bytes.

    Attributes:
        network: what crossed the network between parties.
        by_kind: the same by kind; kinds of which nothing did are left out.
        household: what crossed households' LANs.
        rounds: in how many rounds.
    """

    network: float
    by_kind: Mapping[str, float]
    household: float
    rounds: int


def _traffic(run: ComparedRun) -> _Traffic:
    at_home = household_bytes(run.summary["ledger"])
    by_kind = {
        kind: n_bytes - at_home.get(kind, 0.0) for kind, n_bytes in run.summary["bytes_by_kind"].items()
    }
    household = sum(at_home.values())
    sent = {kind: n_bytes for kind, n_bytes in by_kind.items() if n_bytes > 0}
    return _Traffic(run.summary["total_bytes"] - household, sent, household, run.summary["rounds"])


def _quality(runs: Sequence[ComparedRun]) -> dict[str, dict[str, Any]]:
    """Return the last value of each metric and domain."""
    measured = [run.summary["metrics"] for run in runs]
    return {
        metric: {
            domain: spread([one[metric][domain]["last"] for one in measured])
            for domain in measured[0][metric]
        }
        for metric in SHOWN_METRICS
        if metric in measured[0]
    }


def mean_times(run: ComparedRun) -> dict[str, float | None]:
    """Return what an iteration and a round take on average, and what comes before the first, in simulated seconds.

    A round lasts from its beginning to that of the next; a round's end is shared out over its iterations.
    """
    table, rounds = run.iterations, run.summary["rounds"]
    if table.empty:
        keys = ("iteration_latency_s", "aggregation_s", "round_latency_s", "amortised_iteration_latency_s")
        return {**dict.fromkeys(keys), "setup_s": None}
    aggregation_s = float(table["aggregation_s"].sum()) / rounds
    setup_s = float(table["start_s"].min())
    all_rounds_s = float((table["end_s"] + table["aggregation_s"]).max()) - setup_s
    return {
        "iteration_latency_s": (all_rounds_s - aggregation_s * rounds) / len(table),
        "aggregation_s": aggregation_s,
        "round_latency_s": all_rounds_s / rounds,
        "amortised_iteration_latency_s": all_rounds_s / len(table),
        "setup_s": setup_s,
    }


def spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Return mean and half the range of what is known of some values, its number, and the values.

    Example:
        >>> spread([1.0, 3.0, None])
        {'mean': 2.0, 'half_range': 1.0, 'n': 2, 'values': [1.0, 3.0, None]}
    """
    known = [value for value in values if value is not None]
    return {
        "mean": fmean(known) if known else None,
        "half_range": (max(known) - min(known)) / 2 if known else None,
        "n": len(known),
        "values": list(values),
    }


def exposed(ledger: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return who gets raw images, their labels, synthetic images, or a whole network of one client's.

    Args:
        ledger: a run's ledger, as its summary has it.

    Returns:
        For each of :data:`EXPOSED` the ways it takes, ``"client -> server"`` or ``"within the household"``; none where
        it stays. Labels are those of a client's own images, not labels drawn at random. Of synthetic images that a
        receiver makes itself it is told where: ``"made on the server"``.
    """
    ways: dict[str, list[str]] = {what: [] for what in EXPOSED}
    for line in ledger:
        way = way_text(line)
        for what, kind in _KINDS.items():
            if line["kind"] == kind and (what != LABELS or line["private"]):
                ways[what].append(way)
        if line["whole_network"]:
            ways[WHOLE_NETWORKS].append(way)
        if line.get("images_made", False):
            ways[SYNTHETIC_IMAGES].append(f"made on the {line['receiver']}")
    return ways


def seed_table(facts: Mapping[str, Any]) -> pd.DataFrame:
    """Return a comparison as a table, a row for each strategy and seed; what is unknown is a gap."""
    rows = []
    for one in facts["strategies"]:
        for index, seed in enumerate(facts["seeds"]):
            row = {"strategy": one["strategy"], "seed": seed}
            for key, value in one.items():
                if key not in ("strategy", "exposed", "ledger"):
                    row |= {name: own["values"][index] for name, own in _spreads(key, value)}
            rows.append(row)
    return pd.DataFrame(rows)


def _spreads(name: str, value: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return all spreads below a value, with the keys that lead to them joined by dots."""
    if "values" in value:
        return [(name, value)]
    return [found for key, below in value.items() for found in _spreads(f"{name}.{key}", below)]
