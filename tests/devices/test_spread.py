"""Spread: like devices that are not quite alike, each with log-normal factors of its own."""

import math

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from devices.fleet import FleetError, FleetOptions, build_fleet
from devices.fleet_arrays import build_fleet_arrays
from devices.profile import load_profile
from devices.spread import SPREAD_FIELDS


class Scenario(BaseModel):
    devices: FleetOptions


SLOW = {"profile": "phone-2024", "downlink": "0.01 B/s"}


def draws(key=0):
    """The generator of the fleet, and the one of the spread."""
    return np.random.default_rng(key), None, np.random.default_rng(1000 + key)


def build(key=0, **options):
    return build_fleet(FleetOptions.model_validate(options), *draws(key))


def numbers(fleet, field):
    return np.array([getattr(device.profile, field) for device in fleet.clients])


def entry(spread, profile="phone-2024", count=40):
    return {"clients": [{"profile": profile, "count": count, "spread": spread}]}


def test_the_factors_are_log_normal_with_mean_one():
    fleet, sigma = build(**entry({"compute": 0.3}, count=20_000)), 0.3
    factors = numbers(fleet, "rate_flops_per_s") / load_profile("phone-2024").rate_flops_per_s
    logs = np.log(factors)
    # Five standard errors of 20,000 draws each: of the mean, of the logarithms' mean and of their deviation.
    assert abs(factors.mean() - 1) < 5 * math.sqrt(math.expm1(sigma**2) / 20_000)
    assert abs(logs.mean() + sigma**2 / 2) < 5 * sigma / math.sqrt(20_000)
    assert abs(logs.std() - sigma) < 5 * sigma / math.sqrt(2 * 20_000)


def test_one_number_spreads_everything_that_there_is():
    fleet, base = build(**entry(0.2)), load_profile("phone-2024")
    columns = {}
    for fields in SPREAD_FIELDS.values():
        for field in fields:
            if getattr(base, field):
                columns[field] = numbers(fleet, field) / getattr(base, field)
                assert len(set(columns[field].tolist())) == 40
            else:
                assert numbers(fleet, field).tolist() == [getattr(base, field)] * 40
    first, *others = columns.values()
    assert not any(np.allclose(first, other) for other in others)
    assert len({device.profile for device in fleet.clients}) == 40


def test_only_what_is_named_is_spread():
    fleet, base = build(**entry({"uplink": 0.2})), load_profile("phone-2024")
    assert len(set(numbers(fleet, "uplink_bytes_per_s").tolist())) == 40
    changed = {device.profile.model_copy(update={"uplink_bytes_per_s": 1.0}) for device in fleet.clients}
    assert changed == {base.model_copy(update={"uplink_bytes_per_s": 1.0})}


@pytest.mark.parametrize(
    "other",
    [
        entry({"compute": 0.2, "uplink": 0.2, "downlink": 1.0}),
        entry({"compute": 0.2}, count=500),
        {
            "clients": [
                {"profile": "phone-2024", "count": 40, "spread": {"compute": 0.2}},
                {"profile": "laptop"},
            ]
        },
    ],
)
def test_a_clients_factor_does_not_depend_on_other_keys_or_devices(other):
    mine = numbers(build(**entry({"compute": 0.2})), "rate_flops_per_s")
    theirs = numbers(build(**other, order="listed"), "rate_flops_per_s")
    assert theirs[:40].tolist() == mine.tolist()


@pytest.mark.parametrize("spread", [None, 0, 0.0, {}, {"uplink": 0}])
def test_without_a_spread_like_devices_share_their_profile(spread):
    fleet = build_fleet(FleetOptions.model_validate(entry(spread)), np.random.default_rng(0))
    assert {id(device.profile) for device in fleet.clients} == {id(load_profile("phone-2024"))}


def test_a_spread_leaves_the_deal_of_the_fleet_alone():
    groups = [{"profile": "paper-1", "count": 20}, {"profile": "paper-2", "count": 20}]
    plain = build(clients=groups, order="shuffled")
    spread = build(clients=[{**group, "spread": 0.5} for group in groups], order="shuffled")
    names = [[device.profile.name for device in fleet.clients] for fleet in (plain, spread)]
    assert names[0] == names[1]


def test_a_mix_is_spread_as_a_list_is():
    mixed = build(clients={"mix": {"laptop": 0.5, "phone-2024": 0.5}, "count": 10, "spread": 0.3})
    listed = build(
        clients=[{"profile": name, "count": 5, "spread": 0.3} for name in ("laptop", "phone-2024")]
    )
    assert [device.profile for device in mixed.clients] == [device.profile for device in listed.clients]


