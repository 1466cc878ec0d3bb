"""What single runs tell beyond their numbers: an iteration's phases, the devices' time, pictures over rounds."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.plot_time import phase_name
from analysis.report.headline import mean_last
from analysis.report.material import Entry, Material
from analysis.report.measures import smaller_is_better
from analysis.report.timeline import timeline_of
from analysis.runs import Run, load_run
from analysis.timing import is_client, phase_latency, time_per_device

MOST_DETAILED = 12
"""Of more runs than this only some are shown in detail: those that nobody beats first."""

FEW_DETAILED = 8

PICTURE_BYTES = 4_000_000
"""Most bytes of pictures in a page, before base64 adds a third."""

MOST_ROWS = 40
"""A run of more devices shows the mean of each profile instead."""

_PARTS = ("compute_s", "transfer_s", "wait_s", "off_s")


def detailed_rows(material: Material) -> list[int]:
    """Rows of the entries that are shown in detail.

    All where they are few; else the ones that no other beats in both simulated time and the first metric, then the
    best of the rest, up to :data:`FEW_DETAILED`. Without a metric the fastest count as the best.
    """
    rows = [row for row, entry in enumerate(material.entries) if entry.folder is not None]
    if len(rows) <= MOST_DETAILED:
        return rows
    metric = next(iter(material.metrics), "")
    scored = sorted(
        (_score(material.entries[row], metric), _time_s(material.entries[row]), row) for row in rows
    )
    front, fastest_s = [], float("inf")
    for _, time_s, row in scored:
        if time_s < fastest_s:
            front.append(row)
            fastest_s = time_s
    rest = [row for _, _, row in scored if row not in front]
    return sorted([*front, *rest][:FEW_DETAILED])


def _score(entry: Entry, metric: str) -> float:
    """The mean over domains of a metric's last value, turned so that less is better."""
    mean = mean_last(entry, metric)
    if mean is None:
        return float("inf")
    return mean if smaller_is_better(metric) else -mean


def _time_s(entry: Entry) -> float:
    return entry.numbers.get("simulated_s", float("inf"))


def all_details(material: Material) -> dict[int, dict[str, Any]]:
    """Details of the entries of :func:`detailed_rows`, by row.

    Pictures share :data:`PICTURE_BYTES`; where they are too many, rounds in between are left out, never the last.

    Raises:
        RunError: A run folder is missing or damaged.
    """
    rows = detailed_rows(material)
    every_round = len(rows) <= MOST_DETAILED and len(rows) == sum(
        e.folder is not None for e in material.entries
    )
    budget_bytes = PICTURE_BYTES // max(len(rows), 1)
    found = {}
    for row in rows:
        folder = material.entries[row].folder
        if folder is not None:
            found[row] = details_of(load_run(folder), budget_bytes, every_round)
    return found


def details_of(run: Run, picture_bytes: int, every_round: bool = True) -> dict[str, Any]:
    """What is shown of one run.

    Args:
        run: the run.
        picture_bytes: how many bytes its pictures may have together.
        every_round: whether to show the pictures of all rounds that were evaluated, not the last alone.

    Returns:
        ``timeline``, what :func:`analysis.report.timeline.timeline_of` returns; ``phases`` [{name, seconds}] of the
        mean iteration; ``devices`` [{name, profile, times}], the seconds of computing, transferring, waiting and being
        away; ``by_profile``, whether each stands for the mean of a profile's devices; ``samples`` {domain: [{round,
        src}]} as data URIs; ``skipped``, how many rounds have pictures that are not shown.
    """
    phases = phase_latency(run)
    by_profile = run.devices["device"].nunique() > MOST_ROWS
    pictures, skipped = _pictures(run, picture_bytes, every_round)
    return {
        "timeline": timeline_of(run.path),
        "phases": [
            {"name": phase_name(str(phase)), "seconds": float(mean_s)}
            for phase, mean_s in zip(phases["phase"], phases["mean_s"], strict=True)
            if mean_s > 0
        ],
        "devices": _devices(time_per_device(run), by_profile),
        "by_profile": by_profile,
        "samples": pictures,
        "skipped": skipped,
    }


def _devices(times: pd.DataFrame, by_profile: bool) -> list[dict[str, Any]]:
    if by_profile:
        role = times["device"].map(lambda name: "client" if is_client(name) else str(name).partition("-")[0])
        groups = times.assign(role=role).groupby(["role", "profile"], sort=False)
        times = groups[list(_PARTS)].mean().reset_index().assign(n=groups.size().to_numpy())
        times["device"] = [f"{n} {profile}" for n, profile in zip(times["n"], times["profile"], strict=True)]
    return [
        {
            "name": str(row["device"]),
            "profile": str(row["profile"]),
            "times": [float(row[part]) for part in _PARTS],
        }
        for _, row in times.iterrows()
    ]


def _pictures(run: Run, most_bytes: int, every_round: bool) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Pictures by domain, in the order of rounds, and how many rounds were left out to keep to the bytes."""
    rounds = sorted({round_ for round_, _ in run.samples})
    sizes = {
        round_: sum(path.stat().st_size for (own, _), path in run.samples.items() if own == round_)
        for round_ in rounds
    }
    kept = _within(rounds, sizes, most_bytes) if every_round else rounds[-1:]
    found: dict[str, list[dict[str, Any]]] = {}
    for (round_, domain), path in run.samples.items():
        if round_ in kept:
            coded = base64.b64encode(path.read_bytes()).decode("ascii")
            found.setdefault(domain, []).append({"round": round_, "src": f"data:image/png;base64,{coded}"})
    return found, len(rounds) - len(kept)


def _within(rounds: Sequence[int], sizes: Mapping[int, int], most_bytes: int) -> list[int]:
    """As many rounds, evenly spread and with the last, as fit into some bytes; the last one in any case."""
    for step in range(1, len(rounds) + 1):
        kept = list(rounds[::-1][::step])[::-1]
        if sum(sizes[round_] for round_ in kept) <= most_bytes:
            return kept
    return list(rounds[-1:])
