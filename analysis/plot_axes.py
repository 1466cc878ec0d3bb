"""Axes all figures share: of time, logarithmic ones, and their ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.readable import TimeUnit, time_unit

_MOST_TICKS = 8


def set_time_axis(axes: Axes, longest_s: float, what: str = "Simulated time") -> TimeUnit:
    """Labels an x axis as time in the unit that fits, and starts it at zero.

    Data are to be plotted as seconds / `unit.seconds`.

    Args:
        axes: where.
        longest_s: the end of the axis in seconds.
        what: the quantity's name.

    Returns:
        The unit.
    """
    unit = time_unit(longest_s)
    axes.set_xlabel(f"{what} ({unit.symbol})")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    return unit


def log_ticks(lowest: float, highest: float, *, whole: bool = False) -> list[float]:
    """Round numbers to mark on a logarithmic axis: at least four if the range allows.

    Args:
        lowest: lower end of the axis, > 0.
        highest: upper end of the axis, > `lowest`.
        whole: whether whole numbers alone are marked.

    Returns:
        Ascending numbers within the range, at most eight or so: powers of ten,
        else with 3, else with 2 and 5, else evenly
        spaced ones where the range is less than about a factor of ten.
    """
    powers = range(int(np.floor(np.log10(lowest))), int(np.ceil(np.log10(highest))) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        inside = [tick for tick in ticks if lowest <= tick <= highest and (tick >= 1.0 or not whole)]
        if len(inside) >= 4:
            return inside[:: -(-len(inside) // _MOST_TICKS)]
    steps = [1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10]
    spaced = MaxNLocator(nbins=5, steps=steps, integer=whole).tick_values(lowest, highest)
    return [float(tick) for tick in spaced if lowest <= tick <= highest]


def plain_number(value: float) -> str:
    """A tick's number: as it is read, with an exponent only where it would be long.

    Example:
        >>> plain_number(0.03), plain_number(1000.0), plain_number(250000.0), plain_number(1e-9)
        ('0.03', '1000', '250,000', '1e-09')
    """
    return f"{value:,.7g}" if 1e4 <= abs(value) < 1e7 else f"{value:.6g}"


def set_log_scale(
    axes: Axes,
    which: Literal["x", "y"],
    low: float,
    high: float,
    ticks: Sequence[float] = (),
    after: str = "",
) -> None:
    """Makes an axis logarithmic, with plain numbers at its ticks.

    Args:
        axes: where.
        which: the axis.
        low: its lower end, > 0.
        high: its upper end, > `low`.
        ticks: what is marked; by default round numbers.
        after: what stands behind each number.
    """
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    mark_logarithmic(axes.xaxis if which == "x" else axes.yaxis, ticks or log_ticks(low, high), after)


def mark_logarithmic(axis: Axis, ticks: Sequence[float], after: str = "") -> None:
    """Marks plain numbers, and nothing between them, on an axis that is logarithmic already."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{plain_number(value)}{after}"))


def set_log_axis(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic y axis around positive values, with plain numbers as tick labels."""
    low, high = min(values), max(values)
    margin = max((high / low) ** 0.06, 1.05)
    set_log_scale(axes, "y", low / margin, high * margin)


def set_scale(axes: Axes, which: Literal["x", "y"], values: Sequence[float], log_from: float = 30.0) -> None:
    """Scales an axis to values, logarithmic where their ratio is above `log_from`, with a margin and plain numbers.

    Args:
        axes: where.
        which: the axis.
        values: what it shows, at least one; those that are not finite do not count.
        log_from: the least ratio of positive values that asks for a logarithmic axis.
    """
    finite = [value for value in values if np.isfinite(value)]
    low, high = min(finite), max(finite)
    if low > 0.0 and high / low > log_from:
        margin = (high / low) ** 0.06
        set_log_scale(axes, which, low / margin, high * margin)
        return
    margin = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    axes.set(**{f"{which}lim": (low - margin if low < 0.0 or low > margin else 0.0, high + margin)})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
