"""Where the simulated time went: per device, per phase, and how long until a quality was reached.

All functions read the tables of a finished run; none of them knows the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

import pandas as pd

SERVER_NAME = "server"
_CLIENT = "client"
_TIERS = (SERVER_NAME, _CLIENT, "edge")
"""What a device's name begins with, in the order of tables."""
_ITERATION_FACTS = ("start_s", "end_s", "iteration_latency_s")


class TimedRun(Protocol):
    """The part of a run that timing and summary read (`analysis.runs.Run` has all of it)."""

    @property
    def scenario(self) -> Mapping[str, Any]:
        """The resolved scenario."""

    @property
    def metrics(self) -> pd.DataFrame:
        """Columns round, sim_time_s, bytes, domain, metric, value."""

    @property
    def iterations(self) -> pd.DataFrame:
        """Columns round, iteration, start_s, end_s, iteration_latency_s, ``<phase>_s``..., losses."""

    @property
    def devices(self) -> pd.DataFrame:
        """Columns round, device, profile, compute_s, transfer_s, wait_s, off_s, elapsed_s and counters."""

    @property
    def transfers(self) -> pd.DataFrame:
        """Columns round, source, target, kind, bytes and times."""


@dataclass(frozen=True)
class DeviceTime:
    """How one device spent the run.

    Attributes:
        device: its name, ``"client-3"``, ``"server"`` or ``"edge-0"``.
        profile: the name of its hardware profile.
        compute_s: seconds in which it computed.
        transfer_s: seconds in which it sent or received and did not compute.
        wait_s: seconds in which it was there and did neither.
        off_s: seconds in which it was away.
    """

    device: str
    profile: str
    compute_s: float
    transfer_s: float
    wait_s: float
    off_s: float

    @property
    def busy_s(self) -> float:
        """Seconds of computing or transferring."""
        return self.compute_s + self.transfer_s

    @property
    def elapsed_s(self) -> float:
        """Seconds of the run, those away included."""
        return self.busy_s + self.wait_s + self.off_s

    @property
    def busy_share(self) -> float:
        """Busy seconds over elapsed seconds, 0..1 (0 for a device that saw no time)."""
        return self.busy_s / self.elapsed_s if self.elapsed_s > 0.0 else 0.0


def device_order(device: str) -> tuple[int, int, str]:
    """Sort key of a device name: the server first, then clients by number (client-2 before client-10), then edges."""
    role, _, number = device.partition("-")
    tier = _TIERS.index(role) if role in _TIERS else len(_TIERS)
    return (tier, int(number) if number.isdecimal() else -1, device)


def is_client(device: str) -> bool:
    """Whether a device's name is that of a client, not of a server of any tier."""
    return str(device).partition("-")[0] == _CLIENT


def time_per_device(run: TimedRun) -> pd.DataFrame:
    """Seconds each device computed, transferred, waited and was away, summed over the rounds.

    Args:
        run: a finished run.

    Returns:
        One row a device, the server first, clients by number, then edge servers, with columns ``device,
        profile, compute_s, transfer_s, wait_s, off_s``.
    """
    columns = ["compute_s", "transfer_s", "wait_s", "off_s"]
    totals = run.devices.groupby(["device", "profile"], as_index=False, sort=False)[columns].sum()
    order = sorted(range(len(totals)), key=lambda row: device_order(str(totals["device"].iloc[row])))
    return totals.iloc[order].reset_index(drop=True)


def slowest_device(run: TimedRun, *, include_server: bool = True) -> DeviceTime:
    """The device with the largest busy time (compute + transfer); of equals the first.

    Args:
        run: a finished run.
        include_server: whether the server, or an edge server, may be the answer.

    Returns:
        The device's times.

    Raises:
        ValueError: when the run has no row of such a device.
    """
    times = time_per_device(run)
    if not include_server:
        times = times[times["device"].map(is_client).astype(bool)]
    if times.empty:
        raise ValueError("the run's device table has no row of a device: nothing was simulated")
    busy_s = (times["compute_s"] + times["transfer_s"]).to_numpy()
    return _device_time(times.iloc[int(busy_s.argmax())])


def server_time(run: TimedRun) -> DeviceTime | None:
    """How the server spent the run; None when the table does not follow it."""
    times = time_per_device(run)
    rows = times[times["device"] == SERVER_NAME]
    return None if rows.empty else _device_time(rows.iloc[0])


def _device_time(row: pd.Series) -> DeviceTime:
    return DeviceTime(
        device=str(row["device"]),
        profile=str(row["profile"]),
        compute_s=float(row["compute_s"]),
        transfer_s=float(row["transfer_s"]),
        wait_s=float(row["wait_s"]),
        off_s=float(row["off_s"]),
    )


def phase_latency(run: TimedRun) -> pd.DataFrame:
    """Mean duration of each phase of an iteration.

    A phase that happens once a round (aggregation) is shared out over all iterations, so that the
    means of non-overlapping phases add up to the time an iteration really costs.

    Args:
        run: a finished run.

    Returns:
        One row a phase, in the order of the table's columns, with columns ``phase`` (without ``_s``),
        ``mean_s`` (sum over the run / number of iterations) and ``share`` (of the sum of all phases).
    """
    names = [c for c in run.iterations.columns if c.endswith("_s") and c not in _ITERATION_FACTS]
    seconds = run.iterations[names].fillna(0.0).mean() if len(run.iterations) else pd.Series(0.0, names)
    total_s = float(seconds.sum())
    return pd.DataFrame(
        {
            "phase": [name.removesuffix("_s") for name in names],
            "mean_s": seconds.to_numpy(dtype=float),
            "share": seconds.to_numpy(dtype=float) / total_s if total_s > 0.0 else 0.0,
        }
    )


def time_to_quality(run: TimedRun, metric: str, below: float) -> pd.DataFrame:
    """Simulated time of the first evaluation at which a metric lay below a bound.

    Nothing is interpolated between evaluations.

    Args:
        run: a finished run.
        metric: a name in the run's metric table, such as ``"fid"``.
        below: the bound, in the metric's unit; a value equal to it does not count.

    Returns:
        One row a domain, in order of appearance, with columns ``domain`` and ``sim_time_s`` (NaN when
        never reached).

    Raises:
        ValueError: when the run has no such metric.
    """
    rows = run.metrics[run.metrics["metric"] == metric]
    if rows.empty:
        known = sorted({str(name) for name in run.metrics["metric"]})
        near = get_close_matches(metric, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"metric: got {metric!r}; the run has {', '.join(known) or 'none'}{hint}")
    domains = list(dict.fromkeys(str(domain) for domain in rows["domain"]))
    reached = rows[rows["value"] < below].groupby("domain")["sim_time_s"].min()
    times = [float(reached[domain]) if domain in reached.index else float("nan") for domain in domains]
    return pd.DataFrame({"domain": domains, "sim_time_s": times})


def simulated_seconds(run: TimedRun) -> float:
    """Simulated seconds from the start to the last recorded fact, >= 0."""
    ends: list[float] = [0.0]
    for table, column in ((run.metrics, "sim_time_s"), (run.iterations, "end_s"), (run.transfers, "end_s")):
        if column in table.columns and len(table):
            ends.append(float(table[column].max()))
    if len(run.devices):
        ends.append(float(run.devices.groupby("device")["elapsed_s"].sum().max()))
    return max(ends)
