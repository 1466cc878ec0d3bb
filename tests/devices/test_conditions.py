"""The conditions of a fleet: joined, independent of each other, and the same whoever asks in whatever order."""

import numpy as np
import pytest

from devices.availability import AlwaysAvailable, OnOffAvailable
from devices.conditions import ConditionError, Conditions, build_conditions
from devices.disturbances import DisturbanceOptions
from devices.fleet import FleetOptions, build_fleet
from devices.names import Names
from devices.profile import load_profile

N_CLIENTS = 6
SPELLS = {"mean_every": "1 min", "mean_for": "20 s", "factor": 0.25}
ALL_KINDS = {
    "slowdown": SPELLS,
    "bandwidth": SPELLS,
    "outages": [
        {"what": "client-1", "from": "10 s", "until": "20 s"},
        {"what": "server", "from": "5 s", "until": "6 s"},
        {"what": "link client-2 up", "from": "3 s", "until": "4 s"},
        {"what": "link cell-0 down", "from": "1 s", "until": "2 s"},
    ],
}


def fleet(**hardware):
    options = {"clients": [{"profile": "paper-1", "count": N_CLIENTS, **hardware}]}
    made = build_fleet(FleetOptions.model_validate(options), np.random.default_rng(0))
    return made.with_edges(load_profile("server-small"), 1)


def draw(purpose, *numbers):
    return np.random.default_rng([*purpose.encode(), *numbers])


def build(disturbances=None, availability=None, base_dir=None, **hardware):
    options = DisturbanceOptions.model_validate(disturbances or {})
    return build_conditions(
        availability or AlwaysAvailable(), options, fleet(**hardware), draw, base_dir, ["cell-0 down"]
    )


def pieces(function, count=100):
    """The first pieces of a function of time."""
    if function is None:
        return None
    found, time_s = [], 0.0
    while len(found) < count and time_s < 1e9:
        value, until_s = function.piece(time_s)
        found.append((time_s, value))
        time_s = until_s
    return found


def everything(conditions):
    """All that can be asked about a fleet."""
    found = {"link": pieces(conditions.link("cell-0 down"))}
    for device in (-1, *range(N_CLIENTS + 1)):
        presence = conditions.presence(device)
        found["presence", device] = None if presence is None else presence.absences(0, 5000)
        found["speed", device] = pieces(conditions.speed(device))
        found["uplink", device] = pieces(conditions.uplink(device))
        found["downlink", device] = pieces(conditions.downlink(device))
    return found


def test_a_quiet_fleet():
    conditions = build()
    assert conditions.quiet
    assert conditions.keeps_state
    assert not any(everything(conditions).values())
    assert Conditions(Names(fleet())).quiet


@pytest.mark.parametrize(
    "options",
    [
        {"availability": OnOffAvailable()},
        {"battery": "1 kJ"},
        *({"disturbances": {key: value}} for key, value in ALL_KINDS.items()),
    ],
)
def test_anything_makes_it_unquiet(options):
    assert not build(**options).quiet


def test_only_clients_come_and_go_slow_down_and_get_narrow():
    found = everything(build({"slowdown": SPELLS, "bandwidth": SPELLS}, OnOffAvailable()))
    for kind in ("presence", "speed", "uplink", "downlink"):
        of_devices = {device: value for (one, device), value in list(found.items())[1:] if one == kind}
        assert [device for device, value in of_devices.items() if value] == list(range(N_CLIENTS))
        assert len({str(value) for value in of_devices.values()}) == N_CLIENTS + 1
    assert found["uplink", 3] == found["downlink", 3]


def test_outages_reach_devices_and_links_of_every_sort():
    conditions = build({"outages": ALL_KINDS["outages"]})
    assert conditions.presence(1).absences(0, 100) == [(10, 20)]
    assert conditions.presence(-1).absences(0, 100) == [(5, 6)]
    assert conditions.presence(0) is conditions.uplink(0) is conditions.downlink(2) is None
    assert pieces(conditions.uplink(2)) == [(0, 1), (3, 0), (4, 1)]
    assert pieces(conditions.link("cell-0 down")) == [(0, 1), (1, 0), (2, 1)]


