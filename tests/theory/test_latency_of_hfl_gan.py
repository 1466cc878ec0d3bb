"""The time after HFL-GAN: closed form, events, and the sums of its description agree."""

import pytest
from closed_forms import (
    PAPER_DEVICES,
    PAPER_FLEET,
    PAPER_SERVER,
    PAPER_WORK,
    Machine,
    dedicated_s,
    devices_text,
    exact_work,
    fleets,
    machines,
    network_bytes,
    paper_s,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.timing_only import latency, plan_from_sizes

EXACT = 1e-9
STEPS = 3
PAPER_MODELS = "cost_model: paper\nnetwork: {model: paper}\n"
SERVER_SMALL = Machine(rate=768e9, up=1.125e9, down=1.125e9, latency_s=1e-3)
"""The catalogue's edge server: 9 Gbit/s either way, 1 ms."""


def strategy(**options) -> str:
    given_options = "".join(f", {key}: {value}" for key, value in options.items())
    return f"strategy: {{name: hfl_gan, steps_per_round: {STEPS}{given_options}}}\n"


def step_flops(work):
    making, judging = work.g_forward + work.g_backward, work.d_forward + work.d_backward
    return 2 * making + 3 * judging + 2 * (work.d_forward + work.d_input_gradient)


def round_end_s(server, edge, clients, message_s, edges, cloud_every):
    """All three networks to the edge and back; every so often the global generator to the cloud and back."""
    g, d = network_bytes()
    up_s = max(message_s(one, edge, 2 * g + d) for one in clients)
    down_s = max(message_s(edge, one, 2 * g + d) for one in clients)
    most_members = -(-len(clients) // edges)
    report_s = message_s(edge, server, g + 64 * 4 * most_members)
    return up_s + down_s + (report_s + message_s(server, edge, g)) / cloud_every


def check(path, work, clients, end_s):
    steps_s = [step_flops(work) / one.rate for one in clients]
    for engine in ("formula", "events"):
        answer = latency(path, engine=engine)
        assert answer["iteration_latency_s"] == pytest.approx(max(steps_s), rel=EXACT)
        assert answer["round_latency_s"] == pytest.approx(STEPS * max(steps_s) + end_s, rel=EXACT)
        assert [one["name"] for one in answer["phases"]] == ["local_step"]
        assert [one["id"] for one in answer["clients"]] == list(range(len(clients)))
        for told, own_s in zip(answer["clients"], steps_s, strict=True):
            assert told["compute_s"] == pytest.approx(own_s, rel=EXACT)
    return answer


def test_the_paper_fleet_under_the_authors_counts(tmp_path):
    path = tmp_path / "hfl.yaml"
    path.write_text(PAPER_DEVICES + PAPER_MODELS + strategy())
    end_s = round_end_s(PAPER_SERVER, SERVER_SMALL, PAPER_FLEET, paper_s, edges=4, cloud_every=2)
    answer = check(path, PAPER_WORK, PAPER_FLEET, end_s)
    assert answer["clients"][0]["compute_s"] == pytest.approx(453, abs=0.5)


@pytest.mark.parametrize("cloud_every", [1, 5])
def test_the_paper_fleet_on_dedicated_links_with_exact_counts(cloud_every, tmp_path):
    path = tmp_path / "hfl.yaml"
    path.write_text(PAPER_DEVICES + strategy(batch_size=20, edges=7, cloud_every=cloud_every))
    end_s = round_end_s(PAPER_SERVER, SERVER_SMALL, PAPER_FLEET, dedicated_s, 7, cloud_every)
    check(path, exact_work(20), PAPER_FLEET, end_s)


@settings(max_examples=10, deadline=None)
@given(fleet=fleets, edge=machines(), edges=st.integers(1, 6), cloud_every=st.integers(1, 3))
def test_any_fleet(fleet, edge, edges, cloud_every, tmp_path_factory):
    server, clients = fleet
    edges = min(edges, len(clients))
    folder = tmp_path_factory.mktemp("hfl")
    (folder / "edge.yaml").write_text(
        "kind: server\ndescription: any\n"
        f"measured_flops_per_s: {{value: {edge.rate:.0f} FLOP/s, source: assumed}}\n"
        f"uplink: {{value: {edge.up:.0f} B/s, source: assumed}}\n"
        f"downlink: {{value: {edge.down:.0f} B/s, source: assumed}}\n"
        f"latency: {{value: {edge.latency_s * 1e3:.0f} ms, source: assumed}}\n"
    )
    options = {"edge": "./edge.yaml", "edges": edges, "cloud_every": cloud_every, "batch_size": 20}
    path = folder / "hfl.yaml"
    path.write_text(devices_text(server, clients) + strategy(**options))
    end_s = round_end_s(server, edge, clients, dedicated_s, edges, cloud_every)
    check(path, exact_work(20), clients, end_s)


def test_a_stop_of_the_scenario_does_not_shorten_the_period_that_is_played(tmp_path):
    path = tmp_path / "hfl.yaml"
    path.write_text(PAPER_DEVICES + strategy(batch_size=20) + "stop: {sim_time: 1 ms}\n")
    formula, events = latency(path), latency(path, engine="events")
    assert events["round_latency_s"] == pytest.approx(formula["round_latency_s"], rel=EXACT)


@pytest.mark.parametrize(("devices", "edges"), [(1, 1), (2, 1), (3, 1), (5, 2), (7, 3), (9, 4)])
def test_in_small_fleets_every_edge_has_two_members_at_least(tmp_path, devices, edges):
    path = tmp_path / "hfl.yaml"
    clients = PAPER_FLEET[:devices]
    path.write_text(devices_text(PAPER_SERVER, clients) + strategy(batch_size=20))
    plan = plan_from_sizes(path)
    assert len(plan.setting.fleet.edges) == edges
    assert min(plan.assignment.count(edge) for edge in range(edges)) >= min(2, devices)
    end_s = round_end_s(PAPER_SERVER, SERVER_SMALL, clients, dedicated_s, edges=edges, cloud_every=2)
    check(path, exact_work(20), clients, end_s)
