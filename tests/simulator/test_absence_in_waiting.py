"""HuSCF-GAN's clients that leave while they wait for the others, and those that come just in time, by hand."""

import dataclasses

import numpy as np
import pytest
import simpy
from disturbed_worlds import conditions_of
from small_worlds import fleet_of, make_plan_of, profile, random_costs

from analysis.records import Recorder
from devices.fleet import SERVER_ID
from models.split import Cut
from simulator.commits import CommitLog, NullLearner
from simulator.staging import stage
from simulator.strategies.huscf_gan.crossing import Crossing
from simulator.strategies.huscf_gan.protocol import play
from simulator.strategies.patience import PatienceAll, PatienceDeadline, PatienceQuorum

SLOW, FAST = 0, 1
BOTH = (SLOW, FAST)


def plan_of(folder, patience, **strategy):
    """A slow client and a fast one, which waits for it at every crossing."""
    costs = random_costs((3, 3), np.random.default_rng(11))
    fleet = fleet_of(
        profile("hub", rate=1e9, link=1e9), profile(rate=1e4, link=1e7), profile(rate=1e9, link=1e9)
    )
    return make_plan_of(folder, costs, fleet, [2, 2], [Cut(1, 1, 1, 1)] * 2, patience=patience, **strategy)


def played(plan, **disturbances):
    """Play a plan; return its commits but evaluations, and what the server sent when."""
    setting = dataclasses.replace(plan.setting, conditions=conditions_of(plan.setting.fleet, **disturbances))
    plan = dataclasses.replace(plan, setting=setting)
    recorder = Recorder(setting.fleet, phases=plan.phases)
    world = stage(setting, recorder)
    log = CommitLog(lambda: world.now_s, NullLearner())
    world.play(play(world, plan, log))
    return [entry.commit for entry in log.entries if entry.commit.kind != "evaluate"], recorder.tables()


@pytest.fixture(params=range(8))
def waiting(request, tmp_path):
    """A crossing, a plan, and a span in which the fast client waits for the rows of that crossing."""
    plan = plan_of(tmp_path, PatienceDeadline(deadline="10000 s"), steps_per_round=2)
    sent = played(plan)[1]["transfers"]
    up = sent[(sent["target"] == "server") & sent["kind"].isin(["activation", "gradient"])]
    ends_s = [up[up["source"] == f"client-{client}"]["end_s"].sort_values().tolist() for client in BOTH]
    slow_s, fast_s = ends_s[SLOW][request.param], ends_s[FAST][request.param]
    assert fast_s < slow_s
    return request.param, plan, (fast_s + (slow_s - fast_s) / 4, fast_s + (slow_s - fast_s) / 2)


def members(commit):
    return [set(one.forward) for one in commit.passes], [set(one.backward) for one in commit.passes]


def test_who_keeps_its_state_may_leave_while_it_waits(waiting):
    _, plan, span_s = waiting
    commits, _ = played(plan, absences={FAST: [span_s]})
    quiet, _ = played(plan)
    assert [dataclasses.replace(one, time_s=0.0) for one in commits] == [
        dataclasses.replace(one, time_s=0.0) for one in quiet
    ]
    assert [one.time_s for one in commits] == pytest.approx([one.time_s for one in quiet])


def test_who_loses_its_state_while_it_waits_is_out_from_then_on_and_is_restored(waiting):
    crossing, plan, span_s = waiting
    commits, _ = played(plan, absences={FAST: [span_s]}, keeps_state=False)
    first, *others = commits
    forward, backward = members(first)
    # Its rows were in this crossing; it cannot go on with what comes back.
    passed = [
        FAST in one for one in (forward[0], forward[1], backward[1], forward[2], backward[2], forward[3])
    ]
    passed += [FAST in backward[3], FAST in backward[0]]
    assert passed == [number <= crossing for number in range(8)]
    assert first.info.get("skips_d", []) == ([FAST] if crossing == 4 else [])
    assert first.info.get("skips_g", []) == ([FAST] if crossing == 7 else [])
    kinds = [(one.kind, one.clients) for one in others]
    assert ("rejoin", (FAST,)) in kinds
    before = kinds[: kinds.index(("rejoin", (FAST,)))]
    assert all(FAST not in clients for kind, clients in before if kind == "iteration")


def test_with_patience_for_all_the_drawn_are_waited_for_to_the_last_average(tmp_path):
    plan = plan_of(tmp_path, PatienceAll(), client_share=0.999, steps_per_round=1, rounds=2)
    (_, aggregate, *_), tables = played(plan)
    end_of_upload_s = aggregate.time_s
    # Away as the averages are handed out: they reach it all the same, before the next round begins.
    gone = [(end_of_upload_s - 1e-9, end_of_upload_s + 500.0)]
    commits, tables = played(plan, absences={FAST: gone})
    assert [one.clients for one in commits] == [BOTH] * 4
    sent = tables["transfers"].query("round == 0 and source == 'server' and target == 'client-1'")
    averages = sent[sent["kind"] == "parameters"]
    assert averages["end_s"].max() >= gone[0][1]
    assert (averages["lost_bytes"] == 0.0).sum() == 1
    assert commits[2].time_s > averages["end_s"].max()


def test_a_server_that_leaves_loses_the_iteration_of_those_that_do_not_wait(tmp_path):
    plan = plan_of(tmp_path, PatienceQuorum(share=1.0), steps_per_round=1)
    quiet, tables = played(plan)
    sent = tables["transfers"]
    first_up = sent[(sent["source"] == "client-0") & (sent["target"] == "server")].iloc[0]
    torn_s = (first_up["start_s"] + first_up["end_s"]) / 2
    commits, tables = played(plan, absences={SERVER_ID: [(torn_s, torn_s + 7.0)]})
    # The fast one was in, so the iteration counts, without the slow one; its message was torn.
    assert quiet[0].clients == BOTH
    assert commits[0].clients == (FAST,)
    torn = tables["transfers"].query("source == 'client-0' and lost_bytes > 0")
    assert torn["bytes"].tolist() == torn["lost_bytes"].tolist()


@pytest.mark.parametrize("late_s", [0.0, 1e-6])
def test_who_comes_at_the_very_deadline_is_in_time(late_s):
    env = simpy.Environment()
    crossing = Crossing(env, PatienceDeadline(deadline="5 s"), {0: 1, 1: 1}, 2)
    in_time = {}

    def server():
        crossing.open()
        yield crossing.complete(1)
        assert env.now == 5.0

    def client(number, time_s):
        yield env.timeout(time_s)
        in_time[number] = crossing.arrive(number)

    for process in (server(), client(0, 1.0), client(1, 5.0 + late_s)):
        env.process(process)
    env.run()
    assert in_time == {0: True, 1: late_s == 0.0}
