"""How the jobs of a sweep go: in which order, with whose training, and what becomes of those that are lost."""

import json
import shutil
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tiny_run import TINY

from analysis.runs import RunError, RunFolder
from simulator import registry
from simulator.executors.executor import Done, Lost, Underway
from simulator.executors.task import Outcome, Task
from simulator.progress import Told
from simulator.sweeping.concluding import trained_in
from simulator.sweeping.display import Display
from simulator.sweeping.folder import SweepFolder
from simulator.sweeping.jobs import Job
from simulator.sweeping.preparing import Prepared
from simulator.sweeping.running import MOST_ATTEMPTS, Course
from simulator.writing import FINISHED, FORMAT

GROUND = {"hetedge": "1", "torch": "1", "numpy": "1", "device": "cpu", "threads": 1}


def run_of(task: Task, folder: Path, **environment: object) -> Path:
    """Write as much of a finished run as a sweep looks at before it concludes."""
    run = folder / f"{task.job}-0" / "run"
    run.mkdir(parents=True)
    files = RunFolder(run)
    files.write_text("scenario.yaml", task.scenario)
    packages = {name: GROUND[name] for name in ("hetedge", "torch", "numpy")}
    facts = {"packages": packages, "device": "cpu", "threads": 1, **environment}
    files.write_json("environment.json", facts)
    files.write_json("summary.json", {"status": FINISHED, "format": FORMAT})
    return run


