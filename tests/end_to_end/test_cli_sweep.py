"""Sweeps by the command line, on this machine: their tables do not depend on how, or how often, they were begun."""

import json
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import pytest
from tiny_run import hetedge_process, write_tiny
from tiny_sweep import (
    JOBS,
    SWEEP,
    TRAININGS,
    attempts,
    begun_again_after_the_end,
    events,
    start_sweep,
    sweep,
    tables,
    wait_until,
    write_small_sweep,
)

from analysis import load_run, load_sweep
from analysis.comparison import mean_times

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Undisturbed:
    """The sweep done by two workers, and what was printed."""

    home: Path
    folder: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    home = tmp_path_factory.mktemp("sweep")
    write_small_sweep(home)
    done = sweep(home, "two", "--workers", "2")
    assert done.returncode == 0, done.stderr
    return Undisturbed(home, home / "two", done.stdout, done.stderr)


FEW = "name: small\nbase: tiny.yaml\naxes: {strategy.batch_size: [8]}\nseeds: 1\n"
"""As few jobs as can be."""


@pytest.fixture
def small(tmp_path, hetedge):
    """The test's folder, in which the command works, with the tiny scenario."""
    write_tiny(tmp_path)
    return tmp_path


@pytest.fixture
def home(undisturbed, tmp_path):
    """A folder of the test's own with the same sweep at the same paths' contents, and a warm cache."""
    shutil.copytree(undisturbed.home / "cache", tmp_path / "cache")
    write_small_sweep(tmp_path)
    return tmp_path


def same_numbers(folder: Path, other: Path) -> None:
    """Check that two sweeps of data at different paths have the same tables, but for the jobs' ids."""
    for mine, theirs in zip(_without_ids(folder), _without_ids(other), strict=True):
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def _without_ids(folder: Path) -> list[pd.DataFrame]:
    read = load_sweep(folder)
    number = {job: index for index, job in enumerate(read.results["job"])}
    found = []
    for table in (read.results, read.curves):
        renamed = table.assign(job=table["job"].map(number))
        if "trained_in" in table:
            renamed["trained_in"] = table["trained_in"].map(number)
        # The training key holds no path, the digests of timeline and weights neither.
        found.append(renamed)
    return found


