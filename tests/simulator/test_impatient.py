"""HuSCF-GAN that does not wait, by hand: who is in which pass, for every barrier at which a client can be late.

Chains of three blocks, so that the server runs one leg in every crossing; its starts tell when a crossing begins.
"""

import dataclasses

import numpy as np
import pytest
from disturbed_worlds import conditions_of
from small_worlds import fleet_of, make_plan_of, profile, random_costs

from analysis.records import Recorder
from analysis.runs import RunError
from devices.fleet import SERVER_ID
from models.split import Cut
from simulator.commits import CommitLog, NullLearner
from simulator.staging import stage
from simulator.strategies.huscf_gan.impatient import CROSSINGS_OF_PASS, REAL
from simulator.strategies.huscf_gan.protocol import play
from simulator.strategies.patience import PatienceAll, PatienceDeadline, PatienceQuorum

DEADLINE_S = 50.0
LONG_S = 10_000.0
EVERYBODY = (0, 1, 2)


class Watched(Recorder):
    """Keeps the server's legs."""

    def __init__(self, *facts, **more):
        super().__init__(*facts, **more)
        self.legs = []
        told = self.compute

        def compute(device, start_s, end_s, *work):
            if device == SERVER_ID:
                self.legs.append((start_s, end_s))
            told(device, start_s, end_s, *work)

        self.compute = compute


@pytest.fixture
def plan_of(tmp_path):
    def make(patience=None, **strategy):
        costs = random_costs((3, 3), np.random.default_rng(5))
        devices = fleet_of(
            profile("hub", rate=1e8, link=1e9), *[profile(rate=1e7, link=1e7) for _ in EVERYBODY]
        )
        patience = patience or PatienceDeadline(deadline=f"{DEADLINE_S} s")
        return make_plan_of(
            tmp_path, costs, devices, [2, 2, 2], [Cut(1, 1, 1, 1)] * 3, patience=patience, **strategy
        )

    return make


def played(plan, **disturbances):
    """Play a plan; return its commits but evaluations, the server's legs, and the device table."""
    conditions = conditions_of(plan.setting.fleet, **disturbances)
    setting = dataclasses.replace(plan.setting, conditions=conditions)
    plan = dataclasses.replace(plan, setting=setting)
    recorder = Watched(setting.fleet, phases=plan.phases)
    world = stage(setting, recorder)
    log = CommitLog(lambda: world.now_s, NullLearner())
    world.play(play(world, plan, log))
    commits = [entry.commit for entry in log.entries if entry.commit.kind != "evaluate"]
    return commits, recorder.legs, recorder.tables()["devices"]


def members(crossing_late, number):
    """Who is in a crossing, where client 2 is late for an earlier one or for this."""
    return EVERYBODY if number < crossing_late else (0, 1)


@pytest.mark.parametrize("late", range(8))
def test_who_is_late_for_a_crossing_is_out_of_it_and_of_all_that_follow(plan_of, late):
    plan = plan_of()
    (first, *_), legs, _ = played(plan)
    assert [one.backward for one in first.passes] == [EVERYBODY] * 4
    # Its uplink is closed as soon as the server is through with the crossing before.
    closed_s = legs[late - 1][1] if late else 0.0
    (commit, *_), _, _ = played(plan, ups={2: [(closed_s + 1e-9, 0.0), (closed_s + LONG_S, 1.0)]})
    for one, (forward, backward) in zip(commit.passes, CROSSINGS_OF_PASS, strict=True):
        assert one.forward == members(late, forward)
        assert one.backward == members(late, backward)
    assert commit.time_s < LONG_S
    assert not {"skips_d", "skips_g"} & commit.info.keys()


@pytest.mark.parametrize(("crossing", "key"), [(4, "skips_d"), (7, "skips_g")])
def test_who_leaves_before_it_could_apply_its_step_is_told(plan_of, crossing, key):
    plan = plan_of()
    _, legs, _ = played(plan)
    gone_s = legs[crossing][1] + 1e-9
    (commit, *_), _, _ = played(plan, absences={2: [(gone_s, gone_s + LONG_S)]})
    assert commit.info[key] == [2]
    assert 2 in commit.passes[REAL].backward
    assert (2 in commit.passes[3].forward) == (key == "skips_g")


def test_a_straggler_is_busy_until_it_has_ended_what_it_does(plan_of):
    plan = plan_of(steps_per_round=4)
    (alone, *_), _, _ = played(plan)
    open_s = DEADLINE_S + 1.5 * alone.time_s
    commits, _, _ = played(plan, ups={2: [(1e-9, 0.0), (open_s, 1.0)]})
    # The first waits for it until the deadline; of the second it is no part; when that ends it is idle again.
    iterations = [one.clients for one in commits if one.kind == "iteration"]
    assert iterations == [(0, 1), (0, 1), EVERYBODY, EVERYBODY]


