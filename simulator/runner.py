"""One run, from a scenario to its folder.

Everything that can be wrong with the input is found before the folder is made: the scenario, the data, the fit
of cuts and memory. Then time begins; tables are written after rounds, and the summary and the figures at the
end.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from analysis.digests import timeline_digest
from analysis.evaluator import Evaluator
from analysis.plots import FIGURES, draw
from analysis.records import Recorder
from analysis.runs import Run, RunFolder, load_run
from analysis.summary import summarize
from models.cache import cache_dir, data_root
from models.datasets import DataError, LabelledImages, load_dataset
from models.memory import memory_bytes
from scenarios.dump import dump_resolved, resolved
from scenarios.load import Loaded
from simulator import registry
from simulator.commits import CommitLog, Entry, NullLearner, training_key
from simulator.environment import choose_device, describe_environment
from simulator.kernel.world import World
from simulator.measuring import MeasuredLearner
from simulator.plan import Plan, split_plan
from simulator.progress import Progress, silent
from simulator.setting import make_setting, warn_of_lopsided_domains

log = logging.getLogger(__name__)

EARLY_LOG_RECORDS = 10_000
"""Log records that are kept until the run folder exists."""

SECONDS_BETWEEN_FLUSHES = 30.0
"""Real time after which the tables are written again at a round's end, so that a long run can be looked at."""


