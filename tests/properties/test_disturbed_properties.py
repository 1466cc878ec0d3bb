"""Any disturbed world: bytes and seconds add up, nothing comes before what it needs, and a seed says it all."""

import dataclasses
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from drawn_disturbances import NETWORKS, SERVER_ID, plans, play_in, spells, troubles, with_strategy
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.fleet import Device, Fleet
from simulator.explanation.critical_path import critical_path
from simulator.explanation.timeline import Timeline
from simulator.kernel.network import DedicatedNetwork, IdealNetwork
from simulator.split_plan import lay_out

EXACT = 1e-9
few = settings(max_examples=40, deadline=None)
fewer = settings(max_examples=20, deadline=None)
RATES = ("measured_flops_per_s", "uplink_bytes_per_s", "downlink_bytes_per_s")
LONE = (DedicatedNetwork(), IdealNetwork())
LOSSY = tuple(network for network in NETWORKS if network != IdealNetwork())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("disturbed")


@few
@given(data=st.data())
def test_bytes_are_received_or_lost_and_seconds_are_spent_once(data, folder):
    played = data.draw(troubles(folder)).play()
    devices, transfers = played.tables["devices"], played.tables["transfers"]
    sums = devices.groupby("round")[["uplink_bytes", "downlink_bytes", "lost_bytes"]].sum()
    received = sums["downlink_bytes"] + sums["lost_bytes"]
    assert received.tolist() == pytest.approx(sums["uplink_bytes"].tolist(), rel=EXACT)
    assert (transfers["lost_bytes"] <= transfers["bytes"] * (1 + EXACT)).all()
    assert (devices["lost_flops"] <= devices["work_flops"] * (1 + EXACT)).all()
    spent_s = devices[["compute_s", "transfer_s", "wait_s", "off_s"]]
    elapsed_s = devices["elapsed_s"].to_numpy()
    assert (spent_s >= -EXACT * elapsed_s[:, None]).all(axis=None)
    clients = (devices["device"] != "server").to_numpy()
    assert spent_s.sum(axis=1)[clients].to_numpy() == pytest.approx(elapsed_s[clients], rel=EXACT)
    assert devices.groupby("device")["elapsed_s"].sum().to_numpy() == pytest.approx(played.world.now_s)


@few
@given(data=st.data())
def test_who_is_off_is_off_when_its_conditions_say(data, folder):
    played = data.draw(troubles(folder)).play()
    setting, end_s = played.plan.setting, played.world.now_s
    off_s = played.tables["devices"].groupby("device")["off_s"].sum()
    for device in setting.fleet.devices:
        presence = setting.conditions.presence(device.id)
        spans = presence.absences(0.0, end_s) if presence is not None else []
        wanted_s = sum(back_s - gone_s for gone_s, back_s in spans)
        assert off_s[device.name] == pytest.approx(wanted_s, abs=EXACT * end_s)
        # Nothing of a device happens while it is away.
        for start_s, end_of_leg_s in legs_of(played, device.id):
            overlaps_s = [min(end_of_leg_s, back_s) - max(start_s, gone_s) for gone_s, back_s in spans]
            assert max(overlaps_s, default=0.0) <= EXACT * end_s


def legs_of(played, device):
    """When a device computed and sent or received, each message once."""
    watcher = played.watcher
    busy = [(start_s, end_s) for who, start_s, end_s in watcher.computed if who == device]
    messages = {(source, target, start_s, end_s) for source, target, _, _, start_s, end_s, _ in watcher.sent}
    return sorted(busy + [message[2:] for message in messages if device in message[:2]])


@few
@given(data=st.data())
def test_a_client_does_one_thing_after_the_other(data, folder):
    """So each of its messages follows the work it carries, and each work the message it is done on."""
    played = data.draw(troubles(folder)).play()
    for client in played.plan.clients:
        for (_, end_s), (start_s, _) in pairwise(legs_of(played, client)):
            assert start_s >= end_s - EXACT * max(1.0, end_s)


