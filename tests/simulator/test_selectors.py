"""Cut selectors one by one: stated cuts, descent, genetic search."""

import numpy as np
import pytest
from pydantic import ValidationError
from small_worlds import fleet_of, problem_of, profile

from devices.fleet import FleetOptions, build_fleet
from models.cgan import cgan28
from models.memory import memory_bytes, server_memory_bytes
from models.paper import PaperWorkload
from models.split import Cut, model_costs
from simulator.cuts.exact import ExactOptions, select_exact
from simulator.cuts.fixed import FixedOptions, StatedCutError, select_fixed
from simulator.cuts.genetic import GeneticOptions, select_genetic
from simulator.cuts.greedy import FEW_KINDS, GreedyOptions, select_greedy
from simulator.cuts.local_search import LocalSearchOptions, select_local_search
from simulator.cuts.problem import CutProblem, NoFeasibleCutError
from simulator.cuts.random_search import RandomOptions, select_random
from simulator.cuts.selectors import DEFAULT_SELECTOR, SELECTORS
from simulator.cuts.thresholds import best_for_all
from simulator.kernel.network import NETWORKS, Network

COSTS = model_costs(cgan28(4))
PAPER = model_costs(cgan28(64))


def plain_problem(clients=3):
    return problem_of(COSTS, fleet_of(profile(), *[profile() for _ in range(clients)]), [8] * clients)