def test_a_link_is_found_by_its_name_or_by_its_device():
    conditions = build(ALL_KINDS)
    assert conditions.link("client-2 up") is conditions.uplink(2)
    assert conditions.link("client-2 down") is conditions.downlink(2)
    assert conditions.link("server up") is conditions.uplink(-1)
    assert conditions.link("backhaul") is None


def test_all_that_narrows_a_link_multiplies(tmp_path):
    (tmp_path / "t.csv").write_text("link,time_s,factor\nclient-2,0,0.5\n")
    spells, told = build({"bandwidth": SPELLS}), {"bandwidth_trace": {"file": "t.csv"}, **ALL_KINDS}
    joined = build(told, base_dir=tmp_path)
    for time_s in (0, 2.9, 3, 3.9, 4, 50, 100, 150, 1000):
        outage = 0 if 3 <= time_s < 4 else 1
        assert joined.uplink(2).value(time_s) == 0.5 * outage * spells.uplink(2).value(time_s)
        assert joined.downlink(2).value(time_s) == 0.5 * spells.downlink(2).value(time_s)
        assert joined.uplink(1).value(time_s) == spells.uplink(1).value(time_s)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_one_kind_more_changes_no_other(kind):
    others = {key: value for key, value in ALL_KINDS.items() if key not in (kind, "outages")}
    alone = everything(build(others, OnOffAvailable()))
    joined = everything(build({**others, kind: ALL_KINDS[kind]}, OnOffAvailable()))
    touched = {
        "slowdown": {("speed", client) for client in range(N_CLIENTS)},
        "bandwidth": {(link, client) for link in ("uplink", "downlink") for client in range(N_CLIENTS)},
        "outages": {"link", ("presence", 1), ("presence", -1), ("uplink", 2)},
    }[kind]
    assert {key for key in alone if alone[key] != joined[key]} == touched


def test_availability_changes_no_spell_and_no_outage():
    always, on_off = everything(build(ALL_KINDS)), everything(build(ALL_KINDS, OnOffAvailable()))
    changed = {key for key in always if always[key] != on_off[key]}
    assert changed == {("presence", client) for client in range(N_CLIENTS)}


def test_the_first_clients_of_a_larger_fleet_fare_alike():
    options = DisturbanceOptions.model_validate(ALL_KINDS)
    larger = FleetOptions.model_validate({"clients": [{"profile": "paper-2", "count": 50}]})
    fleets = fleet(), build_fleet(larger, np.random.default_rng(1))
    small, large = (
        build_conditions(OnOffAvailable(), options, one, draw, None, ["cell-0 down"]) for one in fleets
    )
    for client in range(N_CLIENTS):
        assert small.presence(client).absences(0, 5000) == large.presence(client).absences(0, 5000)
        assert pieces(small.uplink(client)) == pieces(large.uplink(client))


def test_the_order_of_questions_changes_no_answer():
    rng = np.random.default_rng(5)
    questions = [
        (str(kind), int(device), float(time_s))
        for kind, device, time_s in zip(
            rng.choice(["presence", "speed", "uplink"], 400),
            rng.integers(0, N_CLIENTS, 400),
            rng.uniform(0, 3000, 400),
            strict=True,
        )
    ]

    def answers(asked):
        conditions = build(ALL_KINDS, OnOffAvailable())
        told = {}
        for kind, device, time_s in asked:
            function = getattr(conditions, kind)(device)
            one = function.leaves_s(time_s) if kind == "presence" else function.end_s(time_s, 7)
            told[kind, device, time_s] = one
        return told

    assert answers(questions) == answers(reversed(questions)) == answers(sorted(questions))


def test_functions_are_made_once():
    conditions = build(ALL_KINDS, OnOffAvailable())
    for ask in (conditions.presence, conditions.speed, conditions.uplink, conditions.downlink):
        assert ask(0) is ask(0)


def test_whether_state_is_kept_is_said_by_availability():
    assert not build(availability=AlwaysAvailable(rejoin="reset")).keeps_state
    assert build(availability=OnOffAvailable()).keeps_state


def test_what_cannot_be_built_names_its_key():
    with pytest.raises(ConditionError) as caught:
        build({"outages": [{"what": "client-6", "from": "1 s"}]})
    assert (caught.value.key_path, caught.value.came) == (
        "disturbances.outages.0.what",
        "no device is named 'client-6'",
    )
    assert caught.value.allowed.endswith("did you mean 'client-5'?")
