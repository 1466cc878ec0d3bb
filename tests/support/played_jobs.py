"""FedGAN's jobs in a world that may be disturbed: tiny scenarios, played with or without mathematics."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tiny_world import domains, make_learner, make_plan

from analysis.records import Recorder
from simulator import registry
from simulator.commits import Commit, CommitLog, Entry, NullLearner
from simulator.plan import Plan
from simulator.staging import stage

TEXT = """\
name: tiny
devices:
  server: paper-server
  clients: DEVICES
data: {domains: [{dataset: mnist5k}]}
model: {width: 2}
strategy: {name: fedgan, rounds: 3, steps_per_round: 2, batch_size: 4}
evaluation: {samples: 20}
execution: {precision: float64, threads: 1}
"""


@dataclass(frozen=True)
class PlayedJobs:
    """What a run by jobs leaves behind."""

    plan: Plan
    entries: list[Entry]
    tables: dict[str, pd.DataFrame]
    learner: Any

    def commits(self, *kinds: str) -> list[Commit]:
        """The commits of these kinds, in order."""
        return [entry.commit for entry in self.entries if entry.commit.kind in kinds]


def plan_of_jobs(folder: Path, devices: str, *overrides: str) -> Plan:
    """Lay a tiny run on these devices out."""
    return make_plan(folder, domains()[:1], *overrides, text=TEXT.replace("DEVICES", devices))


def play_jobs(plan: Plan, learner: Any = None, trains: bool = False) -> PlayedJobs:
    """Play a run; without a learner and without training with none."""
    if learner is None:
        learner = make_learner(plan, domains()[:1]) if trains else NullLearner(clusters=False)
    recorder = Recorder(plan.setting.fleet, "full", plan.phases)
    world = stage(plan.setting, recorder)
    log = CommitLog(lambda: world.now_s, learner)
    world.play(registry.STRATEGIES["fedgan"].load_protocol()(world, plan, log))
    recorder.end_run()
    return PlayedJobs(plan, log.entries, recorder.tables(), learner)
