"""A comparison to read: tables in plain text and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.comparison import EXPOSED
from analysis.readable import aligned, amount_text, bytes_text, duration_text, three_digits, way_text
from analysis.summary import FID_FEATURES

_TITLES = {
    "fid": f"FID at the end ({FID_FEATURES}; lower is better)",
    "generation_score": "Generation score at the end (higher is better)",
    "cas_accuracy": "Accuracy of a classifier trained on synthetic images, at the end (0 to 1)",
}

_ROUNDING = 1e-9
"""Half a range that is this part of its mean, or less, is rounding: sums of times end in other last digits."""


@dataclass(frozen=True)
class _Table:
    """A title, and rows of which the first is the heading."""

    title: str
    rows: list[list[str]]


def comparison_text(facts: Mapping[str, Any]) -> str:
    """Return a comparison as aligned lines of plain text."""
    parts = [_headline(facts)]
    parts += ["\n".join([table.title, *aligned(table.rows)]) for table in _tables(facts)]
    parts.append("\n".join(["What it tells of the clients' data", *_revealed(facts, "  ", "    ")]))
    return "\n\n".join(parts)


def comparison_markdown(facts: Mapping[str, Any]) -> str:
    """Return a comparison as Markdown."""
    parts = [f"# {_headline(facts)}"]
    for table in _tables(facts):
        heading, *rows = table.rows
        lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
        parts.append("\n".join([f"## {table.title}", "", *(f"| {' | '.join(line)} |" for line in lines)]))
    parts.append("\n".join(["## What it tells of the clients' data", "", *_revealed(facts, "- ", "  - ")]))
    return "\n\n".join(parts) + "\n"


def _headline(facts: Mapping[str, Any]) -> str:
    seeds, n_strategies = facts["seeds"], len(facts["strategies"])
    who = f"{facts['scenario']}: {n_strategies} {'strategy' if n_strategies == 1 else 'strategies'}"
    if len(seeds) == 1:
        return f"{who}, seed {seeds[0]}"
    return f"{who}, {len(seeds)} seeds ({', '.join(map(str, seeds))}); mean ± half the range"


def _tables(facts: Mapping[str, Any]) -> list[_Table]:
    strategies = facts["strategies"]
    metrics = dict.fromkeys(metric for one in strategies for metric in one["quality"])
    tables = [_quality(metric, strategies) for metric in metrics]
    if facts["target"] is not None:
        tables.append(_to_target(facts["target"], strategies))
    return [*tables, _times(strategies), _bytes(strategies), _exposed(strategies)]


def _quality(metric: str, strategies: Sequence[Mapping[str, Any]]) -> _Table:
    domains = list(dict.fromkeys(domain for one in strategies for domain in one["quality"].get(metric, ())))
    rows = [["strategy", *domains]]
    for one in strategies:
        own = one["quality"].get(metric, {})
        rows.append([one["strategy"], *(_number(own.get(domain)) for domain in domains)])
    return _Table(_TITLES.get(metric, metric), rows)


def _to_target(target: Mapping[str, Any], strategies: Sequence[Mapping[str, Any]]) -> _Table:
    sign = ">" if target["above"] else "<"
    sign = sign if target["given"] else "<="
    headings = [
        f"{domain} {sign} {three_digits(bound) if not target['given'] else f'{bound:g}'}"
        for domain, bound in target["bounds"].items()
    ]
    rows = [["strategy", *headings]]
    rows += [
        [one["strategy"], *(_reached(own) for own in one["time_to_target_s"].values())] for one in strategies
    ]
    why = "" if target["given"] else ", the best that every run reaches"
    return _Table(f"Simulated time to a quality: {target['metric']}{why}", rows)


def _times(strategies: Sequence[Mapping[str, Any]]) -> _Table:
    columns = {
        "iteration": "iteration_latency_s",
        "with its share of the round's end": "amortised_iteration_latency_s",
        "round": "round_latency_s",
        "before the first": "setup_s",
        "in all": "simulated_s",
    }
    rows = [["strategy", *columns, "iterations"]]
    for one in strategies:
        iterations = f"{one['iterations']['mean']:,.0f}"
        rows.append([one["strategy"], *(_duration(one[key]) for key in columns.values()), iterations])
    return _Table("Simulated time", rows)


def _bytes(strategies: Sequence[Mapping[str, Any]]) -> _Table:
    kinds = list(dict.fromkeys(kind for one in strategies for kind in one["bytes_per_round_by_kind"]))
    at_home = any(one["household_bytes"]["mean"] for one in strategies)
    household = ["within households"] if at_home else []
    heading = ["strategy", *(kind.replace("_", " ") for kind in kinds), "a round", "in all"]
    rows = [[*heading, *household, "clients' energy"]]
    for one in strategies:
        sent = [one["bytes_per_round_by_kind"].get(kind) for kind in kinds]
        cells = [bytes_text(own["mean"]) if own is not None else "-" for own in sent]
        cells += [bytes_text(one[key]["mean"]) for key in ("bytes_per_round", "network_bytes")]
        cells += [bytes_text(one["household_bytes_per_round"]["mean"])] if at_home else []
        energy_j = one["energy_j"]["mean"]
        rows.append([one["strategy"], *cells, "unknown" if energy_j is None else amount_text(energy_j, "J")])
    title = "Sent over the network in a round, and energy (means)"
    lan = "; within households: over their LANs in a round, not counted before" if at_home else ""
    return _Table(title + lan, rows)


def _exposed(strategies: Sequence[Mapping[str, Any]]) -> _Table:
    rows = [["strategy", *(what.replace("_", " ") for what in EXPOSED)]]
    rows += [
        [one["strategy"], *(", ".join(one["exposed"][what]) or "stay" for what in EXPOSED)]
        for one in strategies
    ]
    return _Table("Who gets what", rows)


def _revealed(facts: Mapping[str, Any], outer: str, inner: str) -> list[str]:
    """Return what each strategy's ledger says in words; strategies with the same words share them."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in facts["strategies"]:
        words = tuple(f"{way_text(line)}: {line['reveals']}" for line in one["ledger"] if line["private"])
        groups.setdefault(words, []).append(one["strategy"])
    return [
        line
        for words, names in groups.items()
        for line in (f"{outer}{', '.join(names)}", *(f"{inner}{one}" for one in words))
    ]


def _number(own: Mapping[str, Any] | None) -> str:
    if own is None or own["mean"] is None:
        return "-"
    return three_digits(own["mean"]) + _half_range(own, three_digits)


def _duration(own: Mapping[str, Any]) -> str:
    return "-" if own["mean"] is None else duration_text(own["mean"]) + _half_range(own, duration_text)


def _reached(own: Mapping[str, Any]) -> str:
    if own["mean"] is None:
        return "never"
    all_seeds = len(own["values"])
    some = f" ({own['n']} of {all_seeds} seeds)" if own["n"] < all_seeds else ""
    return f"{_duration(own)}{some}"


def _half_range(own: Mapping[str, Any], text: Any) -> str:  # noqa: ANN401 - a function of one number
    """Return the half range behind a mean; nothing where there is but one value, or all are alike to rounding."""
    alike = own["half_range"] <= _ROUNDING * abs(own["mean"])
    return "" if alike else f" ± {text(own['half_range'])}"