def test_without_it_no_iteration_waits_for_the_deadline(plan_of):
    plan = plan_of(steps_per_round=3)
    commits, _, _ = played(plan, ups={2: [(1e-9, 0.0), (LONG_S, 1.0)]})
    times_s = [one.time_s for one in commits if one.kind == "iteration"]
    assert times_s[0] > DEADLINE_S
    assert times_s[2] - times_s[0] < DEADLINE_S


def test_only_those_that_learned_from_real_images_are_averaged(plan_of):
    commits, _, _ = played(plan_of(), ups={2: [(1e-9, 0.0), (LONG_S, 1.0)]})
    assert [one.clients for one in commits if one.kind == "aggregate"] == [(0, 1)]


def test_a_quorum_goes_on_without_the_last(plan_of):
    plan = plan_of(PatienceQuorum(share=0.6))
    commits, _, _ = played(plan, ups={2: [(1e-9, 0.0), (LONG_S, 1.0)]})
    assert commits[0].time_s < DEADLINE_S
    assert commits[0].clients == (0, 1)


def test_while_nobody_is_there_the_server_waits(plan_of):
    everybody_away = {client: [(0.0, 7.0)] for client in EVERYBODY}
    commits, legs, _ = played(plan_of(), absences=everybody_away)
    assert legs[0][0] > 7.0
    assert commits[0].clients == EVERYBODY


def test_where_the_server_leaves_the_iteration_begins_again(plan_of):
    plan = plan_of()
    _, legs, _ = played(plan)
    commits, after, _ = played(plan, absences={SERVER_ID: [(legs[0][0] / 2, 30.0)]})
    assert after[0][0] > 30.0
    assert [one.clients for one in commits if one.kind == "iteration"] == [EVERYBODY]


def test_a_client_that_comes_back_with_nothing_is_restored_first(plan_of):
    plan = plan_of(steps_per_round=4)
    _, legs, _ = played(plan)
    gone_s = legs[2][1] + 1e-9
    absences = {2: [(gone_s, gone_s + 1e-3)]}
    commits, _, devices = played(plan, absences=absences, keeps_state=False)
    kinds = [(one.kind, one.clients) for one in commits]
    at = kinds.index(("rejoin", (2,)))
    assert all(2 not in clients for kind, clients in kinds[1:at] if kind == "iteration")
    assert any(2 in clients for kind, clients in kinds[at:] if kind == "iteration")
    kept, _, _ = played(plan, absences=absences)
    assert "rejoin" not in [one.kind for one in kept]
    assert (devices["off_s"] > 0).sum() == 1


def test_patience_for_all_with_drawn_clients_has_a_log_that_time_does_not_change(plan_of):
    plan = plan_of(PatienceAll(), client_share=0.6, steps_per_round=2, rounds=3)
    quiet, _, _ = played(plan)
    disturbed, _, _ = played(
        plan, absences={0: [(1.0, 9.0)], 2: [(0.0, 4.0)]}, speeds={1: [(0.5, 0.1), (20.0, 1.0)]}
    )
    timeless = [[dataclasses.replace(one, time_s=0.0) for one in log] for log in (quiet, disturbed)]
    assert timeless[0] == timeless[1]
    assert {len(one.clients) for one in quiet} == {2}


def test_where_all_that_were_drawn_are_away_others_are_drawn_at_once(plan_of):
    plan = plan_of(client_share=0.34, rounds=4)
    for there in EVERYBODY:
        absences = {client: [(0.0, LONG_S)] for client in EVERYBODY if client != there}
        commits, _, _ = played(plan, absences=absences)
        assert {one.clients for one in commits} == {(there,)}
        assert commits[-1].time_s < LONG_S


def test_who_is_cut_off_for_good_is_no_part_of_what_follows(plan_of):
    plan = plan_of(steps_per_round=3)
    absences = {client: [(1e-3, LONG_S)] for client in (0, 1)}
    commits, _, _ = played(plan, ups={2: [(1e-9, 0.0)]}, absences=absences)
    iterations = [one for one in commits if one.kind == "iteration"]
    assert [one.clients for one in iterations] == [(0, 1)] * 3
    assert iterations[0].time_s > LONG_S


