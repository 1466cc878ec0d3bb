"""What was sent, by the kind of payload: a stacked bar a series."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.columns import in_order, need
from analysis.legs import KINDS
from analysis.plot_labels import beside, legend_outside, name_rows
from analysis.plot_quantities import quantity
from analysis.plot_style import in_style, part_look
from analysis.readable import bytes_text


@in_style
def bytes_by_kind(frame: pd.DataFrame, axes: Axes, *, what: str = "Bytes sent in a mean round") -> Axes:
    """Draws the bytes of each kind of payload.

    A kind has the same colour and hatch in all figures. A bar's length stands beside it.

    Args:
        frame: columns ``series``, ``kind`` and ``bytes`` (>= 0); a row of the figure is a series, in the order of their
            appearance.
        axes: where.
        what: which bytes these are.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or nothing was sent.
    """
    need(frame, "series", "kind", "bytes")
    totals = frame.groupby("series", sort=False)["bytes"].sum()
    if not (totals > 0.0).any():
        raise ValueError("frame: no series has sent a byte")
    unit = quantity("bytes", totals)
    sums = frame.groupby(["series", "kind"], sort=False)["bytes"].sum()
    kinds = [kind for kind in _order(in_order(frame["kind"])) if sums.xs(kind, level="kind").sum() > 0.0]
    for row, name in enumerate(totals.index):
        start = 0.0
        for kind in kinds:
            width = float(sums.get((name, kind), 0.0)) / unit.divisor
            axes.barh(row, width, left=start, height=0.72, **part_look(_number(kind, kinds)))
            start += width
        beside(axes, row, start, bytes_text(float(totals[name])))
    axes.set_xlim(0.0, float(totals.max()) / unit.divisor)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.set_xlabel(f"{what} ({unit.symbol})")
    name_rows(axes, [str(name) for name in totals.index])
    handles = [Patch(label=kind.replace("_", " "), **part_look(_number(kind, kinds))) for kind in kinds]
    legend_outside(axes, handles)
    return axes


def _order(kinds: list[str]) -> list[str]:
    """Kinds that are known in their own order, then others."""
    return [*(kind for kind in KINDS if kind in kinds), *(kind for kind in kinds if kind not in KINDS)]


def _number(kind: str, kinds: list[str]) -> int:
    """The number of a kind's look."""
    return KINDS.index(kind) if kind in KINDS else len(KINDS) + kinds.index(kind)