@dataclass
class Played:
    """An executor that does every task at once, as it is told.

    Attributes:
        scratch: where it does them.
        room: how many at once.
        fates: for a job, what becomes of its attempts; those not told of finish.
        lacking: what a job is said to lack.
        begun: the tasks, in the order of their beginning.
    """

    scratch: Path
    room: int = 1
    fates: dict[str, list[str]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    begun: list[Task] = field(default_factory=list)
    under_way: deque[Task] = field(default_factory=deque)
    where: str = "a play"

    @property
    def has_room(self):
        return len(self.under_way) < self.room

    def lacks(self, task):
        return self.lacking.get(task.job, "")

    def start(self, task):
        assert self.has_room
        self.begun.append(task)
        self.under_way.append(task)

    def events(self, timeout_s):
        del timeout_s
        task = self.under_way.popleft()
        fates = self.fates.get(task.job, [])
        fate = fates.pop(0) if fates else "finishes"
        yield Underway(task.job, Told(1, 2, "round 1/2", "FID 7"))
        if fate == "dies":
            yield Lost(task.job, "it died")
        elif fate == "dies for good":
            yield Lost(task.job, "it died", final=True)
        elif fate == "fails":
            yield Done(task.job, Outcome("it diverged"), self.scratch / f"{task.job}-0" / "run")
        elif fate == "on other data":
            yield Done(task.job, Outcome(), run_of(task, self.scratch, threads=7))
        else:
            yield Done(task.job, Outcome(), run_of(task, self.scratch))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert not self.under_way


@pytest.fixture
def jobs(tmp_path):
    """Four jobs; their scenarios differ in their seeds alone."""
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return [
        Job(f"{seed:012x}", {}, {}, seed, registry.load(str(file), [f"seed={seed}"])) for seed in range(4)
    ]


@pytest.fixture(autouse=True)
def whole(monkeypatch):
    """Of these runs nothing is there but what says that they are finished, and a table that may be damaged."""

    def load(folder):
        table = folder / "metrics.parquet"
        if table.exists():
            raise RunError(f"{table}: damaged")

    monkeypatch.setattr("simulator.sweeping.folder.load_run", load)


@pytest.fixture
def folder(tmp_path):
    found = SweepFolder(tmp_path / "sweep")
    found.path.mkdir()
    return found


def follow(folder, prepared, **how):
    """Do jobs; return their course and the executor."""
    executor = Played(folder.scratch, **how)
    course = Course(folder, prepared, Display(live=False))
    course.follow(lambda scratch: executor)
    return course, executor


def prepared(jobs, *trainings):
    return [Prepared(job, 1.0, training, GROUND) for job, training in zip(jobs, trainings, strict=True)]


def ids(tasks):
    return [int(task.job, 16) for task in tasks]


def noted(folder):
    return [json.loads(line) for line in (folder.path / "attempts.jsonl").read_text().splitlines()]


def test_jobs_are_begun_in_their_order_and_those_that_train_the_same_wait(folder, jobs):
    course, executor = follow(folder, prepared(jobs, "a", "a", "b", "a"), room=3)
    # 1 and 3 would train what 0 is at; 2 need not wait.
    assert ids(executor.begun) == [0, 2, 1, 3]
    of = {int(task.job, 16): task.trained for task in executor.begun}
    assert of == {0: None, 2: None, 1: folder.run_folder(jobs[0]), 3: folder.run_folder(jobs[0])}
    assert not course.errors
    assert all((folder.run_folder(job) / "summary.json").exists() for job in jobs)
    assert not list(folder.scratch.iterdir())


def test_jobs_that_share_nothing_are_all_trained(folder, jobs):
    _, executor = follow(folder, prepared(jobs, None, None, "b", "c"), room=2)
    assert ids(executor.begun) == [0, 1, 2, 3]
    assert all(task.trained is None for task in executor.begun)


def test_where_a_training_fails_the_next_that_trains_the_same_trains(folder, jobs):
    course, executor = follow(
        folder, prepared(jobs, "a", "a", "a", "a"), room=2, fates={jobs[0].id: ["fails"]}
    )
    assert [task.trained for task in executor.begun] == [None, None, *[folder.run_folder(jobs[1])] * 2]
    assert course.errors == {jobs[0].id: "it diverged"}
    assert (
        json.loads((folder.path / "failed" / jobs[0].id / "error.json").read_text())["error"] == "it diverged"
    )


def test_a_lost_job_is_begun_again_before_others(folder, jobs):
    course, executor = follow(folder, prepared(jobs, *"abcd"), fates={jobs[1].id: ["dies"]})
    assert ids(executor.begun) == [0, 1, 1, 2, 3]
    assert not course.errors
    assert [line["event"] for line in noted(folder)].count("lost") == 1


def test_a_job_that_is_lost_too_often_fails(folder, jobs):
    course, executor = follow(folder, prepared(jobs, *"abcd"), fates={jobs[1].id: ["dies"] * 99})
    assert ids(executor.begun).count(1) == MOST_ATTEMPTS
    assert course.errors == {jobs[1].id: "it died"}


def test_a_job_that_its_executor_has_given_up_fails_at_once(folder, jobs):
    course, executor = follow(folder, prepared(jobs, *"abcd"), fates={jobs[1].id: ["dies for good"]})
    assert ids(executor.begun) == [0, 1, 2, 3]
    assert course.errors == {jobs[1].id: "it died"}


def test_a_job_that_was_refused_is_not_begun(folder, jobs):
    all_ = prepared(jobs, *"aaaa")
    all_[0] = Prepared(jobs[0], refusal="cuts: too large")
    course, executor = follow(folder, all_)
    assert ids(executor.begun) == [1, 2, 3]
    assert course.errors == {jobs[0].id: "cuts: too large"}


def test_a_job_that_never_has_the_memory_fails_and_is_told(folder, jobs):
    course, executor = follow(folder, prepared(jobs, *"abcd"), lacking={jobs[2].id: "it may take 99 GB"})
    assert ids(executor.begun) == [0, 1, 3]
    assert course.errors == {jobs[2].id: "it may take 99 GB"}


def test_a_job_waits_for_memory_while_others_are_under_way(folder, jobs):
    class Filling(Played):
        def lacks(self, task):
            del task
            return "too little is free" if self.under_way else ""

    executor = Filling(folder.scratch, room=4)
    course = Course(folder, prepared(jobs, *"abcd"), Display(live=False))
    course.follow(lambda scratch: executor)
    assert ids(executor.begun) == [0, 1, 2, 3]
    assert not course.errors


def test_what_is_finished_is_not_begun_and_its_training_is_used(folder, jobs):
    follow(folder, prepared(jobs[:1], "a"))
    _, executor = follow(folder, prepared(jobs, "a", "a", "b", "b"))
    assert ids(executor.begun) == [1, 2, 3]
    assert executor.begun[0].trained == folder.run_folder(jobs[0])


def test_what_failed_is_begun_again_and_forgotten_when_it_finishes(folder, jobs):
    follow(folder, prepared(jobs, *"abcd"), fates={jobs[3].id: ["fails"]})
    course, executor = follow(folder, prepared(jobs, *"abcd"))
    assert ids(executor.begun) == [3]
    assert not course.errors
    assert not (folder.path / "failed" / jobs[3].id).exists()


def test_a_run_on_other_grounds_is_no_result(folder, jobs):
    course, _ = follow(folder, prepared(jobs[:1], "a"), fates={jobs[0].id: ["on other data"]})
    assert course.errors == {
        jobs[0].id: "it ran on other grounds than these here: threads was 7, is 1",
    }
    assert not folder.run_folder(jobs[0]).exists()


def test_a_finished_run_on_other_grounds_is_refused(folder, jobs):
    follow(folder, prepared(jobs[:1], "a"))
    moved = [Prepared(jobs[0], 1.0, "a", {**GROUND, "threads": 3})]
    with pytest.raises(FileExistsError, match=r"ran on other grounds \(threads was 1, is 3\)"):
        Course(folder, moved, Display(live=False))


@pytest.mark.parametrize("damage", ["empty", "a table is torn", "of another job"])
def test_what_is_in_a_jobs_place_and_is_no_whole_run_of_it_is_set_aside(folder, jobs, whole, damage, caplog):
    follow(folder, prepared(jobs[:1], "a"))
    place = folder.run_folder(jobs[0])
    if damage == "empty":
        shutil.rmtree(place)
        place.mkdir()
    elif damage == "a table is torn":
        (place / "metrics.parquet").write_bytes(b"PAR1 and no more")
    else:
        (place / "scenario.yaml").write_text(jobs[1].text)
    course, executor = follow(folder, prepared(jobs, "a", "a", "b", "b"))
    assert ids(executor.begun) == [0, 2, 1, 3] or ids(executor.begun) == [0, 1, 2, 3]
    assert not course.errors
    assert "it is set aside, and the job is done again" in caplog.text


def test_a_finished_run_that_the_record_does_not_tell_of_is_noted(folder, jobs):
    follow(folder, prepared(jobs[:1], "a"))
    record = folder.path / "attempts.jsonl"
    lines = record.read_text().splitlines()
    # Killed between the move and the note, in the midst of a line.
    record.write_text("\n".join([*lines[:-1], lines[-1][:20]]) + "\n")
    follow(folder, prepared(jobs[:1], "a"))
    told = [line for line in record.read_text().splitlines() if '"finished"' in line and line.endswith("}")]
    assert [json.loads(line)["adopted"] for line in told] == [True]


@pytest.mark.parametrize(
    "left", [[".lock"], [".lock", "sweep.log"], [".lock", "sweep.log", ".jobs.json.part"]]
)
def test_a_folder_of_a_sweep_killed_at_its_very_beginning_can_be_used(folder, left):
    for name in left:
        (folder.path / name).touch()
    folder.check("small", resume=False)
    (folder.path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        folder.check("small", resume=True)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(FileExistsError, match="cannot be made"),
        SweepFolder(tmp_path / "file" / "sweep").alone(),
    ):
        pass


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"a": "a", "b": "a", "c": "a"}, {"a": "a", "b": "a", "c": "a"}),
        ({"a": "b", "b": "a", "c": "a"}, {"a": "a", "b": "a", "c": "a"}),  # a was gone, made again from b
        ({"b": "c", "c": "c"}, {"b": "c", "c": "c"}),
        ({"b": "gone", "c": "b"}, {"b": "gone", "c": "gone"}),
        ({"a": "", "b": ""}, {"a": "", "b": "", "failed": ""}),
    ],
)
def test_whose_training_gave_the_weights(sources, expected):
    assert {job: trained_in(job, sources) for job in expected} == expected


