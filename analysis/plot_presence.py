"""How many clients are there, over simulated time: churn, outages, and fleets that run out of battery."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.presence import presence as draw_presence
from analysis.plot_style import COLUMN_IN, FigureRun, MissingDataError, run_labels, styled


@styled
def presence(runs: Sequence[FigureRun]) -> Figure:
    """The mean number of clients that are there, round by round; one step curve a run.

    Args:
        runs: one or more, of which somebody was away in at least one.

    Raises:
        MissingDataError: nobody was ever away, or no round was finished.
    """
    there = [clients_there(run.devices) for run in runs]
    if not any(len(table) and (table["there"] < table["clients"] - 1e-9).any() for table in there):
        raise MissingDataError("nobody was away in any of its rounds")
    named = [table.assign(series=label) for table, label in zip(there, run_labels(runs), strict=True)]
    figure = Figure(figsize=(COLUMN_IN, 2.1))
    draw_presence(pd.concat(named), figure.subplots())
    if len(runs) > 1:
        figure.legend(loc="outside lower center", ncols=min(2, len(runs)))
    return figure


def clients_there(devices: pd.DataFrame) -> pd.DataFrame:
    """Return of every round its end, how many clients there are, and how many were there on average.

    Args:
        devices: a run's table of devices.

    Returns:
        Columns ``end_s`` (simulated seconds), ``clients`` and ``there``, one row a round.
    """
    clients = devices[devices["device"].str.startswith("client-")]
    rounds = clients.groupby("round")
    elapsed_s = rounds["elapsed_s"].max()
    there_s = rounds["elapsed_s"].sum() - rounds["off_s"].sum()
    return pd.DataFrame(
        {
            "end_s": elapsed_s.cumsum(),
            "clients": rounds.size(),
            "there": np.where(
                elapsed_s > 0.0, there_s / elapsed_s.where(elapsed_s > 0.0, 1.0), rounds.size()
            ),
        }
    )
