"""Whether a run folder holds together: what it says twice must agree, and nothing of a training may be missing.

A folder may have been copied in part, or edited. What is played again from it would then be no run's record.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from analysis.digests import timeline_digest
from analysis.metrics import CAS_METRIC_NAMES, YARDSTICK_NAMES
from analysis.runs import Run
from models.catalog import domain_name
from scenarios.schema import EvaluationOptions, Scenario
from simulator.commits import Commit, Decision, Entry
from simulator.plan import scores_cas
from simulator.registry import STRATEGIES

_SHA256 = re.compile(r"[0-9a-f]{64}")

_TIMELINE_TABLES = ("iterations", "devices", "transfers", "commits")


def first_fault(run: Run, scenario: Scenario, entries: Sequence[Entry]) -> str:
    """Return what is first found wrong with the record of a finished training; empty where all is well.

    Args:
        run: the run.
        scenario: its scenario.
        entries: its log.

    Raises:
        KeyError, ValueError, TypeError, IndexError: something is missing, or is of another kind.
    """
    return next(_faults(run, scenario, entries), "")


def _faults(run: Run, scenario: Scenario, entries: Sequence[Entry]) -> Iterator[str]:
    domains = [domain_name(domain) for domain in scenario.data.domains]
    if not scenario.execution.training:
        yield "scenario.yaml says that nothing was trained, summary.json that something was"
    if not _is_sha256(run.summary["weights_sha256"]):
        yield "summary.json has no digest under weights_sha256"
    yield from _faults_of_images(run)
    yield from _faults_of_log(run, entries, STRATEGIES[scenario.strategy.name].clusters)
    yield from _faults_of_rounds(run, scenario.strategy.rounds, entries)
    yield from _faults_of_iterations(run, entries, scenario.strategy.final_kind)
    yield from _faults_of_metrics(run, scenario.evaluation, entries, domains)
    for round_, domain in sorted((round_, domain) for round_ in _evaluated(entries) for domain in domains):
        if (round_, domain) not in run.samples:
            yield f"it has no pictures of domain {domain} in round {round_}"
    tables = {name: getattr(run, name) for name in _TIMELINE_TABLES}
    if timeline_digest(tables) != run.summary["timeline_sha256"]:
        yield "its tables do not give the timeline_sha256 of its summary.json"


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _faults_of_images(run: Run) -> Iterator[str]:
    images = run.cuts["images"]
    if images.dtype != "int64" or (images < 1).any():
        yield "cuts.csv: not every value of images is a whole number of at least 1"


def _faults_of_log(run: Run, entries: Sequence[Entry], clustered: bool) -> Iterator[str]:
    for commit, decision in ((entry.commit, entry.decision) for entry in entries):
        if not _is_decided(commit, decision, clustered):
            yield f"commits.parquet: commit {commit.seq} ({commit.kind}) cannot have been decided so"
    final = entries[-1]
    ends = final.decision is not None and final.decision.stop
    if final.commit.kind != "evaluate" or not (final.commit.info["last"] or ends):
        yield "commits.parquet: nothing in its last row ends the run"
    clusters = [entry.decision.clusters for entry in entries if entry.decision and entry.decision.clusters]
    if run.summary["clusters"] != ([list(members) for members in clusters[-1]] if clusters else None):
        yield "summary.json: the clusters are not those of the last aggregation"


def _is_decided(commit: Commit, decision: Decision | None, clustered: bool) -> bool:
    """Whether a decision is one of its commit's kind: an aggregation's clusters hold every client once."""
    if decision is None:
        return commit.kind != "aggregate" or not clustered
    if commit.kind != "aggregate":
        return commit.kind == "evaluate" and not decision.clusters
    members = Counter(client for cluster in decision.clusters for client in cluster)
    return not decision.stop and all(decision.clusters) and members == Counter(commit.clients)


def _faults_of_rounds(run: Run, stated: int, entries: Sequence[Entry]) -> Iterator[str]:
    played = entries[-1].commit.info["round"] + 1
    if played > stated or (played < stated and run.summary["stopped_by"] == "rounds"):
        yield f"scenario.yaml states strategy.rounds={stated}, the log ends after {played}"


def _faults_of_iterations(run: Run, entries: Sequence[Entry], final_kind: str) -> Iterator[str]:
    trained = [entry.commit.info["round"] for entry in entries if entry.commit.kind == final_kind]
    table = run.iterations
    if len(table) != len(trained):
        yield f"iterations.parquet has {len(table)} rows for {len(trained)} iterations"
    rows = zip(table["round"].tolist(), table["iteration"].tolist(), strict=True)
    if list(rows) != [(round_, number) for number, round_ in enumerate(trained)]:
        yield "iterations.parquet: its rows are not the log's iterations in their order"
    losses = (*table["discriminator_loss"].tolist(), *table["generator_loss"].tolist())
    if not all(map(math.isfinite, losses)):
        yield "iterations.parquet: a loss is no finite number"


def _faults_of_metrics(
    run: Run, evaluation: EvaluationOptions, entries: Sequence[Entry], domains: Sequence[str]
) -> Iterator[str]:
    table = run.metrics
    if not all(map(math.isfinite, table["value"].tolist())):
        yield "metrics.parquet: a value is no finite number"
    found = Counter(zip(*(table[name].tolist() for name in ("round", "domain", "metric")), strict=True))
    names = _measured(evaluation, _evaluated(entries))
    wanted = Counter(
        (round_, domain, name) for round_ in names for domain in domains for name in names[round_]
    )
    for round_, domain, name in sorted(wanted - found):
        yield f"it has no metric {name} of domain {domain} in round {round_}"
    for round_, domain, name in sorted(found - wanted):
        yield f"metrics.parquet: one {name} of domain {domain} in round {round_} is too many"


def _evaluated(entries: Sequence[Entry]) -> list[int]:
    """Return the rounds that were followed by an evaluation."""
    return [entry.commit.info["round"] for entry in entries if entry.commit.kind == "evaluate"]


def _measured(evaluation: EvaluationOptions, rounds: Sequence[int]) -> Mapping[int, set[str]]:
    """Return the metrics of every evaluated round; the last one is the run's last, whatever ended it."""
    names = {round_: set(evaluation.metric_names) for round_ in rounds}
    for round_ in rounds:
        if round_ < 0:
            names[round_] |= set(YARDSTICK_NAMES)
        if scores_cas(evaluation.cas, round_, last=round_ == rounds[-1]):
            names[round_] |= set(CAS_METRIC_NAMES)
    return names
