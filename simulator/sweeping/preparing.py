"""What is known of a job before it is done: whether it can be, with whom it shares its training, and what it needs."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.cache import data_root
from models.catalog import ImageForm
from models.datasets import LabelledImages
from scenarios.dump import resolved
from scenarios.load import Loaded, ScenarioError
from simulator.executors.memory import Load, needed_bytes
from simulator.grounds import ground_of
from simulator.loading import load_data
from simulator.plan import Plan, batches_of, steps_of_a_round
from simulator.planning import make_plan
from simulator.retiming import deciding
from simulator.setting import Setting, make_setting
from simulator.sweeping.jobs import Job

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A job that may be done, or the reason why it cannot.

    Attributes:
        job: the job.
        needed_bytes: a bound on the memory that it takes.
        training: the key of what it trains: jobs with the same key train the same; None where nobody else can.
        ground: what its numbers rest on, beside its scenario.
        refusal: why it cannot be done; empty where it can.
    """

    job: Job
    needed_bytes: float = 0.0
    training: str | None = None
    ground: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True)
class _Data:
    """What a job's data tell before it is done; the images themselves are not kept."""

    labels: Sequence[Any] | None
    forms: Sequence[ImageForm] | None
    sha256: tuple[str, ...]
    n_bytes: int
    ground: dict[str, Any]


def prepare(jobs: Sequence[Job]) -> list[Prepared]:
    """Plan every job, as far as that goes before it is done.

    A job that cannot be done is no reason not to do the others: it is told.

    Args:
        jobs: the jobs.

    Raises:
        ScenarioError: where data are missing or wrong.
    """
    opened: dict[str, _Data] = {}
    return [_prepared(job, _data_of(job.loaded, opened)) for job in jobs]


def _data_of(loaded: Loaded, opened: dict[str, _Data]) -> _Data:
    """Open the data of a scenario, once for all jobs that have the same."""
    scenario = loaded.scenario
    trains = scenario.execution.training
    names = [domain.model_dump(mode="json", include={"dataset"}) for domain in scenario.data.domains]
    key = json.dumps([trains, names if trains else [], str(data_root()), scenario.execution.device])
    if key not in opened:
        images = load_data(loaded) if trains else None
        opened[key] = _Data(
            labels=[one.train_labels for one in images] if images is not None else None,
            forms=[one.form for one in images] if images is not None else None,
            sha256=tuple(one.digest for one in images or ()),
            n_bytes=sum(_bytes_of(one) for one in images or ()),
            ground=ground_of(loaded, images),
        )
    return opened[key]


def _bytes_of(images: LabelledImages) -> int:
    return int(images.train_images.nbytes + images.test_images.nbytes)


def _prepared(job: Job, data: _Data) -> Prepared:
    try:
        setting = make_setting(job.loaded, data.labels, forms=data.forms)
        if data.labels is None:
            # Cuts may take long to choose, and nobody needs them before the job does.
            return Prepared(job, needed_bytes(_load(setting)), ground=data.ground)
        plan = make_plan(setting)
    except ScenarioError as error:
        return Prepared(job, refusal=plain_text(error))
    held_bytes = sum(plan.memory_bytes()) + plan.server_memory_bytes()
    load = replace(_load(setting), trains=True, held_bytes=held_bytes, data_bytes=data.n_bytes)
    return Prepared(job, needed_bytes(load), _training(plan, data.sha256), data.ground)


def _load(setting: Setting) -> Load:
    scenario, batches = setting.scenario, batches_of(setting)
    rounds = scenario.strategy.rounds if scenario.records == "full" else 1
    return Load(len(batches), rounds * steps_of_a_round(setting, batches))


def plain_text(error: ScenarioError) -> str:
    """Return what is wrong with a job's scenario without the places: they lie in a file that is not the user's."""
    return " | ".join(
        f"{one.key_path}: {one.message}" if one.key_path else one.message for one in error.problems
    )


def _training(plan: Plan, data_sha256: Sequence[str]) -> str | None:
    """Return the key of what a run will train, as far as it can be told before: law 6 of docs/architecture.md.

    None where time has a say in what is learned, or nothing is. Whether a run that ends by its simulated time or its
    target can be retimed shows when it is tried.
    """
    scenario = plan.setting.scenario
    if not scenario.execution.training or not scenario.strategy.is_lossless():
        return None
    if scenario.cuts.reselect is not None:
        return None
    facts = [
        deciding(resolved(scenario)),
        plan.rounds,
        plan.steps_per_round,
        plan.training_facts(data_sha256),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
