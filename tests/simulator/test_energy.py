"""The clients' energy over a run, from made-up tables."""

import pandas as pd
import pytest
from small_worlds import fleet_of, profile

from simulator.energy import clients_energy_j

COLUMNS = ["round", "device", "compute_s", "elapsed_s", "uplink_bytes", "downlink_bytes"]


def spent(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def powered(busy_w, idle_w, radio_j_per_byte):
    return profile(busy_power_w=busy_w, idle_power_w=idle_w, radio_j_per_byte=radio_j_per_byte)


def test_busy_idle_and_radio_over_all_rounds():
    fleet = fleet_of(profile(), powered(10.0, 1.0, 0.5), powered(7.0, 2.0, 0.0))
    table = spent(
        (0, "server", 5.0, 5.0, 9.0, 9.0),
        (0, "client-0", 2.0, 5.0, 3.0, 1.0),
        (1, "client-0", 1.0, 5.0, 3.0, 1.0),
        (0, "client-1", 0.0, 5.0, 3.0, 1.0),
    )
    first = 10 * 3 + 1 * 7 + 0.5 * 8
    assert clients_energy_j(fleet, table) == pytest.approx(first + 2 * 5)


def test_a_profile_that_does_not_say_what_it_draws_makes_it_unknown():
    fleet = fleet_of(profile(), powered(10.0, 1.0, 0.5), profile())
    assert clients_energy_j(fleet, spent((0, "client-0", 2.0, 5.0, 3.0, 1.0))) is None


def test_the_servers_power_does_not_count():
    fleet = fleet_of(powered(1e6, 1e6, 1e6), powered(1.0, 1.0, 0.0))
    assert clients_energy_j(fleet, spent((0, "client-0", 0.0, 5.0, 0.0, 0.0))) == pytest.approx(5.0)
