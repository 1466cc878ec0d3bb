"""Cuts scored by the event simulation: exact where links are shared, the closed form's numbers where they are not."""

import numpy as np
import pytest

from simulator import registry
from simulator.cuts.problem import Selection
from simulator.event_scoring import EventScorer, iteration_seconds
from simulator.setting import Setting, make_setting
from simulator.split_plan import cut_problem, select_cuts, split_plan
from simulator.timing_only import compare_cuts

SEARCHES = ("greedy", "local_search", "genetic")

NARROW = """\
devices:
  server: {profile: paper-server, uplink: 200 MB/s, downlink: 200 MB/s}
  clients: [{profile: paper-2, count: 4}, {profile: paper-5, count: 4}]
data: {domains: [{dataset: mnist5k}]}
model: {width: 8}
network: {model: maxmin}
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "narrow.yaml"
    path.write_text(NARROW)
    return str(path)


def setting_of(scenario: str, *overrides: str) -> Setting:
    return make_setting(registry.load(scenario, overrides))


def searched(setting: Setting, name: str, scorer=None) -> Selection:
    options = setting.scenario.cuts
    return select_cuts(setting, cut_problem(setting, scorer), name, options)


def test_without_sharing_events_score_what_the_closed_form_says(scenario):
    setting = setting_of(scenario, "network={model: dedicated}")
    problem = cut_problem(setting)
    genes = np.random.default_rng(0).integers(len(problem.model.choices), size=(6, problem.clients))
    assert EventScorer(setting)(genes) == pytest.approx(problem.model.latency_s(genes), rel=1e-9)


def test_a_crowded_server_link_makes_an_iteration_longer_than_the_closed_form_says(scenario):
    setting = setting_of(scenario)
    problem = cut_problem(setting)
    genes = np.zeros((1, problem.clients), dtype=np.intp)
    (played_s,), (formula_s,) = EventScorer(setting)(genes), problem.model.latency_s(genes)
    assert played_s > 1.5 * formula_s


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_by_events_is_never_worse_than_the_formulas_cuts_when_both_are_played(scenario, name):
    setting = setting_of(scenario, f"cuts={{selector: {name}, max_evaluations: 400}}")
    by_formula, by_events = searched(setting, name), searched(setting, name, EventScorer(setting))
    played_s = [iteration_seconds(setting, one.cuts) for one in (by_events, by_formula)]
    assert by_events.iteration_latency_s == pytest.approx(played_s[0], rel=1e-12)
    assert played_s[0] <= played_s[1] * (1 + 1e-12)


def test_somewhere_the_better_cuts_are_found_by_events_alone(scenario):
    setting = setting_of(scenario, "cuts={selector: greedy, max_evaluations: 400}")
    by_formula, by_events = searched(setting, "greedy"), searched(setting, "greedy", EventScorer(setting))
    played_s = [iteration_seconds(setting, one.cuts) for one in (by_events, by_formula)]
    assert played_s[0] < 0.8 * played_s[1]


def test_an_assignment_that_comes_again_is_not_played_again(scenario):
    setting = setting_of(scenario)
    scorer = EventScorer(setting)
    genes = np.zeros((3, len(setting.fleet.clients)), dtype=np.intp)
    genes[2, 0] = 1
    scorer(genes)
    scorer(genes)
    assert scorer.played == 2


def test_a_plan_is_laid_out_with_the_cuts_that_events_prefer(scenario):
    setting = setting_of(scenario, "cuts={selector: greedy, max_evaluations: 400, score: events}")
    plan = registry.STRATEGIES["huscf_gan"].load_plan()(setting)
    assert plan.cuts == searched(setting, "greedy", EventScorer(setting)).cuts
    assert plan.cuts != split_plan(setting).cuts


def test_the_answer_tells_what_scored(scenario):
    overrides = ["cuts={selector: greedy, max_evaluations: 100, score: events}"]
    found = compare_cuts(scenario, overrides, ["greedy", "homogeneous"])
    assert [one.scored_by for one in found] == ["events", "formula"]
