"""A comparison as material: one axis, the strategy."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.plot_comparisons import COMPARISON_FILE
from analysis.readable import three_digits
from analysis.report.material import Axis, Entry, Material, join_curves
from analysis.report.of_runs import entry_of, lacking_files, scenario_text
from analysis.report.reading import read_json, read_text, shaped_by
from analysis.runs import SCENARIO_FILE, Run, load_run

_BASE_FILE = "compared.yaml"
_AXIS = "strategy"


def comparison_material(folder: Path) -> Material:
    """Read a comparison's folder.

    Raises:
        RunError: One of its files is missing or damaged.
    """
    file = folder / COMPARISON_FILE
    facts = _facts(file)
    with shaped_by(file):
        labels = [str(one["strategy"]) for one in facts["strategies"]]
        command = _command(labels, len(facts["seeds"]), facts["target"])
        target = _target_text(facts["target"])
    runs: list[Run] = []
    entries: list[Entry] = []
    for row, label in enumerate(labels):
        for index, seed in enumerate(facts["seeds"]):
            run = load_run(folder / f"{label.replace('/', '-')}-seed{seed}")
            name = f"{label}, seed {seed}" if len(facts["seeds"]) > 1 else label
            runs.append(run)
            entry = entry_of(run, name, {_AXIS: label})
            with shaped_by(file):
                entries.append(_timed(entry, facts["strategies"][row], index))
    base = folder / _BASE_FILE
    text = read_text(base) if base.is_file() else scenario_text(runs[0].path)
    return Material(
        kind="comparison",
        title=str(facts["scenario"]),
        axes=(Axis(_AXIS, tuple(labels)),),
        entries=tuple(entries),
        curves=join_curves([run.metrics for run in runs]),
        command=command,
        base=runs[0].scenario,
        base_text=text,
        texts={_BASE_FILE: text, **_own_texts(runs)},
        target=target,
        lacking=lacking_files([run.scenario for run in runs]),
        base_file=runs[0].path / SCENARIO_FILE,
    )


def _own_texts(runs: list[Run]) -> dict[str, str]:
    """The scenarios that the runs had in the end, by name of folder; options of one strategy stand only here."""
    return {f"{run.path.name}.yaml": scenario_text(run.path) for run in runs}


def _facts(file: Path) -> dict[str, Any]:
    facts = read_json(file)
    with shaped_by(file):
        for key in ("strategies", "seeds"):
            if not isinstance(facts[key], list) or not facts[key]:
                raise ValueError("it holds no run")
        facts["scenario"], facts["target"]
    return facts


def _timed(entry: Entry, facts: Mapping[str, Any], index: int) -> Entry:
    """An entry with the time to the comparison's target: when the last domain reached it."""
    reached = [one["values"][index] for one in facts["time_to_target_s"].values()]
    known = {key: value for key, value in entry.numbers.items() if key != "time_to_target_s"}
    if reached and None not in reached:
        known["time_to_target_s"] = float(max(reached))
    return Entry(**{**vars(entry), "numbers": known})


def _target_text(target: Mapping[str, Any] | None) -> str:
    if target is None:
        return ""
    sign = ">" if target["above"] else "<"
    sign = sign if target["given"] else f"{sign}="
    bounds = dict.fromkeys(three_digits(bound) for bound in target["bounds"].values())
    if len(bounds) == 1:
        return f"{target['metric']} {sign} {next(iter(bounds))}"
    own = ", ".join(f"{domain} {three_digits(bound)}" for domain, bound in target["bounds"].items())
    return f"{target['metric']} {sign} {own}"


def _command(labels: list[str], seeds: int, target: Mapping[str, Any] | None) -> str:
    words = ["hetedge", "compare", _BASE_FILE, "--strategies", ",".join(labels)]
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    if target is not None and target["given"]:
        bound = next(iter(target["bounds"].values()))
        words += ["--target", f"{target['metric']}{'>' if target['above'] else '<'}{bound!r}"]
    return shlex.join(words)
