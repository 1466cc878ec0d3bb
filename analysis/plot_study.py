"""Figures of a study: what a sweep, or a comparison of strategies, has of curves and results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.columns import in_order
from analysis.figures.heat_map import cell_means
from analysis.figures.heat_map import heat_map as draw_heat_map
from analysis.figures.pareto import MOST_NAMED, best_series, pareto_front
from analysis.figures.pareto import pareto as draw_pareto
from analysis.figures.scaling import scaling as draw_scaling
from analysis.figures.time_to_target import entries as target_entries
from analysis.figures.time_to_target import time_to_target as draw_time_to_target
from analysis.plot_labels import LINE_IN, MOST_ABOVE, legend_columns
from analysis.plot_panels import LEGEND_LINE_IN, legend_height_in, quality_by_domain
from analysis.plot_quantities import is_metric, is_number, larger_is_better, metric_label
from analysis.plot_style import COLUMN_IN, PAGE_IN, ChoiceError, MissingDataError, styled
from models.option_errors import unknown_name

MOST_ROWS = 30
"""How many series have a row in a figure of rows."""

_ROW_IN = 0.17
_LATENCY = "iteration_latency_s"


@dataclass(frozen=True)
class Choice:
    """What a figure of a study shows, where it is not what it shows by itself.

    Attributes:
        rows, columns: the axes of a heat map.
        value: the number that is shown: a column of results, or of curves a metric.
        against: the column of the x axis.
    """

    rows: str | None = None
    columns: str | None = None
    value: str | None = None
    against: str | None = None

    @property
    def given(self) -> list[str]:
        """The names of what was chosen."""
        return [one.name for one in fields(self) if getattr(self, one.name) is not None]


AS_IT_IS = Choice()
"""Nothing is chosen."""


@dataclass(frozen=True)
class Study:
    """Runs that differ in what was varied, and in their seeds.

    Attributes:
        name: of the study.
        axes: what was varied, each a column of `results`.
        curves: columns ``series``, ``seed``, ``domain``, ``round``, ``sim_time_s``, ``metric``, ``value``.
        results: a row a run: ``series``, ``seed``, the axes, and numbers, NaN where the run failed.
        times: columns ``series``, ``seed``, ``domain`` (empty where it is of all domains together), ``time_s`` (to the
            target) and ``ended_s``.
        targets: of each domain in `times` what was to be reached; none where nothing was.
        names_tell: what the series' names are made of.
    """

    name: str
    axes: tuple[str, ...]
    curves: pd.DataFrame
    results: pd.DataFrame
    times: pd.DataFrame
    targets: dict[str, str] = field(default_factory=dict)
    names_tell: str = ""

    @property
    def domains(self) -> int:
        """In how many domains something was measured."""
        return int(self.curves["domain"].nunique())

    @property
    def numbers(self) -> list[str]:
        """The columns of `results` that a figure can show as a number."""
        columns = self.results.columns.difference(["series", "seed", "job", "status"], sort=False)
        return [str(one) for one in columns if is_number(self.results[one])]


def chosen(what: str, name: str, names: Iterable[str]) -> str:
    """Return a name that is there.

    Raises:
        ChoiceError: It is not; the message tells the nearest that is.
    """
    known = list(names)
    if name in known:
        return name
    raise ChoiceError(unknown_name(what, name, known))


def latency_fid(study: Study, choice: Choice = Choice()) -> Figure:
    """A metric (`choice.value`, by default FID) against simulated time, a panel for each domain.

    Of more than 14 series those on the Pareto front of time and quality are named; the others are grey.
    """
    measured = [one for one in in_order(study.curves["metric"]) if is_metric(one) and "floor" not in one]
    metric = chosen("metric", choice.value, measured) if choice.value else "fid"
    rows = study.curves[study.curves["metric"] == metric]
    if metric == "fid":
        rows = rows[rows["value"] > 0.0]
    rows = rows[np.isfinite(rows["value"].astype(float))]
    if rows.empty:
        raise MissingDataError(f"metric '{metric}' has no value: nothing was trained, or it is not measured")
    floors = study.curves[study.curves["metric"] == f"{metric}_floor"].groupby("domain")["value"].mean()
    grey, title = _rest(rows, larger_is_better(metric), study.names_tell)
    return quality_by_domain(
        rows.assign(floor=rows["domain"].map(floors).astype(float)),
        value_label=metric_label(metric),
        log_value=metric == "fid",
        grey=grey,
        legend_title=title,
    )


def _rest(rows: pd.DataFrame, larger: bool, names_tell: str) -> tuple[set[str], str | None]:
    """The series that have no name because there are too many, and the legend's title."""
    series = in_order(rows["series"])
    if len(series) <= MOST_NAMED:
        return set(), names_tell or None
    last = rows.sort_values("round", kind="stable").groupby(["series", "seed", "domain"], sort=False).last()
    means = last.groupby("series")[["sim_time_s", "value"]].mean().loc[series]
    costs, values = (means[key].to_numpy(dtype=float) for key in ("sim_time_s", "value"))
    named = best_series(series, pareto_front(costs, values, larger), costs, MOST_NAMED)
    told = f"those no other beats in both time and quality, of {len(series)}"
    return set(series) - set(named), f"{names_tell}: {told}" if names_tell else told


