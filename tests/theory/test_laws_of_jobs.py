"""The laws of the commit log where clients work job by job, in a calm and in a disturbed world."""

import pandas as pd
import pytest
import torch
from played_jobs import plan_of_jobs, play_jobs
from tiny_world import assert_identical, domains, make_learner

from analysis.digests import timeline_digest
from simulator.commits import NullLearner, decisions, replay, training_key

DEVICES = "[{profile: paper-1, count: 2}, {profile: paper-2}, {profile: paper-3}]"

MODES = {
    "deadline": "strategy.patience={kind: deadline, deadline: 20 ms}",
    "quorum": "strategy.patience={kind: quorum, share: 0.5}",
    "sampling": "strategy.client_share=0.5",
    "fedasync": "strategy.aggregation={kind: fedasync, staleness: {kind: polynomial}}",
    "fedbuff": "strategy.aggregation={kind: fedbuff, buffer: 3}",
}

CHURN = "availability={model: on_off, mean_on: 60 ms, mean_off: 20 ms"
WORLDS = {
    "calm": (),
    "churn": (CHURN + "}", "network={model: maxmin}"),
    "forgetful": (CHURN + ", rejoin: reset}",),
}

CASES = [(mode, world) for mode in MODES for world in WORLDS if (mode, world) != ("sampling", "forgetful")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case))
def played(request, tmp_path_factory):
    mode, world = request.param
    overrides = (MODES[mode], *WORLDS[world], "strategy.rounds=10")
    plan = plan_of_jobs(tmp_path_factory.mktemp("jobs"), DEVICES, *overrides)
    return play_jobs(plan, trains=True)


def test_law_1_the_timeline_needs_no_mathematics(played):
    null = play_jobs(played.plan, NullLearner(decisions(played.entries)))
    assert null.entries == played.entries
    assert timeline_digest(null.tables) == timeline_digest(played.tables)
    for table in ("devices", "transfers"):
        pd.testing.assert_frame_equal(null.tables[table], played.tables[table])


def test_law_2_a_replayed_log_gives_the_same_weights(played):
    fresh = make_learner(played.plan, domains()[:1])
    start = {name: tensor.clone() for name, tensor in fresh.state().items()}
    replay(played.entries, fresh)
    assert_identical(fresh.state(), played.learner.state())
    for client in played.plan.clients:  # what the clients are left with, too
        for pair in ("generators", "discriminators"):
            came, wanted = (getattr(one, pair)[client] for one in (fresh, played.learner))
            assert_identical(came.state(), wanted.state())
            moments = [
                [tensor for state in one.adam.state.values() for tensor in state.values()]
                for one in (came, wanted)
            ]
            assert len(moments[0]) == len(moments[1])
            assert all(map(torch.equal, *moments))
    moved = [name for name, tensor in start.items() if not torch.equal(tensor, played.learner.state()[name])]
    assert len(moved) > len(start) / 2


def test_losses_are_those_of_what_was_taken_in(played):
    rows = played.tables["iterations"]
    assert len(rows) == len(played.commits(played.plan.final_kind))
    assert rows[["discriminator_loss", "generator_loss"]].notna().all().all()
    assert rows["round"].tolist() == [one.info["round"] for one in played.commits(played.plan.final_kind)]


def test_the_cases_hold_what_they_are_meant_to(tmp_path):
    seen = {}
    for mode, world in CASES:
        plan = plan_of_jobs(tmp_path, DEVICES, MODES[mode], *WORLDS[world], "strategy.rounds=10")
        seen[mode, world] = {entry.commit.kind for entry in play_jobs(plan).entries}
    assert all("lost" in kinds for (mode, _), kinds in seen.items() if mode == "quorum")
    assert all(
        "lost" in kinds for (mode, world), kinds in seen.items() if world != "calm" and mode != "sampling"
    )
    assert not any("lost" in kinds for (mode, _), kinds in seen.items() if mode == "sampling")
    assert all("rejoin" in kinds for (_, world), kinds in seen.items() if world == "forgetful")
    assert not any("rejoin" in kinds for (_, world), kinds in seen.items() if world != "forgetful")


@pytest.mark.parametrize("world", ["calm", "churn"])
def test_law_6_drawn_clients_that_are_waited_for_learn_the_same_in_any_time(tmp_path, world):
    """Sampling loses nothing: another fleet and another world give the same log but for its times."""
    runs = [
        play_jobs(plan_of_jobs(tmp_path, devices, MODES["sampling"], *more), trains=True)
        for devices, more in ((DEVICES, ()), ("[{profile: paper-5, count: 4}]", WORLDS[world]))
    ]
    digests = [domains()[0].digest]
    keys = [training_key(run.entries, run.plan.training_facts(digests)) for run in runs]
    assert keys[0] == keys[1]
    assert_identical(runs[0].learner.state(), runs[1].learner.state())
    assert runs[0].entries[-1].commit.time_s != runs[1].entries[-1].commit.time_s


def test_with_nobody_late_a_deadline_learns_what_rounds_with_everybody_do(tmp_path):
    """Jobs begin with a download and rounds end with one; what is learned is the same, to the last bit."""
    plain = play_jobs(plan_of_jobs(tmp_path, DEVICES), trains=True)
    jobs = play_jobs(
        plan_of_jobs(tmp_path, DEVICES, "strategy.patience={kind: deadline, deadline: 9 s}"), trains=True
    )
    wanted = plain.learner.state()
    for name, tensor in jobs.learner.state().items():
        assert torch.equal(tensor, wanted[name.replace(".server.", ".client-0.")])
    assert "dispatch" not in {entry.commit.kind for entry in plain.entries}


def test_the_training_key_of_a_lossy_run_tells_who_was_late(tmp_path):
    """Patience is no fact of a training: the log tells who was in time, and equal logs have equal weights."""
    runs = [
        play_jobs(plan_of_jobs(tmp_path, DEVICES, f"strategy.patience={{kind: {text}}}"))
        for text in ("deadline, deadline: 9 s", "quorum, share: 1", "quorum, share: 0.5")
    ]
    keys = [training_key(run.entries, run.plan.training_facts(["x"])) for run in runs]
    assert keys[0] == keys[1] != keys[2]
