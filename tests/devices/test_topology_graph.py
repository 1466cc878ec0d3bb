"""Topologies from files: where devices hang, the ways between them, and what is refused."""

import itertools
import os
import subprocess
import sys
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest

from devices.fleet import SERVER_ID, FleetOptions, build_fleet
from devices.graph_file import Edge
from devices.profile import load_profile
from devices.topology import Topology, TopologyError
from devices.topology_graph import GraphBackbone
from devices.topology_options import FileTopology

LAB = """source,target,rate,latency,loss
server,core,1 GB/s,1 ms,
core,ap-0,20 MB/s,2 ms,0.1
core,ap-1,30 MB/s,3 ms,0.2
ap-0,ap-1,5 MB/s,1 ms,
ap-1,client-0,40 MB/s,7 ms,
"""


def fleet_of(clients, edge_servers=0):
    options = {
        "server": {
            "profile": "paper-server",
            "uplink": "400 MB/s",
            "downlink": "200 MB/s",
            "latency": "1 ms",
        },
        "clients": [
            {
                "profile": "paper-1",
                "uplink": "100 MB/s",
                "downlink": "300 MB/s",
                "latency": "4 ms",
                "count": clients,
            }
        ],
    }
    fleet = build_fleet(FleetOptions.model_validate(options), np.random.default_rng(0))
    return fleet.with_edges(load_profile("server-small"), edge_servers)


@pytest.fixture
def topology(tmp_path):
    def build(text=LAB, clients=3, edge_servers=0, **options):
        (tmp_path / "lab.csv").write_text(text)
        backbone = FileTopology(path="lab.csv", **options).backbone(tmp_path)
        return Topology(fleet_of(clients, edge_servers), backbone)

    return build


@pytest.fixture
def refused(topology):
    def refusal(*args, **options):
        with pytest.raises(TopologyError) as caught:
            topology(*args, **options)
        return caught.value.key_path, str(caught.value)

    return refusal


def edge(source, target, latency_s=1.0, directed=False, place="here"):
    return Edge(source, target, 1e6, latency_s, 0.0, directed, place)


def names(topology, source, target):
    return [topology.links[number].name for number in topology.route(source, target).links]


def test_devices_hang_on_the_nodes_of_their_names_and_the_rest_where_they_are_dealt(topology):
    lab = topology(clients=4, attach=["ap-0", "ap-1"])
    assert [lab.router_of(device.id) for device in lab.fleet.devices] == [
        "server",
        "client-0",
        "ap-0",
        "ap-1",
        "ap-0",
    ]


def test_a_way_is_the_one_of_least_latency(topology):
    lab = topology(attach=["ap-0", "ap-1"])
    up = lab.route(0, SERVER_ID)
    assert names(lab, 0, SERVER_ID) == [
        "client-0 up",
        "client-0 -> ap-1",
        "ap-1 -> core",  # as long as over ap-0, but one link less
        "core -> server",
        "server down",
    ]
    assert up.latency_s == pytest.approx(0.004 + 0.007 + 0.003 + 0.001 + 0.001, rel=1e-12)
    assert up.loss == pytest.approx(0.2)
    assert (up.bytes_per_s, up.inner) == (30e6, "ap-1 -> core")
    # Between clients the way is as short as can be: client 1 hangs on ap-0, client 2 on ap-1.
    assert names(lab, 1, 2) == ["client-1 up", "ap-0 -> ap-1", "client-2 down"]
    assert names(lab, SERVER_ID, 1) == ["server up", "server -> core", "core -> ap-0", "client-1 down"]


def test_the_links_follow_those_of_the_devices_in_the_order_of_the_file(topology):
    lab = topology(clients=1)
    assert [link.name for link in lab.links[:8]] == [
        "server up",
        "server down",
        "client-0 up",
        "client-0 down",
        "server -> core",
        "core -> server",
        "core -> ap-0",
        "ap-0 -> core",
    ]
    assert lab.links[6].bytes_per_s == 20e6
    assert lab.links[6].loss == 0.1