@few
@given(data=st.data())
def test_a_commit_never_knows_more_than_has_happened(data, folder):
    """Whoever is in a crossing has sent its rows by then: of every client no more memberships than messages."""
    played = data.draw(troubles(folder)).play()
    arrivals = {client: [] for client in played.plan.clients}
    for source, _, kind, _, _, end_s, lost in played.watcher.sent:
        if source != SERVER_ID and kind in ("activation", "gradient"):
            whole = arrived(played, source, lost)
            arrivals[source] += [end_s] if whole else []
    named: Counter[int] = Counter()
    for commit in played.commits("iteration"):
        named.update(client for one in commit.passes for client in (*one.forward, *one.backward))
        for client, ends_s in arrivals.items():
            in_time = sum(end_s <= commit.time_s * (1 + EXACT) for end_s in ends_s)
            assert named[client] <= in_time


def arrived(played, source, lost):
    """Whether a message came whole: what was lost of it is what the way loses, and no more."""
    sizes = [visit.up.n_bytes for visit in played.plan.legs[source].visits]
    swollen = [played.plan.setting.network.wire_bytes(source, SERVER_ID, size) - size for size in sizes]
    return any(lost == pytest.approx(one, rel=EXACT, abs=1e-6) for one in swollen)


@few
@given(data=st.data())
def test_the_log_is_well_formed(data, folder):
    trouble = data.draw(troubles(folder))
    played = trouble.play()
    commits = [entry.commit for entry in played.entries]
    assert [commit.seq for commit in commits] == list(range(len(commits)))
    times_s = [commit.time_s for commit in commits]
    assert times_s == sorted(times_s)
    assert times_s[-1] <= played.world.now_s
    plan = played.plan
    assert (
        len(played.commits("iteration"))
        == plan.rounds * plan.steps_per_round
        == len(played.tables["iterations"])
    )
    shown: set[int] = set()
    for commit in commits:
        if commit.kind == "iteration":
            assert_iteration_well_formed(commit)
            shown |= set(commit.passes[2].forward)
        elif commit.kind == "aggregate":
            assert commit.clients
            assert set(commit.clients) <= shown
            shown = set()
        elif commit.kind == "rejoin":
            assert not trouble.keeps_state


def assert_iteration_well_formed(commit):
    """Who is in a later pass was in the one before, and came back from it."""
    made, fake, real, serve = commit.passes
    for one in commit.passes:
        assert set(one.backward) <= set(one.forward)
        assert list(one.forward) == sorted(set(one.forward))
        assert list(one.backward) == sorted(set(one.backward))
    chain = [
        made.forward,
        fake.forward,
        fake.backward,
        real.forward,
        real.backward,
        serve.forward,
        serve.backward,
    ]
    for before, after in pairwise([*chain, made.backward]):
        assert set(after) <= set(before)
    assert commit.clients == made.forward
    assert made.forward
    skips = {key: set(commit.info.get(key, ())) for key in ("skips_d", "skips_g")}
    assert skips["skips_d"] <= set(real.backward) - set(serve.forward)
    assert skips["skips_g"] <= set(made.backward)


@few
@given(data=st.data())
def test_with_patience_for_all_everybody_is_in_everything(data, folder):
    played = data.draw(troubles(folder, patient=True)).play()
    for iteration, aggregate in zip(
        played.commits("iteration")[:: played.plan.steps_per_round], played.commits("aggregate"), strict=True
    ):
        assert {one.forward for one in iteration.passes} == {aggregate.clients}
        assert {one.backward for one in iteration.passes} == {aggregate.clients}
        assert not {"skips_d", "skips_g"} & iteration.info.keys()


@fewer
@given(data=st.data())
def test_the_same_seed_gives_the_same_run(data, folder):
    trouble = data.draw(troubles(folder))
    once, again = trouble.play(), trouble.play()
    assert [entry.commit for entry in once.entries] == [entry.commit for entry in again.entries]
    for name in ("iterations", "devices", "transfers"):
        pd.testing.assert_frame_equal(once.tables[name], again.tables[name], check_exact=True)


