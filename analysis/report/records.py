"""What run folders say besides their tables: who sent what and what that tells, and where it ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.readable import bytes_text, way_text
from analysis.report.material import Entry
from analysis.report.reading import read_json, shaped_by
from analysis.runs import ENVIRONMENT_FILE, SUMMARY_FILE

_QUIET = ("packages", "data_sha256", "data_forms", "retimed_from", "retimed_with")


@dataclass(frozen=True)
class LedgerLine:
    """One kind of payload on one way.

    Attributes:
        way: from whom to whom.
        kind: what was sent.
        size: how much, with its unit.
        private: whether it tells something of a client's data or depends on other clients'.
        reveals: what it tells, in words.
    """

    way: str
    kind: str
    size: str
    private: bool
    reveals: str


def ledgers(entries: Sequence[Entry], labels: Sequence[str]) -> list[tuple[str, list[LedgerLine]]]:
    """Who sent what to whom, and what that tells; once for entries whose ledgers say the same.

    Args:
        entries: the runs; those without a folder have no ledger.
        labels: what to call the ledger of each.

    Returns:
        The labels that share a ledger, joined, and its lines; sizes are those of the first entry.

    Raises:
        RunError: A folder's ``summary.json`` is missing or damaged.
    """
    groups: dict[tuple[tuple[str, str, bool, str], ...], tuple[list[str], list[LedgerLine]]] = {}
    for entry, label in zip(entries, labels, strict=True):
        if entry.folder is None:
            continue
        file = entry.folder / SUMMARY_FILE
        with shaped_by(file):
            lines = [_line(one) for one in read_json(file).get("ledger", [])]
        words = tuple((one.way, one.kind, one.private, one.reveals) for one in lines)
        names, _ = groups.setdefault(words, ([], lines))
        if label not in names:
            names.append(label)
    return [(", ".join(names), lines) for names, lines in groups.values() if lines]


def _line(line: Mapping[str, Any]) -> LedgerLine:
    return LedgerLine(
        way=way_text(line).replace("->", "→"),
        kind=str(line["kind"]).replace("_", " "),
        size=bytes_text(float(line["bytes"])),
        private=bool(line["private"]),
        reveals=str(line["reveals"]),
    )


@dataclass(frozen=True)
class Environment:
    """Where runs ran.

    Attributes:
        facts: Python, platform, processor, device, threads: name and value; where runs differ, all values.
        packages: packages and their versions.
        digests: data sets and the digest of their images.
    """

    facts: list[tuple[str, str]]
    packages: list[tuple[str, str]]
    digests: list[tuple[str, str]]


def environment(entries: Iterable[Entry]) -> Environment | None:
    """Tell where the runs of entries ran; None where no folder is there to say so.

    Raises:
        RunError: A folder's ``environment.json`` is missing or damaged.
    """
    files = [one.folder / ENVIRONMENT_FILE for one in entries if one.folder is not None]
    found = [_environment(file) for file in files]
    if not found:
        return None
    return Environment(
        facts=_together([{key: one for key, one in each.items() if key not in _QUIET} for each in found]),
        packages=_together([each.get("packages", {}) for each in found]),
        digests=_together([each.get("data_sha256", {}) for each in found]),
    )


def _environment(file: Path) -> dict[str, Any]:
    facts = read_json(file)
    with shaped_by(file):
        for key in ("packages", "data_sha256"):
            dict(facts.get(key, {}).items())
    return facts


def _together(mappings: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """All keys with their values; several where mappings differ."""
    keys = dict.fromkeys(key for one in mappings for key in one)
    return [
        (
            str(key).replace("_", " "),
            ", ".join(dict.fromkeys(_text(one[key]) for one in mappings if key in one)),
        )
        for key in keys
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
