"""The star network and the routes through it."""

import numpy as np
import pytest

from devices.fleet import SERVER_ID, FleetOptions, build_fleet
from devices.profile import load_profile
from devices.topology import HUB, Route, route, star


@pytest.fixture
def graph():
    options = {
        "server": {"profile": "paper-server", "uplink": "40 MB/s", "downlink": "20 MB/s", "latency": "1 ms"},
        "clients": [
            {"profile": "paper-1", "uplink": "10 MB/s", "downlink": "30 MB/s", "latency": "2 ms"},
            {"profile": "paper-1", "uplink": "50 MB/s", "downlink": "60 MB/s", "latency": "4 ms"},
        ],
    }
    return star(build_fleet(FleetOptions.model_validate(options), np.random.default_rng(0)))


def test_every_device_hangs_on_the_hub_by_two_links(graph):
    assert set(graph.nodes) == {HUB, SERVER_ID, 0, 1}
    assert graph.number_of_edges() == 6
    assert graph.edges[0, HUB] == {"bytes_per_s": 10e6, "latency_s": 0.002}
    assert graph.edges[HUB, 0] == {"bytes_per_s": 30e6, "latency_s": 0.002}


@pytest.mark.parametrize(
    ("source", "target", "bytes_per_s", "latency_s", "first_and_last"),
    [
        (0, SERVER_ID, 10e6, 0.003, (10e6, 20e6)),  # the client's uplink is the slower link
        (1, SERVER_ID, 20e6, 0.005, (50e6, 20e6)),  # the server's downlink is
        (SERVER_ID, 0, 30e6, 0.003, (40e6, 30e6)),  # the client's downlink is
        (SERVER_ID, 1, 40e6, 0.005, (40e6, 60e6)),  # the server's uplink is
        (0, 1, 10e6, 0.006, (10e6, 60e6)),
    ],
)
def test_a_route_is_as_fast_as_its_slowest_link_and_adds_the_latencies(
    graph, source, target, bytes_per_s, latency_s, first_and_last
):
    found = route(graph, source, target)
    assert found == Route(bytes_per_s, pytest.approx(latency_s, rel=1e-12), *first_and_last)


def test_impossible_routes_are_refused(graph):
    with pytest.raises(ValueError, match="route from device 1 to itself; source and target must differ"):
        route(graph, 1, 1)
    with pytest.raises(ValueError, match="no device 7 in the network; allowed: -1 to 1"):
        route(graph, 0, 7)


def test_an_edge_server_hangs_on_the_hub_as_any_device_does():
    fleet = build_fleet(FleetOptions(clients=[{"profile": "paper-1", "count": 2}]), np.random.default_rng(0))
    edge = load_profile("server-small")  # 9 Gbit/s, 1 ms
    graph = star(fleet.with_edges(edge, 1))
    assert set(graph.nodes) == {HUB, SERVER_ID, 0, 1, 2}
    assert route(graph, 0, 2) == Route(50e6, 1e-3, 50e6, 1.125e9)
    assert route(graph, 2, SERVER_ID).bytes_per_s == 1e9
