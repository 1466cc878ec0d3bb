"""Network models: pace, loss, weights, and topologies in scenarios."""

import math

import numpy as np
import pytest
from small_worlds import fleet_of, profile

from devices.fleet import SERVER_ID
from devices.topology import HUB
from models.split import PayloadKind
from scenarios.load import ScenarioError
from simulator import registry
from simulator.explanation.answer import explain
from simulator.explanation.legs import Bound, Limit, message_bound
from simulator.explanation.text import explanation_text
from simulator.kernel.network import (
    DedicatedNetwork,
    IdealNetwork,
    MaxminNetwork,
    Network,
    Pace,
    PaperNetwork,
)
from simulator.setting import make_setting

FLEET = "devices: {clients: [{profile: paper-1, count: 4}]}\n"


def maxmin(**topology):
    return MaxminNetwork.model_validate({"topology": topology})


def lossy_fleet():
    server = profile("hub", uplink_bytes_per_s=100.0, downlink_bytes_per_s=50.0, latency_s=0.5, loss=0.5)
    slow = profile("slow", uplink_bytes_per_s=20.0, downlink_bytes_per_s=400.0, latency_s=0.25, loss=0.2)
    fast = profile("fast", uplink_bytes_per_s=80.0, downlink_bytes_per_s=25.0, share_weight=3.0)
    return fleet_of(server, slow, fast)


def drawn_fleet(seed, loss):
    rng = np.random.default_rng(seed)

    def drawn(name):
        return profile(
            name,
            uplink_bytes_per_s=10 ** rng.uniform(0, 9),
            downlink_bytes_per_s=10 ** rng.uniform(0, 9),
            latency_s=rng.uniform(0, 1),
            loss=rng.uniform(0, 0.9) if loss else 0.0,
        )

    return fleet_of(drawn("server"), *(drawn(f"c{number}") for number in range(5)))


