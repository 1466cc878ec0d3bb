"""One iteration, device by device: what each computes, sends and receives, and what decides how long it takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke

from analysis.figures.columns import need
from analysis.plot_axes import set_time_axis
from analysis.plot_labels import legend_outside, name_rows
from analysis.plot_style import BLUE, INK, LABEL_PT, LIGHT, ORANGE, Style, in_style
from analysis.timing import device_order

MOST_ROWS = 30
"""How many devices have a row."""

_SKY = "#56B4E9"
# Of each lane: its top and its height within a row, in rows, and its colour.
_LANES = {
    "compute": (-0.42, 0.38, BLUE),
    "wait": (-0.27, 0.08, LIGHT),
    "send": (-0.01, 0.20, ORANGE),
    "receive": (0.22, 0.20, _SKY),
}
_RASTER_FROM = 5000


@in_style
def gantt(frame: pd.DataFrame, axes: Axes, *, most_rows: int = MOST_ROWS) -> Axes:
    """Draws an iteration: a row a device, with a lane for what it computes, one for what it sends and one for the rest.

    The dark line is the critical path: each of its pieces begins when the one before it ends, so that together they are
    the iteration's latency. Of more devices than `most_rows` those on the critical path have a row, then the busiest.

    Args:
        frame: as `analysis.trace.gantt_frame` returns it: columns ``device``, ``kind`` (``compute``, ``transfer`` or
            ``wait``), ``what`` (of a transfer it begins with ``send`` or ``receive``), ``start_s`` and ``end_s``
            (simulated seconds) and ``on_critical_path``.
        axes: where.
        most_rows: how many devices to show at most.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing, there is no row, or a kind is unknown.
    """
    need(frame, "device", "kind", "what", "start_s", "end_s", "on_critical_path")
    if frame.empty:
        raise ValueError("frame: has no row; needed: what devices do in an iteration")
    table = frame.assign(lane=lanes_of(frame))
    devices = shown_devices(table, most_rows)
    begin_s, end_s = float(frame["start_s"].min()), float(frame["end_s"].max())
    unit = set_time_axis(axes, end_s - begin_s, "Time since the iteration began")
    for row, device in enumerate(devices):
        own = table[table["device"] == device]
        for lane, (top, height, colour) in _LANES.items():
            legs = own[own["lane"] == lane]
            starts = (legs["start_s"] - begin_s) / unit.seconds
            widths = (legs["end_s"] - legs["start_s"]) / unit.seconds
            spans = list(zip(starts, widths, strict=True))
            style: Style = {"facecolor": colour, "linewidth": 0.0, "rasterized": len(legs) > _RASTER_FROM}
            axes.broken_barh(spans, (row + top, height), **style)
    x, y = critical_line(table, devices)
    path: Style = {"color": INK, "linewidth": 0.8, "solid_joinstyle": "miter"}
    casing = [Stroke(linewidth=1.8, foreground="white"), Normal()]
    axes.plot((x - begin_s) / unit.seconds, y, zorder=5, path_effects=casing, **path)
    axes.set_xlim(0.0, (end_s - begin_s) / unit.seconds or 1.0)
    name_rows(axes, devices)
    axes.tick_params(axis="y", labelsize=LABEL_PT - 1.0)
    there = table["device"].nunique()
    if there > len(devices):
        told = f"{len(devices)} of {there} devices: those on the critical path, then the busiest"
        axes.set_title(told, weight="normal")
    handles = [Patch(color=colour, label=name) for name, (_, _, colour) in _LANES.items()]
    legend_outside(axes, [*handles, Line2D([], [], label="critical path", **path)])
    return axes


def lanes_of(frame: pd.DataFrame) -> pd.Series[str]:
    """The lane of each row: its kind, of a transfer whether it is sent or received.

    Raises:
        ValueError: when a kind is unknown.
    """
    unknown = set(frame["kind"]) - {"compute", "transfer", "wait"}
    if unknown:
        raise ValueError(f"frame: kind {sorted(unknown)[0]!r}; allowed: compute, transfer, wait")
    received = frame["what"].str.startswith("receive")
    moved = pd.Series(np.where(received, "receive", "send"), index=frame.index)
    return frame["kind"].where(frame["kind"] != "transfer", moved)


def shown_devices(table: pd.DataFrame, most: int) -> list[str]:
    """The devices that have a row, in their order; of too many those on the critical path, then the busiest."""
    busy = table[table["lane"] != "wait"]
    seconds = (busy["end_s"] - busy["start_s"]).groupby(busy["device"]).sum()
    critical = table.groupby("device")["on_critical_path"].any()
    ranked = sorted(
        critical.index,
        key=lambda one: (not critical[one], -float(seconds.get(one, 0.0)), device_order(str(one))),
    )
    return sorted(map(str, ranked[:most]), key=device_order)


def critical_line(table: pd.DataFrame, devices: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The critical path as a line through the lanes of the devices shown.

    Returns:
        Times in seconds and places in rows; NaN where the path leaves the devices that are shown.
    """
    place = {device: row for row, device in enumerate(devices)}
    legs = table[table["on_critical_path"] & (table["lane"] != "receive")].sort_values(["start_s", "end_s"])
    pieces: list[tuple[float, float, float]] = []
    for device, lane, start_s, end_s in legs[["device", "lane", "start_s", "end_s"]].itertuples(index=False):
        begin_s = max(float(start_s), pieces[-1][1] if pieces else float(start_s))
        if end_s <= begin_s:
            continue
        top, height, _ = _LANES[str(lane)]
        pieces.append((begin_s, float(end_s), place.get(str(device), np.nan) + top + height / 2))
    xy = [point for begin_s, end_s, y in pieces for point in ((begin_s, y), (end_s, y))]
    points = np.array(xy, dtype=float).reshape(-1, 2)
    return points[:, 0], points[:, 1]
