"""What a finished run's folder still knows of its training: enough to play it again in another time.

No data are opened and no torch is needed: losses, decisions and metrics are read back, and the weights are known by
their digest alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.records import Recorder
from analysis.runs import Run, RunError
from analysis.tables import COMMITS
from models.catalog import ImageForm, domain_name
from models.split import Cut
from scenarios.load import Loaded
from simulator.commits import Commit, Decision, Entry, Pass, training_key
from simulator.plan import training_facts
from simulator.record_checks import first_fault
from simulator.setting import Held, RecordedDeal
from simulator.split_plan import CUT_COLUMNS

NEEDED_COLUMNS = ("images", "images_sha256", "batch")
"""What ``cuts.csv`` must hold besides the cuts; folders of the first version lack some of it."""

_ONLY_FORM_ONCE = ImageForm((1, 28, 28), 10)
"""Of versions that recorded no form: they could read no other."""


class NotRecordedError(ValueError):
    """A run folder lacks what is needed; the message says what came and what is allowed."""


class OtherCourseError(ValueError):
    """A log that leaves the recorded one.

    Attributes:
        commit: the first commit that the record does not hold so.
    """

    def __init__(self, commit: Commit) -> None:
        # SimPy makes the exception anew from its arguments.
        super().__init__(commit)
        self.commit = commit

    def __str__(self) -> str:
        return f"commit {self.commit.seq} ({self.commit.kind}) is not in the record"


@dataclass(frozen=True, eq=False)
class Recording:
    """A finished training, as its run folder tells it.

    Attributes:
        run: the run.
        loaded: its scenario.
        entries: its log.
        deal: who held what, without the images.
        batches: rows of each client in an iteration.
        cuts: each client's cut.
        data_sha256: the digests of the domains' data sets, in their order.
        forms: the form of every domain's images, in their order.
    """

    run: Run
    loaded: Loaded
    entries: tuple[Entry, ...]
    deal: RecordedDeal
    batches: tuple[int, ...]
    cuts: tuple[Cut, ...]
    data_sha256: tuple[str, ...]
    forms: tuple[ImageForm, ...]

    @property
    def held(self) -> list[Held]:
        """What each client held."""
        return [Held(*one) for one in zip(self.deal.sizes, self.deal.images_sha256, strict=True)]

    @property
    def rounds(self) -> int:
        """Number of its rounds."""
        return int(self.entries[-1].commit.info["round"]) + 1


def read_recording(run: Run, loaded: Loaded) -> Recording:
    """Read a run folder as the record of a training.

    Args:
        run: the run.
        loaded: its own scenario.

    Raises:
        NotRecordedError: The run did not finish, trained nothing, or was written by a version that kept less.
        RunError: The folder is damaged: it lacks something, or does not give the training key it states.
    """
    _check_kind(run)
    try:
        recording = _read(run, loaded)
        facts = training_facts(
            loaded.scenario,
            recording.deal,
            recording.forms,
            recording.batches,
            recording.cuts,
            recording.data_sha256,
        )
        if training_key(recording.entries, facts) == run.summary["training_key"]:
            fault = first_fault(run, loaded.scenario, recording.entries)
        else:
            fault = "its files do not give the training key of its summary.json"
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise RunError(f"{run.path}: damaged: {type(error).__name__}: {error}") from error
    if fault:
        raise RunError(f"{run.path}: damaged: {fault}")
    return recording


def _check_kind(run: Run) -> None:
    """Refuse folders of runs that are no finished training, or that tell too little of it."""
    status = run.summary.get("status")
    if status != "finished":
        came = f"the run did not finish (status: {status})"
        raise NotRecordedError(f"{run.path}: {came}; allowed: the folder of a finished run")
    if run.summary.get("weights_sha256") is None:
        came = "timing only: nothing was trained, so there is nothing to keep"
        raise NotRecordedError(
            f"{run.path}: {came}; allowed: hetedge run, which takes no longer for such a run"
        )
    missing = [name for name in NEEDED_COLUMNS if name not in run.cuts.columns]
    if missing:
        came = f"cuts.csv has no column {missing[0]!r}: another version of hetedge wrote this run"
        raise NotRecordedError(f"{run.path}: {came}; allowed: a run of this version")


def _read(run: Run, loaded: Loaded) -> Recording:
    domains = tuple(domain_name(domain) for domain in loaded.scenario.data.domains)
    digests = run.environment["data_sha256"]
    return Recording(
        run=run,
        loaded=loaded,
        entries=tuple(_entry(*row) for row in _rows(run.commits, COMMITS)),
        deal=RecordedDeal(
            domains=domains,
            domain_of=tuple(domains.index(name) for name in run.cuts["domain"]),
            sizes=tuple(run.cuts["images"].tolist()),
            images_sha256=tuple(run.cuts["images_sha256"].tolist()),
        ),
        batches=tuple(run.cuts["batch"].tolist()),
        cuts=_cuts(run.cuts),
        data_sha256=tuple(digests[name] for name in domains),
        forms=tuple(_form(run, name) for name in domains),
    )


def _form(run: Run, domain: str) -> ImageForm:
    """Read the form of a domain's images."""
    forms: Mapping[str, Any] | None = run.environment.get("data_forms")
    if forms is None:
        return _ONLY_FORM_ONCE
    channels, height, width = forms[domain]["shape"]
    return ImageForm((channels, height, width), forms[domain]["classes"])


