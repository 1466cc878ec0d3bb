"""Being off: its time, over the ends of rounds too, and nothing beside it."""

import math

import pytest
from recorded_rounds import played_round, recorder

from analysis.records import RecordError


def off_s(rec, name="client-0"):
    devices = rec.tables()["devices"]
    return devices.loc[devices["device"] == name, "off_s"].tolist()


def test_time_off_is_time_not_waited():
    rec = recorder()
    rec.absent(0, 7.5, 9.0)
    played_round(rec)
    row = rec.tables()["devices"].set_index("device").loc["client-0"]
    assert row[["compute_s", "transfer_s", "wait_s", "off_s", "elapsed_s"]].tolist() == [
        1.0,
        4.0,
        3.5,
        1.5,
        10.0,
    ]


@pytest.mark.parametrize("end_s", [31.0, math.inf])
def test_an_absence_told_once_is_cut_by_rounds(end_s):
    rec = recorder()
    rec.absent(0, 4.0, end_s)
    for round_, at_s in enumerate((10.0, 20.0, 30.0)):
        rec.end_round(round_, at_s)
    assert off_s(rec) == [6.0, 10.0, 10.0]
    assert off_s(rec, "client-1") == [0.0, 0.0, 0.0]


def test_absences_that_overlap_or_touch_count_once():
    rec = recorder()
    for start_s, end_s in ((6.0, 8.0), (1.0, 3.0), (2.0, 4.0), (4.0, 5.0), (6.5, 7.0)):
        rec.absent(0, start_s, end_s)
    rec.end_round(0, 10.0)
    assert off_s(rec) == [6.0]


def test_an_absence_may_be_told_before_its_round():
    rec = recorder()
    rec.absent(0, 12.0, 13.0)
    rec.end_round(0, 10.0)
    rec.end_round(1, 20.0)
    assert off_s(rec) == [0.0, 1.0]


def test_who_leaves_as_a_leg_ends_and_returns_as_one_begins_is_in_order():
    rec = recorder()
    rec.compute(0, 0.0, 2.0, 1.0)
    rec.absent(0, 2.0, 5.0)
    rec.transfer(0, -1, "activation", 1.0, 5.0, 6.0)
    rec.end_round(0, 10.0)
    assert off_s(rec) == [3.0]


@pytest.mark.parametrize(
    ("leg", "named"),
    [
        (lambda r: r.compute(0, 1.0, 4.0, 7.0), "client-0, 7.0 FLOP from 1.0 s to 4.0 s"),
        (lambda r: r.compute(0, 4.0, 4.5, 7.0), "client-0, 7.0 FLOP from 4.0 s to 4.5 s"),
        (lambda r: r.compute(0, 4.0, 4.0, 7.0), "client-0, 7.0 FLOP from 4.0 s to 4.0 s"),
        (lambda r: r.compute(0, 4.0, 40.0, 7.0), "client-0, 7.0 FLOP from 4.0 s to 40.0 s"),
        (
            lambda r: r.transfer(0, -1, "label", 2.0, 4.0, 6.0),
            "client-0 -> server, 2.0 bytes of label from 4.0 s",
        ),
        (
            lambda r: r.transfer(-1, 0, "label", 2.0, 0.0, 9.0, 1.0),
            r"server -> client-0, .*\(1.0 lost\) from 0.0 s",
        ),
    ],
)
def test_a_device_that_is_off_does_nothing(leg, named):
    rec = recorder()
    rec.absent(1, 0.0, 10.0)
    rec.absent(0, 3.0, 5.0)
    leg(rec)
    what = f"client-0 is off from 3.0 s to 5.0 s in round 0, and yet: {named}"
    with pytest.raises(RecordError, match=what):
        rec.end_round(0, 10.0)


def test_the_leg_is_found_among_many_and_in_the_round_in_which_it_meets():
    rec = recorder(clients=5)
    for client in range(5):
        rec.absent(client, 10.0 + client, 11.0 + client)
        rec.transfer(client, -1, "activation", 1.0, 0.0, 9.0)
        rec.compute(client, 9.0, 10.0 + client + (1e-3 if client == 3 else 0.0), float(client))
    rec.end_round(0, 10.0)
    message = r"client-3 is off from 13.0 s to 14.0 s in round 1, and yet: client-3, 3.0 FLOP from 9.0 s to 13.001 s"
    with pytest.raises(RecordError, match=message):
        rec.end_round(1, 20.0)


def test_what_is_announced_must_not_be_done_while_off():
    rec = recorder()
    rec.absent(0, 3.0, 5.0)
    with pytest.raises(
        RecordError, match=r"client-0 is off .* and yet: client-0, transferring since 1.0 s and not"
    ):
        rec.end_round(0, 10.0, [(0, "transfer", 1.0), (-1, "transfer", 1.0)])


def test_an_absence_told_too_late_is_refused():
    rec = recorder()
    rec.end_round(0, 10.0)
    rec.absent(0, 8.0, 12.0)
    with pytest.raises(
        RecordError, match=r"client-0 was off from 8.0 s to 12.0 s, .* too late: only in round 1"
    ):
        rec.end_round(1, 20.0)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ((2, 0.0, 1.0), r"device 2 is not one of -1\.\.1"),
        ((0, 2.0, 1.0), "client-0 cannot be off from 2.0 s to 1.0 s"),
        ((0, -1.0, 1.0), "cannot be off from -1.0 s"),
        ((0, math.inf, math.inf), "cannot be off from inf s"),
        ((0, 0.0, math.nan), "cannot be off from 0.0 s to nan s"),
    ],
)
def test_impossible_absences(told, message):
    with pytest.raises(RecordError, match=message):
        recorder().absent(*told)


def test_an_absence_keeps_no_round_open():
    rec = recorder()
    rec.end_round(0, 10.0)
    rec.absent(0, 10.0, 12.0)
    assert off_s(rec) == [0.0]
