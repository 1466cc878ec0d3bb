"""The folder of a sweep while it is made: who may write in it, what is finished, what failed, and what was tried."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from analysis.runs import ENVIRONMENT_FILE, SCENARIO_FILE, SUMMARY_FILE, RunError, RunFolder, load_run
from analysis.sweeps import RUNS_FOLDER
from simulator.executors.places import RUN
from simulator.ground_changes import changes
from simulator.sweeping.jobs import Job
from simulator.writing import FINISHED, FORMAT

log = logging.getLogger(__name__)

JOBS_FILE = "jobs.json"
"""What the sweep consists of, written first of all: the mark of a sweep's folder."""

ASKED_FILE = "sweep.yaml"
LOCK_FILE = ".lock"
UNFINISHED = "unfinished"
FAILED = "failed"
ATTEMPTS_FILE = "attempts.jsonl"
ERROR_FILE = "error.json"
LOG_FILE = "sweep.log"

HARDLY_BEGUN = {LOCK_FILE, LOG_FILE, f".{JOBS_FILE}.part"}


class SweepFolder:
    """A sweep's folder that is being written; see :mod:`analysis.sweeps` for what is in it at the end.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = RunFolder(path)

    @property
    def scratch(self) -> Path:
        """Where jobs are done; one that is finished moves out of it."""
        return self.path / UNFINISHED

    def check(self, name: str, resume: bool) -> None:
        """Refuse a folder that the sweep may not write in, without making anything.

        Args:
            name: the sweep's name.
            resume: whether a sweep of that name may go on there.

        Raises:
            FileExistsError: it holds something else, or the sweep is there and was not to go on.
        """
        mark = self.path / JOBS_FILE
        if not mark.is_file():
            if not self._is_hardly_begun():
                RunFolder.check(self.path)
            return
        try:
            held = json.loads(mark.read_text(encoding="utf-8"))["name"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileExistsError(f"{mark}: damaged: {error}; name another folder with -o") from error
        if held != name:
            raise FileExistsError(f"{self.path} holds the sweep {held!r}; name another folder with -o")
        if not resume:
            raise FileExistsError(
                f"{self.path} holds this sweep already; go on with --resume, or name another folder with -o"
            )

    def _is_hardly_begun(self) -> bool:
        """Whether the folder holds only what a sweep writes before its jobs: it was killed there."""
        return self.path.is_dir() and {entry.name for entry in self.path.iterdir()} <= HARDLY_BEGUN

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other sweeps out while this one writes.

        Raises:
            FileExistsError: another one is at work here.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK_FILE).acquire(timeout=0)
        except Timeout as error:
            raise FileExistsError(
                f"another sweep is writing in {self.path}; wait for it, or name another folder with -o"
            ) from error
        except OSError as error:
            why = error.strerror or error
            raise FileExistsError(
                f"{self.path}: cannot be made: {why}; name another folder with -o"
            ) from error
        with lock:
            yield

    def begin(self, name: str, text: str, command: str, jobs: Sequence[Job]) -> None:
        """Write what the sweep consists of."""
        listed = [{"job": job.id, "seed": job.seed, "values": dict(job.values)} for job in jobs]
        self.files.write_json(JOBS_FILE, {"name": name, "command": command, "jobs": listed})
        self.files.write_text(ASKED_FILE, text)

    def run_folder(self, job: Job) -> Path:
        """Return where a job's finished run lies."""
        return self.path / RUNS_FOLDER / job.id

    def is_finished(self, job: Job, ground: Mapping[str, Any]) -> bool:
        """Whether a job's run is there, finished, whole and of exactly its scenario.

        What is in its place and is no such run is set aside, and told.

        Args:
            job: the job.
            ground: what its numbers would rest on now.

        Raises:
            FileExistsError: it rested on other data or another device.
        """
        place = self.run_folder(job)
        if not place.exists():
            return False
        if wrong := _wrong_with(place, job):
            log.warning("%s: %s; it is set aside, and the job is done again", place, wrong)
            self.fail(job, wrong, run=place)
            return False
        if told := self.changed_grounds(place, ground):
            raise FileExistsError(f"{place} ran on other grounds ({told}); name another folder with -o")
        return True

    def changed_grounds(self, run: Path, ground: Mapping[str, Any]) -> str:
        """Return in words where a run rested on other versions, data or devices; nothing where it did not.

        Args:
            run: a finished run's folder.
            ground: what it should rest on.
        """
        return changes(_json(run / ENVIRONMENT_FILE), ground)

    def adopt(self, jobs: Sequence[Job]) -> None:
        """Keep runs that were finished when an earlier sweep was ended, and remove what was not."""
        by_id = {job.id: job for job in jobs}
        for attempt in sorted(self.scratch.iterdir()) if self.scratch.is_dir() else ():
            job = by_id.get(attempt.name.rpartition("-")[0])
            run = attempt / RUN
            if job is not None and not self.run_folder(job).exists() and _holds_finished(run, job):
                log.info("%s (%s) was finished already", job.id, job.title)
                self.keep(job, run)
                self.note("finished", job, adopted=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def keep(self, job: Job, run: Path) -> None:
        """Move a finished run to its place.

        Args:
            job: the job.
            run: the run folder, as an executor left it.
        """
        place = self.run_folder(job)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(run, place)
        except OSError as error:
            raise RunError(f"{place}: cannot be written: {error.strerror or error}") from error
        shutil.rmtree(run.parent, ignore_errors=True)
        shutil.rmtree(self.path / FAILED / job.id, ignore_errors=True)

    def fail(self, job: Job, error: str, details: str = "", run: Path | None = None) -> None:
        """Keep what is left of a job that failed, with its error.

        Args:
            job: the job.
            error: why, in a line.
            details: a traceback, if there is one.
            run: what there is of its run folder, if anything.
        """
        place = self.path / FAILED / job.id
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if run is not None and run.exists():
            os.replace(run, place / RUN)
        if run is not None and run.parent.parent == self.scratch:
            shutil.rmtree(run.parent, ignore_errors=True)
        facts = {"job": job.id, "seed": job.seed, "values": dict(job.values), "error": error}
        RunFolder(place).write_json(ERROR_FILE, {**facts, "traceback": details or None})

    def drop(self, job: Job) -> None:
        """Remove what a job whose worker died has left where it was done."""
        for attempt in self.scratch.glob(f"{job.id}-*"):
            shutil.rmtree(attempt, ignore_errors=True)

    def note(self, event: str, job: Job, **facts: object) -> None:
        """Add a line to the record of what was tried, in real time."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "job": job.id,
            **facts,
        }
        with (self.path / ATTEMPTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def told_finished(self) -> set[str]:
        """Return the ids of the jobs whose end is in the record."""
        file = self.path / ATTEMPTS_FILE
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        # A line that was being written when the sweep was killed may be torn.
        whole = [json.loads(line) for line in lines if line.endswith("}")]
        return {line["job"] for line in whole if line["event"] == "finished"}

    def tidy(self) -> None:
        """Remove the folder of jobs under way, when none is."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def _wrong_with(folder: Path, job: Job) -> str:
    """Return in words why a folder is no whole finished run of a job; nothing where it is one."""
    if not _holds_finished(folder, job):
        return "it is not the finished run of this job"
    try:
        load_run(folder)
    except RunError as error:
        return str(error)
    return ""


def _holds_finished(folder: Path, job: Job) -> bool:
    """Whether a folder is the finished run of a job: its summary, which is written last, says so."""
    try:
        same = (folder / SCENARIO_FILE).read_text(encoding="utf-8") == job.text
        summary = _json(folder / SUMMARY_FILE)
        _json(folder / ENVIRONMENT_FILE)
    except (OSError, ValueError):
        return False
    return same and summary.get("status") == FINISHED and summary.get("format") == FORMAT


def _json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
