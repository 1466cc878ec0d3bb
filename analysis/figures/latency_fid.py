"""Quality against simulated time: a curve a series, a band over its seeds, and the floor below them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.columns import in_order, need
from analysis.plot_axes import set_log_axis, set_log_scale, set_time_axis
from analysis.plot_labels import label_line_ends, legend_outside
from analysis.plot_quantities import FID_LABEL
from analysis.plot_style import GREY, LIGHT, LineLook, Style, in_style, look, overlapping_look
from analysis.readable import TimeUnit, three_digits, time_unit

LOG_FROM = 30.0
"""Ratio of the series' simulated times from which their axis is logarithmic."""

FAR_FLOOR = 10.0
"""How many times lower than everything drawn a floor may be and still have its line."""

_FEW_POINTS = 15
_BAND_ALPHA, _MANY_BANDS_ALPHA = 0.18, 0.09
_MANY_BANDS = 4
_FLOOR_DASHES = (0, (4, 2))


@dataclass(frozen=True)
class Course:
    """One series over the rounds that all its seeds have.

    Attributes:
        times_s: mean over seeds, ascending.
        mean, low, high: over seeds, of the same shape.
        untrained: whether the first point is that before training.
        seeds: how many there are.
    """

    times_s: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    untrained: bool
    seeds: int


@dataclass(frozen=True)
class Scales:
    """What the axes of several panels share.

    Attributes:
        lowest, highest: of all values and the floors that are drawn.
        first_s, last_s: the earliest time after training began, and the latest of all.
        log_time: whether the time axis is logarithmic.
        log_value: whether the value axis is.
    """

    lowest: float
    highest: float
    first_s: float
    last_s: float
    log_time: bool = False
    log_value: bool = True

    @property
    def unit(self) -> TimeUnit:
        """The unit of the time axis."""
        return time_unit(self.last_s)


@in_style
def latency_fid(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    value_label: str = FID_LABEL,
    name_ends: bool = False,
    grey: Collection[str] = (),
    looks: Mapping[str, LineLook] | None = None,
    scales: Scales | None = None,
    log_value: bool = True,
    legend: bool = True,
) -> Axes:
    """Draws a quality against simulated time.

    A curve is the mean over the seeds of those rounds that all of them have, its band their range. The hollow first
    point is the untrained generator; on a logarithmic time axis, which it has where one series takes over 30 times as
    long as another, there is no room for it, since its time is 0. Dashed lines are floors, what real images get: of the
    colour of their series, or grey where series share one; a shared one far below all curves is told in words
    above the axes.

    Args:
        frame: columns ``series`` and ``seed``, ``round`` (-1 before training), ``sim_time_s`` (simulated
        seconds >= 0) and
            ``value``; where there are floors, ``floor`` (the same in all rows of a series; NaN for none).
        axes: where.
        value_label: of the y axis, with its unit.
        name_ends: whether each curve is named, with its last value, at its end instead of in the legend.
        grey: series that are drawn light and without names, because there are too many.
        looks: by series; by default each has another colour and other dashes than its neighbours.
        scales: those of all panels of a figure; by default of this frame alone.
        log_value: whether the y axis is logarithmic; values that such an axis cannot show are left out.
        legend: whether there is one above the axes.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or nothing can be drawn.
    """
    shown = drawable(frame, log_value)
    scales = scales or scales_of([shown], log_value=log_value)
    looks = looks or _looks(in_order(shown["series"]), name_ends, grey)
    courses = courses_of(shown)
    ends = []
    set_time_axis(axes, scales.last_s)
    floors = _floors(shown, set(grey))
    shared = len(courses) > 1 and len(set(floors.values())) == 1
    for name, course in courses.items():
        if name in grey:
            _draw_faint(axes, course, scales)
            continue
        _draw_course(axes, course, scales, looks[name], _band_alpha(courses))
        if name in floors and not shared:
            axes.axhline(
                floors[name], color=looks[name].colour, linestyle=_FLOOR_DASHES, linewidth=0.8, zorder=2
            )
        ends.append((float(course.mean[-1]), f"{name} {three_digits(course.mean[-1])}", looks[name].colour))
    if shared:
        _draw_shared_floor(axes, next(iter(floors.values())), scales.lowest)
    _finish(axes, scales, value_label)
    if legend:
        legend_outside(
            axes, entries([frame], looks, grey=grey, log_value=log_value, name_series=not name_ends)
        )
    if name_ends:
        label_line_ends(axes, ends)
    return axes


