"""The critical path that is walked back over a trace, and the rows of a Gantt chart."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traced_runs import KINDS, UNCONTENDED, traced_run

from analysis.trace import gantt_frame, read_trace
from analysis.trace.critical_path import Leg, critical_path
from analysis.trace.gantt import critical_path_frame
from simulator.explanation.critical_path import critical_path as explained_path
from simulator.explanation.timeline import Timeline

SERVER, A, B = 0, 1, 2


@pytest.fixture(scope="module", params=KINDS)
def run(request, tmp_path_factory):
    return traced_run(tmp_path_factory.mktemp("traced"), request.param)


def iterations(run):
    rows = run.tables["iterations"].set_index("iteration")
    shown = [one["iteration"] for one in run.window["iterations"]]
    return [(number, rows.loc[number, "start_s"], rows.loc[number, "end_s"]) for number in shown]


def close(seconds):
    """Times of a path are whole nanoseconds."""
    return pytest.approx(seconds, rel=1e-9, abs=2e-9)


def test_the_path_fills_every_iteration(run):
    for number, start_s, end_s in iterations(run):
        path = critical_path_frame(run.path, number)
        if path.empty:
            assert end_s == start_s
            continue
        assert (path["start_s"].iloc[0], path["end_s"].iloc[-1]) == (close(start_s), close(end_s))
        assert path["start_s"].tolist()[1:] == path["end_s"].tolist()[:-1]


def test_without_contention_and_absence_the_legs_of_the_path_are_the_latency(run):
    if run.kind in UNCONTENDED:
        for number, start_s, end_s in iterations(run):
            path = critical_path_frame(run.path, number)
            assert set(path["kind"]) <= {"compute", "transfer"}
            assert (path["end_s"] - path["start_s"]).sum() == close(end_s - start_s)


EXPLAINED = {
    "four clients": (),
    "a server that is the bottleneck": ("devices.server={profile: raspberry-pi-4}",),
    "slow and fast": (
        "devices.clients=[{profile: raspberry-pi-4, count: 3, uplink: 1 MB/s}, {profile: phone-2024, count: 3}]",
        "data.domains=[{dataset: mnist5k, clients: 3}, {dataset: glyphs, clients: 3}]",
        "cuts={selector: exact}",
    ),
    "all different": (
        "devices.clients=[{profile: jetson-nano, count: 6, spread: 0.5}]",
        "data.domains=[{dataset: mnist5k, clients: 3}, {dataset: glyphs, clients: 3}]",
        "cuts={selector: greedy}",
        "model.width=16",
    ),
    "the authors' formula": ("cost_model=paper", "network.model=paper"),
}


@pytest.mark.parametrize("overrides", EXPLAINED.values(), ids=EXPLAINED)
def test_it_is_the_path_that_explain_finds_in_the_closed_form(tmp_path, overrides):
    run = traced_run(tmp_path, "huscf_gan", *overrides)
    timeline = Timeline(run.course.plan)
    names = {device.id: device.name for device in run.course.plan.setting.fleet.devices}
    wanted = [
        (names[leg.device], leg.kind.replace("server", "compute"), leg.start_s, leg.end_s)
        for leg in explained_path(timeline)
        if leg.end_s > leg.start_s
    ]
    for number, start_s, _ in iterations(run):
        path = critical_path_frame(run.path, number)
        came = []
        for row in path.itertuples():
            ends = {row.device, *row.what.split(" ")} if row.kind == "transfer" else {row.device}
            # The path of ``explain`` calls a message after its client.
            who = next(
                name for name in names.values() if name in ends and (name != "server" or len(ends) == 1)
            )
            came.append((who, row.kind, row.start_s - start_s, row.end_s - start_s))
        assert [one[:2] for one in came] == [one[:2] for one in wanted]
        assert [one[2:] for one in came] == [(close(one[2]), close(one[3])) for one in wanted]


def test_a_path_goes_by_messages_to_who_waited_for_them():
    legs = [
        Leg(A, None, (0, 10)),
        Leg(B, None, (0, 7)),
        Leg(A, SERVER, (10, 12)),
        Leg(B, SERVER, (7, 20)),
        Leg(SERVER, None, (20, 25)),
        Leg(SERVER, A, (25, 30)),
    ]
    assert legs_on(legs, (0, 30)) == [1, 3, 4, 5]


def test_at_a_barrier_it_goes_on_with_whoever_came_last():
    """B begins when A is done, though nothing was sent: they met."""
    legs = [Leg(A, None, (0, 10)), Leg(B, None, (0, 4)), Leg(B, None, (10, 13))]
    assert legs_on(legs, (0, 13)) == [0, 2]


def test_where_nothing_ended_the_device_was_waiting():
    legs = [Leg(A, None, (0, 4)), Leg(A, None, (9, 12))]
    path = critical_path(legs, (0, 15))
    assert [(one.device, one.leg, one.span) for one in path] == [
        (A, 0, (0, 4)),
        (A, None, (4, 9)),
        (A, 1, (9, 12)),
        (A, None, (12, 15)),
    ]


def test_what_reaches_over_the_ends_is_cut_off():
    path = critical_path([Leg(A, None, (-5, 4)), Leg(A, SERVER, (4, 9)), Leg(B, None, (3, 20))], (0, 9))
    assert [(one.leg, one.span) for one in path] == [(0, (0, 4)), (1, (4, 9))]


def test_legs_that_take_no_time_are_passed_once():
    legs = [Leg(A, None, (5, 5)), Leg(A, None, (5, 5)), Leg(A, None, (0, 5)), Leg(A, SERVER, (5, 8))]
    assert legs_on(legs, (0, 8)) == [2, 1, 0, 3]


def test_of_equals_a_computation_prefers_messages_and_a_message_computations():
    legs = [
        Leg(A, SERVER, (0, 5)),
        Leg(SERVER, None, (0, 5)),
        Leg(SERVER, None, (5, 7)),
        Leg(B, SERVER, (3, 7)),
        Leg(SERVER, A, (7, 9)),
    ]
    assert legs_on(legs, (0, 9)) == [0, 2, 4]


def legs_on(legs, window):
    return [piece.leg for piece in critical_path(legs, window)]


legs_of_anybody = st.lists(
    st.builds(
        lambda device, peer, start, length: Leg(
            device, None if peer == device else peer, (start, start + length)
        ),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(-3, 20),
        st.integers(0, 6),
    ),
    max_size=25,
)


@given(legs_of_anybody, st.integers(0, 5), st.integers(0, 20))
def test_any_path_fills_its_window_and_takes_each_leg_once(legs, start, length):
    window = (start, start + length)
    path = critical_path(legs, window)
    assert sum(one.span[1] - one.span[0] for one in path) == length
    assert all(one.span[1] == other.span[0] for one, other in pairwise(path))
    if length:
        assert (path[0].span[0], path[-1].span[1]) == window
    walked = [one.leg for one in path if one.leg is not None]
    assert len(set(walked)) == len(walked)
    for one in path:
        if one.leg is not None:
            leg = legs[one.leg]
            assert (one.device, one.span) == (leg.device, (max(start, leg.span[0]), leg.span[1]))


def test_a_device_works_sends_receives_or_waits_in_every_moment(run):
    for number, start_s, end_s in iterations(run):
        rows = gantt_frame(run.path, number)
        assert set(rows["kind"]) <= {"compute", "transfer", "wait"}
        if end_s == start_s:
            continue
        assert list(rows["device"].unique()) == [
            device.name for device in run.course.plan.setting.fleet.devices
        ]
        for _, own in rows.groupby("device"):
            assert own["start_s"].min() == close(start_s)
            assert own["end_s"].max() == close(end_s)
            reached = own["end_s"].cummax().shift(fill_value=own["start_s"].min())
            assert (own["start_s"] <= reached).all(), "a gap that nobody waited in"
            waits, busy = own[own["kind"] == "wait"], own[own["kind"] != "wait"]
            for wait in waits.itertuples():
                assert ((busy["end_s"] <= wait.start_s) | (busy["start_s"] >= wait.end_s)).all()


def test_the_rows_on_the_path_fill_the_iteration(run):
    for number, start_s, end_s in iterations(run):
        rows = gantt_frame(run.path, number)
        path = critical_path_frame(run.path, number)
        critical = rows[rows["on_critical_path"]]
        assert critical.empty == (end_s == start_s)
        for piece in path.itertuples():
            covers = (critical["start_s"] <= piece.start_s) & (critical["end_s"] >= piece.end_s)
            assert (covers & (critical["kind"] == piece.kind)).any()


def test_the_rows_are_the_legs_of_the_iteration(run):
    """Each computation once, each message at both its ends, cut off at the iteration's ends."""
    for number, start_s, end_s in iterations(run):
        rows, legs = gantt_frame(run.path, number), read_trace(run.path)
        within = legs[(legs["start_s"] < end_s) & (legs["end_s"] > start_s)]
        lasting = within["end_s"].clip(upper=end_s) - within["start_s"].clip(lower=start_s)
        computing = within["kind"] == "compute"
        came = rows["end_s"] - rows["start_s"]
        assert came[rows["kind"] == "compute"].sum() == pytest.approx(lasting[computing].sum(), abs=1e-6)
        messages = within[~computing].drop_duplicates(["device", "peer", "start_s", "end_s"])
        sent = came[(rows["kind"] == "transfer") & rows["what"].str.startswith("send ")]
        received = came[(rows["kind"] == "transfer") & rows["what"].str.startswith("receive ")]
        assert [sent.sum(), received.sum()] == pytest.approx([lasting[messages.index].sum()] * 2, abs=1e-6)
