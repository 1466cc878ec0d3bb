"""Links, ways and the graph of a topology; the star."""

import math

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from devices.fleet import SERVER_ID, FleetOptions, build_fleet
from devices.profile import load_profile
from devices.topology import HUB, Link, Topology, Way, star
from devices.topology_options import (
    CellsTopology,
    FileTopology,
    StarTopology,
    TiersTopology,
    TopologyOptions,
)

OPTIONS = TypeAdapter(TopologyOptions)


@pytest.fixture
def fleet():
    options = {
        "server": {"profile": "paper-server", "uplink": "40 MB/s", "downlink": "20 MB/s", "latency": "1 ms"},
        "clients": [
            {
                "profile": "paper-1",
                "uplink": "10 MB/s",
                "downlink": "30 MB/s",
                "latency": "2 ms",
                "loss": 0.2,
            },
            {
                "profile": "paper-1",
                "uplink": "50 MB/s",
                "downlink": "60 MB/s",
                "latency": "4 ms",
                "loss": 0.5,
            },
        ],
    }
    return build_fleet(FleetOptions.model_validate(options), np.random.default_rng(0))


def test_every_device_has_two_links_in_the_order_of_the_ids(fleet):
    topology = star(fleet)
    assert topology.links == (
        Link("server up", 40e6, 0.001),
        Link("server down", 20e6, 0.001),
        Link("client-0 up", 10e6, 0.002, 0.2),
        Link("client-0 down", 30e6, 0.002, 0.2),
        Link("client-1 up", 50e6, 0.004, 0.5),
        Link("client-1 down", 60e6, 0.004, 0.5),
    )
    assert topology.inner_links == ()
    for device in fleet.devices:
        up, down = topology.access_links(device.id)
        assert topology.links[up].name == f"{device.name} up"
        assert topology.links[down].name == f"{device.name} down"
    assert topology.numbers == {link.name: number for number, link in enumerate(topology.links)}


def test_every_device_of_a_star_hangs_on_the_hub(fleet):
    graph = star(fleet).graph
    assert set(graph.nodes) == {HUB, SERVER_ID, 0, 1}
    assert graph.number_of_edges() == 6
    assert graph.edges[0, HUB] == {
        "name": "client-0 up",
        "bytes_per_s": 10e6,
        "latency_s": 0.002,
        "loss": 0.2,
    }
    assert graph.edges[HUB, 0] == {
        "name": "client-0 down",
        "bytes_per_s": 30e6,
        "latency_s": 0.002,
        "loss": 0.2,
    }
    assert {star(fleet).router_of(device.id) for device in fleet.devices} == {HUB}


@pytest.mark.parametrize(
    ("source", "target", "links", "bytes_per_s", "latency_s", "arriving", "first_and_last"),
    [
        (0, SERVER_ID, (2, 1), 10e6, 0.003, 0.8, (10e6, 20e6)),  # the client's uplink is the slower link
        (1, SERVER_ID, (4, 1), 20e6, 0.005, 0.5, (50e6, 20e6)),  # the server's downlink is
        (SERVER_ID, 0, (0, 3), 30e6, 0.003, 0.8, (40e6, 30e6)),  # the client's downlink is
        (SERVER_ID, 1, (0, 5), 40e6, 0.005, 0.5, (40e6, 60e6)),  # the server's uplink is
        (0, 1, (2, 5), 10e6, 0.006, 0.4, (10e6, 60e6)),
    ],
)
def test_a_way_is_as_fast_as_its_slowest_link_and_adds_the_latencies(
    fleet, source, target, links, bytes_per_s, latency_s, arriving, first_and_last
):
    way = star(fleet).route(source, target)
    assert way == Way(
        links, pytest.approx(latency_s, rel=1e-12), bytes_per_s, pytest.approx(arriving), *first_and_last
    )
    assert way.loss == pytest.approx(1 - arriving)
    assert way.inner is None


def test_a_way_is_found_once(fleet):
    topology = star(fleet)
    assert topology.route(0, SERVER_ID) is topology.route(0, SERVER_ID)


def test_impossible_routes_are_refused(fleet):
    with pytest.raises(ValueError, match="route from device 1 to itself; source and target must differ"):
        star(fleet).route(1, 1)
    with pytest.raises(ValueError, match=r"no device has the id 7; allowed: -1 \(server\) and 0 to 1"):
        star(fleet).route(0, 7)