def test_a_measured_rate_is_spread_too(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "kind: laptop\nmeasured_flops_per_s: {value: 1 GFLOP/s, source: measured}\n"
        "uplink: {value: 1 MB/s, source: measured}\ndownlink: {value: 1 MB/s, source: measured}\n"
    )
    options = FleetOptions.model_validate(entry({"compute": 0.2}, profile="./mine.yaml"))
    rng, _, spread_rng = draws()
    fleet = build_fleet(options, rng, tmp_path, spread_rng)
    assert len(set(numbers(fleet, "rate_flops_per_s").tolist())) == 40


def test_a_fleet_with_a_spread_needs_its_own_generator():
    with pytest.raises(ValueError, match="no spread_rng"):
        build_fleet(FleetOptions.model_validate(entry(0.2)), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("spread", "key", "part"),
    [
        (-0.1, "spread", "greater than or equal to 0"),
        (3.5, "spread", "less than or equal to 3"),
        (True, "spread", "True; write one number for everything, or a mapping"),
        ("0.2", "spread", "'0.2'; write one number"),
        ([0.2], "spread", "[0.2]; write one number"),
        (float("nan"), "spread", "finite number"),
        ({"clock": 0.2}, "spread.clock", "Extra inputs"),
        ({"uplink": "0.2"}, "spread.uplink", "valid number"),
        ({"uplink": 4}, "spread.uplink", "less than or equal to 3"),
    ],
)
def test_a_wrong_spread_is_one_clear_error(spread, key, part):
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate({"devices": entry(spread)})
    [error] = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == f"devices.clients.0.{key}"
    assert part in error["msg"]


@pytest.mark.parametrize(
    ("options", "key_path", "came"),
    [
        (entry({"latency": 0.1}, profile="paper-1"), "clients.0.spread.latency", "'paper-1', which has none"),
        (
            {"clients": {"mix": {"paper-1": 1.0}, "count": 2, "spread": {"memory_bandwidth": 0.1}}},
            "clients.spread.memory_bandwidth",
            "memory_bandwidth has no effect on 'paper-1'",
        ),
    ],
)
def test_a_spread_of_what_no_profile_has_is_refused(options, key_path, came):
    with pytest.raises(FleetError, match=came) as caught:
        build(**options)
    assert caught.value.key_path == key_path


@pytest.mark.parametrize("builder", [build_fleet, build_fleet_arrays])
@pytest.mark.parametrize(
    ("clients", "key_path"),
    [
        ([{"profile": "laptop"}, {**SLOW, "count": 9, "spread": {"downlink": 3}}], "clients.1.spread"),
        ({"mix": {"slow.yaml": 1.0}, "count": 9, "spread": 3}, "clients.spread"),
    ],
)
def test_a_spread_that_makes_a_rate_no_links_rate_is_refused(tmp_path, builder, clients, key_path):
    (tmp_path / "slow.yaml").write_text(
        "kind: board\nmeasured_flops_per_s: 1 GFLOP/s\nuplink: 1 MB/s\ndownlink: 0.01 B/s\n"
    )
    options = FleetOptions.model_validate({"clients": clients})
    with pytest.raises(
        FleetError, match=r"^client-\d would have a rate of \S+ B/s as its downlink; "
    ) as caught:
        builder(options, np.random.default_rng(0), tmp_path, np.random.default_rng(0))
    assert caught.value.key_path == key_path
    assert caught.value.allowed == "allowed: a spread that leaves every rate from 0.01 B/s to 1e18 B/s"


COLUMNS = (
    "rate_flops_per_s",
    "kernel_overhead_s",
    "uplink_bytes_per_s",
    "downlink_bytes_per_s",
    "latency_s",
    "loss",
)


@pytest.mark.parametrize("order", ["listed", "interleaved", "shuffled"])
@pytest.mark.parametrize(
    "clients",
    [
        [
            {"profile": "paper-1", "count": 7, "spread": 0.4},
            {"profile": "phone-2024", "count": 5, "loss": 0.1, "memory": "1 GB"},
            {"profile": "raspberry-pi-4", "count": 9, "spread": {"compute": 0.2, "latency": 1.0}},
        ],
        {"mix": {"jetson-nano": 0.3, "phone-2024": 0.7}, "count": 17, "spread": 0.1},
    ],
)
def test_arrays_have_the_numbers_of_the_fleet_to_the_last_bit(clients, order):
    options = FleetOptions.model_validate({"clients": clients, "order": order})
    fleet, arrays = build_fleet(options, *draws(5)), build_fleet_arrays(options, *draws(5))
    assert arrays.size == len(fleet.clients)
    assert arrays.server == fleet.server.profile
    for field in COLUMNS:
        assert getattr(arrays, field).tolist() == numbers(fleet, field).tolist(), field
    for field in ("memory_bandwidth_bytes_per_s", "memory_bytes"):
        known = [math.inf if value is None else value for value in numbers(fleet, field).tolist()]
        assert getattr(arrays, field).tolist() == known
    names = [arrays.profiles[group].name for group in arrays.group_of.tolist()]
    assert names == [device.profile.name for device in fleet.clients]
