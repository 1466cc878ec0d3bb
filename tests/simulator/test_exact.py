"""The exact selector on known fleets: the paper's, with many kinds, with budgets."""

import numpy as np
import pytest
from small_worlds import fleet_of, problem_of, profile, random_costs

from devices.fleet import FleetOptions, build_fleet
from models.cgan import cgan28
from models.paper import PaperWorkload
from models.split import Cut, model_costs
from simulator.cuts.exact import ExactOptions, select_exact
from simulator.cuts.parts import is_separable, parts_of
from simulator.cuts.problem import CutProblem
from simulator.cuts.programme import Solved
from simulator.cuts.sweep import can_sweep
from simulator.kernel.network import NETWORKS, Network

ARCHITECTURE = cgan28(64)
COSTS = model_costs(ARCHITECTURE)


def paper_formula(clients, kinds):
    """Client ``i`` has the ``i mod len(kinds)``-th of the paper's profiles."""
    listed = [{"profile": f"paper-{kinds[client % len(kinds)]}"} for client in range(clients)]
    fleet = build_fleet(FleetOptions(clients=listed), np.random.default_rng(0))
    workload = PaperWorkload.of(COSTS, ARCHITECTURE)
    return CutProblem(workload, fleet, Network(fleet, NETWORKS["paper"]()), [64] * clients)


def distinct(clients, seed=0, paper=False):
    rng = np.random.default_rng(seed)
    numbers = zip(10 ** rng.uniform(9, 11, clients), 10 ** rng.uniform(7, 9, clients), strict=True)
    fleet = fleet_of(profile(rate=672e9, link=1e9), *[profile(rate=s, link=u) for s, u in numbers])
    workload = PaperWorkload.of(COSTS, ARCHITECTURE) if paper else None
    return problem_of(COSTS, fleet, [64] * clients, workload)


def exact(problem, **options):
    return select_exact(problem, ExactOptions(**options), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("clients", "kinds", "optimum_s"),
    [
        # METHODS of the authors' formula: a search over counts per profile finds the first two, too.
        (80, range(1, 8), 7.0024593),
        (100, range(1, 8), 8.1404902),
        (80, range(2, 8), 4.5128192),
    ],
)
def test_the_papers_fleets(clients, kinds, optimum_s):
    found = exact(paper_formula(clients, kinds))
    assert found.iteration_latency_s == pytest.approx(optimum_s, rel=1e-7)
    assert found.optimality_gap == 0.0
    assert found.evaluations == 1


def test_the_authors_formula_falls_apart_into_the_four_numbers_and_the_dataflow_into_three_parts():
    def numbers(problem):
        return [(part.genes.size, can_sweep(part)) for part in parts_of(problem)]

    assert numbers(paper_formula(7, range(1, 8))) == [(2, True)] * 4
    assert numbers(distinct(7)) == [(2, True), (4, False), (2, True)]


def test_a_memory_that_can_bind_ties_the_numbers_together():
    tight = fleet_of(profile(), profile(memory_bytes=100e6), profile())
    assert not is_separable(problem_of(COSTS, tight, [64, 64]))
    roomy = fleet_of(profile(), profile(memory_bytes=200e6), profile())
    assert is_separable(problem_of(COSTS, roomy, [64, 64]))


def test_identical_clients_may_need_different_cuts():
    found = exact(paper_formula(80, range(1, 8)))
    by_profile = [set(found.cuts[kind::7]) for kind in range(7)]
    assert exact(paper_formula(80, range(1, 8))).cuts == found.cuts
    assert len(set(found.cuts)) > 1
    assert all(by_profile)


def test_many_kinds_get_a_bound_and_a_better_one_with_more_buckets():
    exactly = exact(distinct(60), max_kinds=60)
    assert exactly.optimality_gap == 0.0
    gaps = []
    for most in (2, 8):
        rough = exact(distinct(60), max_kinds=most)
        assert rough.objective >= exactly.objective * (1 - 1e-12)
        assert rough.objective * (1 - rough.optimality_gap) <= exactly.objective
        gaps.append(rough.optimality_gap)
    assert 0 < gaps[1] < gaps[0] < 0.5


def test_a_thousand_distinct_devices_are_swept_in_the_authors_formula():
    found = exact(distinct(1000, paper=True))
    assert (found.optimality_gap, found.evaluations) == (0.0, 1)


def test_a_bound_above_what_was_found_is_no_proof(monkeypatch, caplog):
    monkeypatch.setattr(
        "simulator.cuts.exact.solve",
        lambda part, stakes: Solved(None, 1.001 * stakes.known, infeasible=False),
    )
    with caplog.at_level("WARNING"):
        assert exact(with_memory()).optimality_gap is None
    assert "lies above the objective found" in caplog.text
    monkeypatch.setattr(
        "simulator.cuts.exact.solve", lambda part, stakes: Solved(None, stakes.known, infeasible=False)
    )
    assert exact(with_memory()).optimality_gap == 0.0


def with_memory():
    return problem_of(COSTS, fleet_of(profile(), profile(memory_bytes=100e6), profile()), [64, 64])


def test_models_that_leave_no_choice_have_their_only_cuts():
    costs = random_costs((3, 3), np.random.default_rng(0))
    found = exact(problem_of(costs, fleet_of(profile(), profile(), profile()), [4, 5]))
    assert found.cuts == (Cut(1, 1, 1, 1),) * 2
    assert found.optimality_gap == 0.0


def test_one_node_still_gives_feasible_cuts_and_a_gap():
    found = exact(distinct(40, seed=3), max_nodes=1)
    best = exact(distinct(40, seed=3))
    assert best.optimality_gap == 0.0
    assert found.objective >= best.objective * (1 - 1e-12)
    assert found.objective * (1 - found.optimality_gap) <= best.objective * (1 + 1e-7)