def test_a_run_that_was_finished_when_a_sweep_was_killed_is_kept_and_the_rest_removed(folder, jobs):
    task = Task(jobs[0].id, jobs[0].text, 1.0)
    run_of(task, folder.scratch)
    half = folder.scratch / f"{jobs[1].id}-0" / "run"
    half.mkdir(parents=True)
    (half / "scenario.yaml").write_text(jobs[1].text)
    wrong = run_of(Task(jobs[2].id, jobs[3].text, 1.0), folder.scratch)
    folder.adopt(jobs)
    assert (folder.run_folder(jobs[0]) / "summary.json").exists()
    assert not folder.scratch.exists()
    assert not wrong.exists()
    (line,) = noted(folder)
    assert (line["event"], line["job"], line["adopted"]) == ("finished", jobs[0].id, True)


def test_two_sweeps_cannot_write_in_one_folder(folder):
    with folder.alone(), pytest.raises(FileExistsError, match="another sweep is writing"), folder.alone():
        pass


def test_a_job_that_cannot_be_started_fails_alone(folder, jobs):
    class Without(Played):
        def start(self, task):
            if task.job == jobs[0].id:
                raise FileNotFoundError(2, "No such file or directory", "/data/gone")
            super().start(task)

    executor = Without(folder.scratch)
    course = Course(folder, prepared(jobs, *"aabb"), Display(live=False))
    course.follow(lambda scratch: executor)
    assert course.errors == {jobs[0].id: "/data/gone: No such file or directory"}
    assert ids(executor.begun) == [1, 2, 3]
    assert executor.begun[0].trained is None
