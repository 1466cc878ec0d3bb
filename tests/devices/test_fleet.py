"""The `devices` section: one clear error for each mistake, and the fleet it describes."""

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from devices.fleet import SERVER_ID, Device, FleetError, FleetOptions, build_fleet
from devices.profile import load_profile

ONE = [{"profile": "paper-1"}]


class Scenario(BaseModel):
    devices: FleetOptions


def rng(key=0):
    return np.random.default_rng(key)


def build(key=0, base_dir=None, **options):
    return build_fleet(FleetOptions.model_validate(options), rng(key), base_dir)


def names(fleet):
    return [device.profile.name for device in fleet.clients]


def errors_of(options):
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate({"devices": options})
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("options", "key", "part"),
    [
        ({"clients": [{"profile": "paper-1", "count": 0}]}, "clients.0.count", "greater than or equal to 1"),
        ({"clients": [{"profile": "paper-1", "count": True}]}, "clients.0.count", "valid integer"),
        ({"clients": [{"profile": "paper-1", "count": "3"}]}, "clients.0.count", "valid integer"),
        (
            {"clients": [*ONE, {"profile": "paper-8"}]},
            "clients.1.profile",
            "named 'paper-8'; did you mean 'paper-",
        ),
        ({"clients": [{"profile": "paper-1", "uplink": 5}]}, "clients.0.uplink", "5 has no unit; write"),
        (
            {"clients": [{"profile": "paper-1", "memory": "0 B"}]},
            "clients.0.memory",
            "must be greater than 0",
        ),
        ({"clients": [{"profile": "paper-1", "uplnk": "1 B/s"}]}, "clients.0.uplnk", "Extra inputs"),
        (
            {"clients": [{"profile": "paper-1", "efficiency": 2}]},
            "clients.0.efficiency",
            "less than or equal to 1",
        ),
        ({"clients": []}, "clients", "an empty list; at least one client is needed"),
        ({"clients": None}, "clients", "None; write a list of {profile: NAME, count: N}, or {mix:"),
        ({"clients": "paper-1"}, "clients", "'paper-1'; write a list of {profile: NAME, count: N}"),
        (
            {"clients": ["paper-1"]},
            "clients.0",
            "the text 'paper-1'; write a mapping such as {profile: paper-1}",
        ),
        ({"clients": ONE[0]}, "clients", "a mapping without the key mix (its keys: profile); write a list"),
        ({"clients": {"mix": {"paper-1": 1}, "count": 0}}, "clients.count", "greater than or equal to 1"),
        ({"clients": {"mix": {"paper-1": 1}}}, "clients.count", "Field required"),
        ({"clients": {"mix": {"paper-1": 1}, "count": 1, "x": 1}}, "clients.x", "Extra inputs"),
        (
            {"clients": {"mix": {"paper-1": 0.5, "paper-2": 0.4}, "count": 4}},
            "clients.mix",
            "sum to 0.9; they must",
        ),
        ({"clients": {"mix": {}, "count": 4}}, "clients.mix", "an empty mix; at least one profile"),
        (
            {"clients": {"mix": {"paper-1": 1.5, "paper-2": -0.5}, "count": 4}},
            "clients.mix.paper-2",
            "greater than 0",
        ),
        (
            {"clients": {"mix": {"paper-1": 0.5, "paper{9}": 0.5}, "count": 4}},
            "clients.mix.paper{9}",
            "'paper{9}'; did",
        ),
        (
            {"server": "paper-servr", "clients": ONE},
            "server",
            "named 'paper-servr'; did you mean 'paper-server'",
        ),
        ({"server": 3, "clients": ONE}, "server", "3; write a profile's name or path, or a mapping"),
        ({"server": {"profile": "laptop", "count": 2}, "clients": ONE}, "server.count", "Extra inputs"),
        ({"clients": ONE, "order": "random"}, "order", "'listed', 'interleaved' or 'shuffled'"),
        ({}, "clients", "Field required"),
    ],
)
def test_each_mistake_is_reported_once_at_its_own_key(options, key, part):
    found = errors_of(options)
    assert [loc for loc, _ in found] == [f"devices.{key}"]
    assert part in found[0][1]


@pytest.mark.parametrize(
    "options",
    [
        {"clients": [{"profile": "paper-1", "count": 3, "uplink": "5 MB/s"}, {"profile": "own/board.yaml"}]},
        {
            "server": {"profile": "laptop", "memory": "64 GiB"},
            "clients": {"mix": {"paper-1": 0.25, "laptop": 0.75}, "count": 8},
            "order": "shuffled",
        },
    ],
)
def test_options_survive_a_round_trip_through_text(options):
    model = FleetOptions.model_validate(options)
    assert FleetOptions.model_validate(model.model_dump(mode="json")) == model
    assert FleetOptions.model_validate(model.model_dump()) == model
    assert FleetOptions.model_validate_json(model.model_dump_json(exclude_none=True)) == model
    assert model.model_dump(mode="json", exclude_none=True)["clients"] is not None


