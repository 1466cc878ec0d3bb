"""Tasks on a Ray cluster: this machine's own, or one whose nodes share nothing but the network.

A task takes with it all that it needs: its scenario, the files that the scenario names, and the run that it is retimed
from; its run folder comes back as bytes. Every node must have hedetge installed in the same version, and data sets that
are looked for by name below its own HETEDGE_DATA, in its cache, or within reach of a download. Ray begins a task again
where its worker or node dies.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

# Before Ray is imported: it reports its use to its makers by default.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.queue import Empty, Queue

from analysis.runs import SCENARIO_FILE
from simulator.environment import DECIDING_PACKAGES, describe_machine
from simulator.executors.executor import Done, Event, ExecutorError, Lost, Underway
from simulator.executors.places import RUN
from simulator.executors.shipping import pack, unpack, unpack_named, with_places
from simulator.executors.task import ONE_THREAD_ENVIRONMENT, Outcome, Task, perform
from simulator.progress import Told

log = logging.getLogger(__name__)

ADDRESS = "RAY_ADDRESS"
"""The environment variable that names a cluster, as everywhere in Ray; without it, one of this machine's own begins."""

RETRIES = 2
"""How often Ray begins a task again whose worker has died."""

UNPACKING = "unpacking"
"""What folders are called in which run folders are unpacked."""

CONNECT_WITHIN_S = 10.0

NODE_DIGITS = 8
"""Digits of a node's id that are told."""

LONGEST_REASON = 300
"""Characters of what Ray says of a death."""


def versions_here() -> dict[str, str | None]:
    """Return the versions of the packages that decide numbers."""
    packages = describe_machine()["packages"]
    return {name: packages[name] for name in DECIDING_PACKAGES}


def _connect(address: str | None) -> None:
    """Connect to a cluster, or begin one of this machine's own.

    Raises:
        ExecutorError: there is none.
    """
    found = re.fullmatch(r"(?P<host>[^:/]+):(?P<port>\d+)", address or "")
    try:
        if found is not None:
            # Ray would try for minutes.
            socket.create_connection((found["host"], int(found["port"])), CONNECT_WITHIN_S).close()
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.WARNING,
            runtime_env={"env_vars": dict(ONE_THREAD_ENVIRONMENT)},
        )
    except (OSError, RuntimeError, ValueError, OverflowError) as error:
        why = " ".join(str(error).split())[:LONGEST_REASON]
        raise ExecutorError(
            f"{ADDRESS}={address or ''}: no Ray cluster: {why}; allowed: HOST:PORT of one, auto, or nothing"
        ) from error


def do(
    task: Task, versions: Mapping[str, str | None], queue: Queue | None, trained: bytes | None, *files: bytes
) -> tuple[Outcome, bytes]:
    """Do a task on a node of the cluster.

    Args:
        task: the task, with the paths of the machine that it comes from.
        versions: the versions that it must find.
        queue: who is told how far it is.
        trained: the packed run folder that it is retimed from; None where it trains.
        files: the packed content of the files that it names, in its order.

    Returns:
        What came of it, and the packed run folder: nothing where there is none.
    """
    here = versions_here()
    if here != versions:
        return Outcome(f"a node has {_told(here)}; allowed: {_told(versions)}, as here"), b""
    with tempfile.TemporaryDirectory(prefix="hetedge-") as scratch:
        folder = Path(scratch) / "job"
        folder.mkdir()
        brought = _unpacked(task, trained, files, Path(scratch))
        outcome = perform(brought, folder, lambda told: _tell(queue, task.job, told))
        run = folder / RUN
        worker = f"node {ray.get_runtime_context().get_node_id()[:NODE_DIGITS]}, process {os.getpid()}"
        return replace(outcome, worker=worker), pack(run) if run.is_dir() else b""


