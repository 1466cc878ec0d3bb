"""The cut maps of a run: who holds which block of the generator and of the discriminator."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis.figures.cut_map import (
    HEAD,
    SERVER,
    TAIL,
    cut_map,
    grouped,
    holders,
    legend_handles,
    wanted_height_in,
)
from analysis.plot_style import COLUMN_IN, FigureRun, MissingDataError, styled

__all__ = ["HEAD", "SERVER", "TAIL", "cuts", "holders"]

_COLUMNS = ("client", "profile", "domain", "g_head", "g_tail", "d_head", "d_tail", "g_blocks", "d_blocks")
_CUT = ("g_head", "g_tail", "d_head", "d_tail")


@styled
def cuts(runs: Sequence[FigureRun]) -> Figure:
    """The cut map of one run: a row a client, grouped by domain and profile, a column a block.

    Args:
        runs: exactly one run.

    Returns:
        The figure, one column wide.

    Raises:
        MissingDataError: when there are no cuts, or a column that says who holds what is missing.
        ValueError: when `runs` is not exactly one run, or a cut leaves nothing to the server.
    """
    (run,) = runs
    if not set(_CUT) & set(run.cuts.columns):
        raise MissingDataError("its strategy cuts no network between clients and server")
    missing = [name for name in _COLUMNS if name not in run.cuts.columns]
    if missing or run.cuts.empty:
        raise MissingDataError(f"the cuts have no {'rows' if not missing else ', '.join(missing)}")
    table = grouped(run.cuts, _CUT)
    high = wanted_height_in(table)
    figure = Figure(figsize=(COLUMN_IN, high + 0.85))
    widths = [int(table[f"{net}_blocks"].iloc[0]) for net in "gd"]
    panels = figure.subplots(1, 2, sharey=True, width_ratios=widths)
    for axes, net, title in zip(panels, "gd", ("Generator", "Discriminator"), strict=True):
        frame = table.rename(columns={f"{net}_{part}": part for part in ("head", "tail", "blocks")})
        cut_map(frame, axes, title=title, row_in=high / len(table), name_rows=net == "g", legend=False)
    handles = legend_handles()
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), columnspacing=0.9)
    return figure