def test_json_schema_offers_both_forms_of_clients():
    schema = FleetOptions.model_json_schema()
    forms = schema["properties"]["clients"]["anyOf"]
    assert {form.get("type", form.get("$ref")) for form in forms} == {"array", "#/$defs/ClientMix"}
    assert schema["required"] == ["clients"]


def test_ids_names_and_lookup():
    fleet = build(clients=[{"profile": "paper-1", "count": 3}])
    assert [device.id for device in fleet.clients] == [0, 1, 2]
    assert [device.name for device in fleet.clients] == ["client-0", "client-1", "client-2"]
    assert fleet.server == Device(SERVER_ID, load_profile("paper-server"))
    assert fleet.server.name == "server"
    assert fleet.device(-1) is fleet.server
    assert fleet.device(2) is fleet.clients[2]
    for wrong in (-2, 3):
        with pytest.raises(ValueError, match=rf"the id {wrong}; allowed: -1 \(server\) and 0 to 2"):
            fleet.device(wrong)


def test_interleaved_deals_round_robin_until_all_are_dealt():
    clients = [{"profile": f"paper-{kind}", "count": count} for kind, count in ((1, 3), (2, 1), (3, 2))]
    assert names(build(clients=clients)) == ["paper-1", "paper-2", "paper-3", "paper-1", "paper-3", "paper-1"]
    listed = names(build(clients=clients, order="listed"))
    assert listed == ["paper-1"] * 3 + ["paper-2"] + ["paper-3"] * 2


def test_eighty_clients_of_seven_profiles_are_the_papers_fleet():
    counts = [len(range(first, 80, 7)) for first in range(7)]
    clients = [{"profile": f"paper-{i + 1}", "count": count} for i, count in enumerate(counts)]
    assert names(build(clients=clients)) == [f"paper-{client % 7 + 1}" for client in range(80)]


def test_shuffled_keeps_the_counts_and_follows_its_generator():
    options = {"clients": [{"profile": "paper-1", "count": 20}, {"profile": "paper-2", "count": 20}]}
    first, again, other = (names(build(key, order="shuffled", **options)) for key in (1, 1, 2))
    assert first == again != other
    assert sorted(first) == ["paper-1"] * 20 + ["paper-2"] * 20


def test_mix_counts_by_largest_remainder():
    # 10 x (0.46, 0.37, 0.17) = 4.6, 3.7, 1.7: floors 4, 3, 1; the two devices left go to .7 and .7.
    mix = {"paper-1": 0.46, "paper-2": 0.37, "paper-3": 0.17}
    dealt = names(build(clients={"mix": mix, "count": 10}, order="listed"))
    assert dealt == ["paper-1"] * 4 + ["paper-2"] * 4 + ["paper-3"] * 2


def test_ties_of_a_mix_are_broken_by_the_generator():
    options = {"clients": {"mix": {"paper-1": 0.5, "paper-2": 0.5}, "count": 3}, "order": "listed"}
    seen = {names(build(key, **options)).count("paper-1") for key in range(20)}
    assert seen == {1, 2}


def test_shares_that_are_not_exact_floats_deal_exactly():
    mix = {f"paper-{kind}": 1 / 7 for kind in range(1, 8)}
    dealt = names(build(clients={"mix": mix, "count": 700}))
    assert {dealt.count(name) for name in mix} == {100}


def test_overrides_show_in_the_profile_and_alike_devices_share_it():
    entry = {"profile": "paper-2", "count": 2, "uplink": "5 MB/s"}
    fleet = build(
        clients=[entry, entry, {"profile": "paper-2"}],
        order="listed",
        server={"profile": "laptop", "memory": "1 GB"},
    )
    first, *rest = (device.profile for device in fleet.clients)
    assert first.uplink_bytes_per_s == 5e6
    assert all(profile is first for profile in rest[:3])
    assert rest[3] is load_profile("paper-2")
    assert fleet.server.profile.memory_bytes == 1e9


def test_a_profile_file_counts_from_the_scenario(tmp_path):
    (tmp_path / "slow.yaml").write_text(
        "kind: board\nmeasured_flops_per_s: 1 GFLOP/s\nuplink: 1 MB/s\ndownlink: 1 MB/s\n"
    )
    mixed = build(
        base_dir=tmp_path, clients={"mix": {"slow.yaml": 0.5, "paper-1": 0.5}, "count": 2}, order="listed"
    )
    assert names(mixed) == ["slow", "paper-1"]


