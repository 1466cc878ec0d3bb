"""Tasks in real processes of this machine."""

import contextlib
import json
import os
import time

import psutil
import pytest
from tiny_run import write_tiny

from scenarios.dump import dump_resolved
from simulator import registry
from simulator.executors.executor import Done, Lost, Underway
from simulator.executors.local import LocalExecutor
from simulator.executors.task import ONE_THREAD_ENVIRONMENT, Task, perform

DEADLINE_S = 120.0


@pytest.fixture
def task(tmp_path):
    loaded = registry.load(str(write_tiny(tmp_path)), ["execution.training=false"])
    return Task("0123456789ab", dump_resolved(loaded.scenario, loaded.given), 1e6)


@pytest.fixture
def executor(tmp_path):
    with LocalExecutor(2, tmp_path / "scratch") as made:
        yield made


def workers_now():
    """Return the worker processes; one more child keeps count of shared things, and stays."""
    children = psutil.Process().children()
    return [one for one in children if "spawn_main" in " ".join(one.cmdline())]


def ends(executor):
    """Wait for the next end of a task; return it, and what was told before."""
    told, deadline = [], time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for event in executor.events(0.5):
            if not isinstance(event, Underway):
                return event, told
            told.append(event)
    raise AssertionError("nothing ended")


@pytest.mark.slow
def test_a_task_comes_back_as_a_run_folder_and_its_worker_serves_again(executor, task):
    executor.start(task)
    (worker,) = workers_now()
    done, told = ends(executor)
    assert isinstance(done, Done)
    assert (done.job, done.outcome.error) == (task.job, "")
    assert json.loads((done.folder / "summary.json").read_text())["status"] == "finished"
    assert (done.folder / "scenario.yaml").read_text() == task.scenario
    assert not (done.folder / "figures").exists()
    assert told[-1].told.where == "round 2/2, iteration 2/2"
    assert done.outcome.peak_bytes > 1e8
    executor.start(task)
    again, _ = ends(executor)
    assert workers_now() == [worker]
    assert again.folder != done.folder
    # One that died while it waited is replaced by the next task.
    worker.kill()
    psutil.wait_procs([worker], timeout=10)
    executor.start(task)
    assert ends(executor)[0].outcome.error == ""
    assert worker not in workers_now()


@pytest.mark.slow
def test_what_is_wrong_with_a_task_is_told_and_the_worker_goes_on(executor, task):
    executor.start(
        Task("a" * 12, task.scenario.replace("uplink", "uplonk").replace("rounds: 2", "rounds: -2"), 1e6)
    )
    done, _ = ends(executor)
    assert "strategy.rounds" in done.outcome.error
    assert not done.outcome.details
    assert executor.has_room


def test_a_fault_of_our_own_is_told_with_its_traceback(tmp_path, task, monkeypatch):
    def broken(*_):
        raise KeyError("a slip")

    monkeypatch.setattr("simulator.executors.task.run_loaded", broken)
    outcome = perform(task, tmp_path, lambda told: None)
    assert outcome.error == "a fault of hetedge's own: KeyError: 'a slip'"
    assert "in broken" in outcome.details


@pytest.mark.slow
def test_a_worker_that_dies_takes_its_task_alone(executor, task):
    executor.start(task)
    (victim,) = workers_now()
    executor.start(Task("c" * 12, task.scenario, 1e6))
    victim.kill()
    found = {}
    for _ in range(2):
        event, _ = ends(executor)
        found[event.job] = event
    assert isinstance(found[task.job], Lost)
    assert "SIGKILL" in found[task.job].why
    assert isinstance(found["c" * 12], Done)
    assert found["c" * 12].outcome.error == ""


@pytest.mark.slow
def test_workers_take_one_thread_and_this_process_keeps_its_own(executor, task, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    executor.start(task)
    (worker,) = workers_now()
    assert {name: worker.environ()[name] for name in ONE_THREAD_ENVIRONMENT} == ONE_THREAD_ENVIRONMENT
    assert os.environ["OMP_NUM_THREADS"] == "5"
    ends(executor)


@pytest.mark.slow
def test_closing_ends_the_workers_even_in_the_midst(tmp_path, task):
    with LocalExecutor(1, tmp_path / "scratch") as executor:
        executor.start(task)
        assert not executor.has_room
        workers = workers_now()
    assert not psutil.wait_procs(workers, timeout=10)[1]


def test_memory_that_tasks_will_take_is_not_free(tmp_path, monkeypatch, task):
    monkeypatch.setattr("simulator.executors.local.free_bytes", lambda: 10e9)
    executor = LocalExecutor(2, tmp_path / "scratch")
    with contextlib.closing(executor):
        assert executor.lacks(Task("d" * 12, "", 9.9e9)) == ""
        assert executor.lacks(Task("d" * 12, "", 11e9)) == ("it may take 11 GB of memory, and 10 GB are free")
        executor.start(Task("e" * 12, task.scenario, 8e9))
        (worker,) = workers_now()
        lacking = executor.lacks(Task("d" * 12, "", 4e9))
        assert lacking.startswith("it may take 4 GB of memory, and ")
        # 10 GB, less the 8 GB that the first may take but for what it has already.
        assert worker.memory_info().rss < 2e9


@pytest.mark.slow
def test_what_a_waiting_worker_has_is_its_next_tasks(tmp_path, monkeypatch, task):
    with LocalExecutor(1, tmp_path / "scratch") as executor:
        executor.start(task)
        ends(executor)
        (worker,) = workers_now()
        has = worker.memory_info().rss
        monkeypatch.setattr("simulator.executors.local.free_bytes", lambda: 1e8)
        assert executor.lacks(Task("f" * 12, "", 0.9 * (has + 1e8))) == ""
        assert workers_now() == [worker]
        # Where even that is too little, those that wait are ended: then what they had is free.
        assert "GB are free" in executor.lacks(Task("f" * 12, "", 2 * (has + 1e8)))
        assert not workers_now()
