"""The fluid engine: the same rates and ends as plain filling, whatever happens; its contract; its care for floats."""

import math
import random
from dataclasses import dataclass

import pytest

from simulator.kernel.fluid import Fluid, FluidError
from simulator.kernel.fluid_levels import Levels
from simulator.kernel.sharing import max_min_rates

INFINITE = math.inf


def generator(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secrets are drawn


@dataclass
class Told:
    """What was asked of a flow, and what a plain integration says is left of it."""

    links: list[int]
    weight: float
    cap: float
    left: float
    units: float


class Twin:
    """A fluid system beside one that finds all rates anew at every event, and integrates."""

    def __init__(self, draw: random.Random, links: int) -> None:
        self.draw = draw
        self.capacities = [draw.choice([draw.uniform(0.1, 10), 1.0, 2.0]) for _ in range(links)]
        self.fluid = Fluid(self.capacities)
        self.flows: dict[int, Told] = {}
        self.now_s = 0.0

    def rates(self) -> dict[int, float]:
        told = self.flows.values()
        rates = max_min_rates(
            self.capacities,
            [one.links for one in told],
            [one.weight for one in told],
            [one.cap for one in told],
        )
        return dict(zip(self.flows, rates.tolist(), strict=True))

    def move(self, now_s: float, rates: dict[int, float]) -> None:
        for flow, rate in rates.items():
            self.flows[flow].left -= rate * (now_s - self.now_s)
        self.now_s = now_s

    def change(self) -> None:
        """Begin a flow, stop one, or change a capacity."""
        draw, kind = self.draw, self.draw.random()
        if kind < 0.65 or not self.flows:
            count = 0 if draw.random() < 0.05 else draw.randint(1, min(4, len(self.capacities)))
            links = draw.sample(range(len(self.capacities)), count)
            cap = draw.choice([INFINITE if links else 1.0, draw.uniform(0.05, 3), 0.5, 1.0])
            weight, units = draw.choice([1.0, 1.0, draw.uniform(0.2, 5)]), draw.uniform(0.1, 10)
            flow = self.fluid.start(self.now_s, units, links, weight, cap)
            self.flows[flow] = Told(links, weight, cap, units, units)
        elif kind < 0.8:
            flow = draw.choice(list(self.flows))
            told = self.flows.pop(flow)
            assert self.fluid.stop(self.now_s, flow) == pytest.approx(
                told.left, rel=1e-9, abs=1e-9 * told.units
            )
        else:
            link = draw.randrange(len(self.capacities))
            self.capacities[link] = draw.choice([0.0, 1.0, draw.uniform(0.1, 10)])
            self.fluid.set_capacity(self.now_s, link, self.capacities[link])

    def check_and_step(self, next_s: float) -> bool:
        """Compare the two; move on to the next end or to ``next_s``; return whether something ended."""
        rates = self.rates()
        for flow, rate in rates.items():
            assert self.fluid.rate(flow) == pytest.approx(rate, rel=1e-9)
        for link, capacity in enumerate(self.capacities):
            load = sum(rates[flow] for flow, told in self.flows.items() if link in told.links)
            assert self.fluid.link_rate(link) == pytest.approx(load, rel=1e-9, abs=1e-300)
            assert self.fluid.link_rate(link) <= capacity * (1 + 1e-9)
        ends = (self.now_s + self.flows[flow].left / rate for flow, rate in rates.items() if rate > 0)
        finish_s = self.fluid.next_finish_s()
        assert finish_s == pytest.approx(min(ends, default=INFINITE), rel=1e-9)
        if finish_s > next_s:
            self.move(next_s, rates)
            return False
        self.move(finish_s, rates)
        for flow in self.fluid.finished(finish_s):
            told = self.flows.pop(flow)
            assert told.left == pytest.approx(0.0, abs=1e-9 * told.units)
        for flow, told in self.flows.items():
            assert self.fluid.remaining(finish_s, flow) == pytest.approx(told.left, rel=1e-9, abs=1e-9)
        return True


def play(seed: int, patiences: tuple[int, ...] = (16,)) -> Twin:
    """Play a random scenario; ``patiences`` are taken in turn."""
    draw = generator(seed)
    twin = Twin(draw, draw.randint(1, 10))
    next_s = 0.0
    for step in range(60):
        twin.fluid._levels.patience = patiences[step % len(patiences)]
        if not twin.check_and_step(next_s):
            for _ in range(draw.choice([1, 1, 1, 4])):
                twin.change()
            next_s = twin.now_s + draw.expovariate(draw.choice([0.5, 2, 10]))
    return twin


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_rates_ends_and_what_is_left_are_those_of_plain_filling(first):
    twins = [play(seed) for seed in range(first, first + 20)]
    assert sum(twin.fluid._levels.refills for twin in twins) == 0


@pytest.mark.parametrize("patiences", [(0,), (0, 16), (0, 16, 16, 16, 16)])
def test_the_same_where_links_do_not_settle_and_all_is_filled_anew(patiences):
    twins = [play(seed, patiences) for seed in range(20)]
    assert sum(twin.fluid._levels.refills for twin in twins) > 20


def test_the_same_scenario_twice_is_the_same_to_the_last_bit():
    left = [{flow: told.left for flow, told in play(5).flows.items()} for _ in range(2)]
    assert left[0] == left[1]


# Its contract.


def test_the_example_of_the_module():
    fluid = Fluid([10.0])
    assert fluid.start(0.0, 30.0, [0]) == 0
    assert fluid.start(1.0, 5.0, [0]) == 1
    assert fluid.next_finish_s() == 2.0
    assert (fluid.rate(0), fluid.rate(1), fluid.link_rate(0)) == (5.0, 5.0, 10.0)
    assert fluid.remaining(1.5, 0) == 17.5
    assert fluid.finished(2.0) == [1]
    assert fluid.next_finish_s() == 3.5
    assert fluid.finished(3.5) == [0]
    assert fluid.next_finish_s() == INFINITE
    assert fluid.link_rate(0) == 0.0


def test_all_that_ends_at_an_instant_is_told_in_the_order_of_numbers():
    fluid = Fluid([4.0, 1.0])
    fluid.start(0.0, 2.0, [], cap=1.0)  # held, alone
    fluid.start(0.0, 2.0, [0], cap=1.0)  # held, in a bundle
    fluid.start(0.0, 6.0, [0])  # free, at 3
    fluid.start(0.0, 2.0, [1])
    assert fluid.next_finish_s() == 2.0
    assert fluid.finished(2.0) == [0, 1, 2, 3]


def test_ends_that_nobody_asked_for_are_told_later_by_their_times():
    fluid = Fluid([1.0, 1.0])
    fluid.start(0.0, 5.0, [0])
    fluid.start(0.0, 2.0, [1])
    fluid.start(10.0, 1.0, [0])
    assert fluid.rate(2) == 1.0
    assert fluid.next_finish_s() == 2.0
    assert (fluid.rate(0), fluid.remaining(10.0, 0), fluid.stop(10.0, 0)) == (0.0, 0.0, 0.0)
    assert fluid.finished(10.5) == [1]
    assert fluid.finished(11.0) == [2]


def test_an_end_that_is_reached_is_final():
    """What happens at the instant of an end comes after it."""
    fluid = Fluid([3.0])
    fluid.start(0.0, 1.0, [0])
    end_s = fluid.next_finish_s()
    fluid.set_capacity(end_s, 0, 0.0)
    fluid.start(end_s, 1.0, [0])
    assert fluid.finished(end_s) == [0]
    assert fluid.next_finish_s() == INFINITE


def test_a_batch_of_changes_at_one_instant_is_rated_once(monkeypatch):
    settled = []
    settle = Levels._settle
    monkeypatch.setattr(
        Levels, "_settle", lambda self, link: (settled.append(link.number), settle(self, link))
    )
    fluid = Fluid([10.0])
    for size in range(1, 501):
        fluid.start(0.0, float(size), [0])
    assert settled == []
    assert fluid.next_finish_s() == pytest.approx(50.0)
    assert settled == [0]


def test_what_begins_when_others_end_is_rated_together_with_it(monkeypatch):
    fluid = Fluid([4.0])
    for units in (2.0, 2.0, 4.0, 4.0):
        fluid.start(0.0, units, [0])
    finish_s = fluid.next_finish_s()
    settled = []
    settle = Levels._settle
    monkeypatch.setattr(
        Levels, "_settle", lambda self, link: (settled.append(link.number), settle(self, link))
    )
    assert fluid.finished(finish_s) == [0, 1]
    fluid.start(finish_s, 9.0, [0])
    fluid.start(finish_s, 9.0, [0])
    assert settled == []
    assert fluid.next_finish_s() == 4.0
    assert settled == [0]


def test_a_flow_at_its_cap_uses_up_what_was_promised_to_the_others():
    """A wide link is not asked while a cell is the bottleneck, and must be when the cell has become wider."""
    fluid = Fluid([4.0, 6.0])
    fluid.start(0.0, 90.0, [0, 1])
    fluid.start(0.0, 90.0, [0, 1])
    assert fluid.rate(0) == 2.0
    fluid.start(0.0, 90.0, [0, 1], cap=0.5)
    assert fluid.rate(0) == 1.75
    fluid.set_capacity(0.0, 0, 6.3)
    assert fluid.rate(0) == 2.75
    assert fluid.link_rate(1) == 6.0


def test_a_flow_of_nothing_and_one_that_nothing_bounds_end_at_once():
    fluid = Fluid([0.0])
    assert (fluid.start(1.0, 0.0, [0]), fluid.start(1.0, 5.0, [])) == (0, 1)
    assert fluid.next_finish_s() == 1.0
    assert fluid.finished(1.0) == [0, 1]


@pytest.mark.parametrize("others", [0, 1])
def test_a_closed_link_holds_its_flows_up_until_it_opens(others):
    fluid = Fluid([2.0])
    for _ in range(1 + others):
        fluid.start(0.0, 4.0, [0])
    fluid.set_capacity(1.0, 0, 0.0)
    assert fluid.next_finish_s() == INFINITE
    assert (fluid.rate(0), fluid.link_rate(0)) == (0.0, 0.0)
    fluid.set_capacity(11.0, 0, 2.0)
    # 2 (or 1) units had passed before.
    assert fluid.next_finish_s() == (12.0 if others == 0 else 14.0)


def test_a_cap_of_zero_stands_still_beside_others():
    fluid = Fluid([2.0])
    fluid.start(0.0, 4.0, [0], cap=0.0)
    fluid.start(0.0, 4.0, [0])
    assert (fluid.rate(0), fluid.rate(1)) == (0.0, 2.0)
    assert fluid.finished(2.0) == [1]
    assert fluid.stop(9.0, 0) == 4.0


def test_a_link_serves_one_flow_then_several_then_one_again():
    fluid = Fluid([6.0, 100.0])
    fluid.start(0.0, 60.0, [0, 1])
    assert fluid.rate(0) == 6.0
    fluid.start(1.0, 60.0, [0, 1])
    fluid.start(1.0, 60.0, [0])
    assert [fluid.rate(flow) for flow in range(3)] == [2.0, 2.0, 2.0]
    assert fluid.stop(2.0, 1) == 58.0
    assert fluid.stop(2.0, 2) == 58.0
    assert (fluid.rate(0), fluid.remaining(2.0, 0)) == (6.0, 52.0)
    fluid.set_capacity(3.0, 0, 1.0)
    assert (fluid.rate(0), fluid.remaining(3.0, 0)) == (1.0, 46.0)


def test_a_link_that_was_narrow_while_it_served_one_flow_is_as_wide_as_it_is_now():
    """What a link may promise to bundles must not be what it could when it was made."""
    fluid = Fluid([8.0, 8.0])
    fluid.set_capacity(0.0, 0, 1.0)
    fluid.start(0.0, 9.0, [0, 1], cap=0.7)
    fluid.start(0.0, 9.0, [0, 1], cap=0.7)
    assert fluid.link_rate(0) == 1.0


def test_a_link_may_be_added():
    fluid = Fluid([1.0])
    assert fluid.add_link(5.0) == 1
    fluid.start(0.0, 5.0, [1])
    assert fluid.next_finish_s() == 1.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda fluid: fluid.start(0.5, 1.0, [0]),
            FluidError,
            "the time 0.5 s; allowed: a time from 1.0 s on",
        ),
        (lambda fluid: fluid.finished(math.nan), FluidError, "the time nan s"),
        (lambda fluid: fluid.finished(INFINITE), FluidError, "the time inf s"),
        (lambda fluid: fluid.rate(7), FluidError, "at 1.0 s flow 7 is not under way"),
        (lambda fluid: fluid.stop(2.0, 1), FluidError, "at 2.0 s flow 1 is not under way"),
        (
            lambda fluid: fluid.start(1.0, -1.0, [0]),
            ValueError,
            "the units -1.0; allowed: 0, or a number from 1e-15",
        ),
        (lambda fluid: fluid.start(1.0, math.nan, [0]), ValueError, "the units nan"),
        (lambda fluid: fluid.start(1.0, 1.0, [0, 0]), ValueError, "the links [0, 0] of flow 1"),
        (lambda fluid: fluid.start(1.0, 1.0, [-1]), ValueError, "the links [-1] of flow 1"),
        (lambda fluid: fluid.start(1.0, 1.0, [2]), IndexError, ""),
        (lambda fluid: fluid.start(1.0, 1.0, [0], weight=0.0), ValueError, "the weight 0.0; allowed"),
        (lambda fluid: fluid.start(1.0, 1.0, [0], cap=-1.0), ValueError, "the cap -1.0; allowed"),
        (lambda fluid: fluid.set_capacity(1.0, 0, INFINITE), ValueError, "the capacity inf; allowed"),
        (lambda fluid: fluid.add_link(-1.0), ValueError, "the capacity -1.0; allowed"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(call, error, words):
    fluid = Fluid([1.0, 1.0])
    fluid.start(1.0, 9.0, [0])
    with pytest.raises(error) as told:
        call(fluid)
    assert words in str(told.value)
    assert fluid.next_finish_s() == 10.0
    assert fluid.start(2.0, 1.0, [0]) == 1


def test_a_link_that_carries_too_much_is_told_with_its_flows(monkeypatch):
    monkeypatch.setattr(Levels, "_sink", lambda self, link: None)
    monkeypatch.setattr(Levels, "_rise", lambda self, link: 6.0)
    fluid = Fluid([1.0, 10.0])
    fluid.start(2.5, 1.0, [1])
    fluid.start(2.5, 1.0, [1])
    with pytest.raises(
        FluidError, match=r"at 2.5 s link 1 carries 12.0 units/s; .* capacity of 10.0; its flows: 0, 1"
    ):
        fluid.next_finish_s()


def test_a_flow_that_ends_too_early_is_told(monkeypatch):
    fluid = Fluid([1.0])
    fluid.start(0.0, 4.0, [0])
    fluid.start(0.0, 4.0, [0])
    fluid.next_finish_s()
    fluid._links[0].finish_s = fluid._links[0].queued_s = 2.0
    fluid._bundling.calendar._links[:] = [(2.0, 0, fluid._links[0])]
    with pytest.raises(
        FluidError, match=r"at 2.0 s flow 0 over link 0 ends with 3.0 of its 4.0 units missing"
    ):
        fluid.finished(3.0)


# Its care for floats.


@pytest.mark.parametrize("scale", [1e-11, 1.0, 1e12])
def test_what_was_large_leaves_no_trace_in_what_is_small(scale):
    fluid = Fluid([1e18 * scale, 1e18 * scale])
    for _ in range(50):
        for flow in [fluid.start(0.0, 1e3 * scale, [0, 1], weight=1e6) for _ in range(3)]:
            fluid.rate(flow)
            fluid.stop(0.0, flow)
    fluid.set_capacity(0.0, 0, 3e-3 * scale)
    flows = [fluid.start(0.0, 1e-3 * scale, [0, 1]) for _ in range(3)]
    assert [fluid.rate(flow) for flow in flows] == pytest.approx([1e-3 * scale] * 3, rel=1e-15)
    assert fluid.next_finish_s() == pytest.approx(1.0, rel=1e-15)


def test_tiny_flows_pass_beside_huge_ones_exactly_on_time():
    """Virtual time has counted 1e15 units per weight, and still tells 1e-6 of them."""
    fluid = Fluid([1e9, 1e9])
    for _ in range(2):
        fluid.start(0.0, 3e15, [0])
    assert fluid.remaining(2e6, 0) == pytest.approx(2e15)
    fluid.set_capacity(2e6, 0, 4e-6)
    fluid.start(2e6, 1e-6, [0])
    fluid.start(2e6, 2e-6, [0])
    assert fluid.next_finish_s() == pytest.approx(2e6 + 1.0, abs=1e-9)
    assert fluid.finished(fluid.next_finish_s()) == [2]
    assert fluid.next_finish_s() == pytest.approx(2e6 + 1.75, abs=1e-9)


def test_thousands_of_equal_flows_in_a_hundred_cells_end_in_one_instant():
    fluid = Fluid([7.0] * 100 + [100.0])
    for number in range(3000):
        fluid.start(0.1, 1.3, [number % 100, 100])
    assert fluid.next_finish_s() == pytest.approx(0.1 + 1.3 * 30, rel=1e-12)
    assert fluid.finished(fluid.next_finish_s()) == list(range(3000))
    assert fluid.next_finish_s() == INFINITE


def test_no_flow_is_left_with_what_rounding_left():
    """Ends come one by one, each at a later time: nobody waits for a thousandth of an ulp."""
    draw = generator(1)
    fluid = Fluid([1.0 / 3.0, 0.1])
    for _ in range(2000):
        fluid.start(1e9, draw.choice([0.1, 1.0 / 7.0]), draw.choice([[0], [0, 1]]))
    told, asked = [], 0
    while (finish_s := fluid.next_finish_s()) < INFINITE:
        ended = fluid.finished(finish_s)
        assert ended
        told += ended
        asked += 1
    assert sorted(told) == list(range(2000))
    assert asked <= 10


def test_ends_that_no_clock_can_tell_apart_are_one():
    fluid = Fluid([2.0])
    for part in range(5):
        fluid.start(1e9, 1.0 + part * 1e-10, [0])
    assert fluid.finished(fluid.next_finish_s()) == [0, 1, 2, 3, 4]
    assert fluid.next_finish_s() == INFINITE


# Its cost, in links settled and entries kept.


@pytest.mark.parametrize(("cell", "server"), [(30.0, 1e6), (1e3, 3000.0)], ids=["cells", "server"])
def test_a_change_in_one_of_a_hundred_cells_settles_few_links(monkeypatch, cell, server):
    draw = generator(3)
    fluid = Fluid([draw.uniform(0.5, 2.0) for _ in range(4000)] + [cell] * 100 + [server])
    for device in range(3900):
        fluid.start(0.0, draw.uniform(500, 900), [device, 4000 + device % 100, 4100])
    fluid.next_finish_s()
    settled = []
    settle = Levels._settle
    monkeypatch.setattr(
        Levels, "_settle", lambda self, link: (settled.append(link.number), settle(self, link))
    )
    for device in range(3900, 4000):
        fluid.start(device * 1e-3, 800.0, [device, 4000 + device % 100, 4100])
        fluid.next_finish_s()
    assert 0 < len(settled) <= 300


def test_a_wide_link_is_not_asked_by_everyone_who_comes_and_goes(monkeypatch):
    fluid = Fluid([1.0] * 200 + [1000.0])
    for device in range(200):
        for _ in range(2):
            fluid.start(0.0, 1e6, [device, 200])
    fluid.next_finish_s()
    settled = []
    settle = Levels._settle
    monkeypatch.setattr(
        Levels, "_settle", lambda self, link: (settled.append(link.number), settle(self, link))
    )
    for step in range(2000):
        device = fluid.add_link(1.0)
        pair = [fluid.start(step, 1e6, [device, 200]) for _ in range(2)]
        fluid.next_finish_s()
        for flow in pair:
            fluid.stop(step + 0.5, flow)
        fluid.next_finish_s()
    assert settled.count(200) <= 100


def entries(fluid: Fluid) -> int:
    """The length of the longest heap."""
    bundling = fluid._bundling
    heaps = [bundling.calendar._flows, bundling.calendar._links]
    for bundle in bundling._bundles.values():
        heaps += [bundle.tags, bundle.rising, bundle.falling]
    for link in fluid._links:
        heaps += [link.above, link.up, link.down, link.ends]
    return max(map(len, heaps))


@pytest.mark.parametrize("capacity", [3.0, 1e6])
def test_heaps_do_not_grow_with_the_number_of_flows_that_were(capacity):
    fluid = Fluid([capacity, 1e6])
    for _ in range(3):
        fluid.start(0.0, 5e4, [0, 1], cap=2.0)
    for step in range(3000):
        flow = fluid.start(step, 1e6, [0, 1], cap=0.1 if step % 2 else 3.0)
        fluid.next_finish_s()
        fluid.stop(step + 0.5, flow)
    assert entries(fluid) <= 200


def test_heaps_do_not_grow_where_links_are_told_of_levels_that_do_not_matter_to_them():
    fluid = Fluid([2.0, 2.0, 9.0])
    for links in ([0, 2], [1, 2], [2], [2]):
        fluid.start(0.0, 1e6, links)
    for step in range(1, 3000):
        flow = fluid.start(step, 1e6, [step % 2, 2])
        fluid.next_finish_s()
        fluid.stop(step + 0.5, flow)
        fluid.next_finish_s()
    assert entries(fluid) <= 200


@pytest.mark.parametrize("seed", range(40))
def test_what_is_nearly_a_tie_is_none(seed):
    """Links that are nearly, but not quite, wide enough: rates differ by a share that may not be forgotten."""
    draw = generator(seed)
    links = draw.randint(1, 5)
    capacities = [1.0 + draw.choice([0, 1, -1]) * 10.0 ** draw.uniform(-9, -5) for _ in range(links)]
    fluid = Fluid(capacities)
    routes, caps, flows = [], [], []

    def check():
        expected = max_min_rates(capacities, routes, [1.0] * len(routes), caps)
        found = [fluid.rate(flow) for flow in flows]
        assert found == pytest.approx(expected.tolist(), rel=1e-12)
        for link, capacity in enumerate(capacities):
            over = sum(rate for rate, crossed in zip(found, routes, strict=True) if link in crossed)
            assert over <= capacity * (1 + 1e-12)

    for _ in range(draw.randint(2, 7)):
        routes.append(draw.sample(range(links), draw.randint(1, links)))
        near = 1.0 / draw.randint(1, 4) * (1.0 + 10.0 ** draw.uniform(-9, -5))
        caps.append(draw.choice([near, INFINITE]))
        flows.append(fluid.start(0.0, 1e6, routes[-1], 1.0, caps[-1]))
        check()
    for link in range(links):
        capacities[link] *= 1.0 + draw.choice([1, -1]) * 10.0 ** draw.uniform(-9, -6)
        fluid.set_capacity(0.0, link, capacities[link])
        check()
