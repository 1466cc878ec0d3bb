"""The recorder: accounts by hand, invariants that raise, totals, and both forms of the transfers."""

import dataclasses
import json
import math

import numpy as np
import pytest
from recorded_rounds import device, fleet, played_round, recorder

from analysis import device_times
from analysis.records import Recorder, RecordError
from analysis.tables import check_table
from devices.fleet import Fleet, FleetOptions, build_fleet
from devices.profile import load_profile

TWO_AT_ONCE = (
    "client-1 computes 2 things at once in round 1, for 1.0 s; "
    "the last: client-1, 7.0 FLOP from 4.0 s to 6.0 s"
)


def row(tables, name, round_=0):
    devices = tables["devices"]
    return devices[(devices["round"] == round_) & (devices["device"] == name)].iloc[0]


@pytest.mark.parametrize("mode", ["full", "summary"])
def test_accounts_of_a_round_played_by_hand(mode):
    rec = recorder(mode=mode)
    played_round(rec)
    tables = rec.tables()
    expected = {  # compute, transfer, wait, up, down, work
        # The server receives from 1 to 5 s (two at a time), computes from 5 to 6, sends from 6 to 8.
        "server": (1.0, 6.0, 3.0, 700.0, 3000.0, 500.0),
        "client-0": (1.0, 4.0, 5.0, 1000.0, 300.0, 100.0),
        "client-1": (3.0, 4.0, 3.0, 2000.0, 400.0, 50.0),
    }
    columns = ["compute_s", "transfer_s", "wait_s", "uplink_bytes", "downlink_bytes", "work_flops"]
    for name, values in expected.items():
        assert tuple(row(tables, name)[columns]) == values
        assert row(tables, name)["profile"] == f"profile-of-{name}"
    assert (tables["devices"]["elapsed_s"] == 10.0).all()


def test_second_round_is_accounted_from_the_end_of_the_first():
    rec = recorder()
    played_round(rec)
    played_round(rec, round_=1, t=10.0)
    tables = rec.tables()
    assert row(tables, "client-1", 1)["wait_s"] == 3.0
    assert tables["transfers"]["round"].tolist() == [0] * 4 + [1] * 4
    assert tables["iterations"]["round"].tolist() == [0, 1]
    assert tables["iterations"]["aggregation_s"].tolist() == [2.0, 2.0]


def test_aggregation_is_charged_to_the_last_iteration_of_the_round_only():
    rec = recorder()
    rec.iteration(0, 0, 0.0, 4.0, {"forward": 3.0, "backward": 1.0})
    rec.iteration(0, 1, 4.0, 8.0, {"forward": 3.0, "backward": 1.0})
    rec.end_round(0, 9.5)
    iterations = rec.tables()["iterations"]
    assert iterations["aggregation_s"].tolist() == [0.0, 1.5]
    assert iterations["iteration_latency_s"].tolist() == [4.0, 4.0]
    assert iterations["forward_s"].tolist() == [3.0, 3.0]
    assert iterations["generator_loss"].isna().all()


def test_full_transfers_are_the_reports_in_their_order():
    rec = recorder()
    played_round(rec)
    transfers = rec.tables()["transfers"]
    first = transfers.iloc[0].to_dict()
    assert first == {
        "round": 0,
        "source": "client-0",
        "target": "server",
        "kind": "activation",
        "bytes": 1000.0,
        "lost_bytes": 0.0,
        "start_s": 1.0,
        "end_s": 4.0,
    }
    assert transfers["bytes"].tolist() == [1000.0, 2000.0, 300.0, 400.0]


def test_summary_adds_up_the_full_transfers():
    full, summary = recorder(mode="full"), recorder(mode="summary")
    for rec in (full, summary):
        rec.transfer(0, -1, "activation", 10.0, 0.0, 1.0)
        rec.transfer(1, -1, "activation", 7.0, 0.0, 1.0)
        rec.transfer(0, -1, "activation", 30.0, 1.0, 1.5, lost_bytes=3.0)
        rec.transfer(0, -1, "label", 1.0, 1.0, 1.5)
        rec.end_round(0, 2.0)
    rows = full.tables()["transfers"].assign(transfers=1, transfer_s=lambda t: t["end_s"] - t["start_s"])
    keys = ["round", "source", "target", "kind"]
    expected = rows.groupby(keys)[["transfers", "bytes", "lost_bytes", "transfer_s"]].sum()
    got = summary.tables()["transfers"].set_index(keys).sort_index()
    assert got.equals(expected.sort_index())
    assert full.tables()["devices"].equals(summary.tables()["devices"])