def test_an_edge_server_hangs_on_the_hub_as_any_device_does():
    fleet = build_fleet(FleetOptions(clients=[{"profile": "paper-1", "count": 2}]), np.random.default_rng(0))
    edge = load_profile("server-small")  # 9 Gbit/s, 1 ms
    topology = star(fleet.with_edges(edge, 1))
    assert [link.name for link in topology.links[-2:]] == ["edge-0 up", "edge-0 down"]
    assert topology.route(0, 2) == Way((2, 7), 1e-3, 50e6, 1.0, 50e6, 1.125e9)
    assert topology.route(2, SERVER_ID).bytes_per_s == 1e9


def test_another_fleet_gets_the_same_backbone(fleet):
    cells = Topology(fleet, CellsTopology(cells=2).backbone())
    larger = cells.of_fleet(fleet.with_edges(load_profile("server-small"), 3))
    assert larger.backbone is cells.backbone
    assert len(larger.links) == len(cells.links) + 6
    # The backbone's links follow those of all devices.
    assert [link.name for link in larger.links[-4:]] == [
        "cell-0 up",
        "cell-0 down",
        "cell-1 up",
        "cell-1 down",
    ]
    assert larger.links[larger.route(0, SERVER_ID).links[1]].name == "cell-0 up"


@pytest.mark.parametrize(
    ("written", "options"),
    [
        ({}, StarTopology()),
        ({"kind": "star"}, StarTopology()),
        (
            {"kind": "cells", "cells": 3, "uplink": "8 Mbit/s", "latency": "3 ms", "loss": 0.1},
            CellsTopology.model_construct(
                kind="cells",
                cells=3,
                uplink=1e6,
                downlink=100e6,
                latency=0.003,
                loss=0.1,
                assign="interleaved",
            ),
        ),
        ({"kind": "tiers", "edges": 2}, TiersTopology(edges=2)),
        ({"kind": "file", "path": "a.GraphML"}, FileTopology(path="a.GraphML")),
    ],
)
def test_a_topology_is_chosen_by_its_kind(written, options):
    chosen = OPTIONS.validate_python(written)
    assert chosen == options
    assert OPTIONS.validate_python(OPTIONS.dump_python(chosen, mode="json")) == chosen


@pytest.mark.parametrize(
    ("written", "place", "words"),
    [
        (
            {"kind": "cell"},
            ("kind",),
            "no topology is called 'cell'; allowed: star, cells, tiers, file; did you",
        ),
        ({"kind": ["star"]}, ("kind",), "no topology is called"),
        ("star", (), "'star' is no topology; allowed: a mapping such as {kind: star}"),
        ("cells", (), "'cells' is no topology; allowed: a mapping such as {kind: cells}"),
        ("mesh", (), "'mesh' is no topology; allowed: a mapping such as {kind: star}"),
        (
            {"kind": "cells", "uplink": "1e50 B/s"},
            ("uplink",),
            "'1e50 B/s' is too large; a data rate must be",
        ),
        (
            {"kind": "tiers", "downlink": "1e-9 B/s"},
            ("downlink",),
            "'1e-9 B/s' is too small; a data rate must",
        ),
        (
            {"kind": "tiers", "latency": "1e300 s"},
            ("latency",),
            "'1e300 s' is too large; a time must be from 0",
        ),
        ({"kind": "cells", "uplink": 5}, ("uplink",), "5 has no unit; write a quantity such as '50 MB/s'"),
        ({"kind": "cells", "latency": 0.1}, ("latency",), "0.1 has no unit"),
        ({"kind": "cells", "loss": 1.0}, ("loss",), "less than 1"),
        ({"kind": "tiers", "loss": -0.1}, ("loss",), "greater than or equal to 0"),
        ({"kind": "tiers", "edges": 0}, ("edges",), "greater than or equal to 1"),
        ({"kind": "tiers", "cells": 2}, ("cells",), "Extra inputs"),
        ({"kind": "file"}, ("path",), "Field required"),
        ({"kind": "file", "path": "a.txt"}, ("path",), "'a.txt'; allowed: the path of a file that ends in"),
    ],
)
def test_wrong_options_are_refused_at_their_key(written, place, words):
    with pytest.raises(ValidationError) as caught:
        OPTIONS.validate_python(written)
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert words in error["msg"]


def test_a_star_costs_nothing_until_it_is_used():
    fleet = build_fleet(
        FleetOptions(clients=[{"profile": "paper-1", "count": 20_000}]), np.random.default_rng(0)
    )
    topology = star(fleet)
    assert "links" not in vars(topology)
    assert "graph" not in vars(topology)
    assert topology.route(19_999, SERVER_ID).links == (40_000, 1)
    assert not math.isinf(topology.route(19_999, 5).bytes_per_s)
