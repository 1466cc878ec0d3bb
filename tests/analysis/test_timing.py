"""Where the simulated time went, on tables small enough to sum by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.timing import (
    device_order,
    is_client,
    phase_latency,
    server_time,
    simulated_seconds,
    slowest_device,
    time_per_device,
    time_to_quality,
)

DEVICE_COLUMNS = ["round", "device", "profile", "compute_s", "transfer_s", "wait_s", "off_s", "elapsed_s"]
METRIC_COLUMNS = ["round", "sim_time_s", "bytes", "domain", "metric", "value"]


def run_of(devices=(), metrics=(), iterations=None, transfers=None):
    """The tables of a run, from rows."""
    no_iterations = pd.DataFrame(columns=["round", "iteration", "start_s", "end_s", "iteration_latency_s"])
    return SimpleNamespace(
        scenario={"name": "tiny"},
        devices=pd.DataFrame(list(devices), columns=DEVICE_COLUMNS),
        metrics=pd.DataFrame(list(metrics), columns=METRIC_COLUMNS),
        iterations=no_iterations if iterations is None else pd.DataFrame(iterations),
        transfers=pd.DataFrame(columns=["round", "kind", "bytes", "end_s"])
        if transfers is None
        else transfers,
    )


TWO_ROUNDS = [
    (0, "client-10", "paper-1", 6.0, 1.0, 3.0, 0.0, 10.0),
    (0, "client-2", "paper-2", 1.0, 2.0, 7.0, 0.0, 10.0),
    (0, "server", "paper-server", 5.0, 4.0, 1.0, 0.0, 10.0),
    (1, "client-10", "paper-1", 6.0, 0.5, 3.5, 0.0, 10.0),
    (1, "client-2", "paper-2", 1.0, 2.5, 4.5, 2.0, 10.0),
    (1, "server", "paper-server", 5.0, 4.5, 0.5, 0.0, 10.0),
]


def test_device_order_counts_instead_of_spelling():
    names = ["client-10", "client-2", "server", "client-0"]
    assert sorted(names, key=device_order) == ["server", "client-0", "client-2", "client-10"]


def test_edge_servers_stand_after_the_clients_and_are_none():
    names = ["edge-1", "client-2", "edge-0", "server", "client-10"]
    assert sorted(names, key=device_order) == ["server", "client-2", "client-10", "edge-0", "edge-1"]
    assert [is_client(name) for name in names] == [False, True, False, False, True]


def test_a_busy_edge_server_is_not_the_slowest_client():
    rows = [
        *TWO_ROUNDS,
        (0, "edge-0", "server-small", 9.0, 1.0, 0.0, 0.0, 10.0),
        (1, "edge-0", "server-small", 9, 1, 0, 0, 10),
    ]
    assert slowest_device(run_of(rows)).device == "edge-0"
    assert slowest_device(run_of(rows), include_server=False).device == "client-10"


def test_time_per_device_sums_rounds_and_orders_devices():
    expected = pd.DataFrame(
        [
            ("server", "paper-server", 10.0, 8.5, 1.5, 0.0),
            ("client-2", "paper-2", 2.0, 4.5, 11.5, 2.0),
            ("client-10", "paper-1", 12.0, 1.5, 6.5, 0.0),
        ],
        columns=["device", "profile", "compute_s", "transfer_s", "wait_s", "off_s"],
    )
    pd.testing.assert_frame_equal(time_per_device(run_of(TWO_ROUNDS)), expected)


def test_slowest_device_is_the_one_busy_longest():
    run = run_of(TWO_ROUNDS)
    slowest = slowest_device(run)
    assert (slowest.device, slowest.busy_s, slowest.elapsed_s) == ("server", 18.5, 20.0)
    client = slowest_device(run, include_server=False)
    assert (client.device, client.profile) == ("client-10", "paper-1")
    assert client.busy_share == pytest.approx(13.5 / 20)


def test_time_away_is_part_of_the_time_that_shares_are_of():
    away = slowest_device(run_of([(0, "client-0", "p", 2.0, 1.0, 1.0, 4.0, 8.0)]))
    assert (away.elapsed_s, away.busy_share, away.off_s) == (8.0, 3 / 8, 4.0)


def test_the_first_of_equally_slow_devices_is_named():
    rows = [(0, f"client-{i}", "paper-1", 1.0, 0.0, 0.0, 0.0, 1.0) for i in (11, 3, 7)]
    assert slowest_device(run_of(rows)).device == "client-3"


def test_slowest_device_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="no row of a device"):
        slowest_device(run_of())
    with pytest.raises(ValueError, match="no row of a device"):
        slowest_device(run_of(TWO_ROUNDS[2:3]), include_server=False)


def test_a_device_that_saw_no_time_is_not_busy():
    assert slowest_device(run_of([(0, "client-0", "p", 0.0, 0.0, 0.0, 0.0, 0.0)])).busy_share == 0.0


def test_server_time_is_none_where_the_table_has_no_server():
    assert server_time(run_of(TWO_ROUNDS[:2])) is None
    server = server_time(run_of(TWO_ROUNDS))
    assert server is not None
    assert server.compute_s == 10.0


def test_phase_latency_shares_a_rounds_phase_out_over_iterations():
    iterations = {
        "round": [0, 0],
        "iteration": [0, 1],
        "start_s": [0.0, 4.0],
        "end_s": [4.0, 10.0],
        "iteration_latency_s": [4.0, 6.0],
        "generator_forward_s": [1.0, 3.0],
        "discriminator_fake_s": [3.0, 3.0],
        "aggregation_s": [np.nan, 2.0],
        "generator_loss": [0.7, 0.7],
    }
    phases = phase_latency(run_of(iterations=iterations))
    assert phases.phase.tolist() == ["generator_forward", "discriminator_fake", "aggregation"]
    assert phases.mean_s.tolist() == [2.0, 3.0, 1.0]
    assert phases.share.tolist() == pytest.approx([2 / 6, 3 / 6, 1 / 6])


def test_phase_latency_without_iterations_is_zero():
    iterations = {"start_s": [], "end_s": [], "iteration_latency_s": [], "generator_forward_s": []}
    phases = phase_latency(run_of(iterations=iterations))
    assert phases.mean_s.tolist() == [0.0]
    assert phases.share.tolist() == [0.0]


QUALITY = [
    (-1, 0.0, 0.0, "b", "fid", 90.0),
    (0, 10.0, 1.0, "b", "fid", 20.0),
    (1, 20.0, 2.0, "b", "fid", 19.0),
    (2, 30.0, 3.0, "b", "fid", 25.0),
    (0, 10.0, 1.0, "a", "fid", 30.0),
    (1, 20.0, 2.0, "a", "fid", np.nan),
    (0, 10.0, 1.0, "a", "generation_score", 1.5),
]


def test_time_to_quality_is_the_first_evaluation_strictly_below():
    times = time_to_quality(run_of(metrics=QUALITY), "fid", 20.0)
    assert times.domain.tolist() == ["b", "a"]
    assert times.sim_time_s[0] == 20.0
    assert np.isnan(times.sim_time_s[1])


def test_time_to_quality_counts_the_untrained_generator():
    assert time_to_quality(run_of(metrics=QUALITY), "fid", 100.0).sim_time_s.tolist() == [0.0, 10.0]


def test_time_to_quality_names_the_metrics_there_are():
    with pytest.raises(ValueError, match="got 'fids'; the run has fid, generation_score; did you mean 'fid'"):
        time_to_quality(run_of(metrics=QUALITY), "fids", 20.0)
    with pytest.raises(ValueError, match="the run has none"):
        time_to_quality(run_of(), "fid", 20.0)


def test_simulated_seconds_is_the_last_of_all_facts():
    assert simulated_seconds(run_of()) == 0.0
    assert simulated_seconds(run_of(metrics=QUALITY)) == 30.0
    assert simulated_seconds(run_of(TWO_ROUNDS)) == 20.0
    late = pd.DataFrame({"end_s": [7.0, 44.0]})
    assert simulated_seconds(run_of(TWO_ROUNDS, QUALITY, transfers=late)) == 44.0
    aggregated = pd.DataFrame({"kind": ["activation"], "bytes": [1.0]})
    assert simulated_seconds(run_of(TWO_ROUNDS, transfers=aggregated)) == 20.0