def test_a_server_that_reaches_nobody_ends_the_run(plan_of):
    with pytest.raises(RunError, match="no client is left: all have gone for good, or are cut off"):
        played(plan_of(steps_per_round=5), ups={SERVER_ID: [(1e-9, 0.0)]})


def test_who_could_not_be_restored_does_not_rejoin(plan_of):
    plan = plan_of(steps_per_round=4)
    _, legs, _ = played(plan)
    gone_s = legs[2][1] + 1e-9
    absences = {2: [(gone_s, gone_s + 1e-3)]}
    commits, _, _ = played(plan, absences=absences, downs={2: [(gone_s, 0.0)]}, keeps_state=False)
    assert "rejoin" not in [one.kind for one in commits]
    after = [one for one in commits if one.kind == "iteration"][1:]
    assert [one.clients for one in after] == [(0, 1)] * 3


def test_who_was_late_for_real_images_is_not_averaged_though_it_is_idle_again(plan_of):
    plan = plan_of()
    _, legs, _ = played(plan)
    closed_s = legs[2][1] + 1e-9  # it is late for the forward of the real pass, and out
    commits, _, _ = played(plan, ups={2: [(closed_s, 0.0), (closed_s + DEADLINE_S + 1e-6, 1.0)]})
    assert commits[0].passes[1].forward == EVERYBODY
    assert commits[0].passes[REAL].forward == (0, 1)
    assert [one.clients for one in commits if one.kind == "aggregate"] == [(0, 1)]


@pytest.mark.parametrize("keeps_state", [True, False])
def test_who_loses_everything_while_it_waits_is_out(plan_of, keeps_state):
    plan = plan_of()
    _, legs, _ = played(plan)
    start_s, end_s = legs[3]
    # Away and back while the server works on the joined batch: no leg of its own is broken off.
    span = (start_s + 0.3 * (end_s - start_s), start_s + 0.6 * (end_s - start_s))
    (commit, *_), _, _ = played(plan, absences={2: [span]}, keeps_state=keeps_state)
    assert commit.passes[REAL].forward == EVERYBODY
    assert commit.passes[REAL].backward == (EVERYBODY if keeps_state else (0, 1))


def test_memory_is_that_of_those_who_began(plan_of):
    plan = plan_of()
    _, _, whole = played(plan)
    _, _, without = played(plan, absences={2: [(0.0, LONG_S)]})
    needed, left = (table.set_index("device")["memory_bytes"] for table in (whole, without))
    assert left["client-2"] == 0.0 < needed["client-2"]
    assert left["client-0"] == needed["client-0"]
    assert 0.0 < left["server"] < needed["server"]


def transfers_of(plan, **disturbances):
    """The transfers of a played plan and the commits with the evaluations."""
    conditions = conditions_of(plan.setting.fleet, **disturbances)
    plan = dataclasses.replace(plan, setting=dataclasses.replace(plan.setting, conditions=conditions))
    recorder = Recorder(plan.setting.fleet, "full", plan.phases)
    world = stage(plan.setting, recorder)
    log = CommitLog(lambda: world.now_s, NullLearner())
    world.play(play(world, plan, log))
    recorder.end_run()
    return recorder.tables()["transfers"], [entry.commit for entry in log.entries]


def averages(transfers):
    """What the server sends after an average."""
    return transfers[(transfers["source"] == "server") & (transfers["kind"] == "parameters")]


def test_a_round_ends_when_the_averages_have_come(plan_of):
    transfers, commits = transfers_of(plan_of())
    (aggregate,) = [one for one in commits if one.kind == "aggregate"]
    came_s = averages(transfers)["end_s"].max()
    assert commits[-1].kind == "evaluate"
    assert aggregate.time_s < came_s <= commits[-1].time_s


def test_who_leaves_before_the_averages_have_come_gets_them_on_its_return(plan_of):
    plan = plan_of(rounds=4)
    transfers, commits = transfers_of(plan)
    first = averages(transfers).query("target == 'client-2'").iloc[0]
    gone_s = (first["start_s"] + first["end_s"]) / 2
    back_s = gone_s + 1.5 * commits[1].time_s
    transfers, commits = transfers_of(plan, absences={2: [(gone_s, back_s)]})
    torn, whole = averages(transfers).query("target == 'client-2'").iloc[:2].to_dict("records")
    assert (torn["end_s"], torn["lost_bytes"] > 0) == (gone_s, True)
    assert (whole["start_s"], whole["lost_bytes"]) == (back_s, 0.0)
    began = [one for one in commits if one.kind == "iteration" and 2 in one.clients and one.time_s > gone_s]
    assert began, "it takes part again"
    assert whole["end_s"] < began[0].time_s
