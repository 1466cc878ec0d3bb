"""Law 2: re-applying a log to a fresh learner gives the same weights, bit for bit."""

import pytest
from tiny_world import assert_identical, domains, make_learner, make_plan, play_run

from simulator.commits import replay


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("execution.precision=float32", "strategy.clusters=auto", "strategy.warmup_rounds=1"),
        ("strategy.init=independent", "data.partition={kind: quantity, shares: [1, 3]}"),
    ],
    ids=["float64", "float32-auto-warmup", "independent-unequal"],
)
def test_a_replayed_log_gives_the_same_weights(tmp_path, overrides):
    data = domains()
    plan = make_plan(tmp_path, data, *overrides)
    played = play_run(plan, make_learner(plan, data))
    fresh = make_learner(plan, data)
    start = {name: tensor.clone() for name, tensor in fresh.state().items()}
    replay(played.entries, fresh)
    assert_identical(fresh.state(), played.state)
    moved = [name for name, tensor in played.state.items() if not tensor.equal(start[name])]
    assert len(moved) > len(start) / 2  # the run did train


def test_a_shortened_log_gives_other_weights(tmp_path):
    data = domains()
    plan = make_plan(tmp_path, data)
    played = play_run(plan, make_learner(plan, data))
    fresh = make_learner(plan, data)
    last = max(e.commit.seq for e in played.entries if e.commit.kind == "iteration")
    replay([e for e in played.entries if e.commit.seq != last], fresh)
    with pytest.raises(AssertionError):
        assert_identical(fresh.state(), played.state)


def test_evaluations_leave_no_trace(tmp_path):
    data = domains()
    plan = make_plan(tmp_path, data)
    played = play_run(plan, make_learner(plan, data))
    fresh = make_learner(plan, data)
    for entry in played.entries:
        fresh.apply(entry.commit)
        if entry.commit.kind == "evaluate":
            labels = data[0].train_labels[:7]
            fresh.generate(1, labels, plan.setting.streams.draw("test"))
    assert_identical(fresh.state(), played.state)


def test_a_commit_of_an_unknown_kind_is_refused(tmp_path):
    from simulator.commits import Commit

    data = domains()
    learner = make_learner(make_plan(tmp_path, data), data)
    with pytest.raises(ValueError, match="commit 7 is of kind 'merge'"):
        learner.apply(Commit(7, 0.0, "merge", (0,)))
