"""Cells and tiers: ways by hand."""

import itertools
from collections import Counter

import numpy as np
import pytest

from devices.fleet import SERVER_ID, FleetOptions, build_fleet
from devices.profile import load_profile
from devices.topology import Topology
from devices.topology_options import CellsTopology, TiersTopology

CELLS = {"cells": 2, "uplink": "3 MB/s", "downlink": "6 MB/s", "latency": "10 ms", "loss": 0.5}
TIERS = {"edges": 2, "uplink": "4 MB/s", "downlink": "5 MB/s", "latency": "20 ms"}


def fleet_of(clients):
    options = {
        "server": {"profile": "paper-server", "uplink": "40 MB/s", "downlink": "20 MB/s", "latency": "1 ms"},
        "clients": [
            {
                "profile": "paper-1",
                "uplink": "4 MB/s",
                "downlink": "8 MB/s",
                "latency": "2 ms",
                "loss": 0.2,
                "count": clients,
            }
        ],
    }
    return build_fleet(FleetOptions.model_validate(options), np.random.default_rng(0))


def cells(clients=5, **options):
    return Topology(fleet_of(clients), CellsTopology.model_validate(CELLS | options).backbone())


def tiers(clients=5, edge_servers=0, **options):
    fleet = fleet_of(clients).with_edges(load_profile("server-small"), edge_servers)
    return Topology(fleet, TiersTopology.model_validate(TIERS | options).backbone())


def names(topology, source, target):
    return [topology.links[number].name for number in topology.route(source, target).links]


def test_the_clients_of_a_cell_share_its_links_to_and_from_the_hub():
    topology = cells()
    assert names(topology, 0, SERVER_ID) == ["client-0 up", "cell-0 up", "server down"]
    assert names(topology, 3, SERVER_ID) == ["client-3 up", "cell-1 up", "server down"]
    assert names(topology, SERVER_ID, 4) == ["server up", "cell-0 down", "client-4 down"]
    assert [link.name for link in topology.inner_links] == [
        "cell-0 up",
        "cell-0 down",
        "cell-1 up",
        "cell-1 down",
    ]
    assert topology.route(0, SERVER_ID).links == (2, 12, 1)


def test_between_clients_the_way_leads_over_cells_and_hub_but_never_the_server():
    topology = cells()
    assert names(topology, 0, 1) == ["client-0 up", "cell-0 up", "cell-1 down", "client-1 down"]
    assert names(topology, 0, 2) == ["client-0 up", "client-2 down"]


def test_a_way_over_cells_adds_latencies_and_multiplies_what_arrives():
    topology = cells()
    up = topology.route(0, SERVER_ID)
    assert up.latency_s == pytest.approx(0.013, rel=1e-12)
    assert up.loss == pytest.approx(1 - 0.8 * 0.5)
    assert (up.bytes_per_s, up.uplink_bytes_per_s, up.downlink_bytes_per_s) == (3e6, 4e6, 20e6)
    across = topology.route(0, 1)
    assert across.latency_s == pytest.approx(0.024, rel=1e-12)
    assert across.loss == pytest.approx(1 - 0.8 * 0.5 * 0.5 * 0.8)
    assert topology.route(0, 2).loss == pytest.approx(1 - 0.8 * 0.8)


@pytest.mark.parametrize(
    ("uplink", "rate", "inner"),
    [("3 MB/s", 3e6, "cell-0 up"), ("4 MB/s", 4e6, "cell-0 up"), ("5 MB/s", 4e6, None)],
)
def test_a_way_tells_the_inner_link_that_is_as_narrow_as_either_end(uplink, rate, inner):
    way = cells(uplink=uplink).route(0, SERVER_ID)
    assert (way.bytes_per_s, way.inner) == (rate, inner)


@pytest.mark.parametrize(
    ("assign", "expected"),
    [
        ("interleaved", ["cell-0", "cell-1", "cell-2", "cell-0", "cell-1"]),
        ("blocks", ["cell-0", "cell-0", "cell-1", "cell-1", "cell-2"]),
    ],
)
def test_clients_are_dealt_to_cells(assign, expected):
    topology = cells(cells=3, assign=assign)
    assert [topology.router_of(client) for client in range(5)] == expected
    assert topology.router_of(SERVER_ID) == "hub"


@pytest.mark.parametrize("assign", ["interleaved", "blocks"])
@pytest.mark.parametrize("clients", [1, 6, 7, 10, 11])
def test_cells_differ_by_one_client_at_most(assign, clients):
    topology = cells(clients, cells=4, assign=assign)
    sizes = Counter(topology.router_of(client) for client in range(clients))
    assert sum(sizes.values()) == clients
    assert max(sizes.values()) - min(sizes[f"cell-{cell}"] for cell in range(4)) <= 1


def test_edge_servers_hang_on_the_hub_of_cells():
    fleet = fleet_of(2).with_edges(load_profile("server-small"), 2)
    topology = Topology(fleet, CellsTopology.model_validate(CELLS).backbone())
    assert names(topology, 1, 3) == ["client-1 up", "cell-1 up", "edge-1 down"]


def test_tiers_lead_from_the_device_over_its_edge_site_to_the_cloud():
    topology = tiers()
    assert names(topology, 3, SERVER_ID) == ["client-3 up", "edge-site-1 up", "server down"]
    assert names(topology, SERVER_ID, 0) == ["server up", "edge-site-0 down", "client-0 down"]
    assert topology.route(3, SERVER_ID).latency_s == pytest.approx(0.023, rel=1e-12)


def test_edge_servers_stand_at_the_sites_so_that_their_clients_stay_below_the_backhaul():
    topology = tiers(clients=5, edge_servers=3)  # edge servers have the ids 5, 6, 7
    assert [topology.router_of(edge) for edge in (5, 6, 7)] == ["edge-site-0", "edge-site-1", "edge-site-0"]
    assert names(topology, 0, 5) == ["client-0 up", "edge-0 down"]
    assert names(topology, 6, 3) == ["edge-1 up", "client-3 down"]
    assert names(topology, 0, 6) == ["client-0 up", "edge-site-0 up", "edge-site-1 down", "edge-1 down"]
    assert names(topology, 7, SERVER_ID) == ["edge-2 up", "edge-site-0 up", "server down"]


def test_the_graph_holds_all_links_and_finds_the_same_ways():
    topology = tiers(clients=3, edge_servers=2)
    graph = topology.graph
    assert {data["name"] for _, _, data in graph.edges(data=True)} == {link.name for link in topology.links}
    assert graph.edges["edge-site-0", "cloud"] == {
        "name": "edge-site-0 up",
        "bytes_per_s": 4e6,
        "latency_s": 0.02,
        "loss": 0.0,
    }
    walk = [0, "edge-site-0", "cloud", "edge-site-1", 4]
    assert [graph.edges[step]["name"] for step in itertools.pairwise(walk)] == names(topology, 0, 4)
