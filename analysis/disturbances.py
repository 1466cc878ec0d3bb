"""What disturbed a run, in a few numbers: time away, what was lost by it, and energy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.readable import aligned, amount_text, bytes_text, duration_text, percent_text
from analysis.timing import SERVER_NAME, is_client


def summarize_disturbances(devices: pd.DataFrame) -> dict[str, Any]:
    """Return how long devices were away, and what was lost.

    Args:
        devices: the run's device table.

    Returns:
        ``clients_away`` (how many clients were ever away), ``away_s`` (their time away together), ``away_share`` (of
        the time of all clients, 0..1), ``longest_away`` {device, profile, off_s} of the client away for longest or
        None, ``lost_flops`` and ``lost_bytes`` (of all devices), ``work_flops`` (all that was computed, what was lost
        included) and ``server_energy_j`` (None where its profile does not say what it draws).
    """
    clients = devices[devices["device"].map(is_client).astype(bool)]
    off_s = clients.groupby(["device", "profile"], sort=False)["off_s"].sum()
    elapsed_s = float(clients["elapsed_s"].sum())
    away_s = float(off_s.sum())
    longest = None
    if away_s > 0.0:
        device, profile = off_s.index[int(off_s.to_numpy().argmax())]
        longest = {"device": str(device), "profile": str(profile), "off_s": float(off_s.max())}
    server_j = float(devices.loc[devices["device"] == SERVER_NAME, "energy_j"].sum(skipna=False))
    return {
        "clients_away": int((off_s > 0.0).sum()),
        "away_s": away_s,
        "away_share": away_s / elapsed_s if elapsed_s > 0.0 else 0.0,
        "longest_away": longest,
        "lost_flops": float(devices["lost_flops"].sum()),
        "lost_bytes": float(devices["lost_bytes"].sum()),
        "work_flops": float(devices["work_flops"].sum()),
        "server_energy_j": server_j if math.isfinite(server_j) else None,
    }


def disturbance_lines(summary: Mapping[str, Any]) -> list[str]:
    """Say what disturbed a run, and what energy it took; nothing of a run in which nobody left and nothing was lost.

    Args:
        summary: what :func:`summarize_disturbances` returned, and the clients' ``energy_j``; summaries of older runs
            have none of it.
    """
    rows = [*_away(summary), *_lost(summary)]
    return aligned([*rows, *_energy(summary)], indent="", right=False) if rows else []


def _away(summary: Mapping[str, Any]) -> list[list[str]]:
    longest = summary.get("longest_away")
    if longest is None:
        return []
    number, share = summary["clients_away"], percent_text(summary["away_share"])
    who = f"{number:,} client{'' if number == 1 else 's'}, for {share} of all clients' time"
    of = f"{longest['device']} ({longest['profile']}) for {duration_text(longest['off_s'])}"
    return [["Away", f"{who}; longest {of}"]]


def _lost(summary: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    if lost_flops := summary.get("lost_flops"):
        share = percent_text(lost_flops / summary["work_flops"])
        rows.append(["Lost work", f"{amount_text(lost_flops, 'FLOP')}, {share} of what was computed"])
    if lost_bytes := summary.get("lost_bytes"):
        share = percent_text(lost_bytes / summary["total_bytes"])
        rows.append(["Lost bytes", f"{bytes_text(lost_bytes)}, {share} of what was sent"])
    return rows


def _energy(summary: Mapping[str, Any]) -> list[list[str]]:
    """Return the line of energy, of those whose profiles say what they draw."""
    known = [
        f"{amount_text(energy_j, 'J')} {whose}"
        for key, whose in (("energy_j", "of all clients"), ("server_energy_j", "of the server"))
        if (energy_j := summary.get(key)) is not None
    ]
    return [["Energy", ", ".join(known)]] if known else []
