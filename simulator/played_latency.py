"""The latency of an iteration and of a round, played in the event simulation."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping

import pandas as pd

from analysis.records import Recorder
from simulator import registry
from simulator.closed_form import ClientTime, IterationTime
from simulator.collector import seldom_collecting
from simulator.commits import CommitLog, NullLearner
from simulator.plan import Plan
from simulator.setting import Setting
from simulator.staging import stage

DISTURBED_ITERATIONS = 20
"""Over how many iterations the mean is taken where one is not like another."""

ROUNDS_OF_JOBS = 20
"""How many rounds of an asynchronous strategy are played."""

_ROUNDING = 1e-11
"""Share of an iteration that differences of its parts are not told apart by."""


def played(plan: Plan) -> tuple[IterationTime, float, float]:
    """Play a plan; return an iteration's time, a round's end's, and the setup's, in seconds.

    A period of rounds is played with one iteration each, and with more. What the second has more of are iterations,
    and nothing of what begins or ends a round: one where all are alike, :data:`DISTURBED_ITERATIONS` where not, of
    which the mean counts. Asynchronous rounds have no ends to tell apart: there the jobs count that are merged in
    :data:`ROUNDS_OF_JOBS` rounds, without those of the first, in which everybody begins at once.
    """
    if plan.final_kind != "iteration":
        return _mean_of_jobs(plan)
    more = 1 if plan.setting.conditions.quiet else DISTURBED_ITERATIONS
    before, after = _play_rounds(plan, steps=1), _play_rounds(plan, steps=1 + more)
    last = after["iterations"].tail(more).mean(numeric_only=True)
    seconds = {}
    for column in ("compute_s", "transfer_s"):
        longer, shorter = (one["devices"].groupby("device")[column].sum() for one in (after, before))
        seconds[column] = ((longer - shorter) / (plan.period * more)).to_dict()
    rounds = before["iterations"]
    setup_s, aggregation_s = float(rounds["start_s"].iloc[0]), float(rounds["aggregation_s"].mean())
    return _time(plan, last, seconds), aggregation_s, setup_s


def _mean_of_jobs(plan: Plan) -> tuple[IterationTime, float, float]:
    tables = _play_rounds(plan, plan.steps_per_round, ROUNDS_OF_JOBS)
    jobs, devices = (tables[name].query("round > 0") for name in ("iterations", "devices"))
    seconds = {
        column: (devices.groupby("device")[column].sum() / len(jobs)).to_dict()
        for column in ("compute_s", "transfer_s")
    }
    return _time(plan, jobs.mean(numeric_only=True), seconds), 0.0, 0.0


def _time(plan: Plan, iteration: pd.Series, seconds: Mapping[str, Mapping[Hashable, float]]) -> IterationTime:
    """Return an iteration's time from its row, and every device's seconds in it; time away counts as waiting."""
    ends, reached_s = {}, 0.0
    for phase in plan.phases:
        reached_s += float(iteration[f"{phase}_s"])
        ends[phase] = reached_s
    latency_s = float(iteration["iteration_latency_s"])
    clients = []
    for device in plan.setting.fleet.clients:
        compute_s, transfer_s = (
            _of(latency_s, seconds[column][device.name]) for column in ("compute_s", "transfer_s")
        )
        clients.append(ClientTime(compute_s, transfer_s, _of(latency_s, latency_s - compute_s - transfer_s)))
    return IterationTime(latency_s, ends, tuple(clients))


def _of(whole_s: float, part_s: float) -> float:
    """Return a part of a span that is a difference of sums, where it is more than their rounding."""
    return part_s if part_s > _ROUNDING * whole_s else 0.0


@seldom_collecting()
def _play_rounds(plan: Plan, steps: int, periods: int = 1) -> dict[str, pd.DataFrame]:
    """Play periods of rounds of so many iterations in the event simulation; return their tables."""
    setting = _without_stop(plan.setting)
    short = dataclasses.replace(plan, setting=setting, rounds=periods * plan.period, steps_per_round=steps)
    recorder = Recorder(setting.fleet, "summary", plan.phases)
    world = stage(setting, recorder)
    strategy = registry.STRATEGIES[setting.scenario.strategy.name]
    log = CommitLog(lambda: world.now_s, NullLearner(clusters=strategy.clusters))
    world.play(strategy.load_protocol()(world, short, log))
    recorder.end_run()
    return recorder.tables()


def _without_stop(setting: Setting) -> Setting:
    """Return a setting whose runs end with their last round, whatever the scenario says of their end."""
    scenario = setting.scenario.model_copy(update={"stop": None})
    return dataclasses.replace(setting, loaded=dataclasses.replace(setting.loaded, scenario=scenario))
