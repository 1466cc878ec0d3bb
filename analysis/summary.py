"""A run in a few numbers: the dictionary behind ``summary.json`` and the text printed at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.disturbances import disturbance_lines, summarize_disturbances
from analysis.readable import aligned, bytes_text, duration_text, percent_text, three_digits, way_text
from analysis.timing import DeviceTime, TimedRun, is_client, server_time, simulated_seconds, slowest_device

FID_FEATURES = "features of the domain's own classifier, not Inception"
_FLOOR = "_floor"
_CAS_COLUMNS = ("accuracy", "precision", "recall", "f1", "fpr")
_ENDINGS = {
    "rounds": "Ended with its last round (strategy.rounds)",
    "sim_time": "Ended with the round in which its simulated time was over (stop.sim_time)",
    "target": "Ended where its target was reached (stop.target)",
}
_HEADINGS = {
    "fid": f"FID ({FID_FEATURES}; lower is better)",
    "generation_score": "Generation score (1 to the number of classes; higher is better)",
}


def summarize(run: TimedRun) -> dict[str, Any]:
    """The numbers of a run that a reader asks for first.

    Args:
        run: a finished run, or any object with its tables.

    Returns:
        A dictionary that JSON can hold (no NaN: what is not finite is None): ``name, strategy, seed,
        rounds, iterations, simulated_s, mean_iteration_latency_s`` (None without iterations),
        ``fid_features``, ``metrics`` {metric: {domain: {before_training, first, first_round, last,
        last_round, last_over_first, floor, last_over_floor}}}, ``slowest_client`` and ``server``
        {device, profile, compute_s, transfer_s, wait_s, off_s, busy_share} or None, ``total_bytes`` and
        ``bytes_by_kind`` (largest first), and what :func:`analysis.disturbances.summarize_disturbances` returns.
    """
    latencies = run.iterations["iteration_latency_s"]
    by_kind = run.transfers.groupby("kind")["bytes"].sum().sort_values(ascending=False, kind="stable")
    has_client = any(map(is_client, run.devices["device"]))
    return {
        "name": run.scenario.get("name"),
        "strategy": run.scenario.get("strategy", {}).get("name"),
        "seed": run.scenario.get("seed"),
        "rounds": int(run.devices["round"].nunique()),
        "iterations": len(run.iterations),
        "simulated_s": simulated_seconds(run),
        "mean_iteration_latency_s": _finite(latencies.mean()) if len(latencies) else None,
        "fid_features": FID_FEATURES,
        "metrics": _metrics(run.metrics),
        "slowest_client": _device(slowest_device(run, include_server=False) if has_client else None),
        "server": _device(server_time(run)),
        "total_bytes": float(by_kind.sum()),
        "bytes_by_kind": {str(kind): float(n_bytes) for kind, n_bytes in by_kind.items()},
        **summarize_disturbances(run.devices),
    }


def _metrics(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """One entry for each metric and domain; ``X_floor`` rows become the floor of metric X."""
    floors = {
        (str(row.metric).removesuffix(_FLOOR), str(row.domain)): _finite(row.value)
        for row in table[table["metric"].astype(str).str.endswith(_FLOOR)].itertuples()
    }
    found: dict[str, dict[str, dict[str, Any]]] = {}
    shown = table[~table["metric"].astype(str).str.endswith(_FLOOR)]
    for (metric, domain), rows in shown.groupby(["metric", "domain"], sort=False):
        floor = floors.get((str(metric), str(domain)))
        found.setdefault(str(metric), {})[str(domain)] = _course(rows.sort_values("round"), floor)
    return found


def _course(rows: pd.DataFrame, floor: float | None) -> dict[str, Any]:
    """First and last value of one metric of one domain; rows are in the order of rounds."""
    before = rows[rows["round"] < 0]
    trained = rows[rows["round"] >= 0]
    first = _finite(trained["value"].iloc[0]) if len(trained) else None
    last = _finite(trained["value"].iloc[-1]) if len(trained) else None
    return {
        "before_training": _finite(before["value"].iloc[-1]) if len(before) else None,
        "first": first,
        "first_round": int(trained["round"].iloc[0]) if len(trained) else None,
        "last": last,
        "last_round": int(trained["round"].iloc[-1]) if len(trained) else None,
        "last_over_first": _ratio(last, first),
        "floor": floor,
        "last_over_floor": _ratio(last, floor),
    }


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below is not None and below > 0.0 else None


def _finite(value: Any) -> float | None:  # noqa: ANN401 - pandas hands out scalars of many types
    number = float(value)
    return number if math.isfinite(number) else None


def _device(time: DeviceTime | None) -> dict[str, Any] | None:
    return None if time is None else {**asdict(time), "busy_share": time.busy_share}


def describe(summary: Mapping[str, Any], folder: Path | str | None = None) -> str:
    """The summary as a text to print at the end of a run.

    Args:
        summary: what `summarize` returned; keys it does not know are left out.
        folder: where the run lies; named in the last line when given.

    Returns:
        Aligned lines of plain text without a final line break; parts without data are left out.
    """
    parts = [
        _headline(summary),
        *(_course_table(metric, courses) for metric, courses in _plain_metrics(summary).items()),
        _cas_table(summary["metrics"]),
        _device_lines(summary),
        disturbance_lines(summary),
        _byte_table(summary),
        _revealed_lines(summary.get("ledger", ())),
        [f"Results in {folder}"] if folder is not None else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _headline(summary: Mapping[str, Any]) -> list[str]:
    strategy = f" ({summary['strategy']}, seed {summary['seed']})" if summary["strategy"] else ""
    rounds, iterations = summary["rounds"], summary["iterations"]
    lines = [
        f"{summary['name'] or 'run'}{strategy}",
        f"{duration_text(summary['simulated_s'])} of simulated time: "
        f"{_count(rounds, 'round')}, {_count(iterations, 'iteration')}",
    ]
    latency_s = summary["mean_iteration_latency_s"]
    if latency_s is not None:
        lines[-1] += f" of {duration_text(latency_s)} on average"
    if summary.get("stopped_by") is not None:
        lines.append(_ENDINGS[summary["stopped_by"]])
    if summary.get("retimed_from") is not None:
        origin = summary["retimed_from"]["folder"]
        lines.append(f"Retimed: weights and metrics are those of {origin}, nothing was trained")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _plain_metrics(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics with a course over rounds: FID first, CAS and its reference left to their own table."""
    names = sorted(
        (m for m in summary["metrics"] if not m.startswith("cas_") and m != "classifier_accuracy"),
        key=lambda metric: (metric != "fid", metric),
    )
    return {name: summary["metrics"][name] for name in names}


