"""What is told of tasks that a cluster can no longer do; a real cluster is in end_to_end/test_sweep_on_ray.py."""

import pytest

from simulator.executors import ray as on_ray
from simulator.executors.executor import ExecutorError, Lost
from simulator.executors.ray import RayExecutor, _connect
from simulator.executors.task import Task


@pytest.fixture
def executor(tmp_path, monkeypatch):
    """An executor of a cluster that is only told of."""
    monkeypatch.setattr(on_ray, "_connect", lambda address: None)
    monkeypatch.setattr(on_ray, "Queue", lambda **_: None)
    monkeypatch.setattr(on_ray.ray, "cancel", lambda reference, force: None)
    return RayExecutor(1, tmp_path)


def nodes(monkeypatch, *resources):
    """Let the cluster have these nodes."""
    alive = [{"Alive": True, "Resources": one} for one in resources]
    monkeypatch.setattr(on_ray.ray, "nodes", lambda: [*alive, {"Alive": False, "Resources": {"CPU": 99.0}}])


def test_what_no_node_has_is_told(executor, monkeypatch):
    nodes(monkeypatch, {"CPU": 2.0, "memory": 4e9}, {"CPU": 1.0, "GPU": 1.0, "memory": 1e9})
    assert executor.lacks(Task("a", "", 3e9)) == ""
    assert executor.lacks(Task("a", "", 5e9)) == (
        "it may take 5 GB of memory, and no node has more than 4 GB"
    )
    assert executor.lacks(Task("a", "", 3e9, gpus=1)) == (
        "it may take 3 GB of memory, and no node has more than 1 GB"
    )
    assert executor.lacks(Task("a", "", 1e9, gpus=2)) == "no node has a core and a GPU for it"
    nodes(monkeypatch)
    assert executor.lacks(Task("a", "", 1.0)) == "no node has a core for it"


def test_a_task_whose_only_node_has_gone_is_given_up(executor, monkeypatch):
    executor._running["reference"] = Task("a", "", 3e9)
    nodes(monkeypatch, {"CPU": 1.0, "memory": 1e9})
    assert list(executor.events(0.0)) == [
        Lost("a", "it may take 3 GB of memory, and no node has more than 1 GB", final=True)
    ]
    assert executor.has_room


def test_an_address_that_nobody_answers_is_told_at_once():
    with pytest.raises(
        ExecutorError, match=r"RAY_ADDRESS=127.0.0.1:9: no Ray cluster: .*; allowed: HOST:PORT"
    ):
        _connect("127.0.0.1:9")