def test_one_way_edges_make_ways_there_and_back_differ(topology):
    ring = "source,target,rate,latency\nserver,client-0,1 MB/s,1 ms\nclient-0,client-1,1 MB/s,1 ms\n"
    lab = topology(ring + "client-1,server,1 MB/s,1 ms\n", clients=2, directed=True)
    assert names(lab, SERVER_ID, 1) == [
        "server up",
        "server -> client-0",
        "client-0 -> client-1",
        "client-1 down",
    ]
    assert names(lab, 1, SERVER_ID) == ["client-1 up", "client-1 -> server", "server down"]


def test_edge_servers_have_nodes_too(topology):
    lab = topology(LAB + "edge-0,ap-0,1 GB/s,0 s,\n", edge_servers=1, attach=["ap-0"])
    assert names(lab, 2, 3) == ["client-2 up", "ap-0 -> edge-0", "edge-0 down"]
    assert names(lab, 3, 0) == [
        "edge-0 up",
        "edge-0 -> ap-0",
        "ap-0 -> ap-1",
        "ap-1 -> client-0",
        "client-0 down",
    ]


def test_the_file_need_not_name_only_devices_that_there_are(topology):
    assert topology(clients=1).route(0, SERVER_ID).links
    assert topology(LAB + "client-7,ap-0,1 GB/s,0 s,\n", clients=1).route(0, SERVER_ID).links


@pytest.mark.parametrize(
    ("options", "key_path", "message"),
    [
        (
            {"clients": 3},
            "topology.path",
            "lab.csv has no node for client-1, client-2; allowed: a node of its name for every device, "
            "or attach: [NODE, ...] for clients without one",
        ),
        (
            {"clients": 9},
            "topology.path",
            "lab.csv has no node for client-1, client-2, client-3, client-4, client-5 and 3 more; allowed:",
        ),
        (
            {"edge_servers": 1, "attach": ["ap-0"]},
            "topology.path",
            "lab.csv has no node for edge-0; allowed:",
        ),
        (
            {"text": LAB.replace("server", "cloud"), "attach": ["ap-0"]},
            "topology.path",
            "lab.csv has no node for server; allowed:",
        ),
        (
            {"attach": ["ap-0", "ap-2"]},
            "topology.attach.1",
            "lab.csv has no node 'ap-2'; did you mean 'ap-1'? allowed: its nodes, such as 'server'",
        ),
        (
            {"text": LAB + "ap-1,core,1 MB/s,1 s,\n"},
            "topology.path",
            "lab.csv:7: a second link from 'ap-1' to 'core', after lab.csv:4; allowed: one link in each direction",
        ),
        (
            {"text": LAB + "client-1,ap-9,1 MB/s,1 s,\n", "clients": 2},
            "topology.path",
            "lab.csv has no way from client-1 to server; allowed: links that join every device to the server both",
        ),
        (
            {
                "text": "source,target,rate,latency\nclient-0,server,1 B/s,0 s\nclient-1,server,1 B/s,0 s\n",
                "clients": 2,
                "directed": True,
            },
            "topology.path",
            "lab.csv has no way from server to client-0, client-1; allowed:",
        ),
        (
            {"text": LAB + "x,y,3,1 s,\n"},
            "topology.path",
            "lab.csv:7: rate: 3 has no unit; write a quantity such as '50 MB/s'",
        ),
    ],
)
def test_what_cannot_be_a_network_of_the_fleet_is_refused(refused, options, key_path, message):
    at, told = refused(**options)
    assert at == key_path
    assert told.startswith(message)


def test_graphml_says_itself_which_way_its_edges_lead(tmp_path):
    with pytest.raises(
        TopologyError, match="true for a GraphML file, which says it itself; allowed: to leave"
    ):
        FileTopology(path="lab.graphml", directed=True).backbone(tmp_path)