def _cuts(table: pd.DataFrame) -> tuple[Cut, ...]:
    """Read every client's cut; nothing where the strategy had none."""
    if not set(CUT_COLUMNS) & set(table.columns):
        return ()
    return tuple(Cut(*row) for row in _rows(table, CUT_COLUMNS))


def _rows(table: pd.DataFrame, columns: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Yield a table's rows, as plain values of the columns in the order stated."""
    return zip(*(table[name].tolist() for name in columns), strict=True)


def _entry(seq: int, time_s: float, kind: str, clients: str, passes: str, info: str, decision: str) -> Entry:
    """Read a row of ``commits.parquet`` back."""
    told = tuple(
        Pass(one["name"], tuple(one["forward"]), tuple(one["backward"])) for one in json.loads(passes)
    )
    commit = Commit(seq, time_s, kind, tuple(json.loads(clients)), told, json.loads(info))
    decided = json.loads(decision)
    if decided is None:
        return Entry(commit, None)
    clusters = tuple(tuple(members) for members in decided["clusters"])
    if not isinstance(decided["stop"], bool):
        raise TypeError(f"the decision of commit {seq} does not say whether to stop")
    return Entry(commit, Decision(clusters, decided["stop"]))


class RecordedLearner:
    """A learner that answers with what another run learned, commit by commit.

    Args:
        recording: that run.
        recorder: where its metrics go, at their new time.
        clock: the simulated time, in seconds.
    """

    def __init__(self, recording: Recording, recorder: Recorder, clock: Callable[[], float]) -> None:
        self._recording = recording
        self._recorder = recorder
        self._clock = clock
        self.losses = (math.nan, math.nan)
        self.latest: dict[str, dict[str, float]] = {}
        """The latest metrics of every domain."""
        self._losses = _rows(recording.run.iterations, ("discriminator_loss", "generator_loss"))
        self._metrics: dict[int, list[tuple[str, str, float]]] = {}
        for round_, *measured in _rows(recording.run.metrics, ("round", "domain", "metric", "value")):
            self._metrics.setdefault(round_, []).append(tuple(measured))

    def apply(self, commit: Commit) -> Decision | None:
        """Return what was decided on this commit; an evaluation's metrics are recorded at the present time.

        Raises:
            OtherCourseError: where the recorded log goes another way.
        """
        entries = self._recording.entries
        if commit.seq >= len(entries) or not _same(commit, entries[commit.seq].commit):
            raise OtherCourseError(commit)
        if commit.kind == self._recording.loaded.scenario.strategy.final_kind:
            discriminator_loss, generator_loss = next(self._losses)
            self.losses = (discriminator_loss, generator_loss)
        if commit.kind == "evaluate":
            self._measure(commit.info["round"])
        return entries[commit.seq].decision

    def weights_sha256(self) -> str:
        """Return the digest of the weights that were trained."""
        return str(self._recording.run.summary["weights_sha256"])

    def _measure(self, round_: int) -> None:
        for domain, metric, value in self._metrics.get(round_, ()):
            self._recorder.metric(round_, self._clock(), self._recorder.total_bytes, domain, metric, value)
            self.latest.setdefault(domain, {})[metric] = value


def _same(commit: Commit, recorded: Commit) -> bool:
    """Whether two commits say the same, but for their times."""
    facts = (commit.kind, commit.clients, commit.passes, dict(commit.info))
    return facts == (recorded.kind, recorded.clients, recorded.passes, dict(recorded.info))
