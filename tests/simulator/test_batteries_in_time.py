"""Batteries in a world by hand: what drains them, when they are empty, and what the accounts say of it."""

import math

import pytest
from disturbed_worlds import disturbed_world, leg, played
from small_worlds import fleet_of, profile

from analysis.records import Recorder
from analysis.runs import RunError
from devices.fleet import SERVER_ID
from models.split import PayloadKind
from simulator.kernel.network import MaxminNetwork

BYTES = [(PayloadKind.ACTIVATION, 20.0)]


def fleet(battery_j):
    """A client of 1 FLOP/s and 10 byte/s that draws 1 W, 4 W while it computes, and 0.5 J a byte."""
    powers = {"idle_power_w": 1.0, "busy_power_w": 4.0, "radio_j_per_byte": 0.5}
    return fleet_of(
        profile("hub", rate=1.0, link=1e6), profile(rate=1.0, link=10.0, battery_j=battery_j, **powers)
    )


def test_time_away_costs_nothing():
    world = disturbed_world(fleet(10.0), absences={0: [(2.0, 7.0)]})
    played(world, lambda w: w.env.timeout(14.75))
    assert world.is_online(0)
    played(world, lambda w: w.env.timeout(0.25))
    assert not world.is_online(0)
    assert world.returns_s(0) == math.inf


def test_who_has_run_out_does_not_come_back_with_its_next_presence():
    devices = fleet(6.0)
    recorder = Recorder(devices)
    world = disturbed_world(devices, recorder, absences={0: [(2.0, 3.0), (9.0, 12.0)]})

    def run():
        yield world.env.timeout(8.0)
        world.end_round(0)
        yield world.env.timeout(8.0)
        world.end_round(1)

    world.play(run())
    own = recorder.tables()["devices"].query("device == 'client-0'")
    assert own["off_s"].tolist() == [2.0, 8.0]  # away for one second; empty from 7 s on
    assert own["energy_j"].tolist() == pytest.approx([6.0, 0.0])


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_the_accounts_and_the_battery_agree_on_what_was_drawn(network):
    devices = fleet(1000.0)
    recorder = Recorder(devices)
    world = disturbed_world(devices, recorder, network, absences={0: [(5.0, 6.0)]})

    def run():
        yield world.compute(0, [leg(3.0)])
        yield world.send(0, SERVER_ID, BYTES)
        yield world.send(SERVER_ID, 0, BYTES)
        yield world.compute(0, [leg(2.0)])
        world.end_round(0)

    world.play(run())
    # Busy for 3 s; sent until 5 s; the answer comes from 6 s to 8 s; busy until 10 s.
    drawn_j = 4.0 * 5.0 + 1.0 * 4.0 + 0.5 * 40.0
    own = recorder.tables()["devices"].query("device == 'client-0'")
    assert own["energy_j"].tolist() == pytest.approx([drawn_j])
    empty_s = 10.0 + (1000.0 - drawn_j) / 1.0
    played(world, lambda w: w.env.timeout(empty_s - 10.0 - 1e-6))
    assert world.is_online(0)
    played(world, lambda w: w.env.timeout(2e-6))
    assert not world.is_online(0)


def test_bytes_of_a_torn_message_drain_its_sender_alone():
    powers = {"battery_j": 100.0, "idle_power_w": 0.0, "busy_power_w": 0.0, "radio_j_per_byte": 1.0}
    devices = fleet_of(profile("hub", link=1e6), *[profile(link=10.0, **powers) for _ in range(2)])
    world = disturbed_world(devices, absences={SERVER_ID: [(4.0, 5.0)], 1: [(4.0, 5.0)]})

    def run():
        yield world.attempt_send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 60.0)])
        yield world.attempt_send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 59.0)])

    world.play(run())
    assert world.is_online(0)  # 40 of the first; the second did not begin
    played(world, lambda w: w.env.timeout(1.0))
    assert played(world, lambda w: w.attempt_send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 59.0)])).completed
    assert world.is_online(0)
    assert played(world, lambda w: w.attempt_send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 1.0)])).completed
    assert not world.is_online(0)
    assert world.is_online(1)


def test_who_was_sent_half_a_message_has_received_nothing():
    powers = {"battery_j": 100.0, "idle_power_w": 0.0, "busy_power_w": 0.0, "radio_j_per_byte": 1.0}
    devices = fleet_of(profile("hub", link=1e6), profile(link=10.0, **powers))
    world = disturbed_world(devices, absences={SERVER_ID: [(6.0, 7.0)]})
    assert not played(
        world, lambda w: w.attempt_send(SERVER_ID, 0, [(PayloadKind.ACTIVATION, 90.0)])
    ).completed
    played(world, lambda w: w.env.timeout(2.0))
    assert played(world, lambda w: w.attempt_send(SERVER_ID, 0, [(PayloadKind.ACTIVATION, 99.0)])).completed
    assert world.is_online(0)


def test_who_waits_for_a_device_without_energy_is_told_why():
    world = disturbed_world(fleet(10.0))
    with pytest.raises(RunError, match="everything waits for client-0, and its battery is used up"):
        played(world, lambda w: w.compute(0, [leg(5.0)]))
