"""The problem of cut selection: what fits, what it is called, and who is alike."""

import numpy as np
import pytest
from small_worlds import fleet_of, problem_of, profile

from models.cgan import cgan28
from models.memory import memory_bytes, server_memory_bytes
from models.split import Cut, model_costs
from simulator.cuts.problem import NoFeasibleCutError

COSTS = model_costs(cgan28(4))
SMALLEST, LARGEST = Cut(1, 1, 1, 1), Cut(2, 2, 2, 2)
LEAST, MOST = memory_bytes(COSTS, SMALLEST, 8), memory_bytes(COSTS, LARGEST, 8)


def with_memory(*limits, server=None, batches=None):
    clients = [profile(f"kind-{index}", memory_bytes=limit) for index, limit in enumerate(limits)]
    hub = profile("hub", memory_bytes=server)
    return problem_of(COSTS, fleet_of(hub, *clients), batches or [8] * len(limits))


def fitting(problem, client):
    return {cut for cut, fits in zip(problem.model.choices, problem.allowed[client], strict=True) if fits}


def test_a_cut_fits_up_to_the_last_byte():
    problem = with_memory(LEAST, MOST, None, MOST - 1)
    assert fitting(problem, 0) == {cut for cut in COSTS.cut_choices() if memory_bytes(COSTS, cut, 8) <= LEAST}
    assert SMALLEST in fitting(problem, 0)
    assert LARGEST not in fitting(problem, 0)
    assert len(fitting(problem, 1)) == len(fitting(problem, 2)) == 16
    assert fitting(problem, 3) == set(COSTS.cut_choices()) - {LARGEST}


def test_a_smaller_batch_fits_more():
    problem = with_memory(MOST - 1, MOST - 1, batches=[8, 7])
    assert LARGEST not in fitting(problem, 0)
    assert LARGEST in fitting(problem, 1)


def test_an_assignment_that_does_not_fit_scores_infinity_and_counts():
    problem = with_memory(LEAST, None)
    rows = [problem.model.genes_of(cuts) for cuts in [(SMALLEST, LARGEST), (LARGEST, LARGEST)]]
    scores = problem.score(np.array(rows))
    assert scores[0] == problem.model.time((SMALLEST, LARGEST)).latency_s
    assert np.isinf(scores[1])
    assert problem.evaluations == 2


def test_an_overfull_server_scores_infinity():
    limit = server_memory_bytes(COSTS, [LARGEST, SMALLEST], [8, 8])
    problem = with_memory(None, None, server=limit)
    rows = [(LARGEST, LARGEST), (LARGEST, SMALLEST), (SMALLEST, SMALLEST)]
    scores = problem.score(np.array([problem.model.genes_of(cuts) for cuts in rows]))
    assert np.isinf(scores).tolist() == [False, False, True]


def test_a_device_too_small_for_any_cut_is_named():
    with pytest.raises(NoFeasibleCutError) as refused:
        with_memory(None, LEAST - 1)
    came, _, allowed = str(refused.value).partition("; ")
    assert came == "no cut fits client-1 (kind-1)"
    assert allowed == (
        f"it has {(LEAST - 1) / 1e6:,.4g} MB, the smallest cut [1, 1, 1, 1] needs {LEAST / 1e6:,.4g} MB at batch 8: "
        "a smaller batch_size or model.width, or more memory, would do"
    )


def test_a_stated_cut_that_does_not_fit_names_device_and_sizes():
    problem = with_memory(None, LEAST)
    with pytest.raises(NoFeasibleCutError) as refused:
        problem.select("fixed", problem.model.genes_of((LARGEST, LARGEST)), 0.0)
    assert str(refused.value) == (
        f"cut [2, 2, 2, 2] needs {MOST / 1e6:,.4g} MB on client-1 (kind-1); it has {LEAST / 1e6:,.4g} MB (batch 8)"
    )


def test_cuts_that_overfill_the_server_name_it():
    needed = server_memory_bytes(COSTS, [SMALLEST, SMALLEST], [8, 8])
    problem = with_memory(None, None, server=needed - 1)
    with pytest.raises(NoFeasibleCutError) as refused:
        problem.check((SMALLEST, SMALLEST))
    sizes = f"{needed / 1e6:,.4g} MB; it has {(needed - 1) / 1e6:,.4g} MB"
    assert str(refused.value).startswith(f"server (hub) would hold {sizes}: ")
    assert refused.value.key_path == "devices.server"
    problem.check((LARGEST, SMALLEST))


def test_clients_are_alike_by_profile_and_batch():
    one, other = profile("one"), profile("other")
    equal = profile("one")
    assert equal is not one
    fleet = fleet_of(profile(), one, other, equal, one)
    problem = problem_of(COSTS, fleet, [8, 8, 8, 4])
    assert [group.tolist() for group in problem.groups] == [[0, 2], [1], [3]]


def test_a_selection_states_cuts_latency_and_evaluations():
    problem = with_memory(None, None)
    problem.score(np.zeros((5, 2), dtype=np.intp))
    selection = problem.select("mine", problem.model.genes_of((SMALLEST, LARGEST)), 1.5)
    assert (selection.selector, selection.seconds, selection.evaluations) == ("mine", 1.5, 5)
    assert selection.cuts == (SMALLEST, LARGEST)
    assert selection.iteration_latency_s == problem.model.time((SMALLEST, LARGEST)).latency_s
    assert selection.optimality_gap is None


def test_a_server_that_no_cuts_relieve_enough_is_refused_before_any_search():
    least = server_memory_bytes(COSTS, [LARGEST, LARGEST], [8, 8])
    assert with_memory(None, None, server=least).lightest_for_server().tolist() == [15, 15]
    with pytest.raises(NoFeasibleCutError, match=r"server \(hub\) would hold"):
        with_memory(None, None, server=least - 1)


def test_the_servers_memory_of_many_assignments_is_that_of_each():
    limit = server_memory_bytes(COSTS, [LARGEST, SMALLEST], [8, 8])
    problem = with_memory(None, None, server=limit)
    every = np.array([[one, other] for one in range(16) for other in range(16)])
    fits = [server_memory_bytes(COSTS, problem.model.cuts_of(genes), [8, 8]) <= limit for genes in every]
    assert np.isfinite(problem.score(every)).tolist() == fits
    assert 0 < sum(fits) < len(fits)
