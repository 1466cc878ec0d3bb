"""What crossed a link is held to its capacity by accounts apart from the engine that shares it out."""

import numpy as np
import pytest
import simpy

from devices.time_functions import Steps
from simulator.kernel.flows_in_time import FlowsInTime
from simulator.kernel.fluid_parts import FluidError
from simulator.kernel.link_ledger import LinkLedger


def ledger():
    return LinkLedger([10.0, 4.0], ["up", "down"])


def test_what_a_link_can_carry_is_no_fault():
    own = ledger()
    own.begin([0, 1], 1.0)
    own.begin([0], 1.0)
    own.end([0, 1], 8.0, 3.0)
    own.end([0], 12.0, 3.0)


@pytest.mark.parametrize(("units", "fits"), [(8.0, True), (8.0 * (1 + 1e-8), False)])
def test_a_link_that_carried_more_is_named(units, fits):
    own = ledger()
    own.begin([0, 1], 1.0)
    if fits:
        own.end([0, 1], units, 3.0)
        return
    with pytest.raises(
        FluidError, match=r"down carried 8\.0\S+ units from 1\.0 s to 3\.0 s, and can carry 8\.0 in"
    ):
        own.end([0, 1], units, 3.0)


def test_time_without_a_flow_does_not_count():
    own = ledger()
    own.begin([1], 0.0)
    own.end([1], 4.0, 2.0)
    own.begin([1], 100.0)
    with pytest.raises(FluidError, match=r"down carried 5\.0 units from 100\.0 s to 101\.0 s"):
        own.end([1], 5.0, 101.0)


def test_a_capacity_counts_for_as_long_as_it_lasts():
    own = ledger()
    own.begin([1], 0.0)
    own.change(1, 0.0, 1.0)
    own.change(1, 2.0, 5.0)
    own.end([1], 4.0 + 2.0 * 0.5, 5.5)
    own.begin([1], 6.0)
    with pytest.raises(FluidError, match=r"can carry 2\.0 in that time"):
        own.end([1], 4.0, 7.0)


@pytest.mark.parametrize("lie", ["start", "set_capacity"])
def test_an_engine_that_gives_too_much_is_found_out(monkeypatch, lie):
    env = simpy.Environment()
    flows = FlowsInTime(env, [10.0], ["hub down"])
    engine = flows._fluid
    if lie == "start":
        honest = engine.start
        monkeypatch.setattr(engine, "start", lambda now, units, *rest: honest(now, units / 2, *rest))
    else:
        # The link narrows, and nobody tells the engine.
        monkeypatch.setattr(engine, "set_capacity", lambda *_: None)
        flows.follow(0, Steps([(0.0, 1.0), (1.0, 0.5)]))
    flows.start(20.0, [0])
    flows.start(20.0, [0])
    with pytest.raises(FluidError, match="hub down carried"):
        env.run()


@pytest.mark.parametrize("start_s", [0.0, 1e7, 1e9])
def test_ends_that_are_rounded_to_a_late_clock_are_no_fault(start_s):
    """One long flow, and very many short ones beside it, one after the other."""
    env = simpy.Environment(start_s)
    flows = FlowsInTime(env, [1e7], ["up"])
    draw = np.random.default_rng(0)

    def short_ones():
        for units in draw.uniform(0.5, 1.5, 3000).tolist():
            yield flows.start(units, [0])

    long_one = flows.start(1e5, [0])
    done = [env.process(short_ones()) for _ in range(2)]
    env.run(until=env.all_of([*done, long_one]))


def test_the_allowance_for_rounding_does_not_hide_a_wide_link():
    own = LinkLedger([10.0], ["up"])
    for number in range(1000):
        own.begin([0], float(number))
    for _ in range(500):
        own.end([0], 20.0, 1000.0)  # all that it can carry
    with pytest.raises(FluidError, match="up carried"):
        own.end([0], 1e-4, 1000.0)
