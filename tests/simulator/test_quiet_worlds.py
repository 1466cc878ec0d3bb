"""Where nobody is disturbed the world that foretells and the world that plays every step tell the same times."""

import dataclasses

import numpy as np
import pytest
from tiny_strategies import STRATEGY_SCENARIOS

from analysis.records import Recorder
from devices.conditions import Conditions
from devices.names import Names
from simulator import registry
from simulator.commits import CommitLog, NullLearner
from simulator.kernel.disturbed import SteppedChain
from simulator.kernel.world import World
from simulator.planning import make_plan
from simulator.setting import make_setting
from simulator.staging import stage

EXACT = 1e-9


def play(plan, quiet):
    """Play a plan; return its log, its tables and the time."""
    setting = plan.setting
    if not quiet:
        conditions = Conditions(Names(setting.fleet), quiet=False)
        setting = dataclasses.replace(setting, conditions=conditions)
    recorder = Recorder(setting.fleet, phases=plan.phases)
    world = stage(setting, recorder)
    strategy = registry.STRATEGIES[setting.scenario.strategy.name]
    log = CommitLog(lambda: world.now_s, NullLearner(clusters=strategy.clusters))
    world.play(strategy.load_protocol()(world, plan, log))
    return [entry.commit for entry in log.entries], recorder.tables(), world.now_s


def in_order(transfers, span_s):
    """The transfers in an order that does not depend on which of two simultaneous ones was told first."""
    rounded = transfers.assign(at=(transfers["start_s"] / span_s).round(7))
    return rounded.sort_values(["source", "target", "kind", "at"], kind="stable")


@pytest.mark.parametrize("name", STRATEGY_SCENARIOS)
def test_playing_every_step_gives_the_timeline_that_was_foretold(name, tmp_path):
    text, overrides = STRATEGY_SCENARIOS[name]
    path = tmp_path / "tiny.yaml"
    path.write_text(text)
    plan = make_plan(make_setting(registry.load(str(path), overrides)))
    foretold, stepped = play(plan, quiet=True), play(plan, quiet=False)
    span_s = foretold[2]
    assert stepped[2] == pytest.approx(span_s, rel=EXACT)
    timeless = [
        [dataclasses.replace(one, time_s=0.0) for one in commits] for commits, *_ in (foretold, stepped)
    ]
    assert timeless[0] == timeless[1]
    times = [[commit.time_s for commit in commits] for commits, *_ in (foretold, stepped)]
    assert times[0] == pytest.approx(times[1], rel=EXACT)
    for table in ("iterations", "devices"):
        columns = [one[1][table].select_dtypes("float") for one in (foretold, stepped)]
        assert columns[0].columns.tolist() == columns[1].columns.tolist()
        assert np.allclose(*columns, rtol=EXACT, atol=EXACT * span_s, equal_nan=True)
    sent = [in_order(one[1]["transfers"], span_s) for one in (foretold, stepped)]
    assert (
        sent[0][["source", "target", "kind"]].to_numpy().tolist()
        == sent[1][["source", "target", "kind"]].to_numpy().tolist()
    )
    for column in ("bytes", "start_s", "end_s"):
        assert sent[0][column].to_numpy() == pytest.approx(
            sent[1][column].to_numpy(), rel=EXACT, abs=EXACT * span_s
        )


def test_the_two_worlds_are_two(tmp_path):
    text, overrides = STRATEGY_SCENARIOS["huscf_gan"]
    path = tmp_path / "tiny.yaml"
    path.write_text(text)
    plan = make_plan(make_setting(registry.load(str(path), overrides)))
    setting = plan.setting
    loud = Conditions(Names(setting.fleet), quiet=False)
    worlds = [World(setting.fleet, setting.network, Recorder(setting.fleet), one) for one in (None, loud)]
    leg = plan.legs[0].after
    assert [isinstance(world.chain(0, leg), SteppedChain) for world in worlds] == [False, True]
