"""Legs over the ends of rounds: a row where they end, time wherever they were, and errors where somebody forgot."""

import pytest
from recorded_rounds import recorder

from analysis.records import RecordError


def times(rec, name):
    """compute, transfer, wait and off of a device, round by round."""
    devices = rec.tables()["devices"]
    own = devices[devices["device"] == name]
    return own[["compute_s", "transfer_s", "wait_s", "off_s"]].values.tolist()


@pytest.mark.parametrize("mode", ["full", "summary"])
def test_a_foretold_leg_is_counted_where_it_ends_and_timed_where_it_was(mode):
    rec = recorder(mode=mode)
    rec.compute(0, 4.0, 25.0, 100.0)
    rec.transfer(1, -1, "activation", 60.0, 8.0, 12.0)
    for round_, end_s in enumerate((10.0, 20.0, 30.0)):
        rec.end_round(round_, end_s)
    assert times(rec, "client-0") == [[6.0, 0.0, 4.0, 0.0], [10.0, 0.0, 0.0, 0.0], [5.0, 0.0, 5.0, 0.0]]
    assert (
        times(rec, "client-1") == times(rec, "server") == [[0.0, t, 10.0 - t, 0.0] for t in (2.0, 2.0, 0.0)]
    )
    tables = rec.tables()
    devices = tables["devices"].set_index(["device", "round"]).sort_index()
    assert devices.loc["client-0", "work_flops"].tolist() == [0.0, 0.0, 100.0]
    assert devices.loc["client-1", "uplink_bytes"].tolist() == [0.0, 60.0, 0.0]
    assert devices.loc["server", "downlink_bytes"].tolist() == [0.0, 60.0, 0.0]
    assert tables["transfers"]["round"].tolist() == [1]


def test_a_leg_told_when_it_ends_is_timed_by_what_was_announced():
    foretold, told_late = recorder(), recorder()
    foretold.compute(0, 4.0, 25.0, 100.0)
    foretold.transfer(1, -1, "activation", 60.0, 8.0, 12.0)
    sending = [(1, "transfer", 8.0), (-1, "transfer", 8.0)]
    told_late.end_round(0, 10.0, [(0, "compute", 4.0), *sending])
    told_late.transfer(1, -1, "activation", 60.0, 8.0, 12.0)
    told_late.end_round(1, 20.0, [(0, "compute", 4.0)])
    told_late.compute(0, 4.0, 25.0, 100.0)
    told_late.end_round(2, 30.0)
    for round_, end_s in enumerate((10.0, 20.0, 30.0)):
        foretold.end_round(round_, end_s)
    for name in ("devices", "transfers"):
        assert told_late.tables()[name].equals(foretold.tables()[name])


def test_a_leg_may_be_told_late_and_go_on_foretold():
    rec = recorder()
    rec.end_round(0, 10.0, [(0, "compute", 4.0)])
    rec.compute(0, 4.0, 25.0, 100.0)
    rec.end_round(1, 20.0)
    rec.end_round(2, 30.0)
    assert [one[0] for one in times(rec, "client-0")] == [6.0, 10.0, 5.0]


def test_many_messages_may_share_one_announcement():
    rec = recorder()
    rec.end_round(0, 10.0, [(device, "transfer", 8.0) for device in (0, 1, -1, -1)])
    rec.transfer(-1, 0, "parameters", 60.0, 8.0, 12.0)
    rec.transfer(-1, 0, "statistics", 1.0, 8.0, 12.0)
    rec.end_round(1, 20.0, [(1, "transfer", 8.0), (-1, "transfer", 8.0)])
    rec.transfer(-1, 1, "parameters", 60.0, 8.0, 21.0)
    rec.end_round(2, 30.0)
    assert [one[1] for one in times(rec, "server")] == [2.0, 10.0, 1.0]
    assert [one[1] for one in times(rec, "client-0")] == [2.0, 2.0, 0.0]


def test_messages_that_began_at_once_but_for_rounding_are_seen_together():
    """Their starts are sums of other numbers: 0.1 + 0.2 is not 0.3."""
    rec = recorder()
    starts_s = (0.3, 0.1 + 0.2)
    rec.end_round(0, 1.0, [(who, "transfer", start_s) for start_s in starts_s for who in (0, 1, -1)])
    rec.transfer(0, -1, "activation", 60.0, starts_s[0], 1.5)
    rec.transfer(1, -1, "activation", 60.0, starts_s[1], 1.5)
    rec.end_round(1, 2.0)
    assert [one[1] for one in times(rec, "server")] == [0.7, 0.5]


def test_a_leg_that_begins_as_a_round_ends_may_be_announced_or_not():
    rec = recorder()
    rec.end_round(0, 10.0, [(0, "compute", 10.0)])
    rec.compute(0, 10.0, 12.0, 1.0)
    rec.compute(1, 10.0, 12.0, 1.0)
    rec.end_round(1, 20.0)
    assert times(rec, "client-0") == times(rec, "client-1")