def drawable(frame: pd.DataFrame, log_value: bool = True) -> pd.DataFrame:
    """The rows that can be drawn, in the order of rounds.

    Raises:
        ValueError: when a column is missing, or there is no such row.
    """
    need(frame, "series", "seed", "round", "sim_time_s", "value")
    values = frame["value"].to_numpy(dtype=float)
    rows: pd.DataFrame = frame[np.isfinite(values) & ((values > 0.0) | (not log_value))]
    if rows.empty:
        raise ValueError("frame: no value can be drawn; needed: a finite one, on a logarithmic axis above 0")
    return rows


def courses_of(frame: pd.DataFrame) -> dict[str, Course]:
    """Each series' course; none of a series whose seeds have no round in common."""
    by_round = frame.groupby(["series", "round"]).agg(
        n=("seed", "nunique"),
        time_s=("sim_time_s", "mean"),
        mean=("value", "mean"),
        low=("value", "min"),
        high=("value", "max"),
    )
    seeds = frame.groupby("series")["seed"].nunique()
    needed = seeds.reindex(by_round.index.get_level_values("series")).to_numpy()
    common: dict[Any, pd.DataFrame] = dict(iter(by_round[by_round["n"] == needed].groupby(level="series")))
    courses = {}
    for name in (one for one in in_order(frame["series"]) if one in common):
        own = common[name]
        times_s, mean, low, high = (
            own[key].to_numpy(dtype=float) for key in ("time_s", "mean", "low", "high")
        )
        untrained = bool(own.index.get_level_values("round")[0] < 0)
        courses[name] = Course(times_s, mean, low, high, untrained, int(seeds[name]))
    return courses


def scales_of(frames: Sequence[pd.DataFrame], *, log_value: bool = True) -> Scales:
    """The scales that panels of one figure share; `frames` as `drawable` returns them, a frame a panel."""
    courses = [course for frame in frames for course in courses_of(frame).values()]
    if not courses:
        raise ValueError("frame: the seeds of no series have a round in common")
    drawn = [float(edge) for course in courses for edge in (course.low.min(), course.high.max())]
    floors = []
    for frame in frames:
        own, many = _floors(frame, ()), frame["series"].nunique() > 1
        shared = many and len(set(own.values())) == 1
        floors += [floor for floor in own.values() if not shared or floor >= min(drawn) / FAR_FLOOR]
    trained = [float(time_s) for course in courses for time_s in course.times_s if time_s > 0.0]
    ends = [float(course.times_s[-1]) for course in courses]
    log_time = min(ends) > 0.0 and max(ends) / min(ends) > LOG_FROM
    lowest, highest = min([*drawn, *floors]), max([*drawn, *floors])
    return Scales(lowest, highest, min(trained, default=0.0), max(ends), log_time, log_value)


def entries(
    frames: Sequence[pd.DataFrame],
    looks: Mapping[str, LineLook],
    *,
    grey: Collection[str] = (),
    log_value: bool = True,
    name_series: bool = True,
) -> list[Artist]:
    """The legend's entries for panels: the series, then what bands, hollow points and dashed lines are."""
    shown = [drawable(frame, log_value) for frame in frames]
    scales = scales_of(shown, log_value=log_value)
    courses = [course for frame in shown for name, course in courses_of(frame).items() if name not in grey]
    found: list[Artist] = []
    if name_series:
        found += [Line2D([], [], color=how.colour, linestyle=how.dashes, label=name)
                  for name, how in looks.items() if name not in grey]  # fmt: skip
    if grey:
        found.append(Line2D([], [], color=LIGHT, linewidth=0.8, label=f"{len(grey)} others"))
    seeds = {course.seeds for course in courses}
    if max(seeds, default=1) > 1:
        told = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else str(max(seeds))
        found.append(Patch(color=GREY, alpha=_BAND_ALPHA, label=f"mean and range of {told} seeds"))
    if any(course.untrained for course in courses) and not scales.log_time:
        found.append(Line2D([], [], linestyle="", marker="o", mfc="white", mec=GREY, label="untrained"))
    if any(floor >= scales.lowest for frame in shown for floor in _floors(frame, ()).values()):
        dashes: Style = {"color": GREY, "linestyle": _FLOOR_DASHES, "linewidth": 0.8}
        found.append(Line2D([], [], label="floor: held-out real images", **dashes))
    return found