def run(
    scenario: str | Path,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Run a scenario and return its run, as read back from its folder.

    Args:
        scenario: a path or a library name.
        out: the run folder; by default ``runs/<name>-<hash of the resolved scenario>``.
        overrides: ``key.path=value`` texts, as ``--set`` takes them.
        progress: what is told how far the run is; nothing by default.

    Raises:
        ScenarioError: where the scenario is wrong.
        FileExistsError: where the folder holds something already.
        RunError: where the run had to stop (training diverged, disk full).
    """
    loaded = registry.load(str(scenario), overrides)
    progress = progress or silent()
    path = _folder_of(loaded, out)
    RunFolder.check(path)
    training = loaded.scenario.execution.training
    with _early_log() as early, _reproducible(loaded.scenario.execution.threads):
        device = choose_device(loaded) if training else None
        data = _load_data(loaded) if training else []
        setting = make_setting(loaded, [images.train_labels for images in data] if training else None)
        warn_of_lopsided_domains(setting)
        progress.say("selecting cuts")
        plan = split_plan(setting)
        folder = RunFolder.create(path)
        with _log_file(folder, early):
            _Run(plan, data, device, folder, progress).play()
    return load_run(folder.path)


class _Run:
    """A run in progress: its world, its log, and what has been written of it."""

    def __init__(
        self,
        plan: Plan,
        data: Sequence[LabelledImages],
        device: torch.device | None,
        folder: RunFolder,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._data = data
        self._device = device
        self._folder = folder
        self._progress = progress
        scenario = plan.setting.scenario
        self._strategy = registry.STRATEGIES[scenario.strategy.name]
        self._recorder = Recorder(plan.setting.fleet, scenario.records, plan.setting.workload.phases)
        self._world = World(plan.setting.fleet, plan.setting.network, self._recorder)
        self._started = self._flushed = time.perf_counter()
        self._entries: list[Entry] = []

    def play(self) -> None:
        """Play the whole run and write what comes out of it."""
        status = "stopped"
        state: Mapping[str, torch.Tensor] = {}
        loaded = self._plan.setting.loaded
        self._folder.write_text("scenario.yaml", dump_resolved(loaded.scenario, loaded.given))
        self._folder.write_json("environment.json", describe_environment(loaded, self._device, self._data))
        self._folder.write_table("cuts", _cuts_table(self._plan))
        try:
            learner, measured = self._learners()
            protocol = self._strategy.load_protocol()
            with self._progress.started(self._plan, measured):
                self._world.play(
                    protocol(self._world, self._plan, CommitLog(self._clock, measured, self._observe))
                )
            status, state = "finished", learner.state() if learner is not None else {}
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            if status != "finished":
                log.warning("the rounds that were finished are kept in %s", self._folder.path)
            self._recorder.wallclock(self._plan.rounds - 1, "run", time.perf_counter() - self._started)
            self._finish(status, state)

    def _learners(self) -> tuple[Any, MeasuredLearner | NullLearner]:
        """Return the strategy's learner (none where nothing is trained) and what the log applies commits with."""
        plan = self._plan
        if self._device is None:
            return None, NullLearner()
        learner = self._strategy.load_learner()(plan, self._data, self._device)
        names = plan.setting.deal.domains
        self._progress.say("preparing the classifiers that judge the images")
        evaluator = Evaluator(
            dict(zip(names, self._data, strict=True)),
            plan.setting.scenario.evaluation,
            plan.setting.streams.draw,
            cache_dir(),
        )
        measured = MeasuredLearner(learner, evaluator, plan, self._recorder, self._clock, self._folder)
        return learner, measured

    def _clock(self) -> float:
        return self._world.now_s

    def _observe(self, entry: Entry) -> None:
        """Record a commit; after an evaluation the round's tables may be written."""
        commit = entry.commit
        self._entries.append(entry)
        self._recorder.commit(
            commit.seq,
            commit.time_s,
            commit.kind,
            commit.clients,
            [dataclasses.asdict(one) for one in commit.passes],
            dict(commit.info),
            None if entry.decision is None else dataclasses.asdict(entry.decision),
        )
        self._progress.committed(entry)
        due = time.perf_counter() - self._flushed > SECONDS_BETWEEN_FLUSHES
        if commit.kind == "evaluate" and commit.info["round"] >= 0 and due:
            self._folder.write_tables(self._recorder.tables())
            self._flushed = time.perf_counter()

    def _finish(self, status: str, state: Mapping[str, torch.Tensor]) -> None:
        """Write tables, summary and figures; of a run that did not finish, the rounds that did."""
        tables = self._recorder.tables() if status == "finished" else self._recorder.closed_tables()
        self._folder.write_tables(tables)
        scenario = resolved(self._plan.setting.scenario)
        facts = _Facts(self._folder.path, scenario, **{name: tables[name] for name in _FACT_TABLES})
        summary = summarize(facts) | {
            "status": status,
            "timeline_sha256": timeline_digest(tables),
            "weights_sha256": weights_digest(state) if state else None,
            "training_key": training_key(
                self._entries, self._plan.training_facts([images.digest for images in self._data])
            ),
            "cut_selector": self._plan.selection.selector,
            "iteration_latency_s": self._plan.closed_form().latency_s,
            "clusters": _last_clusters(tables["commits"]),
        }
        self._folder.write_json("summary.json", summary)
        if status == "finished":
            self._progress.say("drawing the figures")
            finished = load_run(self._folder.path)
            for kind in FIGURES:
                draw(kind, [finished], self._folder.path / "figures")


@dataclasses.dataclass(frozen=True)
class _Facts:
    """The part of a run that its summary is made of."""

    path: Path
    scenario: Mapping[str, Any]
    metrics: pd.DataFrame
    iterations: pd.DataFrame
    devices: pd.DataFrame
    transfers: pd.DataFrame


_FACT_TABLES = ("metrics", "iterations", "devices", "transfers")


def weights_digest(state: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of all weights and statistics, by name, to the last bit."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _last_clusters(commits: pd.DataFrame) -> list[list[int]] | None:
    """Return the clusters of the last aggregation."""
    decided = commits.loc[commits["kind"] == "aggregate", "decision"]
    if decided.empty:
        return None
    clusters: list[list[int]] = json.loads(decided.iloc[-1])["clusters"]
    return clusters


def _cuts_table(plan: Plan) -> pd.DataFrame:
    setting = plan.setting
    costs = setting.costs
    rows = [
        {
            "client": device.name,
            "profile": device.profile.name,
            "domain": setting.deal.domains[setting.deal.domain_of[device.id]],
            **dict(zip(("g_head", "g_tail", "d_head", "d_tail"), cut.as_tuple(), strict=True)),
            "g_blocks": costs.generator.length,
            "d_blocks": costs.discriminator.length,
            "images": setting.deal.sizes[device.id],
            "batch": plan.batches[device.id],
            "memory_bytes": memory_bytes(costs, cut, plan.batches[device.id]),
        }
        for device, cut in zip(setting.fleet.clients, plan.cuts, strict=True)
    ]
    return pd.DataFrame(rows)


def _load_data(loaded: Loaded) -> list[LabelledImages]:
    """Load every domain's images; an error names the scenario's key as well as the file."""
    data = []
    for index, domain in enumerate(loaded.scenario.data.domains):
        try:
            data.append(load_dataset(domain, loaded.base_dir, data_root()))
        except DataError as error:
            came, _, allowed = str(error).partition("; ")
            raise loaded.error(f"data.domains.{index}.dataset", came, allowed) from error
    return data


def _folder_of(loaded: Loaded, out: str | Path | None) -> Path:
    if out is not None:
        return Path(out)
    text = dump_resolved(loaded.scenario)
    return Path("runs") / f"{loaded.scenario.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


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


@contextmanager
def _early_log() -> Iterator[MemoryHandler]:
    """Keep what is logged before there is a run folder to log to."""
    handler = MemoryHandler(capacity=EARLY_LOG_RECORDS, flushLevel=logging.CRITICAL + 1)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)


@contextmanager
def _log_file(folder: RunFolder, early: MemoryHandler) -> Iterator[None]:
    """Write everything that was and is logged to ``run.log`` as well."""
    handler = logging.FileHandler(folder.path / "run.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    early.setTarget(handler)
    early.flush()
    root = logging.getLogger()
    root.removeHandler(early)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