def _course_table(metric: str, courses: Mapping[str, Mapping[str, Any]]) -> list[str]:
    first = _round_heading("first", [c["first_round"] for c in courses.values()])
    last = _round_heading("last", [c["last_round"] for c in courses.values()])
    columns = [("untrained", "before_training", ""), (first, "first", "")]
    columns += [(last, "last", ""), ("last/first", "last_over_first", "x")]
    columns += [("floor", "floor", ""), ("last/floor", "last_over_floor", "x")]
    if first == last:
        columns = [c for c in columns if c[1] not in ("first", "last_over_first")]
    columns = [c for c in columns if any(course[c[1]] is not None for course in courses.values())]
    rows = [["domain", *(heading for heading, _, _ in columns)]]
    rows += [
        [domain, *(_cell(course[key], unit) for _, key, unit in columns)]
        for domain, course in courses.items()
    ]
    return [_HEADINGS.get(metric, metric), *aligned(rows)]


def _round_heading(word: str, rounds: Sequence[int | None]) -> str:
    distinct = {number for number in rounds if number is not None}
    return f"round {distinct.pop()}" if len(distinct) == 1 else word


def _cell(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{three_digits(value)}{unit}"


def _cas_table(metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    domains = metrics.get("cas_accuracy", {})
    if not domains:
        return []
    rows = [["domain", *_CAS_COLUMNS, "real-trained"]]
    for domain in domains:
        values = [metrics.get(f"cas_{name}", {}).get(domain, {}).get("last") for name in _CAS_COLUMNS]
        reference = metrics.get("classifier_accuracy", {}).get(domain, {})
        real = (
            reference.get("last") if reference.get("last") is not None else reference.get("before_training")
        )
        rows.append([domain, *(_fraction(value) for value in [*values, real])])
    heading = "CAS: a classifier trained on synthetic images, tested on real ones (macro averages, 0 to 1);"
    return [heading, "     real-trained is the accuracy of one trained on real images", *aligned(rows)]


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _device_lines(summary: Mapping[str, Any]) -> list[str]:
    named = (("Slowest client", summary["slowest_client"]), ("Server", summary["server"]))
    rows = [
        [
            title,
            f"{time['device']} ({time['profile']})" if time["device"] != "server" else time["profile"],
            f"busy {percent_text(time['busy_share'])} of the time:",
            f"computes {duration_text(time['compute_s'])},",
            f"transfers {duration_text(time['transfer_s'])},",
            f"waits {duration_text(time['wait_s'])}{_away(time.get('off_s', 0.0))}",
        ]
        for title, time in named
        if time is not None
    ]
    return aligned(rows, indent="", right=False)


def _away(off_s: float) -> str:
    """What a device's line says of its time away; nothing where it was always there."""
    return f", is away {duration_text(off_s)}" if off_s > 0.0 else ""


def household_bytes(ledger: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Bytes of each kind that crossed a household's LAN, and no network between parties.

    Args:
        ledger: a run's ledger, as its summary has it; those of older runs tell nothing of households.
    """
    return {line["kind"]: float(line["bytes"]) for line in ledger if line.get("within_household", False)}


def _byte_table(summary: Mapping[str, Any]) -> list[str]:
    by_kind, total_bytes = summary["bytes_by_kind"], summary["total_bytes"]
    if not by_kind:
        return []
    at_home = sum(household_bytes(summary.get("ledger", ())).values())
    of_it = f", {bytes_text(at_home)} of it within the household" if at_home else ""
    rows = [
        [
            kind.replace("_", " "),
            bytes_text(n_bytes),
            percent_text(n_bytes / total_bytes if total_bytes else 0),
        ]
        for kind, n_bytes in by_kind.items()
    ]
    return [f"Sent over the network: {bytes_text(total_bytes)}{of_it}", *aligned(rows)]


def _revealed_lines(ledger: Sequence[Mapping[str, Any]]) -> list[str]:
    """What tells something of a client's data, and to whom."""
    rows = [
        [way_text(line), line["kind"].replace("_", " "), line["reveals"]]
        for line in ledger
        if line["private"]
    ]
    return ["Revealed of the clients' data", *aligned(rows, right=False)] if rows else []