def test_message_of_several_kinds_counts_its_time_once_and_its_bytes_twice():
    rec = recorder()
    rec.transfer(0, -1, "activation", 10.0, 0.0, 2.0)
    rec.transfer(0, -1, "label", 5.0, 0.0, 2.0)
    rec.end_round(0, 3.0)
    account = row(rec.tables(), "client-0")
    assert (account["transfer_s"], account["wait_s"], account["uplink_bytes"]) == (2.0, 1.0, 15.0)


def test_transferring_while_computing_counts_as_computing():
    rec = recorder()
    rec.compute(0, 0.0, 4.0, 1.0)
    rec.transfer(0, -1, "activation", 10.0, 3.0, 6.0)
    rec.end_round(0, 8.0)
    account = row(rec.tables(), "client-0")
    assert (account["compute_s"], account["transfer_s"], account["wait_s"]) == (4.0, 2.0, 2.0)


def test_totals_are_kept_while_the_round_is_open():
    rec = recorder()
    assert rec.total_bytes == 0.0
    assert rec.bytes_by_kind == {}
    rec.transfer(0, -1, "activation", 10.0, 0.0, 1.0)
    assert rec.total_bytes == 10.0
    rec.transfer(-1, 0, "control", 0.0, 1.0, 2.0)
    rec.transfer(-1, 0, "gradient", 4.0, 1.0, 2.0)
    assert rec.bytes_by_kind == {"activation": 10.0, "gradient": 4.0, "control": 0.0}
    rec.end_round(0, 2.0)
    assert rec.total_bytes == 14.0
    assert len(rec.tables()["transfers"]) == 3


def test_packing_in_the_middle_of_a_round_changes_nothing(monkeypatch):
    whole = recorder()
    played_round(whole)
    monkeypatch.setattr("analysis.legs._FLUSH_VALUES", 6)
    packed = recorder()
    played_round(packed)
    for name, table in whole.tables().items():
        assert packed.tables()[name].equals(table)


def test_accounts_equal_a_timeline_counted_second_by_second():
    rng = np.random.default_rng(5)
    clients, seconds = 4, 60
    computing = np.zeros((clients + 1, seconds), bool)
    transferring = np.zeros((clients + 1, seconds), bool)
    rec = recorder(clients)
    for client in range(clients):
        for start in range(0, seconds, 6):
            length = int(rng.integers(0, 7))
            rec.compute(client, float(start), float(start + length), 1.0) if length < 6 else None
            computing[client + 1, start : start + length] |= length < 6
    for _ in range(40):
        client, start, length = int(rng.integers(clients)), int(rng.integers(50)), int(rng.integers(1, 10))
        ends = (client, -1) if rng.random() < 0.5 else (-1, client)
        rec.transfer(*ends, "activation", 1.0, float(start), float(start + length))
        transferring[[client + 1, 0], start : start + length] = True
    rec.end_round(0, float(seconds))
    devices = rec.tables()["devices"]
    assert devices["compute_s"].tolist() == computing.sum(1).tolist()
    assert devices["transfer_s"].tolist() == (transferring & ~computing).sum(1).tolist()
    assert devices["wait_s"].tolist() == (~transferring & ~computing).sum(1).tolist()


@pytest.mark.parametrize("served", [{"lanes": 2}, {"sharing": True}])
def test_server_may_compute_in_lanes_but_a_client_may_not(served):
    rec = recorder(**served)
    rec.compute(-1, 0.0, 2.0, 1.0)
    rec.compute(-1, 1.0, 3.0, 1.0)
    rec.compute(-1, 2.0, 3.0, 1.0)
    rec.end_round(0, 3.0)
    assert row(rec.tables(), "server")["compute_s"] == 3.0
    rec.compute(1, 3.0, 5.0, 1.0)
    rec.compute(1, 4.0, 6.0, 7.0)
    with pytest.raises(RecordError, match=TWO_AT_ONCE):
        rec.end_round(1, 6.0)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_the_server_has_as_many_lanes_as_it_has(lanes):
    rec = recorder(lanes=lanes)
    for start_s in range(lanes):
        rec.compute(-1, float(start_s), 5.0, 1.0)
    rec.compute(-1, 4.5, 6.0, 9.0)
    message = f"server computes {lanes + 1} things at once in round 0, for 0.5 s; the last: server, 9.0 FLOP from 4.5"
    with pytest.raises(RecordError, match=message):
        rec.end_round(0, 6.0)


