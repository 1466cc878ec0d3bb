"""The summary of a run and the text made of it."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.summary import FID_FEATURES, describe, summarize

METRICS = [
    (-1, 0.0, 0.0, "mnist5k", "fid_floor", 2.0),
    (-1, 0.0, 0.0, "glyphs", "fid_floor", 4.0),
    (-1, 0.0, 0.0, "mnist5k", "fid", 180.0),
    (-1, 0.0, 0.0, "glyphs", "fid", 240.0),
    (-1, 0.0, 0.0, "mnist5k", "classifier_accuracy", 0.96),
    (1, 7200.0, 8e9, "mnist5k", "fid", 20.0),
    (1, 7200.0, 8e9, "glyphs", "fid", 30.0),
    (0, 3600.0, 4e9, "mnist5k", "fid", 50.0),
    (0, 3600.0, 4e9, "glyphs", "fid", 60.0),
    (0, 3600.0, 4e9, "mnist5k", "generation_score", 2.0),
    (1, 7200.0, 8e9, "mnist5k", "generation_score", 5.0),
    (1, 7200.0, 8e9, "mnist5k", "cas_accuracy", 0.875),
    (1, 7200.0, 8e9, "mnist5k", "cas_precision", 0.88),
    (1, 7200.0, 8e9, "mnist5k", "cas_recall", 0.87),
    (1, 7200.0, 8e9, "mnist5k", "cas_f1", 0.865),
    (1, 7200.0, 8e9, "mnist5k", "cas_fpr", 0.014),
]
DEVICES = [
    (round_, *row)
    for round_ in (0, 1)
    for row in [
        ("server", "paper-server", 900.0, 900.0, 1800.0, 0.0, 3600.0, 0.0, 4e12, 0.0, np.nan),
        ("client-0", "paper-1", 2700.0, 360.0, 540.0, 0.0, 3600.0, 0.0, 1e12, 0.0, 100.0),
        ("client-1", "paper-2", 300.0, 360.0, 2940.0, 0.0, 3600.0, 0.0, 1e12, 0.0, 50.0),
    ]
]
DEVICE_COLUMNS = ["round", "device", "profile", "compute_s", "transfer_s", "wait_s", "off_s", "elapsed_s"]
DEVICE_COLUMNS += ["lost_bytes", "work_flops", "lost_flops", "energy_j"]
TRANSFERS = [(0, "activation", 3e9), (0, "gradient", 2e9), (1, "activation", 2.9e9), (1, "parameters", 100e6)]


def run_of(metrics=METRICS, devices=DEVICES, transfers=TRANSFERS, latencies=(8.0, 6.0)):
    return SimpleNamespace(
        scenario={"name": "two-domain", "seed": 3, "strategy": {"name": "huscf_gan"}},
        metrics=pd.DataFrame(metrics, columns=["round", "sim_time_s", "bytes", "domain", "metric", "value"]),
        iterations=pd.DataFrame(
            {"end_s": np.cumsum(latencies), "iteration_latency_s": latencies}, dtype=float
        ),
        devices=pd.DataFrame(devices, columns=DEVICE_COLUMNS),
        transfers=pd.DataFrame(transfers, columns=["round", "kind", "bytes"]),
    )


def timing_only():
    return run_of(metrics=[])


def test_the_summary_by_hand():
    summary = summarize(run_of())
    assert summary["name"] == "two-domain"
    assert (summary["strategy"], summary["seed"]) == ("huscf_gan", 3)
    assert (summary["rounds"], summary["iterations"]) == (2, 2)
    assert summary["simulated_s"] == 7200.0
    assert summary["mean_iteration_latency_s"] == 7.0
    assert summary["total_bytes"] == 8e9
    assert list(summary["bytes_by_kind"].items()) == [
        ("activation", 5.9e9),
        ("gradient", 2e9),
        ("parameters", 1e8),
    ]


def test_fid_runs_from_first_to_last_round_whatever_the_order_of_rows():
    assert summarize(run_of())["metrics"]["fid"]["mnist5k"] == {
        "before_training": 180.0,
        "first": 50.0,
        "first_round": 0,
        "last": 20.0,
        "last_round": 1,
        "last_over_first": 0.4,
        "floor": 2.0,
        "last_over_floor": 10.0,
    }


def test_the_floor_is_no_metric_of_its_own():
    metrics = summarize(run_of())["metrics"]
    assert "fid_floor" not in metrics
    assert metrics["generation_score"]["mnist5k"]["floor"] is None


def test_the_slowest_client_and_the_server_are_told_apart():
    summary = summarize(run_of())
    assert summary["slowest_client"] == {
        "device": "client-0",
        "profile": "paper-1",
        "compute_s": 5400.0,
        "transfer_s": 720.0,
        "wait_s": 1080.0,
        "off_s": 0.0,
        "busy_share": pytest.approx(0.85),
    }
    assert summary["server"]["busy_share"] == 0.5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_json_holds_every_summary(value):
    broken = [(*row[:-1], value) for row in METRICS]
    for run in (run_of(), timing_only(), run_of(broken), run_of([], [], [], ())):
        text = json.dumps(summarize(run), allow_nan=False)
        assert json.loads(text) == summarize(run)


def test_a_ratio_to_zero_is_left_out():
    zero = [(row[0], row[1], row[2], row[3], row[4], 0.0) for row in METRICS]
    fid = summarize(run_of(zero))["metrics"]["fid"]["mnist5k"]
    assert (fid["last_over_first"], fid["last_over_floor"]) == (None, None)


EXPECTED = f"""\
two-domain (huscf_gan, seed 3)
2.00 h of simulated time: 2 rounds, 2 iterations of 7.00 s on average

