"""Law 6: for a synchronous lossless run time decides nothing that is learned. One scenario on another fleet, with
the same cuts and data: the same training key and the same weights, and another timeline."""

from dataclasses import replace

import pytest
from tiny_world import SCENARIO, assert_identical, domains, make_learner, make_plan, play_run

from analysis.digests import timeline_digest
from simulator.commits import training_key

OTHER_FLEETS = {
    "slower": "devices.clients=[{profile: paper-1, count: 4}]",
    "other order": "devices.clients=[{profile: raspberry-pi-4, count: 1}, {profile: phone-2024, count: 3}]",
    "other links": "devices.clients=[{profile: paper-1, count: 2, uplink: 1 MB/s}, {profile: paper-2, count: 2}]",
    "no links": "network.model=ideal",
}


def play(folder, *overrides):
    data = domains()
    plan = make_plan(folder, data, *overrides)
    played = play_run(plan, make_learner(plan, data))
    facts = plan.training_facts([images.digest for images in data])
    return played, facts


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return play(tmp_path_factory.mktemp("law6"))


@pytest.mark.parametrize("fleet", OTHER_FLEETS)
def test_another_fleet_with_the_same_cuts_learns_the_same_in_another_time(tmp_path, first, fleet):
    first, first_facts = first
    other, facts = play(tmp_path, OTHER_FLEETS[fleet])
    assert training_key(other.entries, facts) == training_key(first.entries, first_facts)
    assert_identical(other.state, first.state)
    assert other.losses == first.losses
    assert other.entries[-1].commit.time_s != first.entries[-1].commit.time_s
    assert timeline_digest(other.tables) != timeline_digest(first.tables)


OTHER_TRAININGS = {
    "cuts": "cuts.per_client.0=[2, 1, 1, 1]",
    "seed": "seed=1",
    "batch": "strategy.batch_size=5",
    "alpha": "strategy.kld_alpha=0",
    "learning rate": "strategy.learning_rate=0.001",
}


@pytest.mark.parametrize("what", OTHER_TRAININGS)
def test_another_training_has_another_key_and_other_weights(tmp_path, first, what):
    first, first_facts = first
    other, facts = play(tmp_path, OTHER_TRAININGS[what])
    assert training_key(other.entries, facts) != training_key(first.entries, first_facts)
    common = other.state.keys() & first.state.keys()
    assert any(not other.state[name].equal(first.state[name]) for name in common)
    assert other.losses != first.losses or what == "alpha"


def test_the_key_forgets_times_but_not_who_took_part(first):
    first, facts = first

    def changed(**values):
        entries = list(first.entries)
        at = next(i for i, e in enumerate(entries) if e.commit.kind == "iteration")
        entries[at] = replace(entries[at], commit=replace(entries[at].commit, **values))
        return training_key(entries, facts)

    key = training_key(first.entries, facts)
    commit = next(e.commit for e in first.entries if e.commit.kind == "iteration")
    assert changed(time_s=commit.time_s + 1.0) == key
    assert changed(clients=(0, 1)) != key
    assert changed(info={"round": 0, "step": 1}) != key
    lost = (replace(commit.passes[0], backward=(0, 1, 2)), *commit.passes[1:])
    assert changed(passes=lost) != key
    assert training_key(first.entries[:-1], facts) != key


def test_the_scenario_is_the_one_the_law_speaks_of():
    assert "selector: fixed" in SCENARIO  # a searching selector would answer another fleet with other cuts
