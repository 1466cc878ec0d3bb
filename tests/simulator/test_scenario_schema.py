"""The editor's schema accepts what the loader accepts, and refuses what it refuses."""

import copy

import pytest
from verdicts import loader_accepts, schema_accepts

from scenarios.dump import resolved
from scenarios.editor_schema import editor_schema
from simulator.registry import load, registered_scenario

DEVICES = {"clients": [{"profile": "paper-1", "count": 4}]}


def scenario(**sections):
    return {"devices": DEVICES, **sections}


def client(**keys):
    return {"devices": {"clients": [{"profile": "paper-1", **keys}]}}


def partition(**keys):
    return scenario(data={"domains": [{"dataset": "glyphs"}], "partition": keys})


SPELLS = {"mean_every": "5 min", "mean_for": "30 s", "factor": 0.3}
OUTAGE = {"what": "client-0", "from": "1 s", "until": "2 min"}

GOOD = {
    "devices alone": scenario(),
    "a name": scenario(name="a-1.b_c"),
    "a whole number for a fraction": scenario(strategy={"kld_alpha": 1, "learning_rate": 1}),
    "a profile file": client(profile="./boards/mine.yaml"),
    "a profile file below home": client(profile="~/mine.yml"),
    "a profile file of any name in a folder": client(profile="boards/mine"),
    "quantities": client(
        uplink="50Mbit/s", latency="0 s", clock="1.5e3 MHz", memory="2 GiB", busy_power=".5 kW"
    ),
    "quantities in words": client(uplink="50 megabytes / second", latency="2 µs", radio_energy="1 mW/kbps"),
    "overrides left out": client(uplink=None, efficiency=None, flops_per_cycle=1),
    "a server's overrides": {"devices": {**DEVICES, "server": {"profile": "server-small", "memory": "8 GB"}}},
    "a server's name": {"devices": {**DEVICES, "server": "server-small"}},
    "a mix": {"devices": {"clients": {"mix": {"paper-1": 0.5, "./a.yaml": 0.5}, "count": 9}}},
    "the default plug-in's options without its name": scenario(network={}, strategy={"rounds": 3}),
    "another plug-in": scenario(network={"model": "ideal"}, cuts={"selector": "greedy"}),
    "stated cuts": scenario(cuts={"selector": "fixed", "every_client": [1, 1, 1, 1]}),
    "a partition of the default kind": partition(),
    "a partition of a kind": partition(kind="dirichlet", alpha=1),
    "numbers as keys": partition(kind="label_exclusion", excluded_labels={"2": 0.5, "3": 1}),
    "a data set of one's own": scenario(
        data={"domains": [{"dataset": {"path": "../letters"}, "clients": 2}]}
    ),
    "metrics of both forms": scenario(
        evaluation={"metrics": ["fid", {"name": "generation_score"}], "cas": None}
    ),
    "clusters by number": scenario(strategy={"clusters": 3}),
    "clusters by rule": scenario(strategy={"clusters": "auto", "patience": {"kind": "all"}}),
    "clients that come and go": scenario(
        availability={"model": "on_off", "mean_on": "1 h", "rejoin": "reset"}
    ),
    "clients of a trace": scenario(availability={"model": "trace", "file": "on.csv", "repeat": "24 h"}),
    "disturbances of all kinds": scenario(
        disturbances={
            "slowdown": SPELLS,
            "bandwidth": SPELLS,
            "bandwidth_trace": {"file": "links.csv"},
            "outages": [{"what": "server", "from": "0 s"}, {"what": "link a", "from": "1 s", "until": "2 s"}],
        }
    ),
    "disturbances of no kind": scenario(disturbances={"slowdown": None, "outages": []}),
    "a server of several lanes": {
        "devices": {**DEVICES, "server": {"profile": "laptop", "lanes": 4, "sharing": "processor"}}
    },
    "a large seed": scenario(seed=12345678901234567890),
}

