"""What a run leaves in its folder: at its beginning what it is, at its end what came of it.

Shared by all that make a run folder, so that a run that was trained and one that was retimed cannot differ in more
than what they are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.digests import timeline_digest
from analysis.plots import FIGURES, draw
from analysis.runs import RunFolder, load_run
from analysis.summary import summarize
from analysis.trace.writing import write_trace
from scenarios.dump import dump_resolved, resolved
from scenarios.load import Loaded
from simulator.commits import training_key
from simulator.energy import clients_energy_j
from simulator.ledger import Disclosure, ledger, ledger_facts
from simulator.plan import Plan
from simulator.playing import Course
from simulator.progress import Progress
from simulator.registry import STRATEGIES

FINISHED = "finished"

FORMAT = 3
"""Number of the run folder's form; a higher one has other columns or keys."""

_FACT_TABLES = ("metrics", "iterations", "devices", "transfers")


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a run ended, as far as its tables do not tell.

    Attributes:
        status: finished, stopped or interrupted.
        data_sha256: the digests of the domains' data sets, in their order; none where no data were opened.
        weights_sha256: the digest of the weights; None where nothing was trained, or not to the end.
        more: further keys of the summary.
        figures: what is drawn of a run that finished; None for everything.
    """

    status: str
    data_sha256: Sequence[str] = ()
    weights_sha256: str | None = None
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    figures: Sequence[str] | None = None


@dataclasses.dataclass(frozen=True)
class _Facts:
    """The part of a run that its summary is made of."""

    path: Path
    scenario: Mapping[str, Any]
    metrics: pd.DataFrame
    iterations: pd.DataFrame
    devices: pd.DataFrame
    transfers: pd.DataFrame


def folder_of(loaded: Loaded, out: str | Path | None) -> Path:
    """Return the folder that was asked for, or ``runs/<name>-<hash of the resolved scenario>``."""
    if out is not None:
        return Path(out)
    text = dump_resolved(loaded.scenario)
    return Path("runs") / f"{loaded.scenario.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def write_beginning(folder: RunFolder, plan: Plan, environment: Mapping[str, Any]) -> None:
    """Write what is known before time begins: the scenario, what it runs on, and the cuts."""
    loaded = plan.setting.loaded
    folder.write_text("scenario.yaml", dump_resolved(loaded.scenario, loaded.given))
    folder.write_json("environment.json", environment)
    folder.write_table("cuts", cuts_table(plan))


def write_ending(folder: RunFolder, course: Course, ending: Ending, progress: Progress) -> None:
    """Write tables, trace, summary and figures; of a run that did not finish, the tables of the rounds that did."""
    finished = ending.status == FINISHED
    tables = course.recorder.tables() if finished else course.recorder.closed_tables()
    folder.write_tables(tables)
    if finished:
        write_trace_of(course, folder, tables["commits"])
    # Last but for the figures: a folder with a summary is whole.
    folder.write_json("summary.json", _summary(folder, course, ending, tables))
    if finished:
        progress.say("drawing the figures")
        run = load_run(folder.path)
        for kind in FIGURES if ending.figures is None else ending.figures:
            draw(kind, [run], folder.path / "figures")


def write_trace_of(course: Course, folder: RunFolder, commits: pd.DataFrame) -> None:
    """Write the trace of the window that was asked for, if one was."""
    traced = course.recorder.traced()
    if traced.length:
        plan = course.plan
        write_trace(folder, traced, commits, plan.links, plan.setting.network.shares)


def _summary(
    folder: RunFolder, course: Course, ending: Ending, tables: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    plan = course.plan
    scenario = resolved(plan.setting.scenario)
    facts = _Facts(folder.path, scenario, **{name: tables[name] for name in _FACT_TABLES})
    return {
        "format": FORMAT,
        **summarize(facts),
        "status": ending.status,
        "stopped_by": _stopped_by(course) if ending.status == FINISHED else None,
        "timeline_sha256": timeline_digest(tables),
        "weights_sha256": ending.weights_sha256,
        "training_key": training_key(course.entries, plan.training_facts(ending.data_sha256)),
        "cut_selector": plan.cut_selector,
        "iteration_latency_s": plan.closed_form().latency_s,
        "clusters": _last_clusters(tables["commits"]),
        "energy_j": clients_energy_j(plan.setting.fleet, tables["devices"]),
        "ledger": ledger_facts(ledger(tables["transfers"], _reveals(plan))),
        **ending.more,
    }


def _reveals(plan: Plan) -> tuple[Disclosure, ...]:
    return STRATEGIES[plan.setting.scenario.strategy.name].reveals


def _stopped_by(course: Course) -> str:
    """Return why a finished run ended where it did: its target, its last round, or its simulated time."""
    last = course.entries[-1]
    if last.decision is not None and last.decision.stop:
        return "target"
    return "rounds" if last.commit.info["round"] == course.plan.rounds - 1 else "sim_time"


def _last_clusters(commits: pd.DataFrame) -> list[list[int]] | None:
    """Return the clusters that were last decided; None where there were none."""
    texts = commits.loc[commits["kind"] == "aggregate", "decision"]
    decided = [one for one in map(json.loads, texts) if one is not None]
    if not decided:
        return None
    clusters: list[list[int]] = decided[-1]["clusters"]
    return clusters


def cuts_table(plan: Plan) -> pd.DataFrame:
    """Return ``cuts.csv``: each client's part in the networks, what it holds, and what it would need of memory.

    A strategy's columns come over the common ones: what a household is called, say.
    """
    setting, deal = plan.setting, plan.setting.deal
    clients = zip(
        plan.clients, plan.batches, deal.sizes, deal.images_sha256, plan.memory_bytes(), strict=True
    )
    rows = [
        {
            "client": setting.fleet.clients[client].name,
            "profile": setting.fleet.clients[client].profile.name,
            "domain": deal.domains[deal.domain_of[client]],
            **plan.placement_columns(client),
            "images": size,
            "images_sha256": digest,
            "batch": batch,
            "memory_bytes": memory,
        }
        for client, batch, size, digest, memory in clients
    ]
    return pd.DataFrame(rows)