def test_a_leg_told_ahead_of_its_beginning_waits_for_its_round():
    rec = recorder()
    rec.compute(0, 12.0, 14.0, 5.0)
    rec.end_round(0, 10.0)
    rec.end_round(1, 20.0)
    assert [one[0] for one in times(rec, "client-0")] == [0.0, 2.0]


def test_what_is_under_way_at_the_end_of_a_run_has_time_but_no_row():
    rec = recorder()
    rec.transfer(0, -1, "activation", 60.0, 8.0, 12.0)
    rec.compute(1, 9.0, 12.0, 7.0)
    rec.end_round(0, 10.0, [(-1, "compute", 6.0)])
    tables = rec.tables()
    assert times(rec, "client-0") == [[0.0, 2.0, 8.0, 0.0]]
    assert times(rec, "client-1") == [[1.0, 0.0, 9.0, 0.0]]
    assert times(rec, "server") == [[4.0, 0.0, 6.0, 0.0]]
    assert len(tables["transfers"]) == 0
    assert (tables["devices"][["uplink_bytes", "work_flops"]] == 0.0).all(axis=None)
    assert rec.total_bytes == 60.0  # it was told to be sent


def test_a_stopped_run_drops_the_open_round_and_keeps_the_closed_ones():
    rec = recorder()
    rec.transfer(0, -1, "activation", 60.0, 8.0, 12.0)
    rec.end_round(0, 10.0)
    rec.compute(1, 11.0, 12.0, 7.0)
    with pytest.raises(RecordError, match="round 1 has records but was not closed"):
        rec.tables()
    assert rec.closed_tables()["devices"]["transfer_s"].tolist() == [2.0, 2.0, 0.0]


def test_a_leg_from_before_the_round_that_nobody_announced_is_named():
    rec = recorder()
    rec.end_round(0, 10.0)
    rec.compute(1, 8.0, 12.0, 7.0)
    what = r"begun before round 1 \(10.0 s to 20.0 s\), and not announced of client-1 as under way when that began: "
    with pytest.raises(RecordError, match=what + "client-1, 7.0 FLOP from 8.0 s to 12.0 s"):
        rec.end_round(1, 20.0)


@pytest.mark.parametrize(
    ("announced", "blamed"),
    [
        ([(1, "transfer", 8.0)], "server"),
        ([(-1, "transfer", 8.0)], "client-1"),
        ([(1, "compute", 8.0), (-1, "transfer", 8.0)], "client-1"),
        ([(1, "transfer", 8.5), (-1, "transfer", 8.0)], "client-1"),
    ],
)
def test_an_announcement_is_of_one_device_one_kind_and_one_start(announced, blamed):
    rec = recorder()
    rec.end_round(0, 10.0, announced)
    rec.transfer(1, -1, "activation", 60.0, 8.0, 12.0)
    what = f"not announced of {blamed} as under way when that began: client-1 -> server, 60.0 bytes"
    with pytest.raises(RecordError, match=what):
        rec.end_round(1, 20.0)


def test_an_announced_leg_that_is_never_told_is_named():
    rec = recorder()
    rec.end_round(0, 10.0, [(0, "compute", 4.0)])
    with pytest.raises(
        RecordError, match=r"under way when round 1 .*neither .*: client-0, compute since 4.0 s"
    ):
        rec.end_round(1, 20.0)


@pytest.mark.parametrize(
    ("announcement", "message"),
    [
        ((2, "compute", 1.0), r"device 2, compute since 1.0 s; allowed: a device of -1\.\.1"),
        ((0, "sleep", 1.0), "device 0, sleep since 1.0 s; allowed: .* compute or transfer"),
        ((0, "compute", 10.5), "it must have begun"),
        ((0, "compute", float("nan")), "it must have begun"),
        ((0, "compute", -1.0), "begun before round 0 .* not announced of client-0"),
    ],
)
def test_impossible_announcements(announcement, message):
    with pytest.raises(RecordError, match=message):
        recorder().end_round(0, 10.0, [announcement])


def test_an_announced_computation_is_a_computation():
    rec = recorder()
    rec.compute(0, 2.0, 6.0, 7.0)
    with pytest.raises(
        RecordError, match=r"client-0 computes 2 .* for 2.0 s; the last: client-0, computing since"
    ):
        rec.end_round(0, 10.0, [(0, "compute", 4.0)])


def test_a_straddling_computation_meets_the_next_ones():
    rec = recorder()
    rec.compute(0, 2.0, 12.0, 7.0)
    rec.end_round(0, 10.0)
    rec.compute(0, 11.0, 13.0, 5.0)
    with pytest.raises(RecordError, match=r"in round 1, for 1.0 s; the last: client-0, 5.0 FLOP from 11.0 s"):
        rec.end_round(1, 20.0)
