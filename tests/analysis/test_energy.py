"""Energy by round and device, by hand, and what it leaves of a battery."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from recorded_rounds import PHASES, fleet, played_round

from analysis.energy import energy_by_round
from analysis.records import Recorder


def recorder(**powers):
    """Two clients that draw 10 W, 2 W and 0.01 J/B, or as said, and a server that does not say."""
    draws = {"busy_power_w": 10.0, "idle_power_w": 2.0, "radio_j_per_byte": 0.01} | powers
    profile = SimpleNamespace(name="p", lanes=1, processor_sharing=False, **draws)
    clients = [SimpleNamespace(id=one.id, name=one.name, profile=profile) for one in fleet().clients]
    return Recorder(dataclasses.replace(fleet(), clients=tuple(clients)), phases=PHASES)


def energy_of(rec, name="client-0"):
    devices = rec.tables()["devices"]
    return devices.loc[devices["device"] == name, "energy_j"].tolist()


def test_busy_idle_and_radio_of_a_round():
    rec = recorder()
    played_round(rec)
    played_round(rec, round_=1, t=10.0)
    assert energy_of(rec) == pytest.approx([10 * 1 + 2 * 9 + 0.01 * 1300] * 2)
    assert energy_of(rec, "client-1") == pytest.approx([10 * 3 + 2 * 7 + 0.01 * 2400] * 2)
    assert np.isnan(energy_of(rec, "server")).all()


def test_off_draws_nothing_and_what_is_lost_is_not_received():
    rec = recorder()
    rec.absent(0, 4.0, 10.0)
    rec.compute(0, 0.0, 1.0, 5.0, 5.0)
    rec.transfer(-1, 0, "gradient", 100.0, 1.0, 4.0, lost_bytes=60.0)
    rec.end_round(0, 10.0)
    assert energy_of(rec) == pytest.approx([10 * 1 + 2 * 3 + 0.01 * 40])


def test_time_over_the_end_of_a_round_is_paid_where_it_was():
    rec = recorder(radio_j_per_byte=0.0)
    rec.compute(0, 8.0, 13.0, 5.0)
    rec.end_round(0, 10.0)
    rec.end_round(1, 20.0)
    assert energy_of(rec) == pytest.approx([10 * 2 + 2 * 8, 10 * 3 + 2 * 7])


@pytest.mark.parametrize("unknown", ["busy_power_w", "idle_power_w", "radio_j_per_byte"])
def test_energy_is_unknown_where_one_number_is(unknown):
    rec = recorder(**{unknown: None})
    rec.end_round(0, 10.0)
    assert np.isnan(energy_of(rec)).all()


def test_what_is_used_of_a_battery_adds_up():
    rec = recorder()
    for round_ in range(2):
        played_round(rec, round_, 10.0 * round_)
    used = energy_by_round(rec.tables()["devices"], {"client-0": 82.0, "server": 1.0})
    assert used["device"].tolist() == ["server", "client-0", "client-1"] * 2
    assert list(used.columns) == ["round", "device", "profile", "energy_j", "used_j", "battery_share"]
    own = used[used["device"] == "client-0"]
    assert own["used_j"].tolist() == pytest.approx([41.0, 82.0])
    assert own["battery_share"].tolist() == pytest.approx([0.5, 1.0])
    others = used[used["device"] != "client-0"]
    assert others["battery_share"].isna().all()
    assert others.loc[others["device"] == "server", "used_j"].isna().all()


def test_without_batteries_no_share_is_known():
    rec = recorder()
    played_round(rec)
    assert energy_by_round(rec.tables()["devices"])["battery_share"].isna().all()


@pytest.mark.parametrize(
    ("batteries", "message"),
    [
        ({"client-9": 5.0}, "batteries of client-9; the run has no such device"),
        ({"client-0": 0.0}, "batteries that hold nothing: .*client-0"),
        ({"client-0": math.nan}, "hold nothing"),
    ],
)
def test_batteries_that_cannot_be(batteries, message):
    rec = recorder()
    rec.end_round(0, 10.0)
    with pytest.raises(ValueError, match=message):
        energy_by_round(rec.tables()["devices"], batteries)
