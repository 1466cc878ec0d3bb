"""The numbers at the head of the page, and the table of all entries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

import pandas as pd

from analysis.readable import three_digits
from analysis.report.material import NUMBERS, Entry, Material
from analysis.report.measures import METRIC_NOTES, metric_title, number_text, smaller_is_better, value_text
from analysis.report.reading import read_json
from analysis.report.words import counted
from analysis.runs import SUMMARY_FILE

_SHORT = 24
"""Letters of a target that fit into a card's title."""


_MOST_DOMAINS = 4
"""Of more domains the table of entries has the mean alone."""


@dataclass(frozen=True)
class Card:
    """One number at the head of the page: what it is, its value, and a word on it."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Quality:
    """How good one run's images became: a row for each metric and domain, with a cell for each column."""

    columns: list[str]
    rows: list[tuple[str, str, list[str]]]
    notes: list[str]


@dataclass(frozen=True)
class Cell:
    """A cell of the table of entries.

    Attributes:
        text: what it shows.
        order: what it is sorted by; None comes last.
        axis: number of the axis that it shows a value of; -1 for none.
        value: number of that value on its axis.
    """

    text: str
    order: str | float | None
    axis: int = -1
    value: int = -1


@dataclass(frozen=True)
class Column:
    """A column of the table of entries: its heading, and whether it holds numbers."""

    title: str
    numeric: bool


@dataclass(frozen=True)
class Table:
    """The table of entries: columns, and for each entry its cells."""

    columns: list[Column]
    rows: list[list[Cell]]


def cards(material: Material) -> list[Card]:
    """The headline numbers: of one run its own, of several their number, the best and the spread."""
    finished = [entry for entry in material.entries if entry.finished]
    if len(material.entries) == 1:
        return _of_one(material.entries[0], material)
    failed = len(material.entries) - len(finished)
    note = material.note or (f"{failed} failed" if failed else "all finished")
    found = [Card("Runs", f"{len(material.entries):,}", note)]
    for metric in material.metrics[:2]:
        known = [(value, entry) for entry in finished if (value := mean_last(entry, metric)) is not None]
        if known:
            best, entry = (min if smaller_is_better(metric) else max)(known, key=lambda one: one[0])
            mean = "mean over domains; " if len(material.domains) > 1 else ""
            title = f"Best {_lower_first(metric_title(metric))}"
            found.append(Card(title, three_digits(best), mean + settings_text(entry, material)))
    return [*found, *_least(finished, material)]


def _least(finished: Sequence[Entry], material: Material) -> list[Card]:
    """For each number the least of all runs: whose it is, and how far the others go."""
    found = []
    for name in ("time_to_target_s", "iteration_latency_s", "simulated_s", "total_bytes", "energy_j"):
        known = [(entry.numbers[name], entry) for entry in finished if name in entry.numbers]
        if not known:
            continue
        least, entry = min(known, key=lambda one: one[0])
        value, most = number_text(name, least), number_text(name, max(number for number, _ in known))
        title = f"Least {_lower_first(NUMBERS[name])}"
        if name == "time_to_target_s":
            title = f"Soonest at {material.target if len(material.target) <= _SHORT else 'the target'}"
        note = settings_text(entry, material) if most != value else "alike in all"
        found.append(Card(title, value, note + (f"; others up to {most}" if most != value else "")))
    return found


def settings_text(entry: Entry, material: Material) -> str:
    """What tells an entry from the others: its settings and its seed, or its name."""
    if not material.axes:
        return entry.name
    settings = [shorten(str(entry.settings[axis.name]), 32, placeholder="...") for axis in material.axes]
    if len({one.seed for one in material.entries}) > 1:
        settings.append(f"seed {entry.seed}")
    return ", ".join(settings)


