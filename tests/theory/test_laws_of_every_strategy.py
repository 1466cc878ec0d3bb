"""The laws of the commit log, for every registered strategy on its tiny scenario."""

import pandas as pd
import pytest
import torch
from tiny_strategies import STRATEGY_SCENARIOS
from tiny_world import assert_identical, domains, make_learner, make_plan, play_run

from analysis.digests import timeline_digest
from simulator.commits import NullLearner, decisions, replay, training_key
from simulator.registry import STRATEGIES


@pytest.fixture(scope="module", params=STRATEGIES)
def world(request, tmp_path_factory):
    """A strategy's plan on made-up images, and its run with the real learner."""
    text, overrides = STRATEGY_SCENARIOS[request.param]
    data = domains()
    plan = make_plan(tmp_path_factory.mktemp(request.param), data, *overrides, text=text)
    return plan, data, play_run(plan, make_learner(plan, data))


def test_law_1_the_timeline_is_that_of_a_learner_that_replays_decisions(world):
    plan, _, real = world
    replayed = play_run(plan, NullLearner(decisions(real.entries)))
    assert replayed.entries == real.entries
    assert timeline_digest(replayed.tables) == timeline_digest(real.tables)
    for table in ("devices", "transfers", "commits"):
        pd.testing.assert_frame_equal(replayed.tables[table], real.tables[table])


def test_law_2_a_replayed_log_gives_the_same_weights(world):
    plan, data, real = world
    fresh = make_learner(plan, data)
    start = {name: tensor.clone() for name, tensor in fresh.state().items()}
    replay(real.entries, fresh)
    assert_identical(fresh.state(), real.state)
    trained = [name for name, tensor in real.state.items() if not torch.equal(tensor, start[name])]
    assert len(trained) > len(start) / 2


def test_law_2_a_log_without_its_last_iteration_gives_other_weights(world):
    plan, data, real = world
    fresh = make_learner(plan, data)
    last = max(entry.commit.seq for entry in real.entries if entry.commit.kind == "iteration")
    replay([entry for entry in real.entries if entry.commit.seq != last], fresh)
    with pytest.raises(AssertionError):
        assert_identical(fresh.state(), real.state)


def test_law_6_another_fleet_with_the_same_log_but_for_times_has_the_same_weights(world, tmp_path):
    plan, data, real = world
    strategy = plan.setting.scenario.strategy.name
    assert plan.setting.scenario.strategy.is_lossless()
    text, overrides = STRATEGY_SCENARIOS[strategy]
    slower = make_plan(tmp_path, data, *overrides, text=text.replace("paper-1", "paper-5"))
    played = play_run(slower, make_learner(slower, data))
    digests = [images.digest for images in data]
    key = training_key(played.entries, slower.training_facts(digests))
    assert key == training_key(real.entries, plan.training_facts(digests))
    assert_identical(played.learner.state(), real.state)
    assert played.entries[-1].commit.time_s != real.entries[-1].commit.time_s


def test_every_evaluation_asks_a_generator_of_every_domain(world):
    plan, data, real = world
    labels = data[0].train_labels[:5]
    shape = plan.setting.architecture.image_shape
    for domain in plan.setting.deal.domains:
        images = real.learner.generator_for(domain)(labels, plan.setting.streams.draw("test"))
        assert images.shape == (5, *shape)
        assert abs(images).max() <= 1.0


def test_looking_at_a_generator_changes_no_weight(world):
    plan, data, real = world
    before = {name: tensor.clone() for name, tensor in real.learner.state().items()}
    real.learner.generator_for(plan.setting.deal.domains[-1])(
        data[0].train_labels[:7], plan.setting.streams.draw("test")
    )
    assert_identical(real.learner.state(), before)