def test_times_that_do_not_sum_to_the_round_are_an_error(monkeypatch):
    # Nothing that can be told leads here: the sum is checked since sharing out time is where a slip would hide.
    honest = device_times._occupied
    monkeypatch.setattr(device_times, "_occupied", lambda *told: tuple(part * 2 for part in honest(*told)))
    rec = recorder()
    rec.compute(0, 0.0, 4.0, 1.0)
    with pytest.raises(RecordError, match=r"the times of client-0 do not sum to round 0: compute_s 8\.0"):
        rec.end_round(0, 5.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda r: r.transfer(0, -1, "activation", -1.0, 0.0, 1.0),
            "impossible transfer: client-0 -> server",
        ),
        (lambda r: r.transfer(0, -1, "activation", math.nan, 0.0, 1.0), "impossible transfer"),
        (lambda r: r.transfer(0, -1, "activation", 1.0, 1.0, 0.5), "impossible transfer"),
        (lambda r: r.transfer(0, -1, "activation", 1.0, 0.0, math.inf), "impossible transfer"),
        (lambda r: r.transfer(0, 0, "activation", 1.0, 0.0, 1.0), "impossible transfer"),
        (lambda r: r.transfer(0, 2, "activation", 1.0, 0.0, 1.0), r"device 2 is not one of -1\.\.1"),
        (lambda r: r.transfer(-2, 0, "activation", 1.0, 0.0, 1.0), "device -2 is not one of"),
        (lambda r: r.transfer(0, -1, "images", 1.0, 0.0, 1.0), r"kinds \['images'\]; allowed: activation"),
        (lambda r: r.compute(0, 0.0, 1.0, -1.0), "impossible computation: client-0"),
        (lambda r: r.compute(0, 1.0, 0.0, 1.0), "impossible computation"),
        (lambda r: r.transfer(0, -1, "label", 1.0, 0.0, 1.0, 2.0), r"label \(2.0 lost\) from"),
        (lambda r: r.transfer(0, -1, "label", 1.0, 0.0, 1.0, -1.0), "impossible transfer"),
        (lambda r: r.transfer(0, -1, "label", 1.0, 0.0, 1.0, math.nan), "impossible transfer"),
        (lambda r: r.compute(0, 0.0, 1.0, 3.0, 4.0), r"impossible computation: client-0, 3.0 FLOP \(4.0 in"),
        (
            lambda r: r.transfer(0, -1, "label", 1.0, -1.0, 1.0),
            r"begun before round 0 \(0.0 s to 10.0 s\), and not announced of client-0 .*: client-0 -> server",
        ),
    ],
)
def test_contradictory_legs_raise_when_the_round_is_closed(call, message):
    rec = recorder()
    call(rec)
    with pytest.raises(RecordError, match=message):
        rec.end_round(0, 10.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.end_round(1, 1.0), "round 1, but round 0 is open"),
        (lambda r: r.end_round(0, -1.0), "cannot end at -1.0 s"),
        (lambda r: r.iteration(1, 0, 0.0, 1.0, {"forward": 1.0, "backward": 0.0}), "round 0 is open"),
        (lambda r: r.iteration(0, 0, 2.0, 1.0, {"forward": 1.0, "backward": 0.0}), "from 2.0 s to 1.0 s"),
        (lambda r: r.iteration(0, 0, 0.0, 1.0, {"forward": 1.0}), "needed: .*backward"),
        (lambda r: r.iteration(0, 0, 0.0, 1.0, {"forward": -1.0, "backward": 0.0}), "phase durations"),
        (lambda r: r.metric(-2, 0.0, 0.0, "d", "fid", 1.0), "no such round"),
        (lambda r: r.metric(0, 0.0, 0.0, "d", "fid", math.nan), "is nan"),
        (lambda r: r.wallclock(0, "training", -1.0), "took -1.0 s"),
        (lambda r: r.commit(1, 0.0, "iteration", [0], {}, {}), "commit 1 at 0.0 s cannot follow 0 commits"),
        (lambda r: r.commit(0, 0.0, "iteration", [1, 0], {}, {}), "allowed: sorted"),
        (lambda r: r.commit(0, 0.0, "iteration", [0, 0], {}, {}), "allowed: sorted"),
    ],
)
def test_contradictory_facts_raise_at_once(call, message):
    with pytest.raises(RecordError, match=message):
        call(recorder())


def test_repeated_facts_raise():
    rec = recorder()
    rec.metric(-1, 0.0, 0.0, "mnist5k", "fid", 3.0)
    with pytest.raises(RecordError, match="before"):
        rec.metric(-1, 0.0, 0.0, "mnist5k", "fid", 3.0)
    rec.iteration(0, 4, 0.0, 1.0, {"forward": 1.0, "backward": 0.0})
    with pytest.raises(RecordError, match="iteration 4 of round 0 follows"):
        rec.iteration(0, 4, 1.0, 2.0, {"forward": 1.0, "backward": 0.0})
    with pytest.raises(RecordError, match=r"an iteration ends at 1.0 s"):
        rec.end_round(0, 0.5)
    rec.commit(0, 5.0, "iteration", [0], {}, {})
    with pytest.raises(RecordError, match=r"the last at 5.0 s"):
        rec.commit(1, 4.0, "iteration", [0], {}, {})


