"""What was lost: bytes on their way, work in vain; and the memory that devices used."""

import math

import pytest
from recorded_rounds import recorder

from analysis.records import RecordError


@pytest.mark.parametrize("mode", ["full", "summary"])
def test_lost_bytes_are_sent_and_not_received(mode):
    rec = recorder(mode=mode)
    rec.transfer(0, -1, "activation", 100.0, 0.0, 1.0, lost_bytes=100.0)
    rec.transfer(0, -1, "activation", 110.0, 2.0, 3.0, lost_bytes=10.0)
    rec.transfer(-1, 0, "gradient", 40.0, 4.0, 5.0)
    rec.end_round(0, 10.0)
    tables = rec.tables()
    devices = tables["devices"].set_index("device")
    columns = ["uplink_bytes", "downlink_bytes", "lost_bytes"]
    assert devices.loc["client-0", columns].tolist() == [210.0, 40.0, 110.0]
    assert devices.loc["server", columns].tolist() == [40.0, 100.0, 0.0]
    assert (tables["transfers"]["bytes"].sum(), tables["transfers"]["lost_bytes"].sum()) == (250.0, 110.0)
    assert rec.bytes_by_kind == {"activation": 210.0, "gradient": 40.0}


def test_work_in_vain_is_work():
    rec = recorder()
    rec.compute(0, 0.0, 2.0, 8.0, lost_flops=8.0)
    rec.compute(0, 2.0, 6.0, 16.0)
    rec.end_round(0, 10.0)
    row = rec.tables()["devices"].set_index("device").loc["client-0"]
    assert row[["compute_s", "work_flops", "lost_flops"]].tolist() == [6.0, 24.0, 8.0]


def test_bytes_that_vanish_are_an_error():
    rec = recorder()
    rec.transfer(0, -1, "activation", 100.0, 0.0, 1.0, lost_bytes=30.0)
    rec.received(-1, 70.0)
    rec.end_round(0, 10.0)
    rec.transfer(0, -1, "activation", 100.0, 10.0, 11.0, lost_bytes=30.0)
    rec.received(-1, 60.0)
    message = "server in round 1: 70.0 bytes were sent to it and not lost, and it was handed 60.0"
    with pytest.raises(RecordError, match=message):
        rec.end_round(1, 19.0)


def test_bytes_that_come_from_nowhere_are_an_error():
    rec = recorder()
    rec.transfer(-1, 1, "activation", 100.0, 0.0, 1.0, lost_bytes=100.0)
    rec.received(1, 100.0)
    with pytest.raises(RecordError, match=r"client-1 in round 0: 0\.0 bytes were sent to it and not lost"):
        rec.end_round(0, 10.0)


def test_memory_is_the_most_of_the_round():
    rec = recorder()
    for n_bytes in (3e6, 5e6, 4e6):
        rec.memory(0, n_bytes)
    rec.memory(-1, 7.0)
    rec.end_round(0, 10.0)
    rec.memory(0, 2.0)
    rec.end_round(1, 20.0)
    devices = rec.tables()["devices"]
    assert devices["memory_bytes"].tolist() == [7.0, 5e6, 0.0, 0.0, 2.0, 0.0]


@pytest.mark.parametrize("told", [(2, 1.0), (-2, 1.0), (0, -1.0), (0, math.nan), (0, math.inf)])
def test_impossible_memory(told):
    with pytest.raises(RecordError, match=r"bytes of memory; allowed: a device of -1\.\.1 and a finite size"):
        recorder().memory(*told)
