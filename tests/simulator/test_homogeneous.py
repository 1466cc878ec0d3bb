"""The selector that gives all clients the same cut."""

import numpy as np
import pytest
from small_worlds import fleet_of, problem_of, profile

from models.cgan import cgan28
from models.memory import memory_bytes
from models.split import model_costs
from simulator import registry
from simulator.comparison.entrants import entrant_overrides, parse_entrants
from simulator.cuts.homogeneous import HomogeneousOptions, select_homogeneous
from simulator.cuts.problem import NoFeasibleCutError

COSTS = model_costs(cgan28(4))


def select(problem):
    return select_homogeneous(problem, HomogeneousOptions(), np.random.default_rng(0))


def needs():
    return sorted((memory_bytes(COSTS, cut, 8), cut) for cut in COSTS.cut_choices())


def test_it_tries_every_cut_once():
    problem = problem_of(COSTS, fleet_of(profile(), profile(), profile(rate=1e9)), [8, 8])
    found = select(problem)
    choices = COSTS.cut_choices()
    latencies = [problem.model.time([cut, cut]).latency_s for cut in choices]
    assert found.evaluations == len(choices)
    assert found.iteration_latency_s == pytest.approx(min(latencies), rel=1e-12)
    assert found.cuts == (choices[int(np.argmin(latencies))],) * 2
    assert (found.selector, found.optimality_gap) == ("homogeneous", None)


def test_one_small_client_holds_all_others_to_what_fits_it():
    (least, smallest), *_ = needs()
    fleet = fleet_of(profile(), profile(rate=1e9), profile(memory_bytes=least))
    assert set(select(problem_of(COSTS, fleet, [8, 8])).cuts) == {smallest}


def test_no_cut_that_all_can_share_is_an_error():
    choices = COSTS.cut_choices()
    problem = problem_of(COSTS, fleet_of(profile(), profile(), profile()), [8, 8])
    problem.allowed = np.zeros((2, len(choices)), dtype=bool)
    problem.allowed[0, 0] = problem.allowed[1, 1] = True
    with pytest.raises(NoFeasibleCutError, match="no cut fits the memory of every client") as refused:
        select(problem)
    assert refused.value.key_path == "cuts.selector"


def test_the_ablation_keeps_objective_and_limits(tmp_path):
    path = tmp_path / "limited.yaml"
    path.write_text(
        "devices: {clients: [{profile: phone-2024, count: 2}]}\n"
        "cuts: {selector: genetic, population: 8, limits: {latency: 9 s}, objective: {server_s: 2.0}}\n"
    )
    base = registry.load(str(path))
    (entrant,) = parse_entrants(["huscf_gan/homogeneous_cuts"])
    cuts = registry.load(str(path), entrant_overrides(base, [], entrant, [], 3)).scenario.cuts
    assert cuts.selector == "homogeneous"
    assert cuts.limits.latency == 9.0
    assert (cuts.objective.latency_s, cuts.objective.server_s) == (1.0, 2.0)