def _lower_first(title: str) -> str:
    """A title inside a sentence; abbreviations stay as they are."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def _of_one(entry: Entry, material: Material) -> list[Card]:
    strategy = material.base.get("strategy", {})
    notes = {
        "iteration_latency_s": "mean, simulated",
        "round_latency_s": "mean, with aggregation",
        "simulated_s": counted(int(strategy.get("rounds", 0)), "round") + " asked for",
        "total_bytes": "by all devices",
        "energy_j": "computing, idle and radio",
        "time_to_target_s": material.target,
    }
    found = [
        Card(title, number_text(name, entry.numbers[name]), notes[name])
        for name, title in NUMBERS.items()
        if name in entry.numbers
    ]
    selector = None if entry.folder is None else read_json(entry.folder / SUMMARY_FILE).get("cut_selector")
    return [*found, Card("Cut selector", str(selector))] if selector else found


def mean_last(entry: Entry, metric: str) -> float | None:
    """The mean over an entry's domains of a metric's last value; None where one of them is not finite, or none is."""
    values = list(entry.last.get(metric, {}).values())
    mean = sum(values) / len(values) if values else math.nan
    return mean if math.isfinite(mean) else None


def quality(material: Material) -> Quality | None:
    """The metrics of one run by domain; None of several, whose table has the last values, and of none measured."""
    if len(material.entries) != 1 or not material.metrics:
        return None
    curves = material.curves.sort_values("round", kind="stable")
    floors = curves[curves["metric"].astype(str).str.endswith("_floor")]
    rows = [
        (metric_title(metric), domain, _course(curves, metric, domain, len(floors) > 0))
        for metric in material.metrics
        for domain in material.domains
    ]
    columns = ["untrained", "first round", "last round", *(["floor", "last/floor"] if len(floors) else [])]
    notes = [f"{metric_title(one)}: {METRIC_NOTES[one]}" for one in material.metrics if one in METRIC_NOTES]
    return Quality(columns, rows, notes)


def _course(curves: pd.DataFrame, metric: str, domain: str, floored: bool) -> list[str]:
    """Untrained, first and last value of a metric in a domain, and where floors are known, floor and ratio to it."""
    here = curves[curves["domain"] == domain]
    own = here[here["metric"] == metric]
    before, trained = own[own["round"] < 0]["value"], own[own["round"] >= 0]["value"]
    floor = here[here["metric"] == f"{metric}_floor"]["value"]
    last = _at(trained, -1)
    cells = [value_text(one) for one in (_at(before, -1), _at(trained, 0), last)]
    if floored:
        least = _at(floor, -1)
        ratio = last / least if last is not None and least is not None and least > 0 else None
        cells += [value_text(least), "-" if ratio is None else f"{three_digits(ratio)}x"]
    return cells


def _at(values: pd.Series[float], place: int) -> float | None:
    """A value of a column; None where it has none, or it is not finite."""
    value = float(values.iloc[place]) if len(values) else math.nan
    return value if math.isfinite(value) else None


def entries_table(material: Material) -> Table:
    """The table of all entries: settings, seed, numbers, metrics as means over domains, the first also by domain."""
    numbers = [name for name in NUMBERS if any(name in entry.numbers for entry in material.entries)]
    by_domain = material.domains if 1 < len(material.domains) <= _MOST_DOMAINS else ()
    measured = [(metric, "") for metric in material.metrics]
    measured[1:1] = [(metric, domain) for metric in material.metrics[:1] for domain in by_domain]
    columns = [Column("Run", False)]
    columns += [Column(axis.name, _is_numeric(axis.values)) for axis in material.axes]
    columns += [Column("Seed", True)]
    columns += [Column(NUMBERS[name], True) for name in numbers]
    columns += [Column(f"{metric_title(metric)} {domain}".strip(), True) for metric, domain in measured]
    return Table(columns, [_row(entry, material, numbers, measured) for entry in material.entries])


def _is_numeric(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _row(
    entry: Entry, material: Material, numbers: Sequence[str], measured: Sequence[tuple[str, str]]
) -> list[Cell]:
    cells = [Cell(entry.name, entry.name)]
    for place, axis in enumerate(material.axes):
        value = entry.settings[axis.name]
        order = value if _is_numeric(axis.values) else axis.values.index(value)
        cells.append(Cell(str(value), order, place, axis.values.index(value)))
    cells.append(Cell(str(entry.seed), entry.seed))
    for name in numbers:
        number = entry.numbers.get(name)
        cells.append(Cell("-" if number is None else number_text(name, number), number))
    for metric, domain in measured:
        last = _known(entry.last.get(metric, {}).get(domain)) if domain else mean_last(entry, metric)
        cells.append(Cell(value_text(last), last))
    return cells


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