def test_a_path_that_is_not_absolute_counts_from_the_folder_given(tmp_path):
    with pytest.raises(TopologyError, match=r"labs/none.csv cannot be read \(no such file"):
        FileTopology(path="labs/none.csv").backbone(tmp_path)


def test_ties_are_broken_by_fewer_links_and_then_by_the_file():
    # 0.1 + 0.2 and 0.3 are not the same floats, but the same latencies.
    detour = [edge("a", "m", 0.1), edge("m", "b", 0.2), edge("a", "b", 0.3)]
    assert GraphBackbone(detour, (), "x").path("a", "b") == (4,)
    square = [edge("a", "p"), edge("a", "q"), edge("q", "b"), edge("p", "b")]
    assert GraphBackbone(square, (), "x").path("a", "b") == (2, 4)  # over q, whose link into b comes first
    assert GraphBackbone(square[::-1], (), "x").path("a", "b") == (6, 0)
    assert GraphBackbone(square, (), "x").path("a", "a") == ()


def best_by_enumeration(edges, source, target):
    """The least (latency, links) of all simple ways, with exact latencies."""
    graph = nx.DiGraph()
    for one in edges:
        graph.add_edge(one.source, one.target, latency=Fraction(str(one.latency_s)))
        if not one.directed:
            graph.add_edge(one.target, one.source, latency=Fraction(str(one.latency_s)))
    ways = nx.all_simple_paths(graph, source, target)
    return min(
        (
            (sum(graph.edges[step]["latency"] for step in itertools.pairwise(way)), len(way) - 1)
            for way in ways
        ),
        default=None,
    )


@pytest.mark.parametrize("seed", range(20))
def test_ways_are_the_best_of_all_there_are(seed):
    rng = np.random.default_rng(seed)
    nodes = ["server", "edge-0", "a", "b", "c", "d"]
    edges = []
    for source, target in itertools.combinations(nodes, 2):
        if rng.random() < 0.6:
            ends = (source, target) if rng.random() < 0.5 else (target, source)
            edges.append(edge(*ends, float(rng.integers(0, 4)) / 10, directed=bool(rng.random() < 0.4)))
    backbone = GraphBackbone(edges, (), "x")
    links = [wire.link for wire in backbone.wires]
    known = {wire.source for wire in backbone.wires} | {wire.target for wire in backbone.wires}
    for source, target in itertools.permutations(sorted(known), 2):
        best = best_by_enumeration(edges, source, target)
        if best is None:
            continue
        path = backbone.path(source, target)
        latency = sum(Fraction(str(links[number].latency_s)) for number in path)
        assert (latency, len(path)) == best
        walk = [backbone.wires[number] for number in path]
        assert walk[0].source == source
        assert walk[-1].target == target
        assert all(one.target == two.source for one, two in itertools.pairwise(walk))


def test_ways_do_not_depend_on_the_order_of_hashes(tmp_path):
    rows = ["source,target,rate,latency", "server,r-0,1 MB/s,1 ms"]
    rows += [f"r-{one},r-{two},1 MB/s,1 ms" for one in range(6) for two in range(one)]
    rows += [f"r-{number},client-{number},1 MB/s,1 ms" for number in range(6)]
    (tmp_path / "mesh.csv").write_text("\n".join(rows))
    code = (
        "import numpy as np\n"
        "from devices.fleet import FleetOptions, build_fleet\n"
        "from devices.topology import Topology\n"
        "from devices.topology_options import FileTopology\n"
        "options = FleetOptions(clients=[{'profile': 'paper-1', 'count': 6}])\n"
        "fleet = build_fleet(options, np.random.default_rng(0))\n"
        "mesh = Topology(fleet, FileTopology(path='mesh.csv').backbone())\n"
        "print([mesh.route(a, b).links for a in range(-1, 6) for b in range(-1, 6) if a != b])\n"
    )
    root = os.pathsep.join(sys.path)
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
