"""HuSCF-GAN's protocol: which commits are written when, and what leaves which device."""

import dataclasses
import math

import pytest
from small_worlds import DATAFLOW_PHASES, fleet_of, make_plan_of, play_plan, profile

from devices.fleet import SERVER_ID
from models.cgan import cgan28
from models.split import Cut, Phase, client_legs, model_costs, segment_bytes
from scenarios.stop import StopOptions
from simulator.commits import Decision, NullLearner

COSTS = model_costs(cgan28(4))
FLEET = fleet_of(
    profile("hub", rate=1e9, link=1e9),
    profile("a", rate=1e8, link=1e6, latency_s=0.01),
    profile("b", rate=1e7, link=1e7),
    profile("c", rate=3e8, link=1e5),
)
CUTS = [Cut(1, 1, 1, 1), Cut(2, 1, 1, 2), Cut(2, 2, 2, 2)]
BATCHES = [8, 5, 2]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protocol")
    return make_plan_of(folder, COSTS, FLEET, BATCHES, CUTS, rounds=2, steps_per_round=3)


@pytest.fixture(scope="module")
def played(plan):
    return play_plan(plan)


def test_commits_tell_the_run_in_order(played):
    _, log, _ = played
    told = [(entry.commit.kind, dict(entry.commit.info)) for entry in log.entries]
    rounds = [
        [
            *(("iteration", {"round": r, "step": s}) for s in range(3)),
            ("aggregate", {"round": r}),
            ("evaluate", {"round": r, "last": int(r == 1)}),
        ]
        for r in range(2)
    ]
    assert told == [("evaluate", {"round": -1, "last": 0}), *rounds[0], *rounds[1]]
    assert [entry.commit.seq for entry in log.entries] == list(range(len(told)))
    assert all(entry.commit.clients == (0, 1, 2) for entry in log.entries)


def test_commits_come_when_they_become_final(plan, played):
    _, log, world = played
    span_s, network = plan.closed_form().latency_s, plan.setting.network
    loads = [sum(n_bytes for _, n_bytes in payload) for payload in plan.round_payload]
    up_s = max(network.seconds(client, SERVER_ID, load) for client, load in enumerate(loads))
    round_s = 3 * span_s + plan.aggregation_seconds()
    expected = [0.0]
    for start_s in (0.0, round_s):
        # An aggregation is final when the last segment is up; the evaluation follows the last download.
        steps_s = [start_s + count * span_s for count in (1, 2, 3)]
        expected += [*steps_s, steps_s[-1] + up_s, start_s + round_s]
    assert [entry.commit.time_s for entry in log.entries] == pytest.approx(expected, rel=1e-9)
    assert world.now_s == pytest.approx(2 * round_s, rel=1e-9)


def test_an_iteration_names_its_passes_with_everybody_there_and_back(played):
    _, log, _ = played
    iteration = log.entries[1].commit
    assert [one.name for one in iteration.passes] == [
        Phase.GENERATOR_FORWARD,
        Phase.DISCRIMINATOR_FAKE,
        Phase.DISCRIMINATOR_REAL,
        Phase.DISCRIMINATOR_FOR_GENERATOR,
    ]
    assert {(one.forward, one.backward) for one in iteration.passes} == {((0, 1, 2), (0, 1, 2))}
    assert log.entries[4].commit.passes == ()


def test_every_iteration_is_as_long_and_counted_through(plan, played):
    rows = played[0]["iterations"]
    assert rows["iteration"].tolist() == [0, 1, 2, 3, 4, 5]
    assert rows["round"].tolist() == [0, 0, 0, 1, 1, 1]
    assert rows["iteration_latency_s"].tolist() == pytest.approx([plan.closed_form().latency_s] * 6, rel=1e-9)
    phases = rows[[f"{phase}_s" for phase in DATAFLOW_PHASES]]
    assert phases.sum(axis=1).tolist() == pytest.approx(rows["iteration_latency_s"].tolist(), rel=1e-9)
    aggregation_s = plan.aggregation_seconds()
    assert rows["aggregation_s"].tolist() == pytest.approx([0, 0, aggregation_s] * 2, rel=1e-9)
    assert rows["discriminator_loss"].isna().all()


