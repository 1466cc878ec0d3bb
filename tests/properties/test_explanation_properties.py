"""Any small world explained: times tile, causes end when waits end, the path is the latency, changes are real."""

from itertools import pairwise

import numpy as np
import pytest
from drawn_profiles import powers_of_ten, profiles
from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import fleet_of, make_plan_of, play_plan, random_costs, random_paper_workload

from devices.fleet import SERVER_ID, Device, Fleet
from models.split import Cut
from simulator.closed_form import IterationModel
from simulator.explanation.critical_path import critical_path, seconds_by_device, seconds_by_kind
from simulator.explanation.legs import Kind
from simulator.explanation.sensitivities import sensitivities
from simulator.explanation.timeline import Timeline
from simulator.kernel.network import DedicatedNetwork, IdealNetwork, PaperNetwork

EXACT = 1e-9
few = settings(max_examples=25, deadline=None)

magnitudes = powers_of_ten(4.0, 9.0)

BETTER = {
    "compute 2x faster": lambda one: {"measured_flops_per_s": 2 * one.rate_flops_per_s},
    "memory 2x faster": lambda one: {"memory_bandwidth_bytes_per_s": 2 * one.memory_bandwidth_bytes_per_s},
    "no kernel overhead": lambda one: {"kernel_overhead_s": 0.0},
    "uplink 2x faster": lambda one: {"uplink_bytes_per_s": 2 * one.uplink_bytes_per_s},
    "downlink 2x faster": lambda one: {"downlink_bytes_per_s": 2 * one.downlink_bytes_per_s},
    "no link latency": lambda one: {"latency_s": 0.0},
}


