"""Plain text tables for the command line."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.readable import duration_text
from devices.units import Kind, humanize
from simulator.client_summary import TIMES, summary_of_list
from simulator.cuts.problem import Selection

MOST_KINDS_LISTED = 40
"""Kinds of clients that a text lists; of more it tells the profiles."""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns of text, two spaces apart; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def latency_text(answers: Sequence[Mapping[str, Any]]) -> str:
    """Return the answers of ``hetedge latency`` as text."""
    if len(answers) > 1:
        durations = {"iteration": "iteration_latency_s", "round": "round_latency_s"}
        durations |= {"setup": "setup_s"} if any(one["setup_s"] for one in answers) else {}
        rows = [["scenario", *durations, "slowest client"]]
        rows += [
            [one["scenario"], *(duration_text(one[key]) for key in durations.values()), _slowest(one)]
            for one in answers
        ]
        return aligned(rows)
    answer = answers[0]
    phases = [["phase", "takes", "ends at"]]
    phases += [
        [phase["name"], duration_text(phase["end_s"] - phase["start_s"]), duration_text(phase["end_s"])]
        for phase in answer["phases"]
    ]
    return "\n\n".join(
        (
            f"{answer['scenario']}: {duration_text(answer['iteration_latency_s'])} an iteration, "
            f"{duration_text(answer['round_latency_s'])} a round{_setup_text(answer)}",
            aligned(phases),
            aligned(_client_rows(answer)),
        )
    )


def _setup_text(answer: Mapping[str, Any]) -> str:
    """Return what comes once before the first round, in words; nothing where nothing does."""
    return f", after a setup of {duration_text(answer['setup_s'])}" if answer["setup_s"] else ""


def _client_rows(answer: Mapping[str, Any]) -> list[list[str]]:
    """Return one row per kind of client (same profile, same cut, same times), or where those are many, per profile."""
    if "clients_summary" in answer:
        return _profile_rows(answer["clients_summary"])
    kinds: Counter[tuple[str, ...]] = Counter()
    uncut = [None] * len(answer["clients"])
    for client, cut in zip(answer["clients"], answer["cuts"] or uncut, strict=True):
        times = [duration_text(client[key]) for key in ("compute_s", "transfer_s", "wait_s")]
        kinds[client["profile"], str(cut or "-"), *times] += 1
    if len(kinds) > MOST_KINDS_LISTED:
        return _profile_rows(summary_of_list(answer["clients"]))
    heading = ["profile", "clients", "cut", "computes", "transfers", "waits"]
    return [heading, *([kind[0], str(count), *kind[1:]] for kind, count in kinds.items())]


def _profile_rows(summary: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return one row per profile: the median of each time, the least and the greatest."""
    rows = [
        ["profile", "clients", *(f"{what}: median (from, to)" for what in ("computes", "transfers", "waits"))]
    ]
    for one in summary:
        of_times = ([duration_text(one[time][name]) for name in ("median", "min", "max")] for time in TIMES)
        cells = [f"{median} ({least}, {greatest})" for median, least, greatest in of_times]
        rows.append([one["profile"], str(one["clients"]), *cells])
    return rows


def _slowest(answer: Mapping[str, Any]) -> str:
    """Return who is busy longest in an iteration; nobody where clients only wait, or are not listed."""
    if not answer["clients"]:
        return "-"
    client = max(answer["clients"], key=lambda one: one["compute_s"] + one["transfer_s"])
    if client["compute_s"] + client["transfer_s"] == 0.0:
        return "-"
    return f"client-{client['id']} ({client['profile']})"


def selection_facts(selection: Selection) -> dict[str, Any]:
    """Return a selector's answer as ``hetedge cuts --json`` prints it."""
    facts = dataclasses.asdict(selection)
    return facts | {"cuts": [list(cut.as_tuple()) for cut in selection.cuts]}


def cuts_text(answers: Sequence[Mapping[str, Any]]) -> str:
    """Return the answers of ``hetedge cuts`` as text: the comparison, then each selector's cuts."""
    rows = [["selector", "iteration", "energy", "server", "traffic", "solver", "evaluations", "gap"]]
    rows += [
        [
            one["selector"],
            duration_text(one["iteration_latency_s"]),
            "unknown" if one["energy_j"] is None else humanize(one["energy_j"], Kind.JOULES),
            duration_text(one["server_s"]),
            humanize(one["traffic_bytes"], Kind.BYTES),
            duration_text(one["seconds"]),
            str(one["evaluations"]),
            _gap_text(one["optimality_gap"]),
        ]
        for one in answers
    ]
    if any(one["scored_by"] != "formula" for one in answers):
        scored = ["scored by", *(one["scored_by"] for one in answers)]
        rows = [[*row, how] for row, how in zip(rows, scored, strict=True)]
    parts = [aligned(rows)]
    for one in answers:
        count = Counter(str(cut) for cut in one["cuts"])
        cut_rows = [[f"{one['selector']}: [g_head, g_tail, d_head, d_tail]", "clients"]]
        parts.append(aligned([*cut_rows, *([cut, str(number)] for cut, number in sorted(count.items()))]))
    return "\n\n".join(parts)


def _gap_text(gap: float | None) -> str:
    if gap is None:
        return "unknown"
    return "optimal" if gap == 0 else f"<= {max(gap, 0.0001):.2%}"
