"""The plan of a split run: batches, barriers, the server's program, round traffic."""

import dataclasses

import pytest
from small_worlds import block, fleet_of, make_plan_of, make_setting_of, problem_of, profile

from models.cgan import cgan28
from models.memory import memory_bytes
from models.split import ChainCosts, Cut, ModelCosts, PayloadKind, model_costs, segment_bytes
from scenarios.load import ScenarioError
from simulator import registry
from simulator.cuts.genetic import GeneticOptions
from simulator.plan import batches_of
from simulator.setting import make_setting
from simulator.split_plan import cut_problem, select_cuts, split_plan

COSTS = model_costs(cgan28(4))
SMALLEST, LARGEST = Cut(1, 1, 1, 1), Cut(2, 2, 2, 2)
TWO = fleet_of(profile("hub"), profile("a"), profile("b"))


def load_setting(tmp_path, text):
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return make_setting(registry.load(str(path)))


def test_a_batch_is_the_smaller_of_batch_size_and_images(tmp_path):
    setting = make_setting_of(tmp_path, COSTS, TWO, [100, 20], batch_size=64)
    assert batches_of(setting) == (64, 20)


def test_a_rounds_steps_are_epochs_times_the_most_batches_of_any_client(tmp_path):
    cuts = [SMALLEST, SMALLEST]
    given = {"batch_size": 64, "local_epochs": 3, "steps_per_round": None}
    # 129 images are three batches of 64; 20 images are one batch of 20.
    plan = split_plan(make_setting_of(tmp_path, COSTS, TWO, [129, 20], cuts=cuts, **given))
    assert plan.steps_per_round == 3 * 3
    plan = split_plan(make_setting_of(tmp_path, COSTS, TWO, [128, 20], cuts=cuts, **given))
    assert plan.steps_per_round == 3 * 2
    stated = split_plan(
        make_setting_of(tmp_path, COSTS, TWO, [128, 20], cuts=cuts, **given | {"steps_per_round": 5})
    )
    assert stated.steps_per_round == 5


def test_rows_join_and_leave_where_the_cuts_say(tmp_path):
    plan = make_plan_of(tmp_path, COSTS, TWO, [8, 3], [Cut(1, 2, 2, 1), Cut(2, 2, 1, 1)])
    assert plan.clients == (0, 1)
    # Forward: at the first block after the head; backward: at the first before the tail, counted from the end.
    forward, backward = {(0, 1): 1, (0, 2): 1}, {(7, 2): 2}
    d_forward = {(number, at): 1 for number in (1, 3, 5) for at in (1, 2)}
    d_backward = {(number, 1): 2 for number in (2, 4, 6)}
    assert dict(plan.joins) == forward | backward | d_forward | d_backward
    exits = {
        (0, 2),
        (7, 2),
        (7, 3),
        *((n, 3) for n in (1, 3, 5)),
        *((n, at) for n in (2, 4, 6) for at in (2, 3)),
    }
    assert plan.exits == exits


def test_the_server_runs_the_rows_of_those_who_do_not_hold_a_block(tmp_path):
    plan = make_plan_of(tmp_path, COSTS, TWO, [8, 3], [Cut(1, 2, 2, 1), Cut(2, 2, 1, 1)])
    first = [(number, position) for number, position, _ in plan.server_program]
    assert first == sorted(first)
    rows = {}
    for number, position, leg in plan.server_program:
        chain = COSTS.generator if number in (0, 7) else COSTS.discriminator
        forward = number in (0, 1, 3, 5)
        cost = chain.blocks[position if forward else 4 - position]
        per_row = cost.forward_flops if forward else cost.backward_flops
        if number == 6:
            per_row = cost.input_gradient_flops
        rows[number, position] = leg.flops / per_row
    assert rows[0, 1] == 8  # block 2 of the generator: the first client's alone
    assert rows[0, 2] == rows[7, 2] == 11
    assert (0, 3) not in rows  # both hold block 4
    assert (7, 1) not in rows
    assert rows[7, 3] == 8
    assert [rows[1, at] for at in (1, 2, 3)] == [3, 11, 11]
    assert [rows[6, at] for at in (1, 2, 3)] == [11, 11, 3]


def test_evaluations_come_every_few_rounds_and_after_the_last(tmp_path):
    text = """
devices: {clients: [{profile: paper-1, count: 2}]}
cuts: {selector: fixed, every_client: [1, 1, 1, 1]}
strategy: {rounds: 8}
evaluation: {every_rounds: 3}
"""
    plan = split_plan(load_setting(tmp_path, text))
    assert plan.rounds == 8
    assert [round_ for round_ in range(8) if plan.is_last(round_, end_s=1e9)] == [7]
    assert [round_ for round_ in range(8) if plan.evaluates_after(round_, last=round_ == 7)] == [2, 5, 7]
    assert [round_ for round_ in range(8) if plan.evaluates_after(round_, last=round_ == 3)] == [2, 3, 5]


def test_the_simulated_time_ends_a_run_with_the_first_round_that_ends_then_or_later(tmp_path):
    text = """
devices: {clients: [{profile: paper-1, count: 2}]}
cuts: {selector: fixed, every_client: [1, 1, 1, 1]}
strategy: {rounds: 8}
stop: {sim_time: 10 s}
"""
    plan = split_plan(load_setting(tmp_path, text))
    assert not plan.is_last(2, end_s=9.999)
    assert plan.is_last(2, end_s=10.0)
    assert plan.is_last(2, end_s=10.001)
    assert plan.is_last(7, end_s=1.0)


