"""Latency without training: the answers users see, from sizes alone."""

import subprocess
import sys
from itertools import pairwise

import pytest

from scenarios.load import ScenarioError
from simulator.timing_only import compare_cuts, latency, plan_from_sizes

SCENARIO = """\
name: three
devices:
  clients: [{profile: paper-1}, {profile: paper-5}, {profile: paper-7}]
model: {width: 8}
cuts: {selector: fixed, per_client: [[1, 1, 1, 1], [2, 1, 1, 2], [2, 2, 2, 2]]}
strategy: {rounds: 3, local_epochs: 2, batch_size: 32}
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "three.yaml"
    file.write_text(SCENARIO)
    return file


def test_an_answer_has_the_keys_users_rely_on(path):
    answer = latency(path)
    assert list(answer) == [
        "scenario",
        "iteration_latency_s",
        "round_latency_s",
        "setup_s",
        "phases",
        "clients",
        "cuts",
    ]
    assert answer["scenario"] == "three"
    assert answer["cuts"] == [[1, 1, 1, 1], [2, 1, 1, 2], [2, 2, 2, 2]]
    assert [list(phase) for phase in answer["phases"]] == [["name", "start_s", "end_s"]] * 5
    assert [list(client) for client in answer["clients"]] == [
        ["id", "profile", "compute_s", "transfer_s", "wait_s"]
    ] * 3
    assert [(client["id"], client["profile"]) for client in answer["clients"]] == [
        (0, "paper-1"),
        (1, "paper-5"),
        (2, "paper-7"),
    ]


@pytest.mark.parametrize("engine", ["formula", "events"])
def test_phases_fill_the_iteration_and_steps_the_round(path, engine):
    answer = latency(path, engine=engine)
    phases = answer["phases"]
    assert [phase["name"] for phase in phases] == [
        "generator_forward",
        "discriminator_fake",
        "discriminator_real",
        "discriminator_for_generator",
        "generator_backward",
    ]
    assert phases[0]["start_s"] == 0.0
    assert all(before["end_s"] == after["start_s"] for before, after in pairwise(phases))
    assert phases[-1]["end_s"] == pytest.approx(answer["iteration_latency_s"])
    for client in answer["clients"]:
        parts = client["compute_s"] + client["transfer_s"] + client["wait_s"]
        assert parts == pytest.approx(answer["iteration_latency_s"])
    plan = plan_from_sizes(path)
    # 4,000 images over three clients: at most 1,334, which are 42 batches of 32, in two epochs.
    assert plan.steps_per_round == 84
    round_s = 84 * answer["iteration_latency_s"] + plan.aggregation_seconds()
    assert answer["round_latency_s"] == pytest.approx(round_s, rel=1e-9)


def test_overrides_change_the_answer(path):
    slower = latency(path, ["devices.clients.1.clock=1 MHz"])
    assert slower["iteration_latency_s"] > latency(path)["iteration_latency_s"]


def test_an_unknown_engine_is_refused(path):
    with pytest.raises(ValueError, match=r"'formulas'.*formula"):
        latency(path, engine="formulas")


def test_selectors_are_compared_on_one_problem(path):
    found = compare_cuts(path)
    names = ["fixed", "exact", "genetic", "local_search", "greedy", "random", "homogeneous"]
    assert [selection.selector for selection in found] == names
    stated, exact, genetic, *_ = found
    assert stated.iteration_latency_s == latency(path)["iteration_latency_s"]
    assert min(one.iteration_latency_s for one in found) >= exact.iteration_latency_s * (1 - 1e-12)
    assert exact.iteration_latency_s < stated.iteration_latency_s
    assert [one.optimality_gap for one in found] == [None, 0.0, None, None, None, None, None]
    # Each starts its count of scored assignments afresh.
    assert stated.evaluations == 0
    assert genetic.evaluations <= 20_000


def test_only_the_scenarios_own_selector_takes_its_options(path):
    own = ["cuts={selector: genetic, max_evaluations: 100}"]
    names = ["genetic", "exact", "local_search", "greedy", "random", "homogeneous"]
    assert [one.selector for one in compare_cuts(path, own)] == names
    assert compare_cuts(path, own, ["genetic"])[0].evaluations <= 100
    assert compare_cuts(path, [], ["genetic"])[0].evaluations > 100


def test_stated_cuts_cannot_be_asked_of_a_scenario_that_states_none(path):
    with pytest.raises(ScenarioError, match=r"selector fixed was asked for.*exact, genetic"):
        compare_cuts(path, ["cuts={selector: greedy}"], ["fixed"])


def test_a_selector_that_finds_nothing_is_left_out_of_the_comparison_and_told_of(path, caplog):
    best_s = compare_cuts(path, [], ["exact"])[0].iteration_latency_s
    limited = [f"cuts={{selector: random, max_evaluations: 1, limits: {{latency: {best_s * 1.0001} s}}}}"]
    names = [one.selector for one in compare_cuts(path, limited)]
    assert names[0] == "exact"
    assert "random" not in names
    assert any("selector random is left out: " in message for message in caplog.messages)
    with pytest.raises(ScenarioError, match=r"cuts.limits.latency: an iteration takes .* of selector random"):
        compare_cuts(path, limited, ["random"])


def test_the_scenarios_objective_counts_for_every_selector(path):
    own = ["cuts={selector: greedy, objective: {latency_s: 0, traffic_bytes: 1}}"]
    found = compare_cuts(path, own, ["greedy", "exact", "genetic"])
    assert [one.objective for one in found] == [one.traffic_bytes for one in found]
    assert len({one.objective for one in found}) == 1


def test_a_lopsided_fleet_is_warned_of(path, caplog):
    two = [
        "devices.order=listed",
        "data.domains=[{dataset: mnist5k, clients: 2}, {dataset: glyphs, clients: 1}]",
    ]
    latency(path, [*two, "devices.clients.1.profile=paper-1"])
    assert any("domain mnist5k sits on one profile (paper-1)" in message for message in caplog.messages)


def test_torch_is_not_needed(path):
    code = (
        "import sys; from simulator.timing_only import compare_cuts, latency; "
        f"latency({str(path)!r}, engine='events'); compare_cuts({str(path)!r}, [], ['greedy']); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("availability={model: on_off, mean_on: 1 h, mean_off: 1 s}", True),
        ("availability={model: always}", False),
    ],
)
def test_means_over_iterations_that_differ_are_told_as_such(path, caplog, override, told):
    latency(path, [override], "events")
    means = "all times are means of 20 at this seed" in caplog.text
    assert means == told
