"""A sweep on a real Ray cluster of two nodes, one of whose workers is killed in mid-sweep."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster
from tiny_sweep import (
    DEADLINE_S,
    JOBS,
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

pytestmark = pytest.mark.slow

LONGER = ("--set", "strategy.steps_per_round=12")
"""Long enough that a job can be met under way."""

JOB_DIGITS = 12


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with a core each, on this machine; they share no object store."""
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    found.add_node(num_cpus=1)
    yield found
    found.shutdown()


@dataclass(frozen=True)
class Done:
    """The sweep as this machine does it."""

    home: Path
    folder: Path


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    home = tmp_path_factory.mktemp("ray")
    write_small_sweep(home)
    done = sweep(home, "local", "--workers", "2", *LONGER)
    assert done.returncode == 0, done.stderr
    return Done(home, home / "local")


def a_worker_at_a_job(process):
    """Wait until a worker of the cluster is at a job; return its process."""
    found = []

    def met():
        for one in psutil.process_iter(["cmdline"]):
            title = (one.info["cmdline"] or [""])[0].strip()
            if title.startswith("ray::") and len(title) == len("ray::") + JOB_DIGITS:
                found.append(one)
        return found

    wait_until(met, process)
    return found[0]


def test_a_cluster_gives_the_same_tables_though_a_worker_is_killed(cluster, here):
    process = start_sweep(here.home, "ray", "--engine", "ray", *LONGER, RAY_ADDRESS=cluster.address)
    worker = a_worker_at_a_job(process)
    time.sleep(0.3)
    worker.kill()
    out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, err
    folder = here.home / "ray"
    assert tables(folder) == tables(here.folder)
    assert "on a Ray cluster at" in err
    assert "(2 nodes, 2 cores)" in err
    assert "8 jobs: 4 trained, 4 retimed, 0 failed" in out
    # Nothing lost, nothing twice.
    assert sorted(events(folder, "finished")) == sorted(load_sweep(folder).results["job"])
    assert len(events(folder, "finished")) == len(set(events(folder, "started"))) == JOBS
    assert not begun_again_after_the_end(attempts(folder))
    assert not (folder / "unfinished").exists()


def test_both_nodes_worked_and_the_runs_came_back_whole(cluster, here):
    done = sweep(here.home, "again", "--engine", "ray", *LONGER, RAY_ADDRESS=cluster.address)
    assert done.returncode == 0, done.stderr
    folder = here.home / "again"
    workers = {line["worker"].split(",")[0] for line in attempts(folder) if line["event"] == "finished"}
    assert workers == {f"node {node['NodeID'][:8]}" for node in _nodes(cluster)}
    for job in load_sweep(folder).results["job"]:
        mine, theirs = folder / "runs" / job, here.folder / "runs" / job
        names = sorted(str(file.relative_to(mine)) for file in mine.rglob("*") if file.is_file())
        assert names == sorted(str(file.relative_to(theirs)) for file in theirs.rglob("*") if file.is_file())
        # No path of a node's own is left in what describes the run.
        assert (mine / "scenario.yaml").read_text() == (theirs / "scenario.yaml").read_text()
        mine_run, their_run = load_run(mine), load_run(theirs)
        assert mine_run.summary == their_run.summary
    retimed = [line for line in attempts(folder) if line.get("retimed")]
    assert len(retimed) == JOBS - TRAININGS


def _nodes(cluster):
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        return [node for node in ray.nodes() if node["Alive"]]
    finally:
        ray.shutdown()


def test_the_nodes_need_no_file_of_this_machine(cluster, here):
    """The data and profiles that a scenario names go with its jobs: here they are gone before the jobs begin."""
    home = here.home / "moved"
    write_small_sweep(home)
    shutil.copy(Path(__file__).parents[2] / "devices" / "catalog" / "phone-2024.yaml", home / "mine.yaml")
    (home / "small.yaml").write_text(
        "name: small\nbase: tiny.yaml\naxes: {devices.clients: [[{profile: mine.yaml, count: 4}]]}\nseeds: 3\n"
    )
    process = start_sweep(home, "out", "--engine", "ray", *LONGER, RAY_ADDRESS=cluster.address)
    # The first job takes all files with it into Ray's store, whence the later ones have them.
    wait_until(lambda: events(home / "out", "started"), process)
    wait_until(lambda: len(events(home / "out", "started")) >= 2, process)
    for name in ("bars", "dots"):
        (home / name).rename(home / f"{name}-gone")
    (home / "mine.yaml").rename(home / "gone.yaml")
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, err
    assert len(events(home / "out", "finished")) == 3


def test_jobs_that_fail_on_a_node_are_told_as_here(cluster, here):
    home = here.home / "failing"
    write_small_sweep(home)
    (home / "small.yaml").write_text(
        "name: small\nbase: tiny.yaml\naxes: {strategy.learning_rate: [0.001, 1.0e+38]}\n"
    )
    done = sweep(home, "out", "--engine", "ray", RAY_ADDRESS=cluster.address)
    assert done.returncode == 3
    assert "1 of 2 jobs failed" in done.stderr
    assert "diverged" in load_sweep(home / "out").results["error"].iloc[1]