def test_a_round_whose_classification_score_is_due_is_evaluated_too(tmp_path):
    text = """
devices: {clients: [{profile: paper-1, count: 2}]}
cuts: {selector: fixed, every_client: [1, 1, 1, 1]}
strategy: {rounds: 6}
evaluation: {every_rounds: 4, cas: {every: 3}}
"""
    plan = split_plan(load_setting(tmp_path, text))
    assert [round_ for round_ in range(-1, 6) if plan.scores_cas_after(round_, last=False)] == [2, 5]
    assert [round_ for round_ in range(-1, 6) if plan.scores_cas_after(round_, last=round_ == 3)] == [2, 3, 5]
    assert not plan.scores_cas_after(-1, last=True)
    assert [round_ for round_ in range(6) if plan.evaluates_after(round_, last=False)] == [2, 3, 5]


def test_a_round_moves_what_a_client_holds_each_way(tmp_path):
    plan = make_plan_of(tmp_path, COSTS, TWO, [8, 3], [SMALLEST, LARGEST])
    for payload, cut in zip(plan.round_payload, (SMALLEST, LARGEST), strict=True):
        parameters, statistics = segment_bytes(COSTS, cut)
        assert payload == ((PayloadKind.PARAMETERS, parameters), (PayloadKind.STATISTICS, statistics))


def test_the_form_of_the_images_is_among_the_facts_that_decide_weights(tmp_path):
    plan = make_plan_of(tmp_path, COSTS, TWO, [8, 3], [SMALLEST, LARGEST])
    (form,) = plan.setting.forms
    fewer = dataclasses.replace(form, classes=form.classes - 2)
    other = dataclasses.replace(plan, setting=dataclasses.replace(plan.setting, forms=(fewer,)))
    facts, changed = plan.training_facts(["data"]), other.training_facts(["data"])
    assert facts["data_forms"] == [[1, 28, 28, 10]]
    assert {key for key in facts if facts[key] != changed[key]} == {"data_forms"}


def test_a_kind_without_bytes_is_not_sent(tmp_path):
    bare = ChainCosts(tuple(block(parameter_bytes=100) for _ in range(3)), core=1)
    plan = make_plan_of(tmp_path, ModelCosts(bare, bare), TWO, [1, 1], [SMALLEST, SMALLEST])
    assert plan.round_payload == (((PayloadKind.PARAMETERS, 400.0),),) * 2


def test_a_rounds_end_is_the_slowest_upload_then_the_slowest_download(tmp_path):
    chain = ChainCosts(tuple(block(parameter_bytes=30, statistics_bytes=20) for _ in range(5)), core=2)
    hub = profile("hub", uplink_bytes_per_s=40.0, downlink_bytes_per_s=50.0, latency_s=0.5)
    slow_up = profile("a", uplink_bytes_per_s=10.0, downlink_bytes_per_s=1e9)
    slow_down = profile("b", uplink_bytes_per_s=1e9, downlink_bytes_per_s=8.0, latency_s=0.25)
    fleet = fleet_of(hub, slow_up, slow_down)
    plan = make_plan_of(tmp_path, ModelCosts(chain, chain), fleet, [1, 1], [SMALLEST, LARGEST])
    # The first holds 4 blocks of 50 byte, the second 8.
    up_s = max(0.5 + 200 / 10, 0.75 + 400 / 50)
    down_s = max(0.5 + 200 / 40, 0.75 + 400 / 8)
    assert plan.aggregation_seconds() == pytest.approx(up_s + down_s)


def test_a_device_too_small_for_any_cut_is_the_scenarios_fault(tmp_path):
    text = """
devices:
  clients: [{profile: paper-1}, {profile: paper-2, memory: 1 MB}]
"""
    with pytest.raises(
        ScenarioError, match=r":3:12: devices.clients: no cut fits client-1 \(paper-2\); it has 1 MB"
    ):
        cut_problem(load_setting(tmp_path, text))


def test_stated_cuts_that_do_not_fit_are_blamed_where_they_stand(tmp_path):
    needed = memory_bytes(model_costs(cgan28(64)), LARGEST, 64)
    text = f"""
devices: {{clients: [{{profile: paper-1, memory: {needed - 1} B}}]}}
cuts:
  selector: fixed
  per_client: [[2, 2, 2, 2]]
"""
    with pytest.raises(
        ScenarioError,
        match=r":5:16: cuts.per_client.0: cut \[2, 2, 2, 2\] needs .* MB on client-0 \(paper-1\); ",
    ):
        split_plan(load_setting(tmp_path, text))


def test_a_search_draws_from_its_own_stream(tmp_path):
    text = "devices: {clients: [{profile: paper-1, count: 3}, {profile: paper-5, count: 3}]}\n"
    setting = load_setting(tmp_path, text)
    options = GeneticOptions(max_evaluations=64)
    found = [select_cuts(setting, cut_problem(setting), "genetic", options).cuts for _ in range(2)]
    assert found[0] == found[1]


def test_a_plans_closed_form_is_that_of_all_choices(tmp_path):
    cuts = [Cut(1, 2, 2, 1), Cut(2, 2, 1, 1)]
    plan = make_plan_of(tmp_path, COSTS, TWO, [8, 3], cuts)
    assert plan.cuts == tuple(cuts)
    full = problem_of(COSTS, TWO, [8, 3]).model.time(cuts)
    assert plan.closed_form() == full
    assert plan.selection.iteration_latency_s == full.latency_s
