"""What a device of each class draws in a round."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.columns import need
from analysis.plot_axes import set_scale
from analysis.plot_labels import beside, legend_outside, name_rows
from analysis.plot_quantities import quantity
from analysis.plot_style import BLUE, GREY, INK, in_style

_UNKNOWN = "not known: the profile does not say"


@in_style
def energy(frame: pd.DataFrame, axes: Axes) -> Axes:
    """Draws the energy of a device in a round, by its class.

    A bar is the mean over the class's devices and their rounds; its line reaches from the device that draws
    least to the one that draws most, each in its mean round. A class whose profile does not say what it draws
    has words in place of a bar.

    Args:
        frame: columns ``device_class``, ``device``, ``round`` and ``energy_j`` (joules in that round; NaN where
        it is not
            known). A row of the figure is a class, in the order of their appearance.
        axes: where.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing, or no class's energy is known.
    """
    need(frame, "device_class", "device", "round", "energy_j")
    of_devices = frame.groupby(["device_class", "device"], sort=False)["energy_j"].agg(_mean_if_known)
    by_class = of_devices.groupby(level="device_class", sort=False)
    table = pd.DataFrame(
        {"mean": by_class.agg(_mean_if_known), "low": by_class.min(), "high": by_class.max()}
    )
    table["devices"] = by_class.size()
    known = table["mean"].notna()
    if not known.any():
        raise ValueError("frame: no class's energy is known")
    unit = quantity("energy_j", table.loc[known, "high"])
    for row, (mean, low, high, _) in enumerate(table.itertuples(index=False)):
        if np.isnan(mean):
            axes.annotate(
                _UNKNOWN, (0.0, row), (3.0, 0.0), textcoords="offset points", va="center", color=GREY
            )
            continue
        axes.barh(row, mean / unit.divisor, color=BLUE, height=0.6, zorder=2)
        if high > low:
            axes.plot(
                [low / unit.divisor, high / unit.divisor], [row, row], color=INK, linewidth=0.8, zorder=3
            )
        beside(axes, row, max(mean, high) / unit.divisor, f"{unit.text(mean)} {unit.symbol}")
    set_scale(axes, "x", [0.0, float(table.loc[known, "high"].max()) / unit.divisor])
    name_rows(axes, [str(name) for name in table.index], [int(count) for count in table["devices"]])
    axes.grid(visible=True, axis="x")
    axes.set_xlabel(f"Energy of a device in a round ({unit.symbol})")
    if (table.loc[known, "high"] > table.loc[known, "low"]).any():
        line = Line2D([], [], color=INK, linewidth=0.8, label="least to most of its devices")
        legend_outside(axes, [Patch(color=BLUE, label="mean of a class"), line])
    return axes


def _mean_if_known(values: pd.Series[float]) -> float:
    """The mean; NaN as soon as one value is, because a sum that leaves it out would be too small."""
    return float(values.mean(skipna=False))