BAD = {
    "nothing": {},
    "no devices": {"name": "x"},
    "no clients": {"devices": {"server": "paper-server"}},
    "an empty list of clients": {"devices": {"clients": []}},
    "devices as text": {"devices": "paper-1"},
    "an unknown section": scenario(stratgy={}),
    "an unknown key": scenario(strategy={"round": 3}),
    "an unknown key of a client": client(uplnk="5 MB/s"),
    "no profile": {"devices": {"clients": [{"count": 4}]}},
    "an unknown profile": client(profile="papr-1"),
    "an unknown server": {"devices": {**DEVICES, "server": "papr-server"}},
    "a server's overrides without a profile": {"devices": {**DEVICES, "server": {"memory": "8 GB"}}},
    "a client as text": {"devices": {"clients": ["paper-1"]}},
    "a bare number": client(uplink=5),
    "a number as text": client(uplink="5"),
    "a wrong unit": client(uplink="5 MHz"),
    "megabarn": client(uplink="5 Mb/s"),
    "a slip of the shift key": client(clock="480 mHz"),
    "a negative quantity": client(latency="-5 ms"),
    "a rate of zero": client(uplink="0.0 MB/s"),
    "no number": client(uplink="MB/s"),
    "not finite": client(uplink="inf MB/s"),
    "efficiency above one": client(efficiency=1.5),
    "no device": client(count=0),
    "a fraction of a device": client(count=1.5),
    "too many devices": client(count=10**12),
    "a mix without a count": {"devices": {"clients": {"mix": {"paper-1": 1}}}},
    "an empty mix": {"devices": {"clients": {"mix": {}, "count": 4}}},
    "a mix of an unknown profile": {"devices": {"clients": {"mix": {"papr-1": 1}, "count": 4}}},
    "a share of zero": {"devices": {"clients": {"mix": {"paper-1": 1, "paper-2": 0}, "count": 4}}},
    "an unknown order": {"devices": {**DEVICES, "order": "random"}},
    "a client of several lanes": client(lanes=2),
    "a loss of all": client(loss=1),
    "a bare number for a mean": scenario(availability={"model": "on_off", "mean_on": 600}),
    "a trace without a file": scenario(availability={"model": "trace"}),
    "an unknown disturbance": scenario(disturbances={"slowdwn": SPELLS}),
    "a spell without a factor": scenario(disturbances={"slowdown": {"mean_every": "1 s", "mean_for": "1 s"}}),
    "an outage of nothing": scenario(disturbances={"outages": [{"from": "1 s"}]}),
    "an outage without a beginning": scenario(disturbances={"outages": [{"what": "server"}]}),
    "an outage by its field's name": scenario(
        disturbances={"outages": [{"what": "server", "from_s": "1 s"}]}
    ),
    "a name that is no folder": scenario(name="a/b"),
    "a number for a name": scenario(name=5),
    "a number as text for a number": scenario(strategy={"rounds": "3"}),
    "yes for a number": scenario(strategy={"rounds": True}),
    "a number for yes": scenario(execution={"training": 1}),
    "null for a number": scenario(strategy={"rounds": None}),
    "too few": scenario(strategy={"rounds": 0}),
    "an unknown choice": scenario(records="some"),
    "an unknown plug-in": scenario(cuts={"selector": "gredy"}),
    "another plug-in's key": scenario(cuts={"selector": "greedy", "population": 9}),
    "a key of a plug-in that is not named": scenario(cuts={"every_client": [1, 1, 1, 1]}),
    "a plug-in by its name alone": scenario(cuts="greedy"),
    "a cut of three": scenario(cuts={"selector": "fixed", "every_client": [1, 1, 1]}),
    "a cut in fractions": scenario(cuts={"selector": "fixed", "every_client": [1, 1, 1, 1.5]}),
    "a key of a partition that is not named": partition(alpha=0.5),
    "an unknown partition": partition(kind="dirchlet"),
    "a key that is no number": partition(kind="label_exclusion", excluded_labels={"two": 1}),
    "no data set": scenario(data={"domains": [{"clients": 4}]}),
    "no domain": scenario(data={"domains": []}),
    "an unknown data set": scenario(data={"domains": [{"dataset": "mnist5"}]}),
    "a data set without a path": scenario(data={"domains": [{"dataset": {"format": "idx"}}]}),
    "an unknown format": scenario(data={"domains": [{"dataset": {"path": "a", "format": "csv"}}]}),
    "an unknown metric": scenario(evaluation={"metrics": ["fidd"]}),
    "a metric without a name": scenario(evaluation={"metrics": [{}]}),
    "wider than any network": scenario(model={"width": 10_000}),
    "an unknown model": scenario(model={"name": "cgan29"}),
}


@pytest.mark.parametrize("case", GOOD)
def test_both_accept(case):
    assert loader_accepts(GOOD[case])
    assert schema_accepts(GOOD[case])


@pytest.mark.parametrize("case", BAD)
def test_both_refuse(case):
    assert not loader_accepts(BAD[case])
    assert not schema_accepts(BAD[case])


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"devices": {"order": "listed"}},
        {"devices": {"server": {"uplink": "5 MB/s"}}},
        {"devices": {"clients": {"count": 80}}},
        {"cuts": {"every_client": [1, 1, 1, 1]}},
        {"data": {"partition": {"alpha": 0.1}}},
    ],
    ids=str,
)
def test_a_file_that_extends_another_may_be_a_part(part):
    assert schema_accepts({"extends": "base.yaml", **part})
    assert not schema_accepts(part)


