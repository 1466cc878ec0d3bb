"""What each device did over a run: computing, transferring, waiting, and away where some device was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.figures.columns import need
from analysis.plot_axes import set_time_axis
from analysis.plot_labels import (
    height_in,
    label_rows,
    legend_outside,
    right_of_axes,
    rows_from_top,
    shortened,
)
from analysis.plot_style import BLUE, GREY, LABEL_PT, LIGHT, ORANGE, in_style
from analysis.readable import TimeUnit, percent_text
from analysis.timing import SERVER_NAME, is_client

PARTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("compute_s", "computing", {"color": BLUE}),
    ("transfer_s", "transferring", {"color": ORANGE}),
    ("wait_s", "waiting", {"color": LIGHT}),
    ("off_s", "away", {"facecolor": GREY, "hatch": "////", "edgecolor": "white"}),
)
"""The parts of a device's time: column, name and look. They differ in lightness or hatch as much as in hue."""

# A row below this height cannot carry a line of text; its group is named instead.
_TEXT_ROW_IN = 0.13


def parts_of(times: pd.DataFrame) -> list[tuple[str, str, dict[str, Any]]]:
    """The parts that are drawn: where nobody was ever away, a figure does not speak of it."""
    return [part for part in PARTS if part[0] != "off_s" or (times["off_s"] > 0.0).any()]


def device_class(device: str, profile: str) -> str:
    """The class of a device: its profile, for servers with their role.

    Example:
        >>> device_class("client-3", "paper-1"), device_class("edge-0", "paper-1"), device_class("server", "x")
        ('paper-1', 'edge, paper-1', 'server')
    """
    if device == SERVER_NAME:
        return SERVER_NAME
    return profile if is_client(device) else f"edge, {profile}"


@in_style
def devices(frame: pd.DataFrame, axes: Axes, *, row_in: float | None = None) -> Axes:
    """Draws how each device spent its time, a row a device.

    The server is on top, then edge servers where there are some, then the clients by profile, the busiest
    profile and within it the busiest client first. Few devices are named row by row, with their busy share;
    many are named by profile, with the mean busy share of its devices.

    Args:
        frame: columns ``device``, ``profile`` and, in seconds, ``compute_s``, ``transfer_s``, ``wait_s`` and ``off_s``.
        axes: where.
        row_in: height of a row in inches; by default what the axes has.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no device.
    """
    need(frame, "device", "profile", *(column for column, *_ in PARTS))
    if frame.empty:
        raise ValueError("frame: has no device")
    times = by_class(frame)
    row_in = row_in or height_in(axes) / len(times)
    total_s = float(times[[column for column, *_ in PARTS]].sum(axis=1).max())
    unit = set_time_axis(axes, total_s)
    _bars(axes, times, unit, solid=row_in < _TEXT_ROW_IN)
    axes.set_xlim(0.0, total_s / unit.seconds if total_s > 0.0 else 1.0)
    rows_from_top(axes, len(times))
    labels = _device_labels(times) if row_in >= _TEXT_ROW_IN else _class_labels(times)
    _row_labels(axes, labels, row_in)
    legend_outside(axes, [Patch(label=name, **style) for _, name, style in parts_of(times)])
    return axes


def by_class(times: pd.DataFrame) -> pd.DataFrame:
    """Devices sorted by class, the server's first and then the busiest.

    Args:
        times: the frame of `devices`.

    Returns:
        The same with the columns ``busy_s``, ``busy_share`` and ``device_class`` added.
    """
    busy_s = times["compute_s"] + times["transfer_s"]
    elapsed_s = busy_s + times["wait_s"] + times["off_s"]
    is_server = times["device"] == SERVER_NAME
    is_of_client = times["device"].map(is_client).astype(bool)
    pairs = zip(times["device"].astype(str), times["profile"].astype(str), strict=True)
    group = pd.Series([device_class(*pair) for pair in pairs], index=times.index, dtype=object)
    sorted_times = times.assign(
        busy_s=busy_s,
        busy_share=np.divide(busy_s, elapsed_s, out=np.zeros(len(times)), where=elapsed_s.to_numpy() > 0.0),
        device_class=group,
        tier=(~is_server).astype(int) + is_of_client,  # server, edge servers, clients
        class_busy_s=busy_s.groupby(group).transform("mean"),
    ).sort_values(
        ["tier", "class_busy_s", "device_class", "busy_s"],
        ascending=[True, False, True, False],
        kind="stable",
    )
    return sorted_times.drop(columns=["tier", "class_busy_s"]).reset_index(drop=True)


def _bars(axes: Axes, times: pd.DataFrame, unit: TimeUnit, *, solid: bool) -> None:
    """One stacked bar a row; `solid` draws thin rows without gaps, as areas (any number of rows)."""
    edges = np.append(np.arange(len(times)) - 0.5, len(times) - 0.5)
    left = np.zeros(len(times))
    for column, _, style in parts_of(times):
        right = left + times[column].to_numpy(dtype=float) / unit.seconds
        if solid:
            spans = [np.append(values, values[-1]) for values in (left, right)]
            axes.fill_betweenx(edges, spans[0], spans[1], step="post", linewidth=0.0, **style)
        else:
            axes.barh(np.arange(len(times)), right - left, left=left, height=0.78, **style)
        left = right
    if solid:
        classes = times["device_class"].to_numpy()
        changes = np.flatnonzero(classes[1:] != classes[:-1])
        axes.hlines(changes + 0.5, 0.0, float(left.max()), color="white", linewidth=0.6)


def _device_labels(times: pd.DataFrame) -> list[tuple[float, str, str]]:
    return [
        (
            float(row),
            f"{device} ({shortened(profile, 24)})" if device != SERVER_NAME else str(device),
            percent_text(share),
        )
        for row, (device, profile, share) in enumerate(
            times[["device", "profile", "busy_share"]].itertuples(index=False)
        )
    ]


def _class_labels(times: pd.DataFrame) -> list[tuple[float, str, str]]:
    labels = []
    for group, rows in times.groupby("device_class", sort=False):
        name = str(group) if group == SERVER_NAME else f"{shortened(str(group), 30)} ({len(rows)})"
        labels.append((float(rows.index.to_numpy().mean()), name, percent_text(rows["busy_share"].mean())))
    return labels


def _row_labels(axes: Axes, labels: Sequence[tuple[float, str, str]], row_in: float) -> None:
    """Names to the left and busy shares to the right of rows, kept apart from each other."""
    places = label_rows(axes, [row for row, _, _ in labels], [name for _, name, _ in labels], row_in)
    for place, (_, _, share) in zip(places, labels, strict=True):
        right_of_axes(axes, place, share)
    # The first share may stand out above thin rows; the heading clears it.
    right_of_axes(axes, 0, "busy", above_pt=max(2.0, 0.6 * LABEL_PT - 36.0 * row_in + 3.0))