@pytest.mark.parametrize("loss", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_a_message_alone_on_a_star_is_as_fast_as_on_links_of_its_own(seed, loss):
    fleet = drawn_fleet(seed, loss)
    shared, own = Network(fleet, maxmin(kind="star")), Network(fleet, DedicatedNetwork())
    ids = [device.id for device in fleet.devices]
    for source in ids:
        for target in ids:
            if source != target:
                assert shared.pace(source, target) == own.pace(source, target)


def test_loss_lowers_the_rate_at_which_bytes_arrive():
    fleet = lossy_fleet()
    for options in (DedicatedNetwork(), MaxminNetwork()):
        network = Network(fleet, options)
        up = network.pace(0, SERVER_ID)
        assert up == Pace(0.75, pytest.approx(20.0 * 0.8 * 0.5), "sender")
        assert network.seconds(0, SERVER_ID, 100.0) == pytest.approx(0.75 + 100 / (20 * 0.4))
        assert network.wire_bytes(0, SERVER_ID, 100.0) == pytest.approx(100 / 0.4)
        assert network.wire_bytes(0, 1, 100.0) == pytest.approx(100 / 0.8)


def test_ideal_and_paper_know_no_loss():
    for options in (IdealNetwork(), PaperNetwork()):
        assert Network(lossy_fleet(), options).wire_bytes(0, SERVER_ID, 100.0) == 100.0
    assert Network(lossy_fleet(), IdealNetwork()).seconds(0, SERVER_ID, 100.0) == 0.75
    assert Network(lossy_fleet(), PaperNetwork()).seconds(0, SERVER_ID, 100.0) == 5.0


def test_only_maxmin_shares_and_only_paper_asks_the_sender_alone():
    networks = [
        Network(lossy_fleet(), options())
        for options in (IdealNetwork, DedicatedNetwork, MaxminNetwork, PaperNetwork)
    ]
    assert [network.shares for network in networks] == [False, False, True, False]
    assert [network.asks_sender_alone for network in networks] == [False, False, False, True]
    assert all(network.topology.router_of(0) == HUB for network in networks)
    assert all(network.way(1, SERVER_ID).links == (4, 1) for network in networks)


def test_a_link_between_the_devices_may_be_the_narrowest():
    network = Network(lossy_fleet(), maxmin(kind="cells", cells=2, uplink="10 B/s", latency="1 s", loss=0.5))
    assert network.pace(0, SERVER_ID) == Pace(1.75, pytest.approx(10 * 0.2), "inner", "cell-0 up")
    assert network.pace(SERVER_ID, 1).narrowest == "receiver"
    assert network.wire_bytes(0, SERVER_ID, 100.0) == pytest.approx(500.0)


def test_the_weight_is_that_of_the_client_and_of_the_sender_between_two():
    edge = profile("edge", share_weight=7.0)
    network = Network(lossy_fleet().with_edges(edge, 2), MaxminNetwork())
    assert network.weight(1, SERVER_ID) == network.weight(SERVER_ID, 1) == 3.0
    assert (network.weight(1, 0), network.weight(0, 1)) == (3.0, 1.0)
    assert network.weight(1, 2) == network.weight(2, 1) == 3.0
    assert network.weight(SERVER_ID, 3) == network.weight(3, SERVER_ID) == network.weight(2, 3) == 7.0


def test_the_network_of_another_fleet_has_the_same_model_and_backbone():
    network = Network(lossy_fleet(), maxmin(kind="cells"))
    other = network.of_fleet(drawn_fleet(0, loss=False))
    assert other.shares
    assert other.topology.backbone is network.topology.backbone
    assert other.topology.router_of(4) == "cell-0"


def test_explanations_name_the_link_between_the_devices():
    inner = Pace(0.5, 8.0, "inner", "cell-0 up")
    bound = message_bound(inner, 4, SERVER_ID, 16.0)
    assert bound == Bound(Limit.INNER, None, 16.0, 8.0, 0.5, "cell-0 up")


def test_explain_says_which_shared_link_bounds_a_message(tmp_path):
    path = tmp_path / "cells.yaml"
    path.write_text(FLEET + "network: {model: maxmin, topology: {kind: cells, uplink: 1 MB/s}}\n")
    answer = explain(path, client=0)
    sent = [leg for leg in answer["client"]["legs"] if leg["what"] == f"send {PayloadKind.ACTIVATION}"]
    assert {leg["bound"] for leg in sent} == {"link cell-0 up"}
    assert "1.00 MB/s link cell-0 up" in explanation_text(answer)


def test_a_scenario_builds_its_topology(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(FLEET + "network: {model: maxmin, topology: {kind: file, path: lab.csv, attach: [ap]}}\n")
    (tmp_path / "lab.csv").write_text("source,target,rate,latency\nserver,ap,1 MB/s,1 ms\n")
    network = make_setting(registry.load(str(path))).network
    assert network.shares
    assert network.pace(0, SERVER_ID).inner == "ap -> server"
    assert math.isfinite(network.seconds(SERVER_ID, 3, 1e6))


@pytest.mark.parametrize(
    ("topology", "starts", "holds"),
    [
        (
            "{kind: cell}",
            "s.yaml:2:43: network.topology.kind: no topology is called 'cell'; allowed: star,",
            "did you",
        ),
        ("star", "s.yaml:2:36: network.topology: 'star' is no topology; ", "{kind: star}"),
        ("{cells: 3}", "s.yaml:2:37: network.topology.cells: unknown key; allowed: kind", ""),
        ("{kind: cells, uplink: 5}", "s.yaml:2:58: network.topology.uplink: 5 has no unit; ", "50 MB/s"),
        (
            "{kind: cells, loss: 1.0}",
            "s.yaml:2:56: network.topology.loss: 1.0; allowed: a number of",
            "below 1",
        ),
        (
            "{kind: tiers, uplinks: 5 MB/s}",
            "s.yaml:2:50: network.topology.uplinks: unknown key; ",
            "'uplink'?",
        ),
        ("{kind: file}", "s.yaml:2:36: network.topology.path: missing; ", "lab.graphml"),
        ("{kind: file, path: none.csv}", "s.yaml:2:55: network.topology.path: ", "cannot be read"),
        (
            "{kind: file, path: lab.csv}",
            "s.yaml:2:55: network.topology.path: ",
            "has no node for client-0, client-1",
        ),
        (
            "{kind: file, path: lab.csv, attach: [ap, aps]}",
            "s.yaml:2:77: network.topology.attach.1: ",
            "has no node 'aps'; did you mean 'ap'?",
        ),
    ],
)
def test_a_wrong_topology_is_an_error_of_the_scenario(tmp_path, monkeypatch, topology, starts, holds):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(FLEET + f"network: {{model: maxmin, topology: {topology}}}\n")
    (tmp_path / "lab.csv").write_text("source,target,rate,latency\nserver,ap,1 MB/s,1 ms\n")
    with pytest.raises(ScenarioError) as caught:
        make_setting(registry.load("s.yaml"))
    (line,) = str(caught.value).splitlines()
    assert line.startswith(starts)
    assert holds in line
