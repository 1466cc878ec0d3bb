"""The clients' energy over a run: the sum of what its rounds used."""

import pytest
from small_worlds import fleet_of, profile

from analysis.records import Recorder
from simulator.energy import clients_energy_j


def powered(busy_w, idle_w, radio_j_per_byte):
    return profile(busy_power_w=busy_w, idle_power_w=idle_w, radio_j_per_byte=radio_j_per_byte)


def energy_j(fleet, play):
    recorder = Recorder(fleet)
    play(recorder)
    return clients_energy_j(fleet, recorder.tables()["devices"])


def two_rounds(recorder):
    recorder.compute(0, 0.0, 2.0, 1.0)
    recorder.transfer(0, -1, "activation", 3.0, 2.0, 3.0)
    recorder.transfer(-1, 0, "gradient", 1.0, 3.0, 4.0)
    recorder.end_round(0, 5.0)
    recorder.compute(0, 5.0, 6.0, 1.0)
    recorder.transfer(0, -1, "activation", 4.0, 6.0, 7.0)
    recorder.end_round(1, 10.0)


def test_busy_idle_and_radio_over_all_rounds():
    fleet = fleet_of(profile(), powered(10.0, 1.0, 0.5), powered(7.0, 2.0, 0.0))
    assert energy_j(fleet, two_rounds) == pytest.approx((10 * 3 + 1 * 7 + 0.5 * 8) + 2 * 10)


def test_a_device_that_is_off_draws_nothing():
    def play(recorder):
        recorder.absent(0, 7.0, 9.0)
        two_rounds(recorder)

    fleet = fleet_of(profile(), powered(10.0, 1.0, 0.5))
    assert energy_j(fleet, play) == pytest.approx(10 * 3 + 1 * 5 + 0.5 * 8)


def test_a_profile_that_does_not_say_what_it_draws_makes_it_unknown():
    fleet = fleet_of(profile(), powered(10.0, 1.0, 0.5), profile())
    assert energy_j(fleet, two_rounds) is None
    assert energy_j(fleet, lambda recorder: None) is None


def test_the_servers_power_does_not_count():
    fleet = fleet_of(powered(1e6, 1e6, 1e6), powered(1.0, 1.0, 0.0))
    assert energy_j(fleet, lambda recorder: recorder.end_round(0, 5.0)) == pytest.approx(5.0)