def test_the_ledger_adds_up_to_the_legs_and_the_segments(played):
    sent = played[0]["transfers"]
    for client, (cut, batch) in enumerate(zip(CUTS, BATCHES, strict=True)):
        mine = sent[(sent["source"] == f"client-{client}") | (sent["target"] == f"client-{client}")]
        by_kind = mine.groupby("kind")["bytes"].sum().to_dict()
        visits = client_legs(COSTS, cut, batch).visits
        forward = sum(v.up.n_bytes + v.down.n_bytes for v in visits if v.up.kind == "activation")
        backward = sum(v.up.n_bytes + v.down.n_bytes for v in visits if v.up.kind == "gradient")
        parameters, statistics = segment_bytes(COSTS, cut)
        assert by_kind == {
            "activation": 6 * forward,
            "gradient": 6 * backward,
            "parameters": 2 * 2 * parameters,
            "statistics": 2 * 2 * statistics,
        }


def test_clients_talk_to_the_server_alone(played):
    sent = played[0]["transfers"]
    assert ((sent["source"] == "server") ^ (sent["target"] == "server")).all()


def test_the_server_does_the_work_no_client_does(played):
    devices = played[0]["devices"].groupby("device")["work_flops"].sum()
    g, d = COSTS.generator.blocks, COSTS.discriminator.blocks
    per_row = sum(block.forward_flops + block.backward_flops for block in (*g, *d, *d))
    per_row += sum(block.forward_flops + block.input_gradient_flops for block in d)
    assert devices.sum() == pytest.approx(6 * sum(BATCHES) * per_row)


def stopping_after(plan, seconds):
    """The same plan with a simulated time after which it stops."""
    setting = plan.setting
    scenario = setting.scenario.model_copy(update={"stop": StopOptions(sim_time=f"{seconds!r} s")})
    loaded = dataclasses.replace(setting.loaded, scenario=scenario)
    return dataclasses.replace(plan, setting=dataclasses.replace(setting, loaded=loaded))


def test_a_run_out_of_simulated_time_ends_with_a_whole_and_evaluated_round(plan, played):
    round_s = played[2].now_s / 2
    for seconds, rounds in ((round_s / 10, 1), (round_s * 0.999, 1), (round_s * 1.001, 2), (9 * round_s, 2)):
        tables, log, world = play_plan(stopping_after(plan, seconds))
        assert len(tables["iterations"]) == 3 * rounds
        assert world.now_s == pytest.approx(rounds * round_s, rel=1e-12)
        last = log.entries[-1].commit
        assert (last.kind, dict(last.info)) == ("evaluate", {"round": rounds - 1, "last": 1})
        assert [e.commit.info["last"] for e in log.entries[:-1] if e.commit.kind == "evaluate"] == [
            0
        ] * rounds


def test_a_decision_to_stop_ends_the_run_there(plan, played):
    first_evaluation = played[1].entries[5].commit
    assert dict(first_evaluation.info) == {"round": 0, "last": 0}
    tables, log, world = play_plan(plan, NullLearner({first_evaluation.seq: Decision(stop=True)}))
    assert [entry.commit for entry in log.entries] == [entry.commit for entry in played[1].entries[:6]]
    assert log.entries[-1].decision == Decision(stop=True)
    assert set(tables["devices"]["round"]) == {0}
    assert world.now_s == first_evaluation.time_s


def test_losses_are_recorded_with_their_iteration(plan):
    class Counting(NullLearner):
        steps = 0

        def apply(self, commit):
            self.steps += commit.kind == "iteration"
            return super().apply(commit)

        @property
        def losses(self):
            return (float(self.steps), -float(self.steps))

    rows = play_plan(plan, Counting())[0]["iterations"]
    assert rows["discriminator_loss"].tolist() == [1, 2, 3, 4, 5, 6]
    assert rows["generator_loss"].tolist() == [-1, -2, -3, -4, -5, -6]
    assert not math.isnan(rows["generator_loss"].iloc[0])