@styled
def pareto(study: Study, choice: Choice = Choice()) -> Figure:
    """A metric (`choice.value`) against a cost (`choice.against`, by default the simulated time), a point a series."""
    metrics = [one for one in study.numbers if is_metric(one)]
    by_itself = "fid" if "fid" in metrics else next(iter(metrics), "fid")
    value = chosen("metric", choice.value, metrics) if choice.value else by_itself
    costs = [one for one in study.numbers if one not in metrics]
    cost = chosen("--against", choice.against, costs) if choice.against else "simulated_s"
    rows = _finite(study.results, [cost, value])
    figure = _with_legend([*in_order(rows["series"])[:MOST_NAMED], "Pareto front", "range of the seeds"])
    draw_pareto(
        rows, figure.add_subplot(), cost=cost, value=value, larger_is_better=larger_is_better(value),
        value_label=metric_label(value, study.domains), legend_title=study.names_tell or None,
    )  # fmt: skip
    return figure


@styled
def time_to_target(study: Study, choice: Choice = Choice()) -> Figure:
    """When each series first reached the target; a panel for each domain where each was timed.

    Of more than 30 series 30 have a row: those that reached it with most seeds, and of these the fastest.
    """
    if study.times.empty or not study.targets:
        raise MissingDataError("there is no target: nothing was timed to a quality")
    kept = _fastest(study.times)
    times = study.times[study.times["series"].isin(kept)]
    domains = [name for name in in_order(study.curves["domain"]) if name in set(times["domain"])]
    panels = {name: times[times["domain"] == name] for name in domains or in_order(times["domain"])}
    width_in = COLUMN_IN if len(panels) == 1 else PAGE_IN
    handles = target_entries([times])
    labels = [str(one.get_label()) for one in handles]
    every = "\nin every domain" if "" in panels and study.domains > 1 else ""
    height_in = 0.62 + _ROW_IN * len(kept) + legend_height_in(width_in, labels) + every.count("\n") * LINE_IN
    figure = Figure(figsize=(width_in, height_in))
    grid = np.asarray(figure.subplots(1, len(panels), squeeze=False, sharey=True)).ravel()
    for axes, (domain, rows) in zip(grid, panels.items(), strict=True):
        draw_time_to_target(rows, axes, target=f"{study.targets[domain]}{every}", legend=False)
        axes.set_title(domain)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=legend_columns(width_in, labels),
        title=_told(study, kept),
    )
    return figure


def _fastest(times: pd.DataFrame) -> list[str]:
    """The series that have a row, in their own order: those that reached the target most often, then the fastest.

    A mean over the seeds that reached it would put a series with one lucky seed before one that always does.
    """
    reached = times.groupby("series", sort=False)["time_s"].agg(["count", "mean"])
    ranked = reached.sort_values(["count", "mean"], ascending=[False, True], kind="stable")
    kept = set(ranked.index[:MOST_ROWS])
    return [str(name) for name in reached.index if name in kept]


def _told(study: Study, kept: Sequence[str]) -> str | None:
    count = int(study.times["series"].nunique())
    more = "" if len(kept) == count else f"the {len(kept)} fastest of {count}"
    return ": ".join(one for one in (study.names_tell, more) if one) or None


