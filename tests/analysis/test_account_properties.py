"""Accounts of drawn runs, whatever straddles what, against a timeline counted second by second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_rounds import recorder

from analysis.records import RecordError

COMPUTE, TRANSFER, OFF, REST = range(4)
CLIENTS = 3

segments = st.lists(
    st.tuples(
        st.sampled_from([COMPUTE, TRANSFER, OFF, REST]),
        st.integers(1, 9),  # length, s
        st.booleans(),  # told when it begins, or when it ends
        st.integers(0, 4),  # quarters lost
    ),
    max_size=12,
)
runs = st.tuples(
    st.lists(segments, min_size=CLIENTS, max_size=CLIENTS),
    st.lists(st.integers(1, 15), min_size=1, max_size=6).map(np.cumsum),  # when the rounds end, s
    st.sampled_from(["full", "summary"]),
)


def legs_of(client, plan):
    """A client's segments one after the other: (start, what, client, end, foretold, lost share)."""
    start_s = 0
    for what, length_s, foretold, quarters in plan:
        yield start_s, what, client, start_s + length_s, foretold, quarters / 4
        start_s += length_s


def tell(rec, leg):
    start_s, what, client, end_s, _, lost = leg
    amount = 4.0 * (1 + client)
    if what == COMPUTE:
        rec.compute(client, float(start_s), float(end_s), amount, amount * lost)
    elif what == TRANSFER:
        ends = (client, -1) if (start_s + client) % 2 else (-1, client)
        rec.transfer(*ends, "activation", amount, float(start_s), float(end_s), amount * lost)
    elif what == OFF:
        rec.absent(client, float(start_s), float(end_s))


def play(legs, ends_s, mode):
    """Report as a world would: what is foretold when it begins, the rest when it ends, and what is under way."""
    rec = recorder(CLIENTS, mode)
    told = set()
    for round_, end_s in enumerate(ends_s.tolist()):
        for number, leg in enumerate(legs):
            due_s = leg[0] if leg[4] or leg[1] == OFF else leg[3]
            if number not in told and due_s <= end_s:
                told.add(number)
                tell(rec, leg)
        open_ = [leg for number, leg in enumerate(legs) if number not in told and leg[0] <= end_s]
        under_way = [(one[2], "compute", float(one[0])) for one in open_ if one[1] == COMPUTE]
        for device in (-1, None):
            under_way += [
                (one[2] if device is None else device, "transfer", float(one[0]))
                for one in open_
                if one[1] == TRANSFER
            ]
        rec.end_round(round_, float(end_s), under_way)
    return rec


def seconds(legs, what, until_s):
    """Which device did something in which second, shape ``[devices, seconds]``; row 0 is the server."""
    done = np.zeros((CLIENTS + 1, until_s), bool)
    for start_s, of, client, end_s, _, _ in legs:
        done[client + 1, start_s:end_s] |= of == what
        if what == TRANSFER:
            done[0, start_s:end_s] |= of == what
    return done


@settings(max_examples=150, deadline=None)
@given(runs)
def test_times_are_those_counted_second_by_second_and_sum_to_the_round(drawn):
    plans, ends_s, mode = drawn
    legs = sorted(leg for client, plan in enumerate(plans) for leg in legs_of(client, plan))
    devices = play(legs, ends_s, mode).tables()["devices"]
    computing, moving, off = (seconds(legs, what, int(ends_s[-1])) for what in (COMPUTE, TRANSFER, OFF))
    counted = (computing, moving & ~computing, off, ~(computing | moving | off))
    for round_, (from_s, to_s) in enumerate(zip([0, *ends_s[:-1]], ends_s, strict=True)):
        own = devices[devices["round"] == round_]
        for column, done in zip(("compute_s", "transfer_s", "off_s", "wait_s"), counted, strict=True):
            assert own[column].tolist() == done[:, from_s:to_s].sum(1).tolist()
        parts = own[["compute_s", "transfer_s", "off_s", "wait_s"]].sum(axis=1)
        assert parts.tolist() == own["elapsed_s"].tolist() == [to_s - from_s] * (CLIENTS + 1)


@settings(max_examples=150, deadline=None)
@given(runs)
def test_what_is_sent_is_received_or_lost_in_the_round_in_which_it_ends(drawn):
    plans, ends_s, mode = drawn
    legs = sorted(leg for client, plan in enumerate(plans) for leg in legs_of(client, plan))
    tables = play(legs, ends_s, mode).tables()
    sums = tables["devices"].groupby("round")[["uplink_bytes", "downlink_bytes", "lost_bytes"]].sum()
    assert sums["uplink_bytes"].tolist() == (sums["downlink_bytes"] + sums["lost_bytes"]).tolist()
    moved = tables["transfers"].groupby("round")[["bytes", "lost_bytes"]].sum()
    for round_, (from_s, to_s) in enumerate(zip([0, *ends_s[:-1]], ends_s, strict=True)):
        own = [(4.0 * (1 + leg[2]), leg[5]) for leg in legs if leg[1] == TRANSFER and from_s < leg[3] <= to_s]
        expected = [sum(amount for amount, _ in own), sum(amount * lost for amount, lost in own)]
        assert sums.loc[round_, ["uplink_bytes", "lost_bytes"]].tolist() == expected
        assert moved.reindex(sums.index, fill_value=0.0).loc[round_].tolist() == expected
    work = [4.0 * (1 + leg[2]) for leg in legs if leg[1] == COMPUTE and leg[3] <= ends_s[-1]]
    assert tables["devices"]["work_flops"].sum() == sum(work)


@settings(max_examples=100, deadline=None)
@given(runs, st.data())
def test_a_leg_of_a_device_that_is_off_is_named(drawn, data):
    plans, ends_s, mode = drawn
    legs = sorted(leg for client, plan in enumerate(plans) for leg in legs_of(client, plan))
    busy = [leg for leg in legs if leg[1] in (COMPUTE, TRANSFER) and leg[0] < ends_s[-1]]
    if not busy:
        return
    start_s, what, client, end_s, _, _ = data.draw(st.sampled_from(busy))
    away = data.draw(st.sampled_from([start_s + 0.25, min(end_s, int(ends_s[-1])) - 0.75]))
    absence = (away, OFF, client, away + 0.5, True, 0.0)
    leg = "transferring|client-|server ->" if what == TRANSFER else "computing|FLOP"
    with pytest.raises(
        RecordError, match=rf"client-{client} is off from .* in round \d+, and yet: .*({leg})"
    ):
        play(sorted([*legs, absence]), ends_s, mode)