@fewer
@given(data=st.data(), which=st.sampled_from(["slowdown", "bandwidth"]))
def test_one_more_kind_of_disturbance_changes_no_other(data, folder, which):
    trouble = data.draw(troubles(folder))
    one = trouble.play()
    more = trouble.play(**{which: data.draw(spells())})
    until_s = min(one.world.now_s, more.world.now_s)
    for client in one.plan.clients:
        for ask in (absences, *([speeds] if which == "bandwidth" else [widths])):
            assert ask(one, client, until_s) == ask(more, client, until_s)
    assert offs(one, until_s) == offs(more, until_s)


def offs(played, until_s):
    """What the recorder was told of absences, however rounds cut it."""
    joined: dict[int, list[tuple[float, float]]] = {}
    for device, start_s, end_s in sorted(played.watcher.off):
        spans = joined.setdefault(device, [])
        if spans and spans[-1][1] == start_s:
            start_s = spans.pop()[0]
        if start_s < until_s:
            spans.append((start_s, min(end_s, until_s)))
    return {device: spans for device, spans in joined.items() if spans}


def absences(played, client, until_s):
    presence = played.plan.setting.conditions.presence(client)
    return None if presence is None else presence.absences(0.0, until_s)


def speeds(played, client, until_s):
    return changes(played.plan.setting.conditions.speed(client), until_s)


def widths(played, client, until_s):
    return changes(played.plan.setting.conditions.uplink(client), until_s)


def changes(factor, until_s):
    """When a factor changes, and to what."""
    found, at_s = [], 0.0
    while factor is not None and at_s < until_s:
        found.append((at_s, factor.value(at_s)))
        at_s = factor.next_change_s(at_s)
    return found


@few
@given(data=st.data())
def test_where_nobody_is_disturbed_who_is_late_is_late_in_every_step_too(data, folder):
    trouble = data.draw(troubles(folder, patient=False, networks=LONE, server_kinds=False))
    # No two alike, nor sums of others: rounding decides who is first of those that come at the same moment.
    plan = without_loss(trouble.plan, apart_s=0.0137 * trouble.plan.closed_form().latency_s)
    foretold, stepped = play_in(plan), play_in(plan, forced=True)
    logs = [
        [dataclasses.replace(entry.commit, time_s=0.0) for entry in one.entries]
        for one in (foretold, stepped)
    ]
    assert logs[0] == logs[1]
    assert_same_timeline(foretold, stepped)


@few
@given(data=st.data())
def test_where_nobody_is_disturbed_playing_every_step_changes_nothing(data, folder):
    plan = data.draw(plans(folder, LONE, server_kinds=False, rounds=2, steps_per_round=2))
    plan = without_loss(plan)
    foretold, stepped = play_in(plan), play_in(plan, forced=True)
    assert_same_timeline(foretold, stepped)
    timeline = Timeline(plan)
    latency_s = stepped.tables["iterations"]["iteration_latency_s"].to_numpy()
    assert latency_s == pytest.approx(critical_path(timeline)[-1].end_s, rel=EXACT)
    assert sum(leg.seconds for leg in critical_path(timeline)) == pytest.approx(latency_s[0], rel=EXACT)


def assert_same_timeline(one, other):
    scale_s = one.world.now_s
    times = [[entry.commit.time_s for entry in played.entries] for played in (one, other)]
    assert times[0] == pytest.approx(times[1], rel=EXACT, abs=EXACT * scale_s)
    for name in ("iterations", "devices"):
        columns = one.tables[name].select_dtypes("float")
        assert np.allclose(
            columns, other.tables[name][columns.columns], EXACT, EXACT * scale_s, equal_nan=True
        )
    order = ["source", "target", "kind", "round"]
    sent = [
        played.tables["transfers"]
        .assign(start=lambda table: table["start_s"].round(9))
        .sort_values([*order, "start"])
        for played in (one, other)
    ]
    columns = ["bytes", "lost_bytes", "start_s", "end_s"]
    assert np.allclose(*(table[columns].to_numpy() for table in sent), EXACT, EXACT * scale_s)


