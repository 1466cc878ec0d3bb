"""A sweep on a real Ray cluster of two nodes, one of whose workers is killed in mid-sweep.

One test, since a cluster and two sweeps take most of a minute: a second one would have to begin them anew.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster
from tiny_sweep import (
    DEADLINE_S,
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

OPTIONS = ("--set", "strategy.steps_per_round=12")
"""Long enough that a job can be met under way."""

FAILING = """\
  strategy.learning_rate: [0.001, 1.0e+38]
exclude: [{strategy.learning_rate: 1.0e+38, mix: phones}, {strategy.learning_rate: 1.0e+38, strategy.batch_size: 16}]
"""
"""Among the jobs are two that diverge."""

JOB_DIGITS = 12
CATALOG = Path(__file__).parents[2] / "devices" / "catalog"


@pytest.fixture
def cluster():
    """Two nodes with a core each, on this machine; they share no object store."""
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    found.add_node(num_cpus=1)
    yield found
    found.shutdown()


@pytest.fixture
def home(tmp_path):
    """The sweep's folder: its data and one of its devices lie in files of one's own."""
    text = SWEEP.replace("profile: phone-2024", "profile: mine.yaml").replace("seeds:", f"{FAILING}seeds:")
    write_small_sweep(tmp_path, text)
    shutil.copy(CATALOG / "phone-2024.yaml", tmp_path / "mine.yaml")
    return tmp_path


def a_worker_at_a_job(cluster, process):
    """Wait until a worker of the cluster is at a job; return its process, and the job."""
    raylets = [
        psutil.Process(node.all_processes["raylet"][0].process.pid) for node in cluster.list_all_nodes()
    ]
    found = []

    def met():
        for one in (child for raylet in raylets for child in raylet.children(recursive=True)):
            with suppress(psutil.Error):
                title = (one.cmdline() or [""])[0].strip()
                if title.startswith("ray::") and len(title) == len("ray::") + JOB_DIGITS:
                    found.append((one, title.removeprefix("ray::")))
        return found

    wait_until(met, process)
    return found[0]


def nodes_of(cluster):
    """Return the first digits of the nodes' ids."""
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        return {f"node {node['NodeID'][:8]}" for node in ray.nodes() if node["Alive"]}
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_two_nodes_give_the_tables_of_this_machine_though_a_worker_is_killed(cluster, home):
    here = sweep(home, "local", "--workers", "2", *OPTIONS)
    assert here.returncode == 3, here.stderr
    process = start_sweep(home, "ray", "--engine", "ray", *OPTIONS, RAY_ADDRESS=cluster.address)
    worker, job = a_worker_at_a_job(cluster, process)
    time.sleep(0.3)
    worker.kill()
    # The first jobs have taken the data with them into Ray's store, whence the later ones have them.
    wait_until(lambda: len(events(home / "ray", "started")) >= 3, process)
    for name in ("bars", "dots"):
        (home / name).rename(home / f"gone-{name}")
    out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 3, err
    # Ray tells of the death, but not where results are read.
    assert out.splitlines() == here.stdout.replace("local", "ray").splitlines()
    assert "on a Ray cluster at" in err
    assert "(2 nodes, 2 cores)" in err
    assert "2 of 10 jobs failed" in err
    _check_tables(home / "ray", home / "local")
    _check_attempts(home / "ray", nodes_of(cluster))
    _check_runs(home / "ray", home / "local")
    # The job whose worker was killed was done by another one.
    (ending,) = (
        one for one in attempts(home / "ray") if one["job"] == job and one["event"] in ("finished", "failed")
    )
    assert f"process {worker.pid}" not in ending.get("worker", "")


def _check_tables(ray_folder, local_folder):
    assert tables(ray_folder) == tables(local_folder)
    read = load_sweep(ray_folder)
    assert (read.facts["trained"], read.facts["retimed"]) == (TRAININGS, JOBS - TRAININGS)
    failed = read.results[read.results["status"] == "failed"]
    assert list(failed["strategy.learning_rate"]) == [1e38] * 2
    assert all("diverged" in error for error in failed["error"])


def _check_attempts(folder, nodes):
    """Nothing lost, nothing twice; both nodes have worked."""
    finished = events(folder, "finished")
    assert sorted(finished) == sorted(load_sweep(folder).finished["job"])
    assert len(finished) == len(set(finished)) == JOBS
    assert len(events(folder, "failed")) == 2
    assert not begun_again_after_the_end(attempts(folder))
    assert not (folder / "unfinished").exists()
    workers = {line["worker"].split(",")[0] for line in attempts(folder) if line["event"] == "finished"}
    assert workers == nodes
    assert len(nodes) == 2


def _check_runs(ray_folder, local_folder):
    """The runs came back whole, and nothing in what describes them is a path of a node's own."""
    for job in load_sweep(ray_folder).finished["job"]:
        mine, theirs = ray_folder / "runs" / job, local_folder / "runs" / job
        names = sorted(str(file.relative_to(mine)) for file in mine.rglob("*") if file.is_file())
        assert names == sorted(str(file.relative_to(theirs)) for file in theirs.rglob("*") if file.is_file())
        assert (mine / "scenario.yaml").read_text() == (theirs / "scenario.yaml").read_text()
        assert load_run(mine).summary == load_run(theirs).summary
