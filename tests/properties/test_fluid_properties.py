"""What holds for the fluid engine whatever flows over a link: nothing is lost, nobody is too fast or too late."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kernel.fluid import Fluid

INFINITE = math.inf

some = settings(max_examples=80, deadline=None, derandomize=True)
sizes = st.floats(1e-6, 1e6)
loads = st.lists(
    st.tuples(st.floats(0.0, 50.0), sizes, st.none() | st.floats(0.01, 1e4)), min_size=1, max_size=25
)


def ends(capacity: float, load: list[tuple[float, float, float | None]]) -> list[float]:
    """When flows (start, units, cap) over one link end."""
    fluid = Fluid([capacity])
    found: dict[int, float] = {}
    order = sorted(range(len(load)), key=lambda index: load[index][0])
    for index in order:
        start_s, units, cap = load[index]
        while (finish_s := fluid.next_finish_s()) <= start_s:
            found |= dict.fromkeys(fluid.finished(finish_s), finish_s)
        fluid.start(start_s, units, [0], cap=INFINITE if cap is None else cap)
    while (finish_s := fluid.next_finish_s()) < INFINITE:
        found |= dict.fromkeys(fluid.finished(finish_s), finish_s)
    by_index = dict(zip(order, (found[number] for number in range(len(load))), strict=True))
    return [by_index[index] for index in range(len(load))]


@some
@given(loads, st.floats(0.01, 100.0), st.floats(1.0, 10.0))
def test_a_wider_link_ends_nothing_later(load, capacity, factor):
    for narrow, wide in zip(ends(capacity, load), ends(capacity * factor, load), strict=True):
        assert wide <= narrow * (1 + 1e-9)


@some
@given(loads, st.floats(0.01, 100.0))
def test_another_flow_ends_no_other_earlier(load, capacity):
    for alone, beside in zip(ends(capacity, load[:-1]), ends(capacity, load)[:-1], strict=True):
        assert beside >= alone * (1 - 1e-9)


@some
@given(loads, st.floats(0.01, 100.0))
def test_no_flow_is_faster_than_its_cap_and_the_link(load, capacity):
    for (start_s, units, cap), end_s in zip(load, ends(capacity, load), strict=True):
        fastest = min(capacity, INFINITE if cap is None else cap)
        assert end_s >= start_s + units / fastest * (1 - 1e-9) - 1e-12 * end_s


@some
@given(st.lists(sizes, min_size=1, max_size=25), st.floats(0.01, 100.0))
def test_a_link_with_something_to_carry_is_never_idle(units, capacity):
    last_s = max(ends(capacity, [(0.0, one, None) for one in units]))
    assert last_s == pytest.approx(sum(units) / capacity, rel=1e-9)


@some
@given(loads, st.floats(0.01, 100.0))
def test_units_are_conserved(load, capacity):
    """What has passed the link by any end is what its flows have got."""
    fluid = Fluid([capacity])
    flows = [fluid.start(0.0, units, [0], cap=INFINITE if cap is None else cap) for _, units, cap in load]
    passed, now_s, total = 0.0, 0.0, sum(units for _, units, _ in load)
    under_way = set(flows)
    while under_way:
        rate, finish_s = fluid.link_rate(0), fluid.next_finish_s()
        assert rate <= capacity * (1 + 1e-9)
        passed += rate * (finish_s - now_s)
        now_s = finish_s
        under_way -= set(fluid.finished(finish_s))
        left = sum(fluid.remaining(now_s, flow) for flow in under_way)
        assert passed + left == pytest.approx(total, rel=1e-9)
