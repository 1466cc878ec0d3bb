"""What a trace is made of: lanes, steps, instants, the window that is kept, and the room there is."""

import json
import logging
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_rounds import fleet
from trace_rules import check
from traced_runs import traced_run

from analysis.records import Recorder
from analysis.runs import RunError
from analysis.tables import COMMITS, make_table
from analysis.trace import gantt_frame, read_trace
from analysis.trace.instants import instants
from analysis.trace.lanes import beside, first_free, open_at
from analysis.trace.window import Window
from analysis.trace.writing import trace_of
from scenarios.schema import TraceOptions

PHASES = ("forward", "backward")

intervals = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8))).map(
    lambda pairs: sorted((start, start + length) for start, length in pairs)
)


def overlaps(one, other):
    """Whether both are open at once; what takes no time lies beside what begins or ends then, and not within."""
    return max(one[0], other[0]) < min(one[1], other[1]) or any(
        a[0] == a[1] and b[0] < a[0] < b[1] for a, b in ((one, other), (other, one))
    )


@given(intervals)
def test_nothing_overlaps_on_a_lane_and_no_lane_is_wasted(spans):
    lanes = first_free(spans)
    for lane in set(lanes):
        own = [span for span, at in zip(spans, lanes, strict=True) if at == lane]
        assert not any(overlaps(one, other) for i, one in enumerate(own) for other in own[:i])
    if all(start < end for start, end in spans):
        most = max((sum(start <= time < end for start, end in spans) for time, _ in spans), default=0)
        assert len(set(lanes)) == most


@given(intervals, intervals, st.integers(1, 4))
def test_beside_what_is_drawn_already_nothing_overlaps(spans, others, most):
    taken = [[] for _ in range(most)]
    for span, lane in zip(others, first_free(others), strict=True):
        if lane < most:
            taken[lane].append(span)
    lanes = beside(spans, taken, most)
    if lanes is None:
        return
    for span, lane in zip(spans, lanes, strict=True):
        assert 0 <= lane < most
        assert not any(overlaps(span, one) for one in taken[lane])
        taken[lane].append(span)


def test_a_message_takes_the_first_lane_with_room():
    taken = [[(0, 10), (20, 30)], [(5, 25)]]
    assert beside([(10, 20)], taken, 2) == [0]
    assert beside([(0, 5)], taken, 2) == [1]
    assert beside([(0, 6)], taken, 2) is None
    assert beside([(0, 6), (1, 2), (6, 9)], taken, 3) == [2, 1, 2]


@given(intervals, st.integers(0, 10), st.integers(0, 30))
def test_steps_tell_how_many_are_open(spans, from_, length):
    until = from_ + length
    steps = open_at(spans, from_, until)
    assert steps[0][0] == from_
    assert all(one[0] < other[0] and one[1] != other[1] for one, other in pairwise(steps))
    for time in range(from_, until):
        told = [count for at, count in steps if at <= time][-1]
        assert told == sum(start <= time < end for start, end in spans)


@given(st.lists(st.floats(0.0, 1e5), min_size=1, max_size=20))
def test_times_that_only_rounding_parts_are_one_instant(times_s):
    """However a time was summed up, the same comes out; and it is the nearest nanosecond but for that."""
    exact = np.array(times_s)
    summed = np.array([(one / 3 + one / 3) + one / 3 for one in times_s])
    first, second = instants(exact, summed)
    assert first.tolist() == second.tolist()
    assert np.abs(first - exact * 1e9).max() <= 0.5 + 1e-6 * exact.max()
    order = np.argsort(exact, kind="stable")
    assert (np.diff(first[order]) >= 0).all()


def test_two_sums_of_one_time_on_two_sides_of_half_a_nanosecond_are_one_instant():
    halves = (np.arange(100) + 0.5) * 1e-9
    below = np.nextafter(halves, 0.0)
    parted = np.rint(halves * 1e9) != np.rint(below * 1e9)
    assert parted.any()
    first, second = instants(halves, below)
    assert first.tolist() == second.tolist()


def test_instants_part_what_is_further_apart():
    assert [one.tolist() for one in instants(np.array([1.0]), np.array([1.0 + 2e-9]))] == [
        [10**9],
        [10**9 + 2],
    ]


def recorded(window, rounds=3):
    """Rounds of one iteration of 8 s and an exchange until 10 s, recorded by hand."""
    rec = Recorder(fleet(), phases=PHASES, window=window)
    for round_ in range(rounds):
        t = 10.0 * round_
        rec.compute(0, t, t + 1, 100.0, work=("forward", "head"))
        rec.transfer(0, -1, "activation", 1000.0, t + 1, t + 4)
        rec.compute(-1, t + 4, t + 8, 500.0)
        rec.iteration(round_, round_, t, t + 8, {"forward": 5.0, "backward": 3.0})
        rec.transfer(0, -1, "parameters", 10.0, t + 8, t + 10)
        rec.end_round(round_, t + 10)
    return rec.traced()


