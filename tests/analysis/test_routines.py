"""Routines: a performance leaves the same records as its legs reported one by one."""

import pandas as pd
import pytest

from analysis.records import Recorder
from analysis.routines import RoutineComputation, RoutineTransfer
from devices.fleet import Device, Fleet
from devices.profile import DeviceProfile

ACTIVATION, GRADIENT = "activation", "gradient"

RECEIVE = RoutineTransfer(-1, 0, ACTIVATION, 100.0, 0.0, 1.0, waits=False)
WORK = RoutineComputation(0, 1.0, 3.0, 20.0)
SEND = RoutineTransfer(0, -1, GRADIENT, 50.0, 3.0, 3.5, waits=True)
HOME = RoutineComputation(1, 0.0, 0.25, 8.0)


def recorder(mode="full"):
    profile = DeviceProfile(
        name="p",
        kind="board",
        measured_flops_per_s=1.0,
        uplink_bytes_per_s=1.0,
        downlink_bytes_per_s=1.0,
    )
    return Recorder(Fleet(Device(-1, profile), tuple(Device(k, profile) for k in range(2))), mode=mode)


@pytest.mark.parametrize("mode", ["full", "summary"])
def test_performances_equal_their_legs(mode):
    """A road walked at 0 s, and again at 4 s where the processor lets it wait for 2 s; other work beside it."""
    by_routine, by_leg = recorder(mode), recorder(mode)
    home = by_routine.routine([], [HOME])
    road = by_routine.routine([RECEIVE, SEND], [WORK])
    by_routine.perform(road, 0.0, 0.0)
    by_routine.perform(home, 1.5, 0.0)
    by_routine.compute(0, 4.5, 7.0, 25.0)
    by_routine.perform(road, 4.0, 2.0)

    by_leg.transfer(-1, 0, ACTIVATION, 100.0, 0.0, 1.0)
    by_leg.compute(0, 1.0, 3.0, 20.0)
    by_leg.transfer(0, -1, GRADIENT, 50.0, 3.0, 3.5)
    by_leg.compute(1, 1.5, 1.75, 8.0)
    by_leg.transfer(-1, 0, ACTIVATION, 100.0, 4.0, 5.0)
    by_leg.compute(0, 4.5, 7.0, 25.0)
    by_leg.compute(0, 7.0, 9.0, 20.0)
    by_leg.transfer(0, -1, GRADIENT, 50.0, 9.0, 9.5)

    assert by_routine.bytes_by_kind == by_leg.bytes_by_kind == {ACTIVATION: 200.0, GRADIENT: 100.0}
    for one in (by_routine, by_leg):
        one.end_round(0, 10.0)
    for name in ("devices", "transfers"):
        pd.testing.assert_frame_equal(by_routine.tables()[name], by_leg.tables()[name])


def test_a_routine_may_be_added_after_others_were_performed():
    one = recorder()
    one.perform(one.routine([RECEIVE], [WORK]), 0.0, 0.0)
    assert one.total_bytes == 100.0
    one.perform(one.routine([SEND], []), 0.0, 0.0)
    assert one.total_bytes == 150.0


def test_rows_of_transfers_are_in_the_order_of_their_starts():
    one = recorder()
    road = one.routine([RECEIVE, SEND], [WORK])
    one.perform(road, 0.0, 0.0)
    one.transfer(1, -1, ACTIVATION, 1.0, 2.0, 2.5)
    one.end_round(0, 4.0)
    assert one.tables()["transfers"]["start_s"].tolist() == [0.0, 2.0, 3.0]


def test_impossible_routines_are_refused():
    one = recorder()
    with pytest.raises(RuntimeError, match=r"transfers of the kinds \['gossip'\]; allowed: activation"):
        one.routine([RECEIVE._replace(kind="gossip")], [])
    one.perform(one.routine([], [WORK._replace(device=7)]), 0.0, 0.0)
    with pytest.raises(RuntimeError, match=r"device 7 is not one of -1\.\.1"):
        one.end_round(0, 5.0)


def test_performances_count_as_records_of_the_open_round():
    one = recorder()
    one.perform(one.routine([RECEIVE], []), 0.0, 0.0)
    with pytest.raises(RuntimeError, match="round 0 has records but was not closed"):
        one.tables()