def without_loss(plan, apart_s=0.0):
    """The same plan on clients that lose nothing, each farther away than the one before."""
    fleet = plan.setting.fleet
    clients = [
        one.profile.model_copy(
            update={"loss": 0.0, "latency_s": one.profile.latency_s + one.id**1.37 * apart_s}
        )
        for one in fleet.clients
    ]
    return on_fleet(plan, Fleet(fleet.server, tuple(Device(k, one) for k, one in enumerate(clients))))


def on_fleet(plan, fleet):
    """The same cuts on another fleet."""
    setting = plan.setting
    setting = dataclasses.replace(setting, fleet=fleet, network=setting.network.of_fleet(fleet))
    return dataclasses.replace(lay_out(setting, plan.selection), rounds=plan.rounds)


@few
@given(data=st.data(), which=st.integers(-1, 3), factor=st.floats(1.0, 20.0), number=st.sampled_from(RATES))
def test_a_faster_device_or_link_never_lengthens_a_run_that_waits_for_all(
    data, folder, which, factor, number
):
    """Nothing is shared; whoever leaves begins its leg again."""
    trouble = data.draw(troubles(folder, patient=True, networks=LONE, server_kinds=False))
    plan = trouble.plan
    fleet = plan.setting.fleet
    device = fleet.device(min(which, len(fleet.clients) - 1))
    profile = device.profile.model_copy(update={number: getattr(device.profile, number) * factor})
    faster = Device(device.id, profile)
    clients = tuple(faster if one.id == device.id else one for one in fleet.clients)
    better = on_fleet(plan, Fleet(faster if device.id == SERVER_ID else fleet.server, clients))
    staged = trouble.staged()
    conditions, streams = staged.setting.conditions, staged.setting.streams
    better = dataclasses.replace(
        better, setting=dataclasses.replace(better.setting, conditions=conditions, streams=streams)
    )
    before, after = play_in(staged, forced=True), play_in(better, forced=True)
    assert after.world.now_s <= before.world.now_s * (1 + EXACT)
    for name in ("iteration", "aggregate"):
        times = zip(before.commits(name), after.commits(name), strict=True)
        assert all(new.time_s <= old.time_s * (1 + EXACT) for old, new in times)


@few
@given(data=st.data())
def test_a_battery_gives_what_is_in_it_and_then_the_device_is_off_for_good(data, folder):
    # On an ideal network the radio may empty a battery at the very moment at which its device comes back.
    trouble = data.draw(troubles(folder, patient=False, networks=LOSSY))
    powers = {"idle_power_w": 1.0, "busy_power_w": 3.0, "radio_j_per_byte": 1e-6}
    battery_j = data.draw(st.floats(0.1, 3.0)) * trouble.plan.closed_form().latency_s
    fleet = trouble.plan.setting.fleet
    clients = [Device(0, fleet.clients[0].profile)]
    clients += [
        Device(one.id, one.profile.model_copy(update=powers | {"battery_j": battery_j}))
        for one in fleet.clients[1:]
    ]
    plan = with_strategy(on_fleet(trouble.plan, Fleet(fleet.server, tuple(clients))), client_share=1.0)
    played = dataclasses.replace(trouble, plan=plan).play()
    devices = played.tables["devices"]
    messages: Counter[tuple] = Counter()
    for source, target, _, n_bytes, start_s, end_s, _ in played.watcher.sent:
        messages[source, target, start_s, end_s] += n_bytes
    largest_j = 1e-6 * max(messages.values())
    for client in played.plan.clients[1:]:
        own = devices[devices["device"] == f"client-{client}"]
        drawn_j = own["energy_j"].sum()
        assert drawn_j <= (battery_j + largest_j) * (1 + 1e-6)
        if played.world.returns_s(client) < np.inf:
            assert drawn_j <= battery_j * (1 + 1e-6)
        else:
            assert drawn_j >= battery_j * (1 - 1e-6)
