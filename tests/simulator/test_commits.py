"""The commit log: numbered, applied at once, replayable, and keyed without its times."""

import math

import pytest

from simulator.commits import CommitLog, Decision, NullLearner, Pass, decisions, replay, training_key


class Listener:
    losses = (0.25, 0.5)

    def __init__(self, answers=None):
        self.heard = []
        self.answers = answers or {}

    def apply(self, commit):
        self.heard.append(commit)
        return self.answers.get(commit.seq)


def log_of(times, learner, observe=None):
    """A log whose clock shows the next of ``times`` at each commit."""
    clock = iter(times)
    return CommitLog(lambda: next(clock), learner, observe)


def written(times=(0.0, 1.5, 2.0), learner=None, **changed):
    log = log_of(times, learner or Listener())
    facts = {"clients": (0, 1), "name": "fake", "step": 3} | changed
    log.commit("evaluate", facts["clients"], round=-1)
    passes = (Pass(facts["name"], (0, 1), facts.get("backward", (0, 1))),)
    log.commit("iteration", facts["clients"], passes, round=0, step=facts["step"])
    log.commit("aggregate", facts["clients"], round=0)
    return log


def test_commits_are_numbered_timed_and_sorted():
    log = log_of([0.5, 0.75], Listener())
    log.commit("iteration", {4, 0, 2}, round=0, step=1)
    log.commit("aggregate", [1], round=0)
    first, second = (entry.commit for entry in log.entries)
    assert (first.seq, first.time_s, first.kind, first.clients) == (0, 0.5, "iteration", (0, 2, 4))
    assert first.info == {"round": 0, "step": 1}
    assert (second.seq, second.time_s) == (1, 0.75)


def test_a_commit_is_applied_before_it_returns_and_its_decision_is_kept():
    decision = Decision(((0,), (1,)))
    learner = Listener({1: decision})
    seen = []
    log = log_of([0.0, 1.0], learner, lambda entry: seen.append((entry, len(learner.heard))))
    assert log.commit("iteration", [0, 1]) is None
    assert log.commit("aggregate", [0, 1]) is decision
    assert learner.heard == [entry.commit for entry in log.entries]
    # The observer sees a commit after the learner has applied it.
    assert seen == [(log.entries[0], 1), (log.entries[1], 2)]
    assert decisions(log.entries) == {1: decision}
    assert log.losses == (0.25, 0.5)


def test_a_commit_that_fails_is_not_logged():
    class Broken(Listener):
        def apply(self, commit):
            raise ArithmeticError

    log = log_of([0.0], Broken())
    with pytest.raises(ArithmeticError):
        log.commit("iteration", [0])
    assert log.entries == []


def test_a_replay_applies_the_same_commits_in_order():
    log, fresh = written(), Listener()
    replay(log.entries, fresh)
    assert fresh.heard == [entry.commit for entry in log.entries]


def test_a_null_learner_answers_one_cluster_at_an_aggregation_alone():
    log = log_of([0.0, 1.0], NullLearner())
    assert log.commit("iteration", [1, 0]) is None
    assert log.commit("aggregate", [1, 0]) == Decision(((0, 1),))
    assert all(math.isnan(loss) for loss in log.losses)


def test_a_null_learner_of_a_strategy_without_clusters_decides_nothing():
    log = log_of([0.0, 1.0], NullLearner(clusters=False))
    assert log.commit("iteration", [1, 0]) is None
    assert log.commit("aggregate", [1, 0]) is None


def test_a_null_learner_replays_what_was_decided():
    recorded = {2: Decision(((0,), (1,)))}
    log = written(learner=NullLearner(recorded))
    assert decisions(log.entries) == recorded
    # A recorded run that decided nothing decides nothing again.
    assert decisions(written(learner=NullLearner({})).entries) == {}


def test_the_key_leaves_out_the_times_and_nothing_else():
    facts = {"seed": 0, "cuts": [[1, 1, 1, 1]]}
    key = training_key(written().entries, facts)
    assert len(key) == 64
    assert training_key(written(times=(0.0, 99.0, 100.0)).entries, facts) == key
    assert training_key(written().entries, facts | {"cuts": [[2, 1, 1, 1]]}) != key
    others = [
        written(clients=(0, 1, 2)),
        written(name="real"),
        written(backward=(0,)),
        written(step=4),
    ]
    keys = {training_key(log.entries, facts) for log in others}
    keys |= {training_key(written().entries[:2], facts), key}
    assert len(keys) == len(others) + 2


def test_info_may_hold_what_json_has_and_a_key_tells_it_apart():
    keys = set()
    for info in ({}, {"skips_d": [1]}, {"skips_d": [1, 2]}, {"cuts": [[1, 1, 1, 1], [2, 1, 1, 2]]}):
        log = log_of([0.0], Listener())
        log.commit("iteration", (0, 1), round=0, **info)
        assert log.entries[0].commit.info == {"round": 0, **info}
        keys.add(training_key(log.entries, {}))
    assert len(keys) == 4


def test_the_key_of_an_old_log_is_what_it_was():
    """Keys of finished runs stand in their folders."""
    key = training_key(written().entries, {"seed": 0})
    assert key == "c1214073fe623878fd47376546dbb189680d9bae4879e4f5f03903becc073a03"


@pytest.mark.parametrize("kind", ["dispatch", "merge", "lost", "rejoin", "recut"])
def test_a_null_learner_has_nothing_to_say_to_other_commits(kind):
    log = log_of([0.0], NullLearner())
    assert log.commit(kind, [1], round=0, job=3) is None


def test_a_null_learner_clusters_those_who_were_there():
    log = log_of([0.0], NullLearner())
    assert log.commit("aggregate", [3, 1], round=0) == Decision(((1, 3),))
