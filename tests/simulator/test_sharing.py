"""Progressive filling: allocations worked by hand, and what makes an allocation max-min fair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kernel.sharing import max_min_rates

INFINITE = float("inf")


@pytest.mark.parametrize(
    ("capacities", "routes", "weights", "caps", "rates"),
    [
        ([12.0], [[0], [0], [0]], None, None, [4.0, 4.0, 4.0]),
        ([12.0], [[0], [0], [0]], [1.0, 2.0, 3.0], None, [2.0, 4.0, 6.0]),
        ([12.0], [[0], [0], [0]], None, [1.0, 20.0, INFINITE], [1.0, 5.5, 5.5]),
        # A parking lot: the long flow gets the share of its narrowest link, the others what it leaves.
        ([10.0, 4.0, 6.0], [[0, 1, 2], [0], [1], [2]], None, None, [2.0, 8.0, 2.0, 4.0]),
        # The cap of 1 frees 3 for the others of link 1, and that of link 0 goes on rising to 7.
        ([10.0, 4.0], [[0, 1], [1], [0]], None, [INFINITE, 1.0, INFINITE], [3.0, 1.0, 7.0]),
        ([0.0, 5.0], [[0, 1], [1]], None, None, [0.0, 5.0]),
        ([5.0], [[0], [0]], None, [0.0, INFINITE], [0.0, 5.0]),
        ([], [[], []], None, [3.0, INFINITE], [3.0, INFINITE]),
        ([7.0], [], None, None, []),
        # Two links are full at the same moment.
        ([6.0, 6.0], [[0], [0, 1], [1]], None, None, [3.0, 3.0, 3.0]),
    ],
)
def test_allocations_worked_by_hand(capacities, routes, weights, caps, rates):
    assert max_min_rates(capacities, routes, weights, caps).tolist() == pytest.approx(rates, rel=1e-15)


numbers = st.floats(0.01, 100.0)


@st.composite
def systems(draw):
    links = draw(st.integers(1, 8))
    flows = draw(st.integers(1, 15))
    routes = draw(
        st.lists(
            st.lists(st.integers(0, links - 1), min_size=1, max_size=4, unique=True),
            min_size=flows,
            max_size=flows,
        )
    )
    capacities = draw(st.lists(st.sampled_from([1.0, 2.0]) | numbers, min_size=links, max_size=links))
    weights = draw(st.lists(st.just(1.0) | numbers, min_size=flows, max_size=flows))
    caps = draw(st.lists(st.just(INFINITE) | numbers, min_size=flows, max_size=flows))
    return np.array(capacities), routes, np.array(weights), np.array(caps)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(systems())
def test_everybody_has_a_bottleneck(system):
    """Max-min fair: each flow is at its cap, or at a full link at which no other flow has more for its weight."""
    capacities, routes, weights, caps = system
    rates = max_min_rates(*system)
    levels = rates / weights
    crossing = [
        [flow for flow, route in enumerate(routes) if link in route] for link in range(len(capacities))
    ]
    loads = np.array([rates[flows].sum() for flows in crossing])
    assert (loads <= capacities * (1 + 1e-12)).all()
    assert (rates <= caps).all()
    for flow, route in enumerate(routes):
        bottlenecks = [
            link
            for link in route
            if loads[link] >= capacities[link] * (1 - 1e-9)
            and levels[flow] >= max(levels[one] for one in crossing[link]) * (1 - 1e-9)
        ]
        assert rates[flow] == caps[flow] or bottlenecks


@settings(max_examples=100, deadline=None, derandomize=True)
@given(systems(), st.sampled_from([2.0**-20, 2.0**7, 2.0**40]))
def test_other_units_give_the_same_rates_in_other_units(system, factor):
    capacities, routes, weights, caps = system
    scaled = max_min_rates(capacities * factor, routes, weights, caps * factor)
    assert scaled.tolist() == (max_min_rates(*system) * factor).tolist()
