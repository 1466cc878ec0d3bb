"""Several axes in one figure: a panel for each domain, under one legend."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.columns import in_order
from analysis.figures.latency_fid import drawable, entries, latency_fid, scales_of
from analysis.plot_labels import legend_columns, short_names, shortened
from analysis.plot_quantities import FID_LABEL
from analysis.plot_style import COLUMN_IN, PAGE_IN, Style, overlapping_look, styled

LEGEND_LINE_IN = 0.135


def legend_height_in(width_in: float, labels: Sequence[str]) -> float:
    """How much height a legend above a figure takes, in inches."""
    columns = legend_columns(width_in, [shortened(label) for label in labels])
    return LEGEND_LINE_IN * -(-len(labels) // columns)


@styled
def quality_by_domain(
    frame: pd.DataFrame,
    *,
    value_label: str = FID_LABEL,
    log_value: bool = True,
    grey: Collection[str] = (),
    legend_title: str | None = None,
) -> Figure:
    """A quality against simulated time: a panel for each domain, in it a curve for each series.

    Args:
        frame: the columns of `analysis.figures.latency_fid` and ``domain``.
        value_label: of the y axes, with its unit.
        log_value: whether they are logarithmic.
        grey: series that are drawn light and without names.
        legend_title: what the series' names tell.

    Returns:
        The figure: one column wide for one domain, else a page wide.

    Raises:
        ValueError: when nothing can be drawn.
    """
    shown = drawable(frame, log_value)
    series = [str(name) for name in in_order(shown["series"])]
    short = dict(zip(series, short_names(series), strict=True))
    shown = shown.assign(series=[short[str(name)] for name in shown["series"]])
    grey = {short[name] for name in grey if name in short}
    domains = {name: shown[shown["domain"] == name] for name in in_order(shown["domain"])}
    columns = len(domains) if len(domains) <= 3 else 2
    lines = -(-len(domains) // columns)
    width_in = COLUMN_IN if len(domains) == 1 else PAGE_IN
    named = [name for name in in_order(shown["series"]) if name not in grey]
    looks = {name: overlapping_look(index) for index, name in enumerate(named)}
    scales = scales_of(list(domains.values()), log_value=log_value)
    handles = entries(list(domains.values()), looks, grey=grey, log_value=log_value)
    labels = [str(one.get_label()) for one in handles]
    across = legend_columns(width_in, labels)
    figure = Figure(figsize=(width_in, 2.1 * lines + 0.2 + legend_height_in(width_in, labels)))
    grid = np.asarray(figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)).ravel()
    for axes, (domain, rows) in zip(grid, domains.items(), strict=False):
        own: Style = {"value_label": value_label, "grey": grey, "log_value": log_value}
        latency_fid(rows, axes, looks=looks, scales=scales, legend=False, **own)
        axes.set_title(domain)
    for position, axes in enumerate(grid):
        axes.set_visible(position < len(domains))
        lowest = position + columns >= len(domains)
        axes.tick_params(labelbottom=lowest)
        if not lowest:
            axes.set_xlabel("")
        if position % columns:
            axes.set_ylabel("")
    figure.legend(handles=handles, loc="outside upper center", ncols=across, title=legend_title)
    return figure
