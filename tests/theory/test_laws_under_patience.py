"""Laws 1, 2 and 6 for HuSCF-GAN where clients come and go, with the real learner on tiny images."""

import dataclasses

import pandas as pd
import pytest
from tiny_world import assert_identical, domains, make_learner, make_plan

from analysis.digests import timeline_digest
from analysis.records import Recorder
from simulator import registry
from simulator.commits import CommitLog, NullLearner, decisions, replay, training_key
from simulator.staging import stage

SPAN_S = 0.06
"""About an iteration of the tiny scenario."""

CHURN = f"availability={{model: on_off, mean_on: {3 * SPAN_S} s, mean_off: {SPAN_S} s, rejoin: REJOIN}}"
DEADLINE = f"strategy.patience={{kind: deadline, deadline: {SPAN_S / 4} s}}"
SLOW = f"disturbances={{slowdown: {{mean_every: {SPAN_S} s, mean_for: {SPAN_S} s, factor: 0.05}}}}"
RECUT = "cuts={selector: greedy, reselect: {when: every_round, least_gain: 0}}"

WORLDS = {
    "deadline": (CHURN.replace("REJOIN", "kept"), DEADLINE, SLOW),
    "reset": (CHURN.replace("REJOIN", "reset"), "strategy.patience={kind: quorum, share: 0.5}", SLOW),
    "recut": (CHURN.replace("REJOIN", "reset"), DEADLINE, RECUT),
    "drawn": (CHURN.replace("REJOIN", "kept"), "strategy.client_share=0.5"),
}


def play(plan, learner):
    """Play a plan in its disturbed world; return its log and its tables."""
    recorder = Recorder(plan.setting.fleet, "full", plan.phases)
    world = stage(plan.setting, recorder)
    log = CommitLog(lambda: world.now_s, learner)
    world.play(registry.STRATEGIES["huscf_gan"].load_protocol()(world, plan, log))
    return log.entries, recorder.tables()


@pytest.fixture(scope="module", params=WORLDS)
def real(request, tmp_path_factory):
    """A world's plan, its data, and its run with the real learner."""
    data = domains()
    overrides = (
        "strategy.rounds=4",
        "strategy.clusters=auto",
        "strategy.warmup_rounds=1",
        *WORLDS[request.param],
    )
    plan = make_plan(tmp_path_factory.mktemp(request.param), data, *overrides)
    learner = make_learner(plan, data)
    entries, tables = play(plan, learner)
    return request.param, plan, data, entries, tables, learner


def test_the_world_is_disturbed(real):
    name, plan, _, entries, tables, _ = real
    commits = [entry.commit for entry in entries]
    assert (tables["devices"]["off_s"] > 0).any()
    if name == "drawn":
        return
    everybody = plan.clients
    assert any(one.clients != everybody for one in commits if one.kind == "iteration")
    assert any(one.clients != everybody for one in commits if one.kind == "aggregate")
    kinds = {one.kind for one in commits}
    assert ("rejoin" in kinds) == (name != "deadline")
    assert ("recut" in kinds) == (name == "recut")


def test_law_1_the_timeline_is_that_of_a_learner_that_replays_decisions(real):
    _, plan, _, entries, tables, _ = real
    replayed, again = play(plan, NullLearner(decisions(entries)))
    assert replayed == entries
    for table in ("devices", "transfers"):
        pd.testing.assert_frame_equal(again[table], tables[table], check_exact=True)


def test_law_2_a_replayed_log_gives_the_same_weights(real):
    _, plan, data, entries, _, learner = real
    fresh = make_learner(plan, data)
    replay(entries, fresh)
    assert_identical(fresh.state(), learner.state())


def test_law_6_with_patience_for_all_time_changes_neither_log_nor_weights(tmp_path):
    data = domains()
    overrides = ("strategy.rounds=2", "strategy.client_share=0.5")
    quiet = make_plan(tmp_path, data, *overrides)
    slow_text_plan = make_plan(tmp_path, data, *overrides, *WORLDS["drawn"][:1], SLOW)
    runs = []
    for plan in (quiet, slow_text_plan):
        learner = make_learner(plan, data)
        entries, tables = play(plan, learner)
        key = training_key(entries, plan.training_facts([images.digest for images in data]))
        runs.append((key, learner.state(), timeline_digest(tables), entries))
    assert runs[0][0] == runs[1][0]
    assert_identical(runs[0][1], runs[1][1])
    assert runs[0][2] != runs[1][2]
    timeless = [[dataclasses.replace(one.commit, time_s=0.0) for one in entries] for *_, entries in runs]
    assert timeless[0] == timeless[1]