@pytest.mark.parametrize(
    ("first", "length", "span"), [(0, 1, (0.0, 10.0)), (1, 1, (10.0, 20.0)), (1, 9, (10.0, math.inf))]
)
def test_a_window_keeps_the_legs_of_its_iterations_and_of_the_exchange_after(first, length, span):
    traced = recorded(Window(first, length))
    rounds = range(first, min(3, first + length))
    assert [one.number for one in traced.iterations] == list(rounds)
    assert (traced.start_s, traced.end_s) == span
    assert sorted(traced.computations.start_s.tolist()) == sorted(
        10.0 * round_ + at for round_ in rounds for at in (0.0, 4.0)
    )
    assert sorted(traced.transfers.start_s.tolist()) == sorted(
        10.0 * round_ + at for round_ in rounds for at in (1.0, 8.0)
    )
    assert sorted(set(traced.transfer_round.tolist())) == list(rounds)
    assert [exchange[0] for exchange in traced.exchanges] == list(rounds)


def test_a_window_of_no_iterations_keeps_nothing():
    traced = recorded(Window(0, 0))
    assert (len(traced.iterations), len(traced.transfers.start_s), len(traced.computations.start_s)) == (
        0,
        0,
        0,
    )


def test_what_goes_on_into_the_window_and_out_of_it_is_kept():
    rec = Recorder(fleet(), phases=PHASES, window=Window(1, 1))
    for round_, (start_s, end_s) in enumerate(((0.0, 10.0), (10.0, 20.0), (20.0, 30.0))):
        rec.iteration(round_, round_, start_s, end_s, {"forward": 10.0, "backward": 0.0})
        if round_ == 0:
            rec.compute(0, 8.0, 12.0, 1.0)
            rec.compute(1, 2.0, 10.0, 2.0)
        if round_ == 1:
            rec.compute(1, 19.0, 25.0, 3.0)
            rec.transfer(0, -1, "activation", 4.0, 20.0, 21.0)
        rec.end_round(round_, end_s)
    traced = rec.traced()
    assert sorted(traced.computations.flops.tolist()) == [1.0, 3.0]
    assert len(traced.transfers.start_s) == 0


def test_a_full_window_keeps_what_began_before_it_was_full(monkeypatch):
    monkeypatch.setattr("analysis.trace.window.MOST_LEGS", 3)
    traced = recorded(Window(0, 3))
    assert traced.full_s == 10.0
    assert set(traced.transfer_round.tolist()) == {0}
    assert traced.left_out == (4, 4)


def test_computations_have_names_and_phases():
    traced = recorded(Window(0, 1))
    names = [traced.works[code] for code in traced.computations.work]
    assert sorted(names) == [("", "computation"), ("forward", "head")]


def test_how_many_iterations_are_shown():
    assert TraceOptions().length(200) == 2
    assert TraceOptions().length(201) == 0
    assert TraceOptions(iterations=7).length(100_000) == 7
    assert TraceOptions(iterations=0).length(3) == 0


def test_messages_that_take_no_time_have_no_arrow_that_could_be_any_ones():
    rec = Recorder(fleet(), phases=PHASES, window=Window(0, 1))
    rec.compute(0, 0.0, 1.0, 100.0)
    later = 1.0 + 1e-9
    spans = ((0, 1.0, 1.0), (1, 1.0, 1.0), (0, 1.0, later), (0, later, 2.0))
    for client, begun_s, come_s in spans:
        rec.transfer(client, -1, "activation", 1000.0, begun_s, come_s)
    rec.iteration(0, 0, 0.0, 2.0, {"forward": 1.0, "backward": 1.0})
    rec.end_round(0, 2.0)
    trace = trace_of(
        rec.traced(), make_table(COMMITS, {name: [] for name in COMMITS}), links_of, shares=False
    )
    check(trace)
    slices = [event for event in trace["traceEvents"] if event.get("cat") == "transfer"]
    drawn = [event["id"] for event in trace["traceEvents"] if event["ph"] == "s"]
    assert sorted(event["dur"] for event in slices) == [0.0, 0.0, 0.001, 999_999.999]
    assert drawn == [event["args"]["message"] for event in slices if event["dur"] > 1.0]


def links_of(source, target):
    return (f"{source} up", f"{target} down")


def test_a_window_in_the_middle_of_a_run(tmp_path):
    run = traced_run(tmp_path, "huscf_gan", "trace={first_iteration: 2, iterations: 1}")
    check(run.trace)
    rows = run.tables["iterations"].set_index("iteration").loc[2]
    assert [one["iteration"] for one in run.window["iterations"]] == [2]
    assert run.window == run.window | {"start_s": rows["start_s"], "end_s": rows["end_s"]}
    legs = read_trace(run.path)
    assert set(legs["iteration"]) == {2}
    assert legs["start_s"].min() == rows["start_s"]
    with pytest.raises(RunError, match=r"no iteration 1: it shows iteration 2; trace\.first_iteration"):
        gantt_frame(run.path, 1)


