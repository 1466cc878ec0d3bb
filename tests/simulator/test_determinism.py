"""The same scenario twice: the same metrics, timeline and weights, to the last bit."""

import random

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_run import write_tiny

from analysis.digests import timeline_digest
from simulator import runner


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("determinism")


@pytest.fixture(scope="module")
def play(folder):
    """Run the tiny scenario with overrides into a folder of its own; the cache is this module's."""
    scenario = write_tiny(folder)

    def play_into(name: str, *overrides: str, figures: bool = False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HETEDGE_CACHE", str(folder / "cache"))
            patch.delenv("HETEDGE_DATA", raising=False)
            if not figures:  # the larger part of so short a run
                patch.setattr("simulator.writing.FIGURES", {})
            return runner.run(scenario, folder / name, overrides)

    return play_into


@pytest.fixture(scope="module")
def first(play):
    """The first run, with a cold cache, and what global random states were before and after it."""
    seed_everything(1234)
    before = global_states()
    finished = play("first", figures=True)
    return finished, before, global_states()


def seed_everything(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def global_states():
    name, keys, *rest = np.random.get_state()
    return torch.random.get_rng_state().tolist(), (name, keys.tolist(), *rest), random.getstate()


def test_the_same_scenario_twice_is_the_same_run_whatever_the_global_states_and_the_cache(play, first):
    # The second run finds other global random states and a cache that holds the classifiers.
    seed_everything(99)
    one, two = first[0], play("second")
    pd.testing.assert_frame_equal(one.metrics, two.metrics, check_exact=True)
    for digest in ("timeline_sha256", "weights_sha256"):
        assert len(one.summary[digest]) == 64
        assert one.summary[digest] == two.summary[digest]
    for table in ("iterations", "devices", "transfers", "commits"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(two, table), check_exact=True)
    assert (one.path / "scenario.yaml").read_text() == (two.path / "scenario.yaml").read_text()
    assert (one.path / "cuts.csv").read_bytes() == (two.path / "cuts.csv").read_bytes()


def test_no_global_random_state_is_touched(first):
    _, before, after = first
    assert after == before


def test_records_in_full_or_in_summary_learn_the_same(play, first):
    summary = play("summary", "records=summary")
    assert summary.summary["weights_sha256"] == first[0].summary["weights_sha256"]
    pd.testing.assert_frame_equal(summary.metrics, first[0].metrics, check_exact=True)
    assert len(summary.transfers) < len(first[0].transfers)
    full_bytes = first[0].transfers["bytes"].sum()
    assert summary.transfers["bytes"].sum() == full_bytes


def test_how_often_a_run_is_measured_does_not_change_what_it_learns(play, first):
    rare = play("rare", "evaluation.every_rounds=2", "evaluation.cas=null")
    assert rare.summary["weights_sha256"] == first[0].summary["weights_sha256"]
    last = [
        run_.metrics.query("round == 1 and metric == 'fid'")["value"].tolist() for run_ in (rare, first[0])
    ]
    assert last[0] == last[1]


def test_another_seed_is_another_run(play, first):
    other = play("seed", "seed=1")
    assert other.summary["weights_sha256"] != first[0].summary["weights_sha256"]
    fid = [run_.metrics.query("metric == 'fid'")["value"].tolist() for run_ in (other, first[0])]
    assert fid[0] != fid[1]


def test_time_without_training_is_the_time_with_training(play, first):
    timing = play("timing", "execution.training=false")
    for column in ("start_s", "end_s", "iteration_latency_s"):
        assert timing.iterations[column].tolist() == first[0].iterations[column].tolist()


def test_the_summarys_timeline_is_that_of_the_tables(first):
    one = first[0]
    tables = {name: getattr(one, name) for name in ("iterations", "devices", "transfers", "commits")}
    assert timeline_digest(tables) == one.summary["timeline_sha256"]
