"""One run, from a scenario to its folder.

Everything that can be wrong with the input is found before the folder is made: the scenario, the data, the fit
of cuts and memory. Then time begins; tables are written after rounds, and the summary and the figures at the
end.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from analysis.evaluator import Evaluator
from analysis.runs import Run, RunFolder, load_run
from models.cache import cache_dir
from models.datasets import LabelledImages
from scenarios.load import Loaded
from simulator import registry
from simulator.commits import Entry, NullLearner
from simulator.environment import describe_environment
from simulator.loading import load_data
from simulator.measuring import MeasuredLearner
from simulator.plan import Plan
from simulator.planning import make_plan
from simulator.playing import Course, RunLearner
from simulator.progress import Progress, silent
from simulator.run_log import early_log, log_file
from simulator.setting import make_setting, warn_of_oddities
from simulator.tensorboard import following, missing_extra
from simulator.writing import FINISHED, Ending, folder_of, write_beginning, write_ending

log = logging.getLogger(__name__)

SECONDS_BETWEEN_FLUSHES = 30.0
"""Real time after which the tables are written again at a round's end, so that a long run can be looked at."""


def run(
    scenario: str | Path,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
    tensorboard: bool = False,
) -> Run:
    """Run a scenario and return its run, as read back from its folder.

    Args:
        scenario: a path or a library name.
        out: the run folder; by default ``runs/<name>-<hash of the resolved scenario>``.
        overrides: ``key.path=value`` texts, as ``--set`` takes them.
        progress: what is told how far the run is; nothing by default.
        tensorboard: whether the run is also written for TensorBoard, as it goes; needs the extra ``tracking``.

    Raises:
        ScenarioError: where the scenario is wrong.
        FileExistsError: where the folder holds something already.
        RunError: where the run had to stop (training diverged, disk full).
        ModuleNotFoundError: where TensorBoard is wanted and not installed.
    """
    loaded = registry.load(str(scenario), overrides)
    return run_loaded(loaded, folder_of(loaded, out), progress or silent(), tensorboard=tensorboard)


def run_loaded(
    loaded: Loaded,
    path: Path,
    progress: Progress,
    figures: Sequence[str] | None = None,
    tensorboard: bool = False,
) -> Run:
    """Run a scenario that is loaded already; see :func:`run`.

    Args:
        loaded: the scenario.
        path: the run folder.
        progress: what is told how far the run is.
        figures: the kinds of figures that are drawn at its end; None for all.
        tensorboard: as for :func:`run`.

    Raises:
        ScenarioError, FileExistsError, RunError, ModuleNotFoundError: as :func:`run`.
    """
    if tensorboard and (lacks := missing_extra()):
        raise ModuleNotFoundError(lacks)
    RunFolder.check(path)
    training = loaded.scenario.execution.training
    with early_log() as early, _reproducible(loaded.scenario.execution.threads):
        device = choose_device(loaded) if training else None
        data = load_data(loaded) if training else []
        setting = make_setting(
            loaded,
            [images.train_labels for images in data] if training else None,
            forms=[images.form for images in data] if training else None,
        )
        warn_of_oddities(setting)
        progress.say("selecting cuts")
        plan = make_plan(setting)
        folder = RunFolder.create(path)
        with log_file(folder, early):
            _play(plan, data, device, folder, progress, figures, tensorboard)
    return load_run(folder.path)


def _play(
    plan: Plan,
    data: Sequence[LabelledImages],
    device: torch.device | None,
    folder: RunFolder,
    progress: Progress,
    figures: Sequence[str] | None,
    tensorboard: bool,
) -> None:
    """Play the whole run and write what comes out of it."""
    started = time.perf_counter()
    course = Course(plan, progress)
    write_beginning(folder, plan, _environment(plan, device, data))
    status, weights_sha256 = "stopped", None
    try:
        learner = _learner(course, data, device, folder, progress)
        with following(folder, plan, course.recorder, tensorboard) as board:
            course.play(learner, _flushing(course, folder), *board)
        status, weights_sha256 = FINISHED, learner.weights_sha256()
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        if status != FINISHED:
            log.warning("the rounds that were finished are kept in %s", folder.path)
        course.recorder.wallclock(course.last_round, "run", time.perf_counter() - started)
        ending = Ending(status, [images.digest for images in data], weights_sha256, figures=figures)
        write_ending(folder, course, ending, progress)


def _learner(
    course: Course,
    data: Sequence[LabelledImages],
    device: torch.device | None,
    folder: RunFolder,
    progress: Progress,
) -> RunLearner:
    """Return what the log applies commits with: the measured learner, or none where nothing is trained."""
    plan, setting = course.plan, course.plan.setting
    strategy = registry.STRATEGIES[setting.scenario.strategy.name]
    if device is None:
        return NullLearner(clusters=strategy.clusters)
    learner = strategy.load_learner()(plan, data, device)
    progress.say("preparing the classifiers that judge the images")
    evaluator = Evaluator(
        dict(zip(setting.deal.domains, data, strict=True)),
        setting.scenario.evaluation,
        setting.streams.draw,
        cache_dir(),
    )
    return MeasuredLearner(learner, evaluator, plan, course.recorder, course.clock, folder)


def _flushing(course: Course, folder: RunFolder) -> Callable[[Entry], None]:
    """Return what writes the tables after an evaluation, where the last time was a while ago."""
    flushed = time.perf_counter()

    def flush(entry: Entry) -> None:
        nonlocal flushed
        commit = entry.commit
        due = time.perf_counter() - flushed > SECONDS_BETWEEN_FLUSHES
        if commit.kind == "evaluate" and commit.info["round"] >= 0 and due:
            folder.write_tables(course.recorder.tables())
            flushed = time.perf_counter()

    return flush


def choose_device(loaded: Loaded) -> torch.device:
    """Return the device of the training; ``auto`` takes a GPU where there is one, and says so.

    Raises:
        ScenarioError: where ``cuda`` is asked for and there is none.
    """
    wanted = loaded.scenario.execution.device
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise loaded.error(
            "execution.device", "'cuda', but torch finds no GPU here", "allowed here: auto, cpu"
        )
    device = torch.device("cuda" if wanted == "cuda" or (wanted == "auto" and available) else "cpu")
    log.info("training on %s with %d threads", device, loaded.scenario.execution.threads)
    return device


def _environment(
    plan: Plan, device: torch.device | None, data: Sequence[LabelledImages]
) -> dict[str, object]:
    on_gpu = device is not None and device.type == "cuda"
    return describe_environment(
        device=str(device) if device is not None else None,
        gpu=torch.cuda.get_device_name() if on_gpu else None,
        threads=plan.setting.scenario.execution.threads,
        data_sha256={images.name: images.digest for images in data},
        data_forms={images.name: images.form for images in data},
    )


@contextmanager
def _reproducible(threads: int) -> Iterator[None]:
    """Fix what makes torch round differently: the number of threads, and on a GPU the choice of kernels."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    cudnn = torch.backends.cudnn
    try:
        with cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)
