"""What the engine of shared links takes holds all that scenarios may state of links."""

import math

import pytest

from devices.link_ranges import (
    LEAST_FACTOR,
    LEAST_RATE_BYTES_PER_S,
    LEAST_WEIGHT,
    MOST_FACTOR,
    MOST_RATE_BYTES_PER_S,
    MOST_WEIGHT,
)
from simulator.kernel import fluid
from simulator.kernel.fluid import Fluid


def test_every_rate_under_every_factor_is_a_capacity():
    # A trace and a spell multiply a rate together, and a spell never makes it wider.
    assert LEAST_RATE_BYTES_PER_S * LEAST_FACTOR * LEAST_FACTOR >= fluid.LEAST
    assert MOST_RATE_BYTES_PER_S * MOST_FACTOR <= fluid.MOST


def test_every_weight_of_a_profile_is_a_weight_of_a_flow():
    assert fluid.LEAST_WEIGHT <= LEAST_WEIGHT
    assert fluid.MOST_WEIGHT >= MOST_WEIGHT


@pytest.mark.parametrize("weight", [LEAST_WEIGHT, MOST_WEIGHT])
@pytest.mark.parametrize(
    "capacity",
    [LEAST_RATE_BYTES_PER_S * LEAST_FACTOR * LEAST_FACTOR, MOST_RATE_BYTES_PER_S * MOST_FACTOR],
)
def test_the_engine_plays_the_corners(capacity, weight):
    links = Fluid([capacity])
    flow = links.start(0.0, 1e6, [0], weight)
    assert math.isclose(links.rate(flow), capacity, rel_tol=1e-12)
    assert math.isclose(links.next_finish_s(), 1e6 / capacity, rel_tol=1e-9)