FID ({FID_FEATURES}; lower is better)
  domain   untrained  round 0  round 1  last/first  floor  last/floor
  mnist5k        180     50.0     20.0      0.400x   2.00       10.0x
  glyphs         240     60.0     30.0      0.500x   4.00       7.50x

Generation score (1 to the number of classes; higher is better)
  domain   round 0  round 1  last/first
  mnist5k     2.00     5.00       2.50x

CAS: a classifier trained on synthetic images, tested on real ones (macro averages, 0 to 1);
     real-trained is the accuracy of one trained on real images
  domain   accuracy  precision  recall     f1    fpr  real-trained
  mnist5k     0.875      0.880   0.870  0.865  0.014         0.960

Slowest client  client-0 (paper-1)  busy 85 % of the time:  computes 90.0 min,  transfers 12.0 min,  waits 18.0 min
Server          paper-server        busy 50 % of the time:  computes 30.0 min,  transfers 30.0 min,  waits 60.0 min

Sent over the network: 8.00 GB
  activation  5.90 GB   74 %
  gradient    2.00 GB   25 %
  parameters   100 MB  1.2 %

Results in runs/two-domain-12ab34cd"""


def test_the_text_line_by_line():
    text = describe(summarize(run_of()), "runs/two-domain-12ab34cd")
    assert text.splitlines() == EXPECTED.splitlines()


def test_the_text_says_whose_features_fid_uses():
    assert "not Inception" in describe(summarize(run_of()))


def test_a_summary_from_its_file_reads_the_same():
    summary = summarize(run_of())
    assert describe(json.loads(json.dumps(summary))) == describe(summary)


def test_further_keys_of_the_file_do_not_disturb():
    summary = summarize(run_of())
    assert describe({**summary, "digests": {"timeline": "ab12"}}) == describe(summary)


def test_a_timing_only_run_has_no_table_of_quality():
    text = describe(summarize(timing_only()))
    assert "FID" not in text
    assert "CAS" not in text
    assert "Results in" not in text
    assert "Slowest client" in text


def test_an_empty_run_still_reads():
    assert describe(summarize(run_of([], [], [], ()))) == (
        "two-domain (huscf_gan, seed 3)\n0 s of simulated time: 0 rounds, 0 iterations"
    )


def test_one_round_is_not_compared_with_itself():
    one_round = [row for row in METRICS if row[0] <= 0]
    text = describe(summarize(run_of(one_round)))
    assert "last/first" not in text
    assert "domain   untrained  round 0  floor  last/floor" in text
    assert "1 round" not in text  # the devices tell two rounds


def test_a_metric_of_a_later_room_is_shown_by_its_name():
    text = describe(summarize(run_of([(0, 1.0, 1.0, "mnist5k", "coverage", 0.5)])))
    assert "coverage\n  domain   round 0\n  mnist5k    0.500" in text


def test_what_crossed_a_household_is_told_beside_the_total_and_in_its_ways():
    at_home = {"sender": "client", "receiver": "client", "within_household": True, "private": True}
    ledger = [
        {"kind": "activation", "bytes": 2e9, "reveals": "activations at home", **at_home},
        {"kind": "gradient", "bytes": 1e9, "reveals": "gradients at home", **at_home},
        {"kind": "parameters", "sender": "client", "receiver": "server", "bytes": 5e9, "private": True,
         "within_household": False, "reveals": "parts"},
    ]  # fmt: skip
    text = describe(summarize(timing_only()) | {"ledger": ledger})
    assert "Sent over the network: 8.00 GB, 3.00 GB of it within the household" in text
    rows = text.partition("Revealed of the clients' data\n")[2].splitlines()
    assert [row.split("  ")[1].strip() for row in rows] == ["within the household"] * 2 + ["client -> server"]
    assert "of it within" not in describe(summarize(timing_only()) | {"ledger": ledger[2:]})


def test_a_run_in_which_somebody_was_away_says_so():
    disturbed = [list(row) for row in DEVICES]
    disturbed[1][5:9] = [
        300.0,
        240.0,
        3600.0,
        4e6,
    ]  # client-0 waits and is away in the first round, and loses bytes
    text = describe(summarize(run_of(devices=disturbed)) | {"energy_j": 300.0})
    assert "waits 14.0 min, is away 4.00 min" in text
    assert (
        "Away        1 client, for 1.7 % of all clients' time; longest client-0 (paper-1) for 4.00 min"
        in text
    )
    assert (
        "Lost bytes  4.00 MB, <0.1 % of what was sent\nEnergy      300 J of all clients\n\nSent over" in text
    )
    assert "away" not in describe(summarize(run_of()) | {"energy_j": 300.0})
    assert "Energy" not in describe(summarize(run_of()) | {"energy_j": 300.0})