def test_what_there_is_no_room_for_is_told_and_logged(tmp_path, monkeypatch, caplog):
    whole = traced_run(make(tmp_path / "whole"), "huscf_gan")
    legs, all_events = read_trace(whole.path), count_events(whole)
    monkeypatch.setattr("analysis.trace.writing.MOST_EVENTS", 1000)
    with caplog.at_level(logging.WARNING):
        run = traced_run(make(tmp_path / "part"), "huscf_gan")
    check(run.trace)
    assert count_events(run) <= 1000 < all_events
    left_out = run.trace["otherData"]["left_out"]
    kept = read_trace(run.path)
    assert kept["start_s"].max() < left_out["from_s"]
    assert len(kept) == (legs["start_s"] < left_out["from_s"]).sum()
    missing = legs[legs["start_s"] >= left_out["from_s"]]["kind"].value_counts()
    assert (left_out["computations"], left_out["transfers"]) == (missing["compute"], missing["transfer"])
    (line,) = [record.getMessage() for record in caplog.records if "no room" in record.getMessage()]
    assert f"{left_out['computations']} computations and {left_out['transfers']} transfers" in line
    gantt_frame(run.path, 0)
    with pytest.raises(RunError, match="iteration 1 is not all there: what begins at"):
        gantt_frame(run.path, 1)


def make(folder):
    folder.mkdir()
    return folder


def count_events(run):
    return sum(event["ph"] != "M" for event in run.events)


def test_a_run_that_ends_before_its_window_shows_what_there_was(tmp_path):
    run = traced_run(tmp_path, "huscf_gan", "trace.iterations=100")
    check(run.trace)
    assert len(run.window["iterations"]) == len(run.tables["iterations"])
    assert run.window["end_s"] == run.tables["devices"].groupby("round")["elapsed_s"].first().sum()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            r"trace\.json: no such file; a run leaves one where it finished and trace\.iterations is not 0",
        ),
        ("{", r"trace\.json: damaged: "),
        ("[]", r"trace\.json: damaged: it is no trace of a run"),
        ('{"traceEvents": [], "otherData": {}}', r"trace\.json: damaged: it has no 'devices'"),
        ('{"traceEvents": [{"cat": "compute", "name": "x"}], "otherData": {}}', "damaged: it has no 'args'"),
        ('{"traceEvents": [3], "otherData": {}}', "damaged: "),
    ],
)
def test_a_trace_that_is_missing_or_damaged_is_told(tmp_path, content, message):
    if content is not None:
        (tmp_path / "trace.json").write_text(content)
    with pytest.raises(RunError, match=message):
        gantt_frame(tmp_path)


def leg(trace):
    return next(one["args"] for one in trace["traceEvents"] if one.get("cat") == "compute")


def sent(trace):
    return next(one["args"] for one in trace["traceEvents"] if one.get("cat") == "transfer")


def shown(trace):
    return trace["otherData"]["window"]["iterations"][0]


NO_NUMBERS = (math.nan, math.inf, -math.inf, -1.0)


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        (where, key, value)
        for where, key in (
            (leg, "start_s"),
            (sent, "end_s"),
            (shown, "end_s"),
            (leg, "flops"),
            (sent, "round"),
        )
        for value in (*NO_NUMBERS[: 3 if key == "round" else 4], *([1e300] if key.endswith("_s") else []))
    ],
)
def test_a_number_that_cannot_be_is_damage(tmp_path, where, key, value):
    run = traced_run(tmp_path, "huscf_gan")
    where(run.trace)[key] = value
    (run.path / "trace.json").write_text(json.dumps(run.trace))
    with pytest.raises(RunError, match=r"trace\.json: damaged: "):
        gantt_frame(run.path)


@pytest.mark.parametrize("where", [leg, sent, shown])
def test_what_ends_before_it_begins_is_damage(tmp_path, where):
    run = traced_run(tmp_path, "huscf_gan")
    where(run.trace)["start_s"] = where(run.trace)["end_s"] + 1.0
    (run.path / "trace.json").write_text(json.dumps(run.trace))
    with pytest.raises(RunError, match=r"trace\.json: damaged: a time from .* ends before it begins"):
        gantt_frame(run.path)


def test_the_file_itself_may_be_named(tmp_path):
    run = traced_run(tmp_path, "huscf_gan")
    assert read_trace(run.path / "trace.json").equals(read_trace(run.path))
    first = run.window["iterations"][0]["iteration"]
    assert gantt_frame(run.path).equals(gantt_frame(run.path / "trace.json", first))