@pytest.mark.parametrize(
    ("options", "key", "came"),
    [
        (
            {"clients": [*ONE, {"profile": "no.yaml"}]},
            "clients.1.profile",
            "profile file 'no.yaml' cannot be read",
        ),
        (
            {"clients": {"mix": {"no.yaml": 1}, "count": 1}},
            "clients.mix.no.yaml",
            "profile file 'no.yaml' cannot be",
        ),
        ({"clients": ONE, "server": "no.yaml"}, "server", "profile file 'no.yaml' cannot be read"),
        (
            {"clients": ONE, "server": {"profile": "no.yaml"}},
            "server.profile",
            "profile file 'no.yaml' cannot be",
        ),
        (
            {"clients": [{"profile": "slow.yaml", "clock": "1 GHz"}]},
            "clients.0.clock",
            "clock has no effect on 'slow'",
        ),
        ({"clients": [{"profile": "bad.yaml"}]}, "clients.0.profile", "bad.yaml:2:1: clock: 480 has no unit"),
    ],
)
def test_what_only_building_can_find_still_names_its_key(tmp_path, options, key, came):
    (tmp_path / "slow.yaml").write_text(
        "kind: board\nmeasured_flops_per_s: 1 GFLOP/s\nuplink: 1 MB/s\ndownlink: 1 MB/s\n"
    )
    (tmp_path / "bad.yaml").write_text("kind: board\nclock: 480\n")
    with pytest.raises(FleetError) as caught:
        build(base_dir=tmp_path, **options)
    assert caught.value.key_path == key
    assert caught.value.came.startswith(came)
    assert caught.value.allowed
    assert str(caught.value) == f"{caught.value.came}; {caught.value.allowed}"


def test_a_hundred_thousand_clients_share_their_profiles():
    fleet = build(clients={"mix": {"paper-1": 0.5, "laptop": 0.5}, "count": 100_000}, order="shuffled")
    assert len(fleet.clients) == 100_000
    assert len({id(device.profile) for device in fleet.clients}) == 2


def test_edge_servers_come_after_the_clients_and_are_named_by_their_own_numbers():
    edge = load_profile("server-small")
    fleet = build(clients=[{"profile": "paper-1", "count": 3}]).with_edges(edge, 2)
    assert [(one.id, one.name, one.profile) for one in fleet.edges] == [
        (3, "edge-0", edge),
        (4, "edge-1", edge),
    ]
    assert [one.id for one in fleet.devices] == [SERVER_ID, 0, 1, 2, 3, 4]
    assert [fleet.device(number) for number in range(-1, 5)] == list(fleet.devices)
    assert [client.name for client in fleet.clients] == ["client-0", "client-1", "client-2"]
    with pytest.raises(ValueError, match=r"no device has the id 5; allowed: -1 \(server\) and 0 to 4"):
        fleet.device(5)
    assert fleet.with_edges(edge, 1).edges == fleet.edges[:1]


def test_a_fleet_as_a_scenario_has_it_knows_no_edge_servers():
    assert build(clients=ONE).edges == ()


@pytest.mark.parametrize(
    ("entry", "lanes", "shared"),
    [
        ({}, 1, False),
        ({"lanes": 4}, 4, False),
        ({"sharing": "processor"}, 1, True),
        ({"lanes": 2, "sharing": "processor", "memory": "1 GB"}, 2, True),
    ],
)
def test_a_server_may_serve_several_at_once(entry, lanes, shared):
    server = build(clients=ONE, server={"profile": "laptop", **entry}).server.profile
    assert (server.lanes, server.processor_sharing) == (lanes, shared)
    assert (server == load_profile("laptop")) == (not entry)


@pytest.mark.parametrize(
    ("options", "key", "part"),
    [
        (
            {"server": {"profile": "laptop", "lanes": 0}, "clients": ONE},
            "server.lanes",
            "greater than or equal",
        ),
        ({"server": {"profile": "laptop", "lanes": 1.5}, "clients": ONE}, "server.lanes", "valid integer"),
        (
            {"server": {"profile": "laptop", "sharing": "lifo"}, "clients": ONE},
            "server.sharing",
            "'processor'",
        ),
        ({"clients": [{"profile": "laptop", "lanes": 2}]}, "clients.0.lanes", "Extra inputs"),
    ],
)
def test_only_the_server_has_lanes(options, key, part):
    [(place, message)] = errors_of(options)
    assert place == f"devices.{key}"
    assert part in message
