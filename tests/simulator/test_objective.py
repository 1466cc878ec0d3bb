"""What cuts are judged by: four quantities, their weights and their limits."""

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError
from small_worlds import fleet_of, problem_of, profile, random_costs

from models.cgan import cgan28
from models.split import Cut, model_costs
from simulator.cuts.objective import LimitOptions, Objective, ObjectiveOptions, SelectorOptions
from simulator.cuts.problem import NoFeasibleCutError
from simulator.cuts.quantities import UnknownPowerError

COSTS = model_costs(cgan28(4))
POWERS = {"busy_power_w": 7.0, "idle_power_w": 2.0, "radio_j_per_byte": 3e-6}
CUTS = (Cut(1, 2, 2, 1), Cut(2, 1, 1, 2), Cut(1, 1, 1, 1))
EVERYTHING = dict.fromkeys(("latency_s", "energy_j", "server_s", "traffic_bytes"), 1.0)


def problem(weights=None, limits=None, powers=POWERS, server=None):
    clients = [profile(f"kind-{index}", rate=10.0 ** (6 + index), **powers) for index in range(3)]
    options = SelectorOptions(
        objective=ObjectiveOptions(**(weights or {})), limits=LimitOptions.model_construct(**blank(limits))
    )
    return problem_of(COSTS, fleet_of(server or profile("hub"), *clients), [8, 4, 6], options=options)


def blank(limits):
    return dict.fromkeys(("latency", "energy", "server_load", "traffic")) | (limits or {})


def measured(one, cuts=CUTS):
    return [float(values[0]) for values in one.measure(one.model.genes_of(cuts)[None, :])]


def test_the_quantities_are_those_of_the_legs():
    server = profile("hub", rate=3e6, memory_bandwidth_bytes_per_s=2e6, kernel_overhead_s=1e-3)
    one = problem(EVERYTHING, server=server)
    workload = one.model.workload
    legs = [workload.client_legs(cut, rows) for cut, rows in zip(CUTS, (8, 4, 6), strict=True)]
    time = one.model.time(CUTS)
    moved = [sum(visit.up.n_bytes + visit.down.n_bytes for visit in own.visits) for own in legs]
    energy_j = sum(
        7.0 * client.compute_s + 2.0 * (time.latency_s - client.compute_s) + 3e-6 * n_bytes
        for client, n_bytes in zip(time.clients, moved, strict=True)
    )
    server_s = 0.0
    for number in range(len(workload.visits)):
        for position in workload.positions(number):
            rows = sum(o.batch for o in legs if o.visits[number].entry <= position <= o.visits[number].exit)
            if rows:
                leg = workload.server_leg(number, position, rows)
                server_s += server.compute_seconds(leg.flops, leg.touched_bytes, leg.kernels)
    assert measured(one) == pytest.approx([time.latency_s, energy_j, server_s, sum(moved)], rel=1e-12)
    selection = one.select("mine", one.model.genes_of(CUTS), 0.0)
    told = (selection.iteration_latency_s, selection.energy_j, selection.server_s, selection.traffic_bytes)
    assert told == pytest.approx((time.latency_s, energy_j, server_s, sum(moved)), rel=1e-12)
    assert selection.objective == pytest.approx(sum(told), rel=1e-12)


def test_the_segments_sum_to_the_latency_for_any_chain():
    rng = np.random.default_rng(5)
    for _ in range(20):
        costs = random_costs((int(rng.integers(3, 8)), int(rng.integers(3, 8))), rng)
        # A slow server is on the longest path by itself; a fast one never is.
        slowness = {"memory_bandwidth_bytes_per_s": 10 ** rng.uniform(2, 6), "kernel_overhead_s": 0.01}
        server = profile("hub", rate=10 ** rng.uniform(2, 6), **slowness)
        fleet = fleet_of(server, *[profile(rate=10 ** rng.uniform(4, 8)) for _ in range(3)])
        one = problem_of(costs, fleet, [5, 9, 2])
        genes = rng.integers(len(one.cuts), size=(20, 3))
        total_s = sum(segment.seconds(genes, one.model.rows) for segment in one.quantities.segments)
        assert total_s == pytest.approx(one.model.latency_s(genes), rel=1e-12)


def test_the_score_is_the_weighted_sum():
    weights = {"latency_s": 2.0, "energy_j": 0.5, "server_s": 3.0, "traffic_bytes": 1e-5}
    one = problem(weights)
    expected = sum(weight * value for weight, value in zip(weights.values(), measured(one), strict=True))
    assert one.score(one.model.genes_of(CUTS))[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("index", range(4))
def test_a_limit_is_kept_up_to_its_value_and_no_further(index):
    key = ("latency", "energy", "server_load", "traffic")[index]
    value = measured(problem(EVERYTHING))[index]
    kept, broken = problem(limits={key: value}), problem(limits={key: value * (1 - 1e-6)})
    genes = kept.model.genes_of(CUTS)
    assert kept.score(genes)[0] == kept.model.latency_s(genes[None, :])[0]
    assert np.isinf(broken.score(genes)[0])
    with pytest.raises(NoFeasibleCutError, match=r"an iteration takes .*; the limit is") as refused:
        broken.select("fixed", genes, 0.0)
    assert refused.value.key_path == f"cuts.limits.{key}"


def test_the_guide_leads_from_what_breaks_a_limit_towards_what_keeps_it():
    free = problem()
    genes = np.arange(16)[:, None].repeat(3, axis=1)
    latency_s = free.score(genes)
    limit = float(np.median(latency_s))
    guide = problem(limits={"latency": limit}).guide(genes)
    kept = latency_s <= limit
    assert guide[kept].tolist() == latency_s[kept].tolist()
    assert guide[~kept].min() > 1e100
    assert (guide[~kept].argsort() == latency_s[~kept].argsort()).all()


@pytest.mark.parametrize("field", POWERS)
def test_energy_is_unknown_where_a_power_is(field):
    powers = {name: value for name, value in POWERS.items() if name != field}
    silent = problem(powers=powers)
    assert silent.select("mine", silent.model.genes_of(CUTS), 0.0).energy_j is None
    for wanted, key_path in (
        ({"weights": {"energy_j": 1.0}}, "cuts.objective.energy_j"),
        ({"limits": {"energy": 5.0}}, "cuts.limits.energy"),
    ):
        with pytest.raises(UnknownPowerError, match="profile kind-0 of client-0 has no") as refused:
            problem(powers=powers, **wanted)
        assert refused.value.key_path == key_path


def test_something_must_count():
    with pytest.raises(ValidationError, match="every weight is 0"):
        ObjectiveOptions(latency_s=0.0)
    assert Objective().is_latency
    assert not Objective(SelectorOptions(limits=LimitOptions(latency="2 s"))).is_latency


def test_a_selection_is_a_flat_record():
    one = problem()
    facts = dataclasses.asdict(one.select("mine", one.model.genes_of(CUTS), 0.0, 0.25))
    assert facts["optimality_gap"] == 0.25
