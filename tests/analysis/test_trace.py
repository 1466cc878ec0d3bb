"""trace.json of every kind of run: the format's rules, and nothing of the window missing or told twice."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from trace_rules import check, nanoseconds, slices_by_track
from traced_runs import KINDS, traced_run

from analysis.digests import timeline_digest
from analysis.trace import read_trace


@pytest.fixture(scope="module", params=KINDS)
def run(request, tmp_path_factory):
    return traced_run(tmp_path_factory.mktemp("traced"), request.param)


def transfers_of(run):
    """The rows of the table ``transfers`` that begin in the window or go on in it."""
    rows, window = run.tables["transfers"], run.window
    begun = (rows["end_s"] > window["start_s"]) | (rows["start_s"] >= window["start_s"])
    return rows[begun & (rows["start_s"] < window["end_s"])]


def test_it_keeps_the_rules_of_the_format(run):
    check(run.trace)


def test_its_events_come_in_the_order_of_their_times(run):
    times = [event["ts"] for event in run.events if event["ph"] != "M"]
    assert times == sorted(times)


def test_the_window_is_that_of_the_iterations_asked_for(run):
    rows = run.tables["iterations"]
    wanted = run.course.plan.setting.scenario.trace.iterations or 2
    shown = rows[rows["iteration"] < wanted]
    assert [one["iteration"] for one in run.window["iterations"]] == shown["iteration"].tolist()
    assert run.window["start_s"] == 0.0
    last = shown.iloc[-1]
    is_last_of_round = last["iteration"] == rows[rows["round"] == last["round"]]["iteration"].max()
    ends_s = last["end_s"] + (last["aggregation_s"] if is_last_of_round else 0.0)
    assert run.window["end_s"] == pytest.approx(ends_s, rel=1e-12)
    drawn = run.of("iteration")
    assert [event["args"]["iteration"] for event in drawn] == shown["iteration"].tolist()
    assert [event["args"]["start_s"] for event in drawn] == shown["start_s"].tolist()
    assert [event["args"]["end_s"] for event in drawn] == shown["end_s"].tolist()


def test_every_transfer_of_the_window_is_there_once_with_its_times(run):
    told = read_trace(run.path)
    told = told[told["kind"] == "transfer"]
    if "start_s" not in run.tables["transfers"]:
        return
    columns = {"device": "source", "peer": "target", "what": "kind"}
    mine = told.drop(columns=["kind"]).rename(columns=columns)
    fields = ["source", "target", "kind", "bytes", "start_s", "end_s", "round"]
    rows = transfers_of(run)
    assert len(rows)
    came, wanted = (frame[fields].sort_values(fields).reset_index(drop=True) for frame in (mine, rows))
    pd.testing.assert_frame_equal(came, wanted, check_dtype=False)


def test_the_bytes_of_slices_are_those_of_the_table(run):
    if "start_s" not in run.tables["transfers"]:
        return
    rows = transfers_of(run)
    sent, lost = rows["bytes"].sum(), rows["lost_bytes"].sum()
    first = run.of("transfer")
    assert math.fsum(event["args"]["bytes"] for event in first) == pytest.approx(sent, rel=1e-12)
    told = [one.get("lost_bytes", 0.0) for event in first for one in event["args"]["payload"]]
    assert math.fsum(told) == pytest.approx(lost, rel=1e-12)


def test_slices_of_one_track_never_overlap(run):
    """Not even one within another: what is done at once lies on several tracks."""
    for spans in slices_by_track(run.events).values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_a_message_is_drawn_on_every_link_it_crosses_and_has_one_arrow_if_it_takes_time(run):
    topology = run.course.plan.setting.network.topology
    names = {device.name: device.id for device in run.course.plan.setting.fleet.devices}
    tracks = {(e["pid"], e["tid"]): e["args"]["name"] for e in run.events if e["name"] == "thread_name"}
    crossed = {}
    for event in run.of("transfer", "crossing"):
        link = tracks[event["pid"], event["tid"]].partition(" (")[0]
        crossed.setdefault(event["args"]["message"], []).append(link)
    arrows = Counter(event["id"] for event in run.of("message") if event["ph"] == "s")
    first = run.of("transfer")
    assert {event["args"]["message"] for event in first} == crossed.keys()
    taking_time = {event["args"]["message"] for event in first if event["dur"] >= 0.002}
    assert arrows.keys() == taking_time
    assert set(arrows.values()) <= {1}
    for event in first:
        source, target = event["args"]["from"], event["args"]["to"]
        links = crossed[event["args"]["message"]]
        if links[0].endswith("LAN"):
            assert len(links) == 1
            assert "server" not in (source, target)
            continue
        way = topology.route(names[source], names[target]).links
        assert links == [topology.links[number].name for number in way]
        assert (links[0], links[-1]) == (f"{source} up", f"{target} down")


def test_arrows_lead_from_the_sender_to_the_receiver(run):
    tracks = {(e["pid"], e["tid"]): e["args"]["name"] for e in run.events if e["name"] == "thread_name"}
    ends = {event["args"]["message"]: event["args"] for event in run.of("transfer")}
    for event in run.of("message"):
        if event["ph"] in "sf":
            who = ends[event["id"]]["from" if event["ph"] == "s" else "to"]
            track = tracks[event["pid"], event["tid"]]
            assert track.split(" ")[0] == who


def test_work_is_that_of_the_table_devices_where_the_window_ends_with_a_round(run):
    """FLOP of all computations that ended in the rounds that lie in the window as a whole."""
    rows = run.tables["iterations"]
    shown = run.window["iterations"][-1]["iteration"]
    lasts = rows.groupby("round")["iteration"].max()
    rounds = lasts[lasts <= shown].index.tolist()
    told = read_trace(run.path)
    work = told[told["kind"] == "compute"].groupby(["round", "device"])["flops"].sum()
    devices = run.tables["devices"]
    for round_ in rounds:
        wanted = devices[(devices["round"] == round_) & (devices["work_flops"] > 0)]
        came = work.get(round_, pd.Series(dtype=float))
        assert came[came > 0].to_dict() == pytest.approx(
            dict(zip(wanted["device"], wanted["work_flops"], strict=True))
        )


def test_counters_tell_how_much_is_under_way(run):
    """Between any two changes of a counter as many slices are open as it says."""
    window = [nanoseconds(run.window[key] * 1e6) for key in ("start_s", "end_s")]
    for name, cats in (("active computations", ("compute",)), ("active flows", ("transfer",))):
        spans = np.array([(nanoseconds(e["ts"]), nanoseconds(e["ts"] + e["dur"])) for e in run.of(*cats)])
        steps = [(nanoseconds(e["ts"]), *e["args"].values()) for e in run.events if e["name"] == name]
        assert steps[0][0] == window[0]
        assert len({time for time, _ in steps}) == len(steps)
        edges = [*(time for time, _ in steps), window[1]]
        for (time, count), until in zip(steps, edges[1:], strict=True):
            if until > time:
                middle = (time + until) / 2
                assert ((spans[:, 0] <= middle) & (middle < spans[:, 1])).sum() == count


def test_nothing_of_it_changes_what_is_simulated(run, tmp_path):
    other = traced_run(tmp_path, run.kind, "trace={first_iteration: 1, iterations: 1}")
    assert timeline_digest(other.tables) == timeline_digest(run.tables)


def test_equal_runs_have_equal_bytes(run, tmp_path):
    again = traced_run(tmp_path, run.kind)
    assert (again.path / "trace.json").read_bytes() == (run.path / "trace.json").read_bytes()