def _looks(series: Sequence[str], name_ends: bool, grey: Collection[str]) -> dict[str, LineLook]:
    """Solid lines where each is named at its end, else dashes that differ from the neighbours'."""
    named = [name for name in series if name not in grey]
    return {name: (look if name_ends else overlapping_look)(index) for index, name in enumerate(named)}


def _floors(frame: pd.DataFrame, left_out: Collection[str]) -> dict[str, float]:
    if "floor" not in frame.columns:
        return {}
    firsts = frame.groupby("series", sort=False)["floor"].first().dropna()
    return {str(name): float(floor) for name, floor in firsts.items() if floor > 0.0 and name not in left_out}


def _draw_shared_floor(axes: Axes, floor: float, lowest: float) -> None:
    if floor >= lowest:
        axes.axhline(floor, color=GREY, linestyle=_FLOOR_DASHES, linewidth=0.8, zorder=2)
    else:
        note = f"floor {three_digits(floor)}, far below"
        axes.set_title(note, loc="right", color=GREY, weight="normal", fontsize="small")


def _band_alpha(courses: Mapping[str, Course]) -> float:
    """Bands of more than four series lie on each other: they are fainter, so that the curves show."""
    return _BAND_ALPHA if len(courses) <= _MANY_BANDS else _MANY_BANDS_ALPHA


def _draw_course(axes: Axes, course: Course, scales: Scales, how: LineLook, band_alpha: float) -> None:
    first = 1 if scales.log_time and course.untrained else 0
    times = course.times_s[first:] / scales.unit.seconds
    mean, low, high = (one[first:] for one in (course.mean, course.low, course.high))
    if not len(mean):
        return
    if course.seeds > 1:
        axes.fill_between(times, low, high, color=how.colour, alpha=band_alpha, linewidth=0)
    marks = "o" if course.seeds == 1 and len(course.mean) <= _FEW_POINTS else ""
    axes.plot(times, mean, color=how.colour, linestyle=how.dashes, marker=marks, clip_on=False, zorder=3)
    axes.plot(times[-1:], mean[-1:], "o", color=how.colour, clip_on=False, zorder=4)
    if course.untrained and not scales.log_time:
        axes.plot(times[:1], mean[:1], "o", mfc="white", mec=how.colour, clip_on=False, zorder=4)


def _draw_faint(axes: Axes, course: Course, scales: Scales) -> None:
    first = 1 if scales.log_time and course.untrained else 0
    times = course.times_s[first:] / scales.unit.seconds
    axes.plot(times, course.mean[first:], color=LIGHT, linewidth=0.8, zorder=1.5)


def _finish(axes: Axes, scales: Scales, value_label: str) -> None:
    """Set limits, ticks and labels of both axes."""
    if scales.log_value:
        set_log_axis(axes, [scales.lowest, scales.highest])
    else:
        margin = 0.05 * (scales.highest - scales.lowest) or 0.05 * abs(scales.highest) or 1.0
        axes.set_ylim(scales.lowest - margin, scales.highest + margin)
    axes.grid(visible=True, axis="y")
    axes.set_ylabel(value_label)
    longest = scales.last_s / scales.unit.seconds
    if not scales.log_time:
        axes.set_xlim(0.0, longest if longest > 0.0 else 1.0)
        return
    low = scales.first_s / scales.unit.seconds
    set_log_scale(axes, "x", low, longest)
