"""What does not fit a device's memory is refused, and the worst case is named."""

import pytest
from small_worlds import fleet_of, make_setting_of, profile

from models.cgan import cgan28
from models.split import model_costs
from scenarios.load import ScenarioError
from simulator.memory_check import check_memory

COSTS = model_costs(cgan28(2))


def test_the_device_that_lacks_most_is_named(tmp_path):
    fleet = fleet_of(
        profile("hub"),
        profile("roomy"),
        profile("tight", memory_bytes=4e6),
        profile("tiny", memory_bytes=1e6),
    )
    setting = make_setting_of(tmp_path, COSTS, fleet, [4, 4, 4])
    needs = [(device, 5_000_000, "a whole GAN") for device in fleet.clients]
    with pytest.raises(ScenarioError) as refused:
        check_memory(setting, needs)
    text = str(refused.value)
    assert "devices.clients: a whole GAN needs 5 MB on client-2 (tiny)" in text
    assert "allowed: 1 MB, which it has; 2 of 3 devices lack memory" in text


def test_the_server_is_blamed_at_its_own_key(tmp_path):
    fleet = fleet_of(profile("hub", memory_bytes=1e6), profile("a"))
    setting = make_setting_of(tmp_path, COSTS, fleet, [4])
    with pytest.raises(ScenarioError, match=r"devices\.server: G needs 2 MB on server"):
        check_memory(setting, [(fleet.server, 2_000_000, "G")])


def test_what_just_fits_passes_and_so_does_a_device_without_a_limit(tmp_path):
    fleet = fleet_of(profile("hub"), profile("a", memory_bytes=5e6), profile("b"))
    setting = make_setting_of(tmp_path, COSTS, fleet, [4, 4])
    check_memory(setting, [(fleet.clients[0], 5_000_000, "x"), (fleet.clients[1], 10**15, "x")])