def test_one_worker_gives_the_same_tables_as_two(undisturbed):
    done = sweep(undisturbed.home, "one", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert tables(undisturbed.home / "one") == tables(undisturbed.folder)


def test_what_trains_the_same_trains_once_for_each_seed(undisturbed):
    read = load_sweep(undisturbed.folder)
    assert (read.facts["jobs"], read.facts["trained"], read.facts["retimed"]) == (
        JOBS,
        TRAININGS,
        JOBS - TRAININGS,
    )
    for _, same in read.results.groupby(["strategy.batch_size", "seed"]):
        assert len(set(same["trained_in"])) == len(set(same["weights_sha256"])) == 1
        assert same["trained_in"].iloc[0] == same["job"].iloc[0]
        assert len(set(same["timeline_sha256"])) == len(same)  # but each has a time of its own
    retimed = [line["job"] for line in attempts(undisturbed.folder) if line.get("retimed")]
    assert len(retimed) == JOBS - TRAININGS


def test_the_results_say_what_the_runs_say(undisturbed):
    read = load_sweep(undisturbed.folder)
    for row in read.results.to_dict("records"):
        run = load_run(read.run_folder(row["job"]))
        times = mean_times(run)
        assert row["iteration_latency_s"] == times["iteration_latency_s"]
        assert row["round_latency_s"] == times["round_latency_s"]
        assert row["total_bytes"] == run.transfers["bytes"].sum()
        assert row["seed"] == run.scenario["seed"]
        assert row["strategy.batch_size"] == run.scenario["strategy"]["batch_size"]
        assert run.scenario["devices"]["clients"][0]["profile"].startswith(
            {"pis": "r", "phones": "p"}[row["mix"]]
        )
        last = run.metrics[
            (run.metrics["metric"] == "fid") & (run.metrics["round"] == run.metrics["round"].max())
        ]
        assert row["fid"] == last["value"].mean()
        for domain, value in zip(last["domain"], last["value"], strict=True):
            assert row[f"fid.{domain}"] == value
        trained = run.metrics[(run.metrics["metric"] == "fid") & (run.metrics["round"] >= 0)]
        reached = trained[trained["value"] < 1000].groupby("domain")["sim_time_s"].min()
        assert row["time_to_target_s"] == reached.max()
        curve = read.curves[read.curves["job"] == row["job"]]
        pd.testing.assert_frame_equal(
            curve[list(run.metrics.columns)].reset_index(drop=True), run.metrics, check_exact=True
        )


@pytest.mark.parametrize("which", ["trained", "retimed"])
def test_a_job_is_the_run_that_its_scenario_makes(undisturbed, which):
    read = load_sweep(undisturbed.folder)
    own = read.results["trained_in"] == read.results["job"]
    job = read.results[own if which == "trained" else ~own]["job"].iloc[0]
    file = read.run_folder(job) / "scenario.yaml"
    done = hetedge_process("run", file, "-o", f"alone-{which}", folder=undisturbed.home)
    assert done.returncode == 0, done.stderr
    alone, run = load_run(undisturbed.home / f"alone-{which}"), load_run(read.run_folder(job))
    for key in ("timeline_sha256", "weights_sha256", "training_key", "metrics"):
        assert alone.summary[key] == run.summary[key]
    pd.testing.assert_frame_equal(alone.metrics, run.metrics, check_exact=True)


def test_figures_and_report_are_made_without_further_commands(undisturbed):
    assert (undisturbed.folder / "figures" / "latency_fid.png").stat().st_size > 10_000
    assert (undisturbed.folder / "figures" / "latency_fid.pdf").exists()
    assert "small" in (undisturbed.folder / "report.html").read_text(encoding="utf-8")
    assert (undisturbed.folder / "sweep.yaml").read_text() == SWEEP
    assert "8 jobs, 8 to do, on 2 workers of this machine" in (undisturbed.folder / "sweep.log").read_text()
    assert not (undisturbed.folder / "unfinished").exists()
    *table, folder = undisturbed.out.splitlines()
    assert folder == "two"
    assert "8 jobs: 4 trained, 4 retimed, 0 failed" in table


def test_a_sweep_that_is_there_is_not_begun_again_unasked(undisturbed):
    before = tables(undisturbed.folder), attempts(undisturbed.folder)
    again = sweep(undisturbed.home, "two")
    assert (again.returncode, again.stderr.splitlines()) == (
        2,
        ["two holds this sweep already; go on with --resume, or name another folder with -o"],
    )
    resumed = sweep(undisturbed.home, "two", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert (tables(undisturbed.folder), attempts(undisturbed.folder)) == before


def test_a_folder_of_another_sweep_or_of_a_run_is_refused(undisturbed):
    (undisturbed.home / "small2.yaml").write_text(SWEEP.replace("name: small", "name: other"))
    other = hetedge_process("sweep", "small2.yaml", "-o", "two", "--resume", folder=undisturbed.home)
    assert (other.returncode, other.stderr.splitlines()) == (
        2,
        ["two holds the sweep 'small'; name another folder with -o"],
    )
    job = load_sweep(undisturbed.folder).results["job"].iloc[0]
    run = sweep(undisturbed.home, f"two/runs/{job}", "--resume")
    assert run.returncode == 2
    assert "already holds a run" in run.stderr.splitlines()[-1]


def test_a_longer_sweep_keeps_what_a_shorter_one_has_done(small, hetedge):
    (small / "small.yaml").write_text(FEW)
    assert hetedge("sweep", "small.yaml", "-o", "out", "--workers", 1).code == 0
    (small / "small.yaml").write_text(FEW.replace("seeds: 1", "seeds: 3"))
    done = hetedge("sweep", "small.yaml", "-o", "out", "--workers", 1, "--resume")
    assert done.code == 0, done.err
    begun = events(small / "out", "started")
    assert len(begun) == len(set(begun)) == 3
    assert events(small / "out", "finished") == begun
    assert list(load_sweep(small / "out").results["job"]) == begun


def test_a_sweep_killed_at_any_moment_goes_on_where_it_was(home, undisturbed):
    out = home / "out"
    kills = 0
    for finished_before in (0, 1, 2):
        process = start_sweep(home, "out", "--workers", "2", "--resume")
        done = len(events(out, "finished"))
        # Between a job's beginning and the table.
        wait_until(lambda: list(out.glob("unfinished/*/run/*")), process)
        workers = psutil.Process(process.pid).children(recursive=True)
        wanted = min(done + finished_before, JOBS - 1)
        while process.poll() is None and len(events(out, "finished")) < wanted:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert not alive, "a worker outlived its parent"
    assert kills == 3
    done = sweep(home, "out", "--workers", "2", "--resume")
    assert done.returncode == 0, done.stderr
    same_numbers(out, undisturbed.folder)
    assert sorted(events(out, "finished")) == sorted(load_sweep(out).results["job"])
    assert not begun_again_after_the_end(attempts(out))


def test_a_job_whose_worker_is_killed_is_tried_again(home, undisturbed):
    process = start_sweep(home, "out", "--workers", "1")
    wait_until(lambda: list((home / "out").glob("unfinished/*/run/scenario.yaml")), process)
    (worker,) = (
        one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline())
    )
    worker.kill()
    _, err = process.communicate()
    assert process.returncode == 0, err
    (lost,) = (line for line in attempts(home / "out") if line["event"] == "lost")
    assert lost["why"] == "its worker was ended by SIGKILL (the system does so where memory runs out)"
    assert events(home / "out", "started").count(lost["job"]) == 2
    assert len(events(home / "out", "finished")) == JOBS
    same_numbers(home / "out", undisturbed.folder)


def test_ctrl_c_ends_workers_and_keeps_what_is_finished(home):
    process = start_sweep(home, "out", "--workers", "2")
    wait_until(lambda: events(home / "out", "finished"), process)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "interrupted"
    assert not psutil.wait_procs(workers, timeout=10)[1]
    kept = events(home / "out", "finished")
    assert kept
    assert all((home / "out" / "runs" / job / "summary.json").is_file() for job in kept)
    assert len(attempts(home / "out")) >= 2 * len(kept)


def test_failed_jobs_are_listed_and_tried_again_alone(small, hetedge):
    (small / "small.yaml").write_text(
        FEW.replace("seeds: 1", "seeds: 2").replace(
            "axes: {", "axes: {devices.clients.0.memory: [1 GB, 1 kB], "
        )
    )
    done = hetedge("sweep", "small.yaml", "-o", "out", "--workers", 1)
    assert done.code == 3
    *listed, last = done.lines[-3:]
    assert last == "out: 2 of 4 jobs failed; --resume tries them again"
    assert all("devices.clients.0.memory=1 kB" in line and " failed: " in line for line in listed)
    read = load_sweep(small / "out")
    failed = read.results[read.results["status"] == "failed"]
    assert list(failed["devices.clients.0.memory"]) == ["1 kB"] * 2
    assert all("MB" in error for error in failed["error"])
    assert (read.facts["finished"], read.facts["failed"]) == (2, 2)
    written = json.loads((small / "out" / "failed" / failed["job"].iloc[0] / "error.json").read_text())
    assert written["error"] == failed["error"].iloc[0]
    before = events(small / "out", "started")
    assert hetedge("sweep", "small.yaml", "-o", "out", "--workers", 1, "--resume").code == 3
    assert events(small / "out", "started") == before  # what cannot be planned is refused before it begins
    assert sorted(events(small / "out", "failed")) == sorted(list(failed["job"]) * 2)


def test_a_job_that_diverges_fails_alone(small, hetedge):
    (small / "small.yaml").write_text(
        "name: small\nbase: tiny.yaml\naxes: {strategy.learning_rate: [0.001, 1.0e+38]}\n"
    )
    assert hetedge("sweep", "small.yaml", "-o", "out", "--workers", 1).code == 3
    read = load_sweep(small / "out")
    assert list(read.results["status"]) == ["finished", "failed"]
    assert "diverged" in read.results["error"].iloc[1]
    assert (small / "out" / "failed" / read.results["job"].iloc[1] / "run" / "scenario.yaml").is_file()


def test_a_run_that_ends_by_its_time_is_trained_where_it_cannot_be_retimed(small, hetedge, caplog):
    caplog.set_level("INFO")
    (small / "small.yaml").write_text(SWEEP.replace("[8, 16]", "[8]").replace("seeds: 2", "seeds: 1"))
    (small / "tiny.yaml").write_text((small / "tiny.yaml").read_text() + "stop: {sim_time: 200 ms}\n")
    done = hetedge("sweep", "small.yaml", "-o", "out", "--workers", 1)
    assert done.code == 0, done.err
    read = load_sweep(small / "out")
    assert list(read.results["trained_in"]) == list(read.results["job"])
    assert "it was trained, not retimed" in (small / "out" / "sweep.log").read_text()
    assert len(set(read.results["rounds"])) == 2


def test_a_timing_only_sweep_trains_nothing(small, hetedge):
    (small / "small.yaml").write_text(
        SWEEP.replace("target: fid<1000\n", "").replace("set: {", "set: {execution.training: false, ")
    )
    done = hetedge("sweep", "small.yaml", "-o", "out", "--workers", 1)
    assert done.code == 0, done.err
    read = load_sweep(small / "out")
    assert set(read.results["trained_in"]) == {""}
    assert "fid" not in read.results
    assert len(read.curves) == 0
    assert (read.results["iteration_latency_s"] > 0).all()
