"""Figures of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.plot_study import Study, series_labels
from analysis.sweeps import Sweep

_FINISHED = "finished"


def study_of_sweep(sweep: Sweep) -> Study:
    """Return what the figures of a sweep are made of.

    A series is all runs that differ in their seed alone; its name tells the axes that have more than one value.
    """
    varied = tuple(one for one in sweep.axes if sweep.results[one].nunique() > 1)
    results = sweep.results.assign(series=series_labels(sweep.results, varied, str(sweep.facts["name"])))
    failed = (results["status"] != _FINISHED).to_numpy()
    for column in results.columns.difference(["seed", *sweep.axes]):
        if pd.api.types.is_numeric_dtype(results[column]):
            results[column] = results[column].astype(float).where(~failed)
    names = dict(zip(results["job"], results["series"], strict=True))
    curves = sweep.curves.assign(series=sweep.curves["job"].map(names))
    target = sweep.facts.get("target")
    return Study(
        name=str(sweep.facts["name"]),
        axes=varied,
        curves=curves,
        results=results,
        times=_times(results, target),
        targets={"": str(target["text"])} if target else {},
        names_tell=", ".join(varied),
    )


def _times(results: pd.DataFrame, target: Mapping[str, Any] | None) -> pd.DataFrame:
    """When each run that finished reached the target."""
    there = results[results["status"] == _FINISHED]
    time_s = there["time_to_target_s"] if target and "time_to_target_s" in there.columns else np.nan
    table = there[["series", "seed"]].assign(domain="", time_s=time_s, ended_s=there["simulated_s"])
    return table if target else table.iloc[:0]
