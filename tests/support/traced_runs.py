"""Runs without training, for their traces: every strategy, and every kind of world."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tiny_strategies import STRATEGY_SCENARIOS
from trace_rules import load

from analysis.runs import RunFolder
from simulator import registry
from simulator.commits import NullLearner
from simulator.planning import make_plan
from simulator.playing import Course
from simulator.progress import silent
from simulator.setting import make_setting
from simulator.writing import write_trace_of

PHONES = "devices.clients=[{profile: raspberry-pi-4, count: 3}, {profile: phone-2024, count: 3}]"
MAXMIN, CELLS = (
    "network={model: maxmin}",
    "network={model: maxmin, topology: {kind: cells, cells: 2, uplink: 1 MB/s}}",
)
AWAY = "availability={model: on_off, mean_on: 500 ms, mean_off: 100 ms}"
SLOW = "disturbances={slowdown: {mean_every: 200 ms, mean_for: 50 ms, factor: 0.3}}"
DEADLINE = "strategy.patience={kind: deadline, deadline: 220 ms}"
SIX = "data.domains=[{dataset: mnist5k, clients: 3}, {dataset: glyphs, clients: 3}]"
GREEDY = "cuts={selector: greedy}"

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{name: (name, ()) for name in STRATEGY_SCENARIOS},
    "summary": ("huscf_gan", ("records=summary",)),
    "paper": ("huscf_gan", ("cost_model=paper", "network.model=paper")),
    "ideal": ("huscf_gan", ("network.model=ideal",)),
    "maxmin": ("huscf_gan", (PHONES, SIX, GREEDY, MAXMIN)),
    "cells": ("huscf_gan", (PHONES, SIX, GREEDY, CELLS)),
    "disturbed": ("huscf_gan", (PHONES, SIX, GREEDY, AWAY, SLOW)),
    "deadline": ("huscf_gan", (PHONES, SIX, GREEDY, AWAY, DEADLINE)),
    "lanes": ("huscf_gan", (PHONES, SIX, GREEDY, "devices.server={profile: server-small, lanes: 3}")),
    "shared processor": (
        "huscf_gan",
        (PHONES, SIX, GREEDY, "devices.server={profile: server-small, lanes: 2, sharing: processor}"),
    ),
    "asynchronous": (
        "fedgan",
        (PHONES, SIX, AWAY, SLOW, "strategy.aggregation={kind: fedasync}", "trace.iterations=7"),
    ),
    "buffered": ("fedgan", (PHONES, SIX, MAXMIN, "strategy.aggregation={kind: fedbuff, buffer: 3}")),
    "sampled": ("fedgan", (PHONES, SIX, "strategy.client_share=0.5")),
    "edges": ("hfl_gan", ("strategy.edges=2", "network={model: maxmin, topology: {kind: tiers, edges: 2}}")),
    "households": ("fsl_gan", (MAXMIN,)),
}
"""Kinds of runs: a strategy's tiny scenario, and overrides."""

UNCONTENDED = (*STRATEGY_SCENARIOS, "summary", "paper", "ideal")


@dataclass(frozen=True)
class TracedRun:
    """A run that was played, and its trace as it stands in its file."""

    kind: str
    path: Path
    trace: dict
    tables: dict[str, pd.DataFrame]
    course: Course

    @property
    def events(self) -> list[dict]:
        return self.trace["traceEvents"]

    @property
    def window(self) -> dict:
        return self.trace["otherData"]["window"]

    def of(self, *cats: str) -> list[dict]:
        return [event for event in self.events if event.get("cat") in cats]


def traced_run(folder: Path, kind: str, *overrides: str, scenario: str | None = None) -> TracedRun:
    """Play a run of a kind, without training, and write its trace."""
    strategy, of_kind = KINDS[kind]
    text, own = STRATEGY_SCENARIOS[strategy]
    file = folder / "tiny.yaml"
    file.write_text(text if scenario is None else scenario)
    loaded = registry.load(str(file), [*(own if scenario is None else ()), *of_kind, *overrides])
    course = Course(make_plan(make_setting(loaded)), silent())
    course.play(NullLearner(clusters=registry.STRATEGIES[strategy].clusters))
    tables = course.recorder.tables()
    run = RunFolder.create(folder / "run")
    write_trace_of(course, run, tables["commits"])
    return TracedRun(kind, run.path, load(run.path / "trace.json"), tables, course)