def _told(versions: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _unpacked(task: Task, trained: bytes | None, files: Sequence[bytes], scratch: Path) -> Task:
    """Write what a task brings with it, and return the task with the paths of this machine."""
    places = unpack_named(dict(zip(task.files, files, strict=True)), scratch / "files")
    scenario = with_places(task.scenario, places)
    if trained is None or task.trained is None:
        return replace(task, scenario=scenario, trained=None)
    unpack(trained, scratch / "trained")
    run = scratch / "trained" / task.trained.name
    trained_scenario = run / SCENARIO_FILE
    # It has the same data, but maybe not the same devices.
    text = with_places(trained_scenario.read_text(encoding="utf-8"), places, all_named=False)
    trained_scenario.write_text(text, encoding="utf-8")
    return replace(task, scenario=scenario, trained=run)


def _tell(queue: Queue | None, job: str, told: Told) -> None:
    """Tell how far a job is; that nobody hears it is no reason not to do it."""
    if queue is not None:
        try:
            queue.put_nowait((job, told))
        except RayError as error:
            log.info("nobody hears how far the job is: %s", error)


class RayExecutor:
    """Does tasks on a Ray cluster.

    Args:
        workers: how many at once; None for as many as the cluster has cores.
        scratch: the folder that run folders come back to.
    """

    def __init__(self, workers: int | None, scratch: Path) -> None:
        self._most = workers
        self._scratch = scratch
        self._running: dict[Any, Task] = {}
        self._packed: dict[Path, Any] = {}
        self._versions = versions_here()
        self._address = os.environ.get(ADDRESS)
        _connect(self._address)
        self._remote = ray.remote(do)
        self._queue: Queue | None = Queue(actor_options={"num_cpus": 0})
        # Ray tells of deaths on standard output, where our results go.
        self._quiet = redirect_stdout(sys.stderr)

    @property
    def where(self) -> str:
        """Where tasks are done, in words."""
        nodes = [node for node in ray.nodes() if node["Alive"]]
        whose = f"at {self._address}" if self._address else "of this machine"
        return (
            f"a Ray cluster {whose} ({len(nodes)} node{'s' if len(nodes) > 1 else ''}, {self._cores()} cores)"
        )

    def _cores(self) -> int:
        return int(ray.cluster_resources().get("CPU", 0))

    @property
    def has_room(self) -> bool:
        """Whether another task may be started; nodes may come and go."""
        return len(self._running) < (self._most or max(1, self._cores()))

    def lacks(self, task: Task) -> str:
        """Return in words what no node has for a task; nothing where one has all.

        Whether it is free now is Ray's business: a task waits until a node has it.
        """
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        fitting = [one for one in nodes if one.get("CPU", 0.0) >= 1.0 and one.get("GPU", 0.0) >= task.gpus]
        if not fitting:
            return f"no node has a core{' and a GPU' if task.gpus else ''} for it"
        most = max(one.get("memory", 0.0) for one in fitting)
        if task.needed_bytes <= most:
            return ""
        return f"it may take {task.needed_bytes / 1e9:.3g} GB of memory, and no node has more than {most / 1e9:.3g} GB"

    def start(self, task: Task) -> None:
        """Hand a task to Ray."""
        remote = self._remote.options(
            num_cpus=1, num_gpus=task.gpus, memory=int(task.needed_bytes), max_retries=RETRIES, name=task.job
        )
        trained = None if task.trained is None else self._stored(task.trained)
        files = [self._stored(path) for path in task.files]
        self._running[remote.remote(task, self._versions, self._queue, trained, *files)] = task

    def _stored(self, path: Path) -> Any:  # noqa: ANN401 - a reference of Ray's
        """Return a file or folder in Ray's store; each is packed and sent once."""
        if path not in self._packed:
            self._packed[path] = ray.put(pack(path))
        return self._packed[path]

    def events(self, timeout_s: float) -> Iterator[Event]:
        """Wait until there is something to tell, at most for a time, and tell it."""
        yield from self._given_up()
        if not self._running:
            return
        ended, _ = ray.wait(list(self._running), num_returns=1, timeout=timeout_s)
        yield from self._heard()
        for reference in ended:
            yield self._ended(reference, self._running.pop(reference))

    def _given_up(self) -> Iterator[Event]:
        """Give up tasks that no node that is left could do."""
        for reference, task in list(self._running.items()):
            if lacking := self.lacks(task):
                ray.cancel(reference, force=True)
                del self._running[reference]
                yield Lost(task.job, lacking, final=True)

    def _heard(self) -> Iterator[Event]:
        """Yield how far tasks are, as their workers have told it."""
        if self._queue is None:
            return
        try:
            while True:
                job, told = self._queue.get_nowait()
                if any(task.job == job for task in self._running.values()):
                    yield Underway(job, told)
        except Empty:
            return
        except RayError as error:
            log.info("from now on nothing is heard of how far the jobs are: %s", " ".join(str(error).split()))
            self._queue = None

    def _ended(self, reference: Any, task: Task) -> Event:  # noqa: ANN401 - a reference of Ray's
        try:
            outcome, content = ray.get(reference)
        except RayTaskError as error:
            fault = f"a fault of hetedge's own: {error.cause!r}".splitlines()[0]
            return Done(task.job, Outcome(fault, str(error)), self._scratch / task.job / RUN)
        except RayError as error:
            # Ray has tried again by itself, as often as it was told to.
            return Lost(task.job, " ".join(str(error).split())[:LONGEST_REASON], final=True)
        folder = self._scratch / f"{task.job}-{uuid.uuid4().hex[:8]}"
        if content:
            # Apart, and moved when it is whole: what lies half-written in a job's folder could be taken for a run.
            apart = self._scratch / f"{UNPACKING}-{uuid.uuid4().hex[:8]}"
            unpack(content, apart)
            # It names the node's files; the job's own text names those that it was made of.
            (apart / RUN / SCENARIO_FILE).write_text(task.scenario, encoding="utf-8")
            folder.mkdir(parents=True)
            os.replace(apart / RUN, folder / RUN)
            apart.rmdir()
        return Done(task.job, outcome, folder / RUN)

    def close(self) -> None:
        """End everything that is under way, and leave the cluster."""
        for reference in self._running:
            ray.cancel(reference, force=True)
        self._running.clear()
        self._packed.clear()
        if self._queue is not None:
            self._queue.shutdown()
        ray.shutdown()

    def __enter__(self) -> RayExecutor:
        self._quiet.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        finally:
            self._quiet.__exit__(None, None, None)
