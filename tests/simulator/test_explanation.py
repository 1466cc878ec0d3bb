"""An iteration explained: what bounds a leg, who is waited for, who is asked, and what users can repeat."""

import math

import numpy as np
import pytest
from small_worlds import fleet_of, make_plan_of, profile, random_costs, random_paper_workload

from devices.fleet import SERVER_ID
from models.memory import memory_bytes
from models.split import ComputeLeg, Cut, Phase
from scenarios.load import ScenarioError
from simulator import explain, latency
from simulator.explanation import sensitivities as bounds
from simulator.explanation.answer import UnknownClientError, client_id
from simulator.explanation.critical_path import critical_path, seconds_by_device
from simulator.explanation.legs import Bound, Kind, Limit, computing_bound, message_bound
from simulator.explanation.sensitivities import sensitivities
from simulator.explanation.text import explanation_text
from simulator.explanation.timeline import Timeline
from simulator.kernel.network import Pace, PaperNetwork
from simulator.timing_only import compare_cuts, plan_from_sizes

SCENARIO = """\
name: three
devices:
  server: {profile: server-small}
  clients:
    - {profile: raspberry-pi-4, latency: 4 ms, uplink: 1 MB/s}
    - {profile: phone-2024, kernel_overhead: 1 ms}
    - {profile: laptop, memory_bandwidth: 1 GB/s}
model: {width: 8}
cuts: {selector: fixed, per_client: [[1, 1, 1, 1], [2, 1, 1, 2], [2, 2, 2, 2]]}
strategy: {batch_size: 32}
"""
PAPER = """\
name: formula
devices: {clients: [{profile: paper-1, count: 2}, {profile: paper-5}, {profile: paper-7}], order: listed}
network: {model: paper}
cost_model: paper
cuts: {selector: fixed, every_client: [1, 1, 1, 1]}
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "three.yaml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def paper(tmp_path):
    file = tmp_path / "formula.yaml"
    file.write_text(PAPER)
    return file


def test_a_computation_is_bound_by_the_longer_side_of_the_roofline():
    device = fleet_of(profile(), profile(rate=10.0, memory_bandwidth_bytes_per_s=4.0, kernel_overhead_s=0.5))
    client = device.clients[0]

    def bound(flops, touched_bytes):
        return computing_bound(client, ComputeLeg(Phase.GENERATOR_FORWARD, "work", flops, touched_bytes, 3))

    assert bound(100.0, 39.0) == Bound(Limit.COMPUTE, 0, 100.0, 10.0, 1.5)
    assert bound(100.0, 41.0) == Bound(Limit.MEMORY, 0, 41.0, 4.0, 1.5)
    assert computing_bound(
        device.server, ComputeLeg(Phase.GENERATOR_FORWARD, "work", 100.0, 1e12, 3)
    ) == Bound(Limit.COMPUTE, SERVER_ID, 100.0, 1e6, 0.0)


@pytest.mark.parametrize(
    ("pace", "bound"),
    [
        (Pace(0.5, 8.0, "sender"), Bound(Limit.UPLINK, 4, 16.0, 8.0, 0.5)),
        (Pace(0.5, 8.0, "receiver"), Bound(Limit.DOWNLINK, SERVER_ID, 16.0, 8.0, 0.5)),
        (Pace(0.5, 8.0, "both"), Bound(None, None, 16.0, 8.0, 0.5)),
        (Pace(0.5, math.inf, None), Bound(None, None, 16.0, math.inf, 0.5)),
    ],
)
def test_a_message_is_bound_by_the_narrower_link(pace, bound):
    assert message_bound(pace, 4, SERVER_ID, 16.0) == bound


def test_in_lockstep_everybody_waits_for_the_last(tmp_path):
    """Two clients alike but for their speed: all that the fast one does ends early, at every barrier."""
    workload = random_paper_workload((5, 5), np.random.default_rng(3))
    fleet = fleet_of(profile(rate=1e9, link=1e9), profile("slow", rate=1e3), profile("fast", rate=1e4))
    plan = make_plan_of(tmp_path, workload, fleet, [2, 2], [Cut(1, 1, 1, 1)] * 2, network=PaperNetwork())
    timeline = Timeline(plan)
    waits = [leg for leg in timeline.client_legs(1) if leg.kind is Kind.WAIT]
    everybody = [leg for leg in waits if leg.what == "wait for everybody"]
    assert [leg.phase for leg in everybody] == list(workload.phases[:-1])
    assert [leg.crossing for leg in everybody] == [1, 2, 3]
    assert [leg.cause.through_with for leg in everybody] == [
        "generator tail forward",
        "discriminator tail forward",
        "discriminator head backward",
    ]
    assert waits[-1].what == "wait for the iteration to end"
    assert {leg.cause.device for leg in waits} == {0}
    assert not [leg for leg in timeline.client_legs(0) if leg.kind is Kind.WAIT]
    assert {leg.device for leg in critical_path(timeline)} == {0, SERVER_ID}


def test_an_answer_has_the_keys_users_rely_on(path):
    answer = explain(path)
    assert list(answer) == [
        "scenario",
        "iteration_latency_s",
        "client",
        "critical_path",
        "path_shares",
        "sensitivities",
    ]
    assert answer["scenario"] == "three"
    assert answer["iteration_latency_s"] == latency(path)["iteration_latency_s"]
    for share in answer["path_shares"].values():
        assert sum(one["share"] for one in share) == pytest.approx(1.0, rel=1e-9)


def test_by_default_the_client_that_is_longest_on_the_path_is_told(path):
    answer = explain(path)
    on_path = [one for one in answer["path_shares"]["devices"] if one["device"] != "server"]
    assert f"client-{answer['client']['id']}" == on_path[0]["device"]
    assert answer["client"]["on_path_s"] == on_path[0]["seconds"] == max(one["seconds"] for one in on_path)


@pytest.mark.parametrize("asked", [2, "2", "client-2", " client-2 "])
def test_a_client_is_asked_for_by_id_or_name(path, asked):
    client = explain(path, client=asked)["client"]
    assert (client["id"], client["profile"], client["cut"], client["batch"]) == (
        2,
        "laptop",
        [2, 2, 2, 2],
        32,
    )
    wanted = latency(path)["clients"][2]
    assert client["compute_s"] == pytest.approx(wanted["compute_s"], rel=1e-9)
    assert client["transfer_s"] == pytest.approx(wanted["transfer_s"], rel=1e-9)
    assert client["server_s"] + client["wait_s"] == pytest.approx(wanted["wait_s"], rel=1e-9)


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("client-3", "client-2"),
        (7, "client-2"),
        ("-1", "client-0"),
        ("clint-1", "client-1"),
        ("", "client-0"),
    ],
)
def test_an_unknown_client_is_told_who_is_there(path, asked, nearest):
    with pytest.raises(UnknownClientError) as refused:
        explain(path, client=asked)
    assert str(refused.value) == (
        f"no client is called {asked!r}; allowed: client-0 to client-2, or 0 to 2; did you mean {nearest!r}?"
    )


def test_a_fleet_of_one_has_one_name_to_offer():
    with pytest.raises(UnknownClientError, match="allowed: client-0, or 0; did you mean 'client-0'"):
        client_id("1", fleet_of(profile(), profile()))


def test_a_wrong_scenario_is_refused_as_everywhere(path):
    with pytest.raises(ScenarioError, match=r"devices\.clients\.7"):
        explain(path, ["devices.clients.7.uplink=1 MB/s"])


FASTER = {
    ("raspberry-pi-4", "compute 2x faster"): "devices.clients.0.efficiency=0.6",
    ("raspberry-pi-4", "memory 2x faster"): "devices.clients.0.memory_bandwidth=10 GB/s",
    ("raspberry-pi-4", "no kernel overhead"): "devices.clients.0.kernel_overhead=0 s",
    ("raspberry-pi-4", "uplink 2x faster"): "devices.clients.0.uplink=2 MB/s",
    ("raspberry-pi-4", "downlink 2x faster"): "devices.clients.0.downlink=160 Mbit/s",
    ("raspberry-pi-4", "no link latency"): "devices.clients.0.latency=0 s",
    ("server", "uplink 2x faster"): "devices.server.uplink=2 Gbit/s",
    ("server", "downlink 2x faster"): "devices.server.downlink=2 Gbit/s",
    ("server", "no link latency"): "devices.server.latency=0 s",
}


@pytest.mark.parametrize("what", FASTER, ids=": ".join)
def test_a_sensitivity_is_what_latency_says_of_the_changed_scenario(path, what):
    told = {(one["device"], one["change"]): one for one in explain(path)["sensitivities"]}[what]
    now_s, then_s = (latency(path, overrides)["iteration_latency_s"] for overrides in ([], [FASTER[what]]))
    assert told["iteration_latency_s"] == pytest.approx(then_s, rel=1e-9)
    assert told["gain_s"] == pytest.approx(now_s - then_s, abs=1e-9 * now_s)
    assert told["gain_share"] == pytest.approx((now_s - then_s) / now_s, abs=1e-9)


def test_other_cuts_are_offered_to_the_kind_and_to_one_of_it(paper):
    told = {one["device"]: one for one in explain(paper)["sensitivities"] if one["cut"]}
    assert {name: one["clients"] for name, one in told.items()} == {"paper-1": 2, "client-0": 1}
    choices = [[g, h, d, e] for g in (1, 2) for h in (1, 2) for d in (1, 2) for e in (1, 2)][1:]
    for name, members in (("paper-1", (0, 1)), ("client-0", (0,))):
        latencies_s = []
        for cut in choices:
            cuts = [cut if client in members else [1, 1, 1, 1] for client in range(4)]
            stated = f"cuts={{selector: fixed, per_client: {cuts}}}"
            latencies_s.append(latency(paper, [stated])["iteration_latency_s"])
        assert told[name]["iteration_latency_s"] == pytest.approx(min(latencies_s), rel=1e-9)
        assert told[name]["cut"] == choices[int(np.argmin(latencies_s))]


def test_no_cut_is_offered_beyond_a_devices_memory(path):
    free = {one["device"]: one["cut"] for one in explain(path)["sensitivities"] if one["cut"]}
    assert free["raspberry-pi-4"] == [1, 2, 2, 1]
    costs = plan_from_sizes(path).setting.costs
    now, needed = (memory_bytes(costs, cut, 32) for cut in (Cut(1, 1, 1, 1), Cut(1, 2, 2, 1)))
    assert now < needed
    tight = [f"devices.clients.0.memory={needed - 1} B"]
    offered = {one["device"]: one["cut"] for one in explain(path, tight)["sensitivities"] if one["cut"]}
    assert offered["raspberry-pi-4"] != [1, 2, 2, 1]
    assert memory_bytes(costs, Cut(*offered["raspberry-pi-4"]), 32) < needed
    # Where nothing but the present cut fits, no other is offered.
    tightest = [f"devices.clients.0.memory={now} B"]
    assert "raspberry-pi-4" not in {
        one["device"] for one in explain(path, tightest)["sensitivities"] if one["cut"]
    }


def test_no_cut_is_offered_beyond_the_scenarios_limits(path):
    def offered(*more):
        answer = explain(path, ["cuts.per_client.0=[2, 2, 2, 2]", *more])
        return {one["device"]: one["cut"] for one in answer["sensitivities"] if one["cut"]}

    assert offered()["raspberry-pi-4"] == [1, 2, 2, 1]
    now_s, then_s = (
        compare_cuts(path, [f"cuts.per_client.0={cut}"], ["fixed"])[0].server_s
        for cut in ([2, 2, 2, 2], [1, 2, 2, 1])
    )
    assert now_s < then_s
    limit = f"cuts.limits.server_load={(now_s + then_s) / 2!r} s"
    assert offered(limit)["raspberry-pi-4"] != [1, 2, 2, 1]


def test_elasticity_is_the_slope_of_the_latency(path):
    small = 1e-6
    answer = explain(path)
    slopes = {
        one["device"]: one["elasticity"]
        for one in answer["sensitivities"]
        if one["change"] == "compute 2x faster"
    }
    now_s = answer["iteration_latency_s"]
    faster = [f"devices.clients.0.efficiency={0.3 * (1 + small)!r}"]
    then_s = latency(path, faster)["iteration_latency_s"]
    assert slopes["raspberry-pi-4"] > 0
    assert (now_s - then_s) / now_s == pytest.approx(small * slopes["raspberry-pi-4"], rel=1e-4)


def test_many_kinds_cost_a_bounded_number_of_evaluations(tmp_path, monkeypatch):
    """Every client is slow at something else, so that the path runs from one to the next."""
    costs = random_costs((5, 5), np.random.default_rng(1))
    slow = [{"rate": 1e4}, {"uplink_bytes_per_s": 1e3}, {"downlink_bytes_per_s": 1e3}]
    clients = [profile(f"kind-{number}", **numbers) for number, numbers in enumerate(slow)]
    plan = make_plan_of(
        tmp_path, costs, fleet_of(profile(rate=1e9), *clients), [2] * 3, [Cut(1, 1, 1, 1)] * 3
    )
    timeline = Timeline(plan)
    path = critical_path(timeline)
    assert len({leg.device for leg in path}) > 2
    monkeypatch.setattr(bounds, "MOST_KINDS", 1)
    monkeypatch.setattr(bounds, "MOST_CLIENTS", 1)
    longest = next(device for device in seconds_by_device(path) if device != SERVER_ID)
    assert {one.device for one in sensitivities(timeline, path)} == {"server", f"kind-{longest}"}


def test_kinds_that_share_a_name_are_told_apart(tmp_path):
    file = tmp_path / "twins.yaml"
    file.write_text(
        "devices: {clients: [{profile: paper-1, count: 2, uplink: 1 MB/s}, {profile: paper-1}], order: listed}\n"
        "cuts: {selector: fixed, every_client: [1, 1, 1, 1]}\n"
    )
    told = {one["device"]: one["clients"] for one in explain(file)["sensitivities"]}
    assert told["paper-1 like client-0"] == 2
    assert "paper-1" not in told


def test_text_tells_what_the_answer_says(path):
    answer = explain(path, client=1)
    text = explanation_text(answer)
    heading, *_ = text.splitlines()
    assert heading.startswith("three: ")
    assert "client-1 (phone-2024), cut [2, 1, 1, 2], batch 32:" in text
    waits = [leg["waits_for"] for leg in answer["client"]["legs"] if leg["waits_for"]]
    assert waits
    for wait in waits:
        assert f"last: {wait['device']} ({wait['profile']})" in text or "busy with" in text
    assert max(map(len, text.splitlines())) <= 120


def test_text_marks_the_legs_on_the_path(path):
    answer = explain(path)
    lines = explanation_text(answer).splitlines()
    marked = [line for line in lines if line.startswith("*  ")]
    legs = [leg for leg in answer["client"]["legs"] if leg in answer["critical_path"] and leg["seconds"] > 0]
    assert len(marked) == len(legs) > 0


def test_text_of_the_formula_says_what_it_charges(paper):
    assert "cut [1, 1, 1, 1], batch 64:" in explanation_text(explain(paper))
    small = explanation_text(explain(paper, ["strategy.batch_size=20"]))
    assert "batch 20, charged as 64:" in small


def test_text_where_nothing_helps_says_so(paper):
    answer = explain(paper) | {"sensitivities": []}
    assert "No single change helps" in explanation_text(answer)