def paper_problem(clients=100, paper=False, **hardware):
    """The paper's round-robin fleet."""
    kinds = [
        {"profile": f"paper-{kind}", "count": -(-(clients - kind + 1) // 7)} | hardware
        for kind in range(1, 8)
    ]
    fleet = build_fleet(FleetOptions(clients=kinds), np.random.default_rng(0))
    assert len(fleet.clients) == clients
    return hundred(fleet, paper)


def distinct_problem(clients=100, seed=0, paper=False):
    """As many kinds of devices as devices, spread over three decades of speed and two of link rate."""
    rng = np.random.default_rng(seed)
    speeds, links = 10 ** rng.uniform(9, 11, clients), 10 ** rng.uniform(7, 9, clients)
    devices = [
        profile(rate=float(speed), link=float(link)) for speed, link in zip(speeds, links, strict=True)
    ]
    return hundred(fleet_of(profile(rate=672e9, link=1e9), *devices), paper)


def hundred(fleet, paper):
    batches = [64] * len(fleet.clients)
    if not paper:
        return problem_of(PAPER, fleet, batches)
    workload = PaperWorkload.of(PAPER, cgan28(64))
    return CutProblem(workload, fleet, Network(fleet, NETWORKS["paper"]()), batches)


def fixed(problem, **options):
    return select_fixed(problem, FixedOptions(**options), np.random.default_rng(0))


def genetic(problem, seed=0, **options):
    return select_genetic(problem, GeneticOptions(**options), np.random.default_rng(seed))


def greedy(problem, **options):
    return select_greedy(problem, GreedyOptions(**options), np.random.default_rng(0))


def test_names_are_those_of_the_options():
    assert {name: one.options.model_fields["selector"].default for name, one in SELECTORS.items()} == {
        name: name
        for name in ("exact", "genetic", "local_search", "greedy", "random", "homogeneous", "fixed")
    }
    assert DEFAULT_SELECTOR == "exact"
    assert [name for name, one in SELECTORS.items() if not one.searches] == ["fixed"]


def test_fixed_takes_one_cut_for_all_or_one_each():
    assert fixed(plain_problem(), every_client=[1, 2, 1, 2]).cuts == (Cut(1, 2, 1, 2),) * 3
    rows = [[1, 1, 1, 1], [2, 1, 2, 1], [2, 2, 2, 2]]
    selection = fixed(plain_problem(), per_client=rows)
    assert selection.cuts == tuple(Cut(*row) for row in rows)
    assert (selection.selector, selection.seconds, selection.evaluations) == ("fixed", 0.0, 0)
    assert selection.iteration_latency_s == plain_problem().model.time(selection.cuts).latency_s


@pytest.mark.parametrize("both", [{}, {"every_client": [1, 1, 1, 1], "per_client": [[1, 1, 1, 1]]}])
def test_fixed_needs_exactly_one_way_of_stating(both):
    with pytest.raises(ValidationError, match="exactly one of per_client and every_client"):
        FixedOptions(**both)


@pytest.mark.parametrize("row", [[1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, "1"], [1, 1, 1, 1.0], [True, 1, 1, 1]])
def test_a_cut_is_four_whole_numbers(row):
    with pytest.raises(ValidationError):
        FixedOptions(every_client=row)


def test_fixed_needs_one_cut_per_client():
    with pytest.raises(
        StatedCutError, match="the number of cuts is 2; allowed: 3, one per client"
    ) as refused:
        fixed(plain_problem(), per_client=[[1, 1, 1, 1]] * 2)
    assert refused.value.key_path == "per_client"


def test_fixed_blames_the_row_that_is_out_of_range():
    message = r"cut \[1, 1, 1, 3\]: d_tail is 3; allowed: 1 to 2 blocks"
    with pytest.raises(StatedCutError, match=message) as refused:
        fixed(plain_problem(2), per_client=[[1, 1, 1, 1], [1, 1, 1, 3]])
    assert refused.value.key_path == "per_client.1"
    with pytest.raises(StatedCutError, match=message) as refused:
        fixed(plain_problem(2), every_client=[1, 1, 1, 3])
    assert refused.value.key_path == "every_client"


def test_fixed_obeys_memory():
    small = profile("small", memory_bytes=memory_bytes(COSTS, Cut(1, 1, 1, 1), 8))
    problem = problem_of(COSTS, fleet_of(profile(), profile(), small), [8, 8])
    with pytest.raises(NoFeasibleCutError, match=r"on client-1 \(small\)"):
        fixed(problem, every_client=[2, 2, 2, 2])


def test_greedy_ends_where_no_single_change_helps():
    problem = distinct_problem(clients=8)
    selection = greedy(problem)
    for client in range(problem.clients):
        for cut in problem.model.choices:
            changed = (*selection.cuts[:client], cut, *selection.cuts[client + 1 :])
            assert problem.model.time(changed).latency_s >= selection.iteration_latency_s * (1 - 1e-12)


def test_greedy_starts_no_step_beyond_its_budget():
    unbounded = greedy(distinct_problem(clients=8))
    bounded = greedy(distinct_problem(clients=8), max_evaluations=40)
    one_step = 8 * len(PAPER.cut_choices())
    assert 40 <= bounded.evaluations <= 40 + one_step < unbounded.evaluations
    assert bounded.iteration_latency_s >= unbounded.iteration_latency_s


def test_few_kinds_are_compared_and_many_take_their_turns():
    choices = len(PAPER.cut_choices())
    one_step = choices + 2  # the budget is spent as soon as one step has been taken after the starts
    compared = greedy(distinct_problem(clients=FEW_KINDS), max_evaluations=one_step).evaluations
    in_turn = greedy(distinct_problem(clients=FEW_KINDS + 1), max_evaluations=one_step).evaluations
    assert compared > choices + FEW_KINDS
    assert in_turn <= one_step + choices


@pytest.mark.parametrize("options", [{}, {"population": 30, "elite": 29}, {"max_evaluations": 10}])
def test_genetic_spends_its_budget_and_no_more(options):
    options = {"max_evaluations": 500} | options
    evaluations = genetic(plain_problem(), **options).evaluations
    assert options["max_evaluations"] - 64 < evaluations <= options["max_evaluations"]


@pytest.mark.parametrize("seed", range(4))
def test_genetic_returns_the_best_it_has_ever_scored(seed, monkeypatch):
    problem, scored = distinct_problem(clients=20), []
    guide = problem.guide

    def watched(genes):
        scored.append(guide(genes))
        return scored[-1]

    monkeypatch.setattr(problem, "guide", watched)
    found_s = genetic(problem, seed=seed, max_evaluations=1500).iteration_latency_s
    assert found_s == min(generation.min() for generation in scored)
    assert found_s < scored[0].min()
    # The best are carried over, not scored again.
    assert [len(generation) for generation in scored] == [64] + [60] * 23


def test_genetic_depends_on_its_draws_alone():
    budget = {"max_evaluations": 640}
    same = [genetic(distinct_problem(), seed=3, **budget).cuts for _ in range(2)]
    assert same[0] == same[1]
    assert genetic(distinct_problem(), seed=4, **budget).cuts != same[0]


def test_genetic_gives_nobody_a_cut_beyond_its_memory():
    rng = np.random.default_rng(0)
    needed = sorted(memory_bytes(PAPER, cut, 64) for cut in PAPER.cut_choices())
    clients = [profile(rate=1e9, memory_bytes=float(rng.choice(needed))) for _ in range(30)]
    problem = problem_of(PAPER, fleet_of(profile(rate=1e9), *clients), [64] * 30)
    selection = genetic(problem, max_evaluations=640)
    for client, cut in zip(clients, selection.cuts, strict=True):
        assert memory_bytes(PAPER, cut, 64) <= client.memory_bytes


def local_search(problem, seed=0, **options):
    return select_local_search(problem, LocalSearchOptions(**options), np.random.default_rng(seed))


def random(problem, seed=0, **options):
    return select_random(problem, RandomOptions(**options), np.random.default_rng(seed))


def exact(problem, **options):
    return select_exact(problem, ExactOptions(**options), np.random.default_rng(0))


@pytest.mark.parametrize("select", [local_search, random])
def test_a_search_spends_its_budget_to_the_last_evaluation(select):
    assert select(distinct_problem(clients=8), max_evaluations=300).evaluations == 300
    assert select(plain_problem(), max_evaluations=1).evaluations == 1


@pytest.mark.parametrize("select", [local_search, random])
def test_a_search_depends_on_its_draws_alone(select):
    same = [select(distinct_problem(), seed=3, max_evaluations=300).cuts for _ in range(2)]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    "budget", [1, 2, 16, 17, 18, 19, 20, 30, 33, 40, 64, 100, 140, 147, 148, 200, 300, 400]
)
def test_local_search_keeps_its_budget_and_the_best_it_has_scored(budget, monkeypatch):
    problem, scored = distinct_problem(), []
    guide = problem.guide

    def watched(genes):
        scored.extend(guide(genes).tolist())
        return np.array(scored[-len(np.atleast_2d(genes)) :])

    monkeypatch.setattr(problem, "guide", watched)
    found = local_search(problem, max_evaluations=budget)
    assert found.evaluations == len(scored) == budget
    assert found.objective == min(scored)


def test_random_keeps_the_best_of_what_it_draws():
    few, many = (random(distinct_problem(clients=20), max_evaluations=n).objective for n in (10, 600))
    assert many < few


def test_local_search_ends_below_its_start_and_near_the_optimum():
    start_s = float(best_for_all_score(distinct_problem()))
    optimum_s = exact(distinct_problem()).objective
    found_s = local_search(distinct_problem()).objective
    assert optimum_s <= found_s <= 1.01 * optimum_s < start_s


def best_for_all_score(problem):
    return problem.score(best_for_all(problem))[0]


FLEETS_OF_A_HUNDRED = {
    "round robin": lambda paper: paper_problem(paper=paper),
    "round robin with memory": lambda paper: paper_problem(paper=paper, memory="80 MB"),
    "all distinct": lambda paper: distinct_problem(seed=1, paper=paper),
}


@pytest.mark.parametrize("paper", [False, True])
@pytest.mark.parametrize("fleet", FLEETS_OF_A_HUNDRED)
def test_genetic_comes_within_a_percent_of_exact(fleet, paper):
    make = FLEETS_OF_A_HUNDRED[fleet]
    best = exact(make(paper))
    assert best.optimality_gap == 0.0
    assert best.objective <= genetic(make(paper)).objective <= 1.01 * best.objective


def test_both_searches_reach_the_best_known_cuts_of_the_papers_hundred_clients():
    # The best of greedy and of runs of 200,000 evaluations; every seed tried ends there.
    best_known_s = 7.157074331
    assert greedy(paper_problem()).iteration_latency_s == pytest.approx(best_known_s, rel=1e-8)
    assert genetic(paper_problem()).iteration_latency_s == pytest.approx(best_known_s, rel=1e-8)


def test_genetic_comes_within_a_percent_where_no_two_devices_are_alike():
    # Best known: runs of 150,000 evaluations; greedy stops 3 % above it.
    best_known_s = 9.993735359
    assert genetic(distinct_problem(seed=2)).iteration_latency_s <= 1.01 * best_known_s


@pytest.mark.parametrize("select", [genetic, greedy])
def test_the_only_assignment_the_server_can_bear_is_found(select):
    clients, batches = 12, [8] * 12
    least = server_memory_bytes(COSTS, [Cut(2, 2, 2, 2)] * clients, batches)
    problem = problem_of(
        COSTS, fleet_of(profile(memory_bytes=least), *[profile() for _ in range(clients)]), batches
    )
    assert set(select(problem).cuts) == {Cut(2, 2, 2, 2)}


def test_an_elite_as_large_as_the_population_is_refused():
    with pytest.raises(ValidationError, match="elite 4 of population 4; allowed: fewer than the population"):
        GeneticOptions(population=4, elite=4)