@pytest.mark.parametrize(
    "call",
    [
        lambda r: r.transfer(0, -1, "label", 1.0, 0.0, 1.0),
        lambda r: r.compute(0, 0.0, 1.0, 1.0),
        lambda r: r.iteration(0, 0, 0.0, 1.0, {"forward": 1.0, "backward": 0.0}),
    ],
)
def test_tables_of_an_open_round_are_refused(call):
    rec = recorder()
    call(rec)
    with pytest.raises(RecordError, match="round 0 has records but was not closed"):
        rec.tables()


def test_fleet_with_other_ids_is_refused():
    odd = Fleet(device(-1), (device(1), device(0)))
    with pytest.raises(ValueError, match="ids of a fleet"):
        Recorder(odd)


def test_commits_become_json_text():
    @dataclasses.dataclass(frozen=True)
    class Pass:
        forward: tuple[int, ...]
        backward: tuple[int, ...]

    rec = recorder()
    passes = {"generator": Pass(forward=(0, 1), backward=(0,))}
    rec.commit(0, 1.0, "iteration", (0, 1), passes, {"count": np.int64(3)})
    rec.commit(1, 1.0, "aggregate", [np.int64(0)], {}, {}, decision={"clusters": np.array([0, 1])})
    commits = rec.tables()["commits"]
    assert commits["clients"].tolist() == ["[0,1]", "[0]"]
    assert json.loads(commits["passes"][0]) == {"generator": {"forward": [0, 1], "backward": [0]}}
    assert json.loads(commits["info"][0]) == {"count": 3}
    assert commits["decision"].tolist() == ["null", '{"clusters":[0,1]}']


def test_commit_of_something_without_json_text_is_refused():
    with pytest.raises(TypeError, match="no JSON text"):
        recorder().commit(0, 0.0, "iteration", [0], object(), {})
    with pytest.raises(ValueError, match="JSON"):
        recorder().commit(0, 0.0, "iteration", [0], {"x": math.nan}, {})


@pytest.mark.parametrize("mode", ["full", "summary"])
def test_tables_keep_their_types_with_and_without_rows(mode):
    empty, filled = recorder(mode=mode), recorder(mode=mode)
    played_round(filled)
    filled.metric(0, 10.0, 3700.0, "mnist5k", "fid", 12.5)
    filled.commit(0, 8.0, "iteration", [0, 1], {}, {})
    filled.wallclock(0, "training", 0.25)
    for name, table in filled.tables().items():
        check_table(name, table)
        check_table(name, empty.tables()[name])
        assert len(table) > 0
        assert len(empty.tables()[name]) == 0
        assert list(empty.tables()[name].columns) == list(table.columns)


def test_columns_of_a_run_with_the_usual_phases():
    rec = Recorder(fleet())
    assert list(rec.tables()["iterations"].columns) == [
        "round",
        "iteration",
        "start_s",
        "end_s",
        "iteration_latency_s",
        "generator_forward_s",
        "discriminator_fake_s",
        "discriminator_real_s",
        "discriminator_for_generator_s",
        "generator_backward_s",
        "aggregation_s",
        "discriminator_loss",
        "generator_loss",
    ]


def test_names_and_profiles_are_those_of_the_fleet():
    options = FleetOptions(clients=[{"profile": "paper-1", "count": 2}, {"profile": "paper-2"}])
    real = build_fleet(options, np.random.default_rng(0))
    rec = Recorder(real)
    rec.compute(2, 0.0, 1.0, 5.0)
    rec.end_round(0, 2.0)
    devices = rec.tables()["devices"]
    assert devices["device"].tolist() == ["server", "client-0", "client-1", "client-2"]
    assert devices["profile"].tolist() == [d.profile.name for d in (real.server, *real.clients)]
    assert devices["compute_s"].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_edge_servers_have_rows_of_their_own():
    options = FleetOptions(clients=[{"profile": "paper-1", "count": 2}])
    real = build_fleet(options, np.random.default_rng(0)).with_edges(load_profile("server-small"), 2)
    rec = Recorder(real)
    rec.transfer(0, 3, "parameters", 100.0, 0.0, 1.0)
    rec.transfer(3, -1, "parameters", 40.0, 1.0, 1.5)
    rec.end_round(0, 2.0)
    tables = rec.tables()
    devices = tables["devices"].set_index("device")
    assert devices.index.tolist() == ["server", "client-0", "client-1", "edge-0", "edge-1"]
    assert devices["transfer_s"].tolist() == [0.5, 1.0, 0.0, 0.0, 1.5]
    assert devices.loc["edge-1", ["downlink_bytes", "uplink_bytes"]].tolist() == [100.0, 40.0]
    assert tables["transfers"][["source", "target"]].values.tolist() == [
        ["client-0", "edge-1"],
        ["edge-1", "server"],
    ]