@styled
def heat_map(study: Study, choice: Choice = Choice()) -> Figure:
    """A number (`choice.value`, by default the latency of an iteration) for each pair of two axes."""
    axes_names = list(study.axes)
    if len(axes_names) < 2 and not (choice.rows and choice.columns):
        raise MissingDataError(f"a heat map needs two axes; varied: {', '.join(axes_names) or 'nothing'}")
    rows = chosen("--rows", choice.rows, axes_names) if choice.rows else None
    columns = chosen("--columns", choice.columns, axes_names) if choice.columns else None
    rows = rows or next(one for one in axes_names if one != columns)
    columns = columns or next(one for one in axes_names if one != rows)
    value = chosen("--value", choice.value, study.numbers) if choice.value else _LATENCY
    if rows == columns:
        raise ChoiceError(
            f"--rows and --columns: both are {rows!r}; allowed: two axes of {', '.join(axes_names)}"
        )
    _finite(study.results, [value])
    cells = cell_means(study.results, rows, columns, value)
    across, down = len(cells.columns), len(cells.index)
    width_in = COLUMN_IN if across <= 5 else PAGE_IN
    figure = Figure(figsize=(width_in, min(max(0.9 + 0.24 * down, 2.1), 8.5)))
    axes = figure.add_subplot()
    others = [one for one in axes_names if one not in (rows, columns)]
    if others:
        axes.set_title(f"mean over {', '.join(others)}", weight="normal")
    label = metric_label(value, study.domains) if is_metric(value) else None
    draw_heat_map(study.results, axes, rows=rows, columns=columns, value=value, value_label=label)
    return figure


@styled
def scaling(study: Study, choice: Choice = Choice()) -> Figure:
    """A cost (`choice.value`, by default the latency of an iteration) against a size (`choice.against`).

    The size is by default the number of clients where it varies, else the first axis of numbers.
    """
    varied = [
        one for one in ("clients", *study.axes) if one in study.numbers and study.results[one].nunique() > 1
    ]
    cost = chosen("--value", choice.value, study.numbers) if choice.value else _LATENCY
    size = chosen("--against", choice.against, study.numbers) if choice.against else next(iter(varied), None)
    if size is None:
        raise MissingDataError("neither the number of clients nor an axis of numbers was varied")
    rows = _finite(study.results, [size, cost])
    rows = rows[(rows[[size, cost]] > 0.0).all(axis=1)]
    if rows[size].nunique() < 2:
        raise MissingDataError(f"{size} has fewer than two values above 0")
    others = [one for one in study.axes if one != size and not _follows(rows, one, size)]
    named = rows.assign(series=series_labels(rows, others, study.name))
    names = in_order(named["series"])
    figure = _with_legend(
        [*(f"{name} (grows as N^0.00)" for name in names[:MOST_NAMED]), "in proportion to N"]
    )
    title = ", ".join(others) or None
    draw_scaling(named, figure.add_subplot(), size=size, cost=cost, legend_title=title)
    return figure


def _with_legend(labels: Sequence[str]) -> Figure:
    """An empty figure: one column wide with room for a legend above, or a page wide for a longer one at its side."""
    if len(labels) > MOST_ABOVE:
        return Figure(figsize=(PAGE_IN, max(2.7, 0.3 + LEGEND_LINE_IN * (len(labels) + 2))))
    return Figure(figsize=(COLUMN_IN, 2.3 + legend_height_in(COLUMN_IN, labels)))


def _follows(rows: pd.DataFrame, axis: str, size: str) -> bool:
    """Whether an axis tells nothing but the size: each of its values has one size, and no two have the same."""
    pairs = rows[[axis, size]].drop_duplicates()
    return len(pairs) == pairs[axis].nunique() == pairs[size].nunique()


def series_labels(rows: pd.DataFrame, axes: Sequence[str], otherwise: str) -> list[str]:
    """A name for each row, of its values on those axes that vary; `otherwise` where none does."""
    if not axes:
        return [otherwise] * len(rows)
    return [", ".join(map(_value_text, values)) for values in rows[list(axes)].itertuples(index=False)]


def _value_text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _finite(results: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The rows that have all of some numbers.

    Raises:
        MissingDataError: None has.
    """
    missing = [one for one in columns if one not in results.columns]
    if missing:
        raise MissingDataError(f"there is no {missing[0]}: nothing was trained, or it is not measured")
    rows: pd.DataFrame = results[np.isfinite(results[list(columns)].to_numpy(dtype=float)).all(axis=1)]
    if rows.empty:
        raise MissingDataError(f"no run has {' and '.join(columns)}")
    return rows
