"""Law 1: the timeline with a learner that only replays recorded decisions equals the real learner's."""

import pandas as pd
import pytest
from tiny_world import domains, make_learner, make_plan, play_run

from analysis.digests import timeline_digest
from simulator.commits import Decision, NullLearner, decisions


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return make_plan(tmp_path_factory.mktemp("law1"), domains())


@pytest.fixture(scope="module")
def real(plan):
    return play_run(plan, make_learner(plan, domains()))


def test_replayed_decisions_give_the_same_log_and_the_same_timeline(plan, real):
    replayed = play_run(plan, NullLearner(decisions(real.entries)))
    assert replayed.entries == real.entries  # commits with their times, and decisions
    assert timeline_digest(replayed.tables) == timeline_digest(real.tables)
    for table in ("devices", "transfers", "commits"):
        pd.testing.assert_frame_equal(replayed.tables[table], real.tables[table])


def test_the_run_has_decisions_to_replay(real):
    recorded = decisions(real.entries)
    kinds = {entry.commit.seq: entry.commit.kind for entry in real.entries}
    assert [kinds[seq] for seq in recorded] == ["aggregate"] * 2
    assert all(len(decision.clusters) == 2 for decision in recorded.values())


def test_without_a_record_all_clients_are_one_cluster_and_time_still_goes_the_same_way(plan, real):
    played = play_run(plan, NullLearner())
    assert [e.commit for e in played.entries] == [e.commit for e in real.entries]
    assert decisions(played.entries) != decisions(real.entries)
    assert set(decisions(played.entries).values()) == {Decision(((0, 1, 2, 3),))}
    assert timeline_digest(played.tables) == timeline_digest(real.tables)


class Satisfied:
    """A real learner whose target is reached after its first round."""

    def __init__(self, learner):
        self._learner = learner

    @property
    def losses(self):
        return self._learner.losses

    def apply(self, commit):
        decided = self._learner.apply(commit)
        return Decision(stop=True) if commit.kind == "evaluate" and commit.info["round"] == 0 else decided


def test_a_decision_to_stop_is_replayed_too(plan, real):
    stopped = play_run(plan, Satisfied(make_learner(plan, domains())))
    replayed = play_run(plan, NullLearner(decisions(stopped.entries)))
    assert replayed.entries == stopped.entries
    assert timeline_digest(replayed.tables) == timeline_digest(stopped.tables)
    assert [e.commit for e in stopped.entries] == [e.commit for e in real.entries[: len(stopped.entries)]]
    assert 0 < len(stopped.entries) < len(real.entries)


def test_only_the_real_learner_has_losses(plan, real):
    played = play_run(plan, NullLearner(decisions(real.entries)))
    assert played.tables["iterations"]["generator_loss"].isna().all()
    assert real.tables["iterations"]["generator_loss"].notna().all()


def test_the_digest_sees_a_change_of_time(plan, real):
    late = {name: table.copy() for name, table in real.tables.items()}
    late["iterations"].loc[0, "end_s"] += 1e-9
    assert timeline_digest(late) != timeline_digest(real.tables)