@pytest.mark.parametrize(
    "part",
    [
        {"sed": 1},
        {"devices": {"clients": [{"count": 2}]}},
        {"data": {"domains": [{"dataset": {"format": "idx"}}]}},
        {"evaluation": {"metrics": [{}]}},
        {"cuts": {"selector": "greedy", "population": 9}},
    ],
    ids=str,
)
def test_lists_are_whole_and_keys_known_even_in_a_file_that_extends_another(part):
    assert not schema_accepts({"extends": "base.yaml", **part})


STRANGE = [None, True, -1, 0, 3, 2.5, 10**13, "", "text", "5 MB/s", "3 s", [], [1], ["fid"], {}, {"key": 1}]


TOLD_BY_SEVERAL_VALUES = (("cuts",), ("stop", "target"), ("devices", "clients", "mix"))
"""Where owners also check values against each other, which the schema leaves to the loader."""

ONE_CLIENT = "devices.clients=[{profile: paper-1, count: 4, memory: 2 GiB}]"


def places(value, path=()):
    """Every key path of a plain value, with all that is written there."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in below:
        yield (*path, key)
        yield from places(one, (*path, key))


def replaced(whole, path, value):
    changed = copy.deepcopy(whole)
    here = changed
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("sections", "overrides"),
    [
        (None, [ONE_CLIENT]),
        (
            ("cuts", "data"),
            ["cuts={selector: fixed, every_client: [1, 1, 1, 1]}", "data.partition={kind: dirichlet}"],
        ),
        (("data",), ["data.partition={kind: quantity, shares: [1, 2]}"]),
        (("data",), ["data.partition.kind=label_exclusion"]),
        (("devices",), ["devices={clients: {mix: {paper-1: 1}, count: 4}}"]),
        (
            ("devices",),
            ["devices={server: {profile: paper-server, clock: 3 GHz}, clients: [{profile: paper-1}]}"],
        ),
        (
            ("availability", "disturbances"),
            ["availability.model=diurnal", f"disturbances={{bandwidth: {SPELLS}, outages: [{OUTAGE}]}}"],
        ),
        (("network", "stop"), ["network.model=paper", "stop={target: {metric: fid, below: 20}}"]),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_no_single_strange_value_divides_them(sections, overrides):
    whole = resolved(load("quickstart", overrides).scenario)
    assert schema_accepts(whole)
    for path in places(whole):
        if sections is not None and path[0] not in sections:
            continue
        for value in STRANGE:
            changed = replaced(whole, path, value)
            accepted = loader_accepts(changed), schema_accepts(changed)
            if accepted == (False, True) and any(path[: len(one)] == one for one in TOLD_BY_SEVERAL_VALUES):
                continue
            assert accepted[0] == accepted[1], (path, value, accepted)


def keys_of(schema):
    for where, part in (("", schema), *schema["$defs"].items()):
        for key, described in part.get("properties", {}).items():
            yield f"{where}.{key}", described, schema["$defs"]


def explains(described, definitions):
    """Whether an editor has words for a key: its own, or those of the definition that it names."""
    return described.get("description") or definitions[described["$ref"][8:]].get("description")


def shows_a_value(described, definitions):
    """Whether an editor can show or offer a value: an example, a choice, a default, or the keys of a map."""
    if (
        described.get("examples")
        or described.get("default") is not None
        or described.get("type") == "boolean"
    ):
        return True
    if "enum" in described or "const" in described:
        return True
    parts = [
        *described.get("anyOf", []),
        *([definitions[described["$ref"][8:]]] if "$ref" in described else []),
    ]
    return "properties" in described or any(shows_a_value(one, definitions) for one in parts)


def test_every_key_is_explained_and_shows_a_value():
    schema = editor_schema(registered_scenario())
    found = list(keys_of(schema))
    assert len(found) > 80
    assert [key for key, *where in found if not explains(*where)] == []
    assert [key for key, described, definitions in found if not shows_a_value(described, definitions)] == []


def test_every_quantity_of_a_device_has_its_unit_in_its_example():
    definitions = editor_schema(registered_scenario())["$defs"]
    client_keys = definitions["ClientEntry"]["properties"]
    assert client_keys["uplink"]["anyOf"][0] == {"$ref": "#/$defs/BytesPerS"}
    assert client_keys["uplink"]["examples"][0] == "50 MB/s"
    assert "kB, MB" in definitions["Bytes"]["title"]
