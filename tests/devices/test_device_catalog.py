"""The built-in catalogue: complete, sourced, and true to the paper's table."""

from importlib import resources

import pytest
from ruamel.yaml import YAML

from devices.hardware import SI_FIELDS
from devices.profile import catalog_names, load_profile

REAL = {
    "esp32-s3",
    "stm32h743",
    "raspberry-pi-3b-plus",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "jetson-nano",
    "jetson-orin-nano",
    "phone-2019",
    "phone-2024",
    "laptop",
    "workstation-gpu",
    "server-small",
    "server-large",
}
# As the paper states them (arXiv 2507.12979): clock MHz, FLOP/cycle, data rate in byte/s.
PAPER = {
    "paper-1": (480, 1, 50e6),
    "paper-2": (6000, 8, 150e6),
    "paper-3": (15600, 8, 1000e6),
    "paper-4": (5720, 8, 300e6),
    "paper-5": (4000, 4, 50e6),
    "paper-6": (9000, 4, 100e6),
    "paper-7": (12000, 10, 800e6),
    "paper-server": (42000, 16, 1e9),
}


def test_the_catalogue_holds_the_paper_and_the_real_devices():
    assert set(catalog_names()) == REAL | set(PAPER)
    assert list(catalog_names()) == sorted(catalog_names())


@pytest.mark.parametrize("name", sorted(PAPER))
def test_paper_devices_are_the_papers_table(name):
    clock_mhz, flops_per_cycle, rate = PAPER[name]
    device = load_profile(name)
    assert device.rate_flops_per_s == pytest.approx(clock_mhz * 1e6 * flops_per_cycle, rel=1e-15)
    assert device.uplink_bytes_per_s == device.downlink_bytes_per_s == rate
    assert device.memory_bytes is None
    assert device.memory_bandwidth_bytes_per_s is None
    assert device.latency_s == device.kernel_overhead_s == 0
    assert device.kind == "reference"


@pytest.mark.parametrize("name", sorted(REAL | set(PAPER)))
def test_every_number_has_a_source_or_an_assumption_with_its_reason(name):
    raw = YAML(typ="safe").load(resources.files("devices").joinpath("catalog", f"{name}.yaml").read_text())
    numbers = {key: raw[key] for key in SI_FIELDS if key in raw}
    assert set(raw) - set(numbers) == {"name", "description", "kind"}
    for key, entry in numbers.items():
        assert set(entry) == {"value", "source"}, key
        reason = entry["source"].removeprefix("assumed: ")
        assert len(reason) > 10, key
        assert entry["source"].startswith("assumed: ") or "assumed" not in entry["source"], key
    device = load_profile(name)
    assert device.name == name
    assert set(device.sources) == set(numbers)
    assert set(device.assumed) == {k for k, entry in numbers.items() if entry["source"].startswith("assumed")}


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_devices_are_limited_in_every_way_and_cite_their_clock(name):
    device = load_profile(name)
    assert device.memory_bytes > 0
    assert device.latency_s > 0
    assert device.kernel_overhead_s > 0
    assert 0 < device.efficiency < 1
    assert device.idle_power_w < device.busy_power_w
    assert "clock" not in device.assumed


def test_devices_of_a_family_get_faster_with_the_years():
    families = (
        ("esp32-s3", "raspberry-pi-3b-plus", "raspberry-pi-4", "raspberry-pi-5", "laptop"),
        ("jetson-nano", "jetson-orin-nano", "workstation-gpu"),
        ("phone-2019", "phone-2024"),
        ("server-small", "server-large"),
    )
    for family in families:
        rates = [load_profile(name).rate_flops_per_s for name in family]
        assert rates == sorted(rates)