@st.composite
def plans(draw, folder):
    """A plan over chains of 3 to 7 blocks, in dataflow or lockstep, on any network."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(st.tuples(*[st.sampled_from([3, 4, 5, 7])] * 2))
    work = draw(st.sampled_from([random_costs, random_paper_workload]))(lengths, rng)
    costs = getattr(work, "costs", work)
    kinds = [
        draw(profiles(magnitudes, name=name))
        for name in ("slow", "middle", "fast")[: draw(st.integers(1, 3))]
    ]
    clients = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    cuts = [draw(st.sampled_from(costs.cut_choices())) for _ in clients]
    batches = [draw(st.integers(1, 64)) for _ in clients]
    network = draw(st.sampled_from([DedicatedNetwork, IdealNetwork, PaperNetwork]))()
    return make_plan_of(
        folder, work, fleet_of(draw(profiles(magnitudes, name="server")), *clients), batches, cuts, network
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("explained")


def clients_of(plan):
    return range(len(plan.clients))


@few
@given(data=st.data())
def test_the_critical_path_is_the_latency_without_a_hole(data, folder):
    timeline = Timeline(data.draw(plans(folder)))
    path = critical_path(timeline)
    assert path[0].start_s == 0.0
    assert path[-1].end_s == timeline.latency_s == timeline.plan.closed_form().latency_s
    assert all(before.end_s == after.start_s for before, after in pairwise(path))
    assert Kind.WAIT not in {leg.kind for leg in path}
    spans_s = [
        sum(leg.seconds for leg in path),
        sum(seconds_by_device(path).values()),
        sum(seconds_by_kind(path).values()),
    ]
    assert spans_s == pytest.approx([timeline.latency_s] * 3, rel=EXACT)


@few
@given(data=st.data())
def test_legs_and_waits_tile_the_iteration_and_sum_to_the_closed_form(data, folder):
    timeline = Timeline(data.draw(plans(folder)))
    span_s = timeline.latency_s
    for client, time in zip(clients_of(timeline.plan), timeline.plan.closed_form().clients, strict=True):
        legs = timeline.client_legs(client)
        assert [leg.start_s for leg in legs] == [0.0, *(leg.end_s for leg in legs[:-1])]
        assert legs[-1].end_s == span_s
        assert all(leg.seconds >= 0.0 for leg in legs)
        seconds = {kind: sum(leg.seconds for leg in legs if leg.kind is kind) for kind in Kind}
        assert seconds[Kind.COMPUTE] == pytest.approx(time.compute_s, abs=EXACT * span_s)
        assert seconds[Kind.TRANSFER] == pytest.approx(time.transfer_s, abs=EXACT * span_s)
        assert seconds[Kind.SERVER] + seconds[Kind.WAIT] == pytest.approx(time.wait_s, abs=EXACT * span_s)


@few
@given(data=st.data())
def test_what_bounds_a_leg_gives_its_seconds(data, folder):
    timeline = Timeline(data.draw(plans(folder)))
    for client in clients_of(timeline.plan):
        for leg in timeline.client_legs(client):
            if leg.kind is Kind.WAIT:
                assert leg.bound is None
                continue
            took_s = leg.bound.fixed_s + leg.bound.amount / leg.bound.rate_per_s
            assert leg.seconds == pytest.approx(took_s, abs=EXACT * timeline.latency_s)


@few
@given(data=st.data())
def test_a_wait_ends_when_its_cause_is_through(data, folder):
    timeline = Timeline(data.draw(plans(folder)))
    server = [timeline.served(work) for work in timeline.server]
    legs = [timeline.client_legs(client) for client in clients_of(timeline.plan)]
    for own in legs:
        for wait in own:
            if wait.kind is not Kind.WAIT:
                assert wait.cause is None
                continue
            assert wait.seconds > 0
            causes = server if wait.cause.device == SERVER_ID else legs[wait.cause.device]
            ends = [leg.end_s for leg in causes if leg.what == wait.cause.through_with]
            assert wait.end_s in ends
            assert wait.cause.device != wait.device
            if wait.cause.device == SERVER_ID:
                # Other rows than its own: the joined work is no leg of the one that waits.
                assert (wait.cause.through_with, wait.end_s) not in [
                    (leg.what, leg.end_s) for leg in own if leg.kind is Kind.SERVER
                ]


@few
@given(data=st.data())
def test_messages_run_when_the_events_send_them(data, folder):
    plan = data.draw(plans(folder))
    timeline = Timeline(plan)
    played = play_plan(plan)[0]["transfers"]
    played = played[played["kind"].isin(["activation", "gradient"])]
    for client in clients_of(plan):
        name = f"client-{client}"
        own = played[(played["source"] == name) | (played["target"] == name)].sort_values(
            ["start_s", "end_s"], kind="stable"
        )
        legs = [leg for leg in timeline.client_legs(client) if leg.kind is Kind.TRANSFER]
        assert [leg.n_bytes for leg in legs] == own["bytes"].tolist()
        times_s = [(leg.start_s, leg.end_s) for leg in legs]
        assert np.array(times_s) == pytest.approx(
            own[["start_s", "end_s"]].to_numpy(), abs=EXACT * timeline.latency_s
        )


@few
@given(data=st.data())
def test_a_faster_device_off_the_path_changes_nothing(data, folder):
    plan = data.draw(plans(folder))
    timeline = Timeline(plan)
    on_path = set(seconds_by_device(critical_path(timeline)))
    fleet = plan.setting.fleet
    for device in fleet.clients:
        if device.id in on_path:
            continue
        faster = device.profile.model_copy(
            update={
                "measured_flops_per_s": 2 * device.profile.rate_flops_per_s,
                "uplink_bytes_per_s": 2 * device.profile.uplink_bytes_per_s,
                "downlink_bytes_per_s": 2 * device.profile.downlink_bytes_per_s,
                "latency_s": 0.0,
            }
        )
        clients = [Device(device.id, faster) if one is device else one for one in fleet.clients]
        changed = Fleet(fleet.server, tuple(clients))
        model = timeline.model.with_devices(changed, plan.setting.network.of_fleet(changed), [device.id])
        assert model.time(plan.cuts).latency_s == timeline.latency_s


@few
@given(data=st.data())
def test_every_sensitivity_is_a_fresh_plan_of_the_changed_world(data, folder):
    plan = data.draw(plans(folder))
    timeline = Timeline(plan)
    path = critical_path(timeline)
    found = sensitivities(timeline, path)
    assert [one.gain_s for one in found] == sorted((one.gain_s for one in found), reverse=True)
    fleet, setting = plan.setting.fleet, plan.setting
    for one in found:
        assert one.gain_s == timeline.latency_s - one.iteration_latency_s
        members = [
            device.id
            for device in (fleet.server, *fleet.clients)
            if one.device in (device.name, device.profile.name if device.id != SERVER_ID else None)
        ]
        assert one.clients == sum(member != SERVER_ID for member in members)
        cuts, devices = list(plan.cuts), {device.id: device for device in (fleet.server, *fleet.clients)}
        if one.cut is None:
            for member in members:
                old = devices[member].profile
                devices[member] = Device(member, old.model_copy(update=BETTER[one.change](old)))
        else:
            # Every other cut that all of them could have, one by one.
            tried = [
                [one_of_all if own in members else cut for own, cut in enumerate(plan.cuts)]
                for one_of_all in setting.costs.cut_choices()
                if {plan.cuts[own] for own in members} != {one_of_all}
            ]
            model = IterationModel(setting.workload, fleet, setting.network, plan.batches)
            cuts = min(tried, key=lambda some: model.time(some).latency_s)
            assert one.iteration_latency_s == pytest.approx(model.time(cuts).latency_s, rel=EXACT)
            cuts = [Cut(*one.cut) if own in members else cut for own, cut in enumerate(plan.cuts)]
        server = devices.pop(SERVER_ID)
        fresh_s = latency_of(plan, Fleet(server, tuple(devices.values())), cuts)
        assert one.iteration_latency_s == pytest.approx(fresh_s, rel=EXACT)


@few
@given(data=st.data())
def test_a_change_gains_no_more_than_the_path_loses_by_it(data, folder):
    timeline = Timeline(data.draw(plans(folder)))
    slack_s = EXACT * timeline.latency_s
    for one in sensitivities(timeline, critical_path(timeline)):
        if one.cut is not None:
            continue
        lost = 0.5 if one.elasticity is not None else 1.0
        assert -slack_s <= one.gain_s <= lost * one.on_path_s + slack_s, one


@few
@given(data=st.data())
def test_every_second_of_the_path_is_decided_by_one_number(data, folder):
    """But for bytes between links that are equally narrow, which no single number decides."""
    timeline = Timeline(data.draw(plans(folder)))
    path = critical_path(timeline)
    decided_s = sum(one.on_path_s for one in sensitivities(timeline, path) if one.cut is None)
    undecided_s = sum(leg.seconds - leg.bound.fixed_s for leg in path if leg.bound.limit is None)
    assert decided_s + undecided_s == pytest.approx(timeline.latency_s, rel=EXACT)


def latency_of(plan, fleet, cuts):
    setting = plan.setting
    network = setting.network.of_fleet(fleet)
    return IterationModel(setting.workload, fleet, network, plan.batches).time(cuts).latency_s
