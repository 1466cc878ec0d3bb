"""A run's course: its world, its clock and its log, played once with a learner.

The same whether the learner trains, replays what another run learned, or does nothing: time knows no difference.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from analysis.records import Recorder
from analysis.trace.window import Window
from scenarios.schema import TraceOptions
from simulator import registry
from simulator.commits import CommitLog, Entry, Learner
from simulator.ledger import check_declared
from simulator.plan import Plan
from simulator.progress import Progress
from simulator.setting import Setting
from simulator.staging import stage

log = logging.getLogger(__name__)


class RunLearner(Learner, Protocol):
    """What a run's log applies commits with."""

    @property
    def latest(self) -> Mapping[str, Mapping[str, float]]:
        """The latest metrics of every domain."""

    def weights_sha256(self) -> str | None:
        """Return the digest of all weights and statistics as they are now; None where there are none."""


class Course:
    """What happens in a run, and what is recorded of it.

    Args:
        plan: what is played.
        progress: what is told how far it is.

    Attributes:
        recorder: the tables, as they grow.
        entries: the log, as it grows.
    """

    def __init__(self, plan: Plan, progress: Progress) -> None:
        setting = plan.setting
        self.plan = plan
        reveals = registry.STRATEGIES[setting.scenario.strategy.name].reveals
        self.recorder = Recorder(
            setting.fleet,
            setting.scenario.records,
            plan.phases,
            on_closed_round=lambda kinds: check_declared(kinds, reveals),
            window=_window(setting),
        )
        self.entries: list[Entry] = []
        self._progress = progress
        self._world = stage(setting, self.recorder)

    def clock(self) -> float:
        """Return the simulated time, in seconds."""
        return self._world.now_s

    @property
    def last_round(self) -> int:
        """The round of the last commit, -1 before training."""
        return self.entries[-1].commit.info["round"] if self.entries else -1

    def play(self, learner: RunLearner, *followers: Callable[[Entry], None]) -> None:
        """Play the run to its end.

        Args:
            learner: what applies the commits.
            followers: called with each commit when it is recorded, in their order.
        """

        def observe(entry: Entry) -> None:
            self._record(entry)
            self._progress.committed(entry)
            for follow in followers:
                follow(entry)

        protocol = registry.STRATEGIES[self.plan.setting.scenario.strategy.name].load_protocol()
        with self._progress.started(self.plan, learner):
            self._world.play(protocol(self._world, self.plan, CommitLog(self.clock, learner, observe)))
        self.recorder.end_run()

    def _record(self, entry: Entry) -> None:
        commit = entry.commit
        self.entries.append(entry)
        self.recorder.commit(
            commit.seq,
            commit.time_s,
            commit.kind,
            commit.clients,
            commit.passes,
            commit.info,
            entry.decision,
        )


def _window(setting: Setting) -> Window:
    """Return the window of iterations whose legs are kept for the trace; where nobody asked for none, it is said."""
    options: TraceOptions = setting.scenario.trace
    devices = len(setting.fleet.devices)
    if options.iterations is None and options.length(devices) == 0:
        log.info("no trace: there are %d devices; trace.iterations asks for one", devices)
    return Window(options.first_iteration, options.length(devices))
