"""The mixed-integer programme by itself: no known assignment helps it, and nothing improves its answer."""

import itertools
import math

import numpy as np
import pytest
from small_worlds import fleet_of, problem_of, profile, random_costs

from models.cgan import cgan28
from models.memory import memory_bytes
from models.split import model_costs
from simulator.cuts.exact import ExactOptions, select_exact
from simulator.cuts.objective import LIMIT_KEYS, QUANTITIES, LimitOptions, ObjectiveOptions, SelectorOptions
from simulator.cuts.parts import parts_of
from simulator.cuts.programme import Stakes, solve

COSTS = model_costs(cgan28(64))
POWER = {"busy_power_w": 5.0, "idle_power_w": 1.5, "radio_j_per_byte": 1e-6}


def unaided(problem, max_nodes=10_000):
    energy = problem.quantities.energy
    return Stakes(
        objective=problem.objective,
        idle_w=energy.idle_w if problem.objective.needed[1] else 0.0,
        server_room_bytes=problem.server_room_bytes,
        known=math.inf,
        known_s=math.inf,
        max_nodes=max_nodes,
        relative_gap=1e-9,
    )


def clients_with_memory(clients, seed):
    rng = np.random.default_rng(seed)
    needed = [memory_bytes(COSTS, cut, 64) for cut in COSTS.cut_choices()]
    devices = [
        profile(
            rate=10 ** rng.uniform(9, 11),
            link=10 ** rng.uniform(7, 9),
            memory_bytes=float(rng.choice(needed)),
        )
        for _ in range(clients)
    ]
    return problem_of(COSTS, fleet_of(profile(rate=672e9, link=1e9), *devices), [64] * clients)


def test_a_spent_node_budget_proves_a_bound_below_the_optimum():
    best = select_exact(clients_with_memory(20, seed=1), ExactOptions(), np.random.default_rng(0))
    assert best.optimality_gap == 0.0
    problem = clients_with_memory(20, seed=1)
    (part,) = parts_of(problem)
    solved = solve(part, unaided(problem, max_nodes=1))
    assert 0.98 * best.objective < solved.bound < best.objective * (1 - 1e-5)
    assert problem.score(part.assign(solved.chosen))[0] >= best.objective * (1 - 1e-12)


def tiny(options, speed, seed):
    """Two kinds of three clients; ``speed`` makes all seconds shorter."""
    rng = np.random.default_rng(seed)
    costs = random_costs((4, 5), rng)
    rates, links = 10 ** rng.uniform(4, 7, (2, 3)) * speed
    kinds = [profile(rate=rate, link=link, **POWER) for rate, link in zip(rates, links, strict=True)]
    overhead = {"memory_bandwidth_bytes_per_s": 1e6 * speed, "kernel_overhead_s": 0.1 / speed}
    server = profile(rate=1e6 * speed, link=1e6 * speed, **overhead)
    return problem_of(costs, fleet_of(server, kinds[0], kinds[1], kinds[0]), [5, 5, 5], options=options)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("speed", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("index", range(4))
def test_a_limit_holds_whatever_its_size(index, speed, seed):
    every = SelectorOptions(objective=ObjectiveOptions(**dict.fromkeys(QUANTITIES, 1.0)))
    free = tiny(every, speed, seed)
    assignments = np.array(list(itertools.product(range(len(free.cuts)), repeat=3)))
    measured = free.measure(assignments)
    limits = dict.fromkeys(LIMIT_KEYS) | {LIMIT_KEYS[index]: float(np.quantile(measured[index], 0.02))}
    # What is small under the limit is another quantity, so that the limit is what keeps it from its own optimum.
    weights = dict.fromkeys(QUANTITIES, 0.0) | {QUANTITIES[(index + 1) % 4]: 1.0}
    options = SelectorOptions(
        objective=ObjectiveOptions(**weights), limits=LimitOptions.model_construct(**limits)
    )
    problem = tiny(options, speed, seed)
    (part,) = parts_of(problem)
    solved = solve(part, unaided(problem))
    optimum = problem.score(assignments).min()
    assert problem.score(part.assign(solved.chosen))[0] == pytest.approx(optimum, rel=1e-6, abs=0)
    assert solved.bound == pytest.approx(optimum, rel=1e-6, abs=0)
