"""The plan of a run: what will be played, before anything is.

Every strategy lays its runs out as a plan of its own: who trains, on how many rows, for how many rounds, and what time
that takes by the closed form. The event simulation plays the plan; the learner trains by it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.fleet import SERVER_ID
from models.catalog import ImageForm
from models.split import Cut
from scenarios.load import Loaded
from scenarios.schema import CasOptions, EvaluationOptions, Scenario
from scenarios.stop import StopOptions
from simulator.closed_form import IterationTime
from simulator.setting import Deal, RecordedDeal, Setting

LONGEST_ITERATION_S = 1e12
"""Longer iterations (30,000 years) come from slips of the pen, and their sums lose the seconds in rounding."""


@dataclass(frozen=True)
class Plan(ABC):
    """A run, ready to be played.

    Attributes:
        setting: what every strategy finds when it starts.
        clients: the ids of those that hold data, sorted: of devices, or of households where a strategy has them.
        batches: rows of each of them in an iteration, ``min(batch_size, n_k)``.
        rounds: number of rounds.
        steps_per_round: iterations in a round.
    """

    setting: Setting
    clients: tuple[int, ...]
    batches: tuple[int, ...]
    rounds: int
    steps_per_round: int

    @property
    @abstractmethod
    def phases(self) -> tuple[str, ...]:
        """The names of an iteration's phases, in order."""

    @abstractmethod
    def closed_form(self) -> IterationTime:
        """Return one iteration's time by the closed form; its clients are the fleet's devices."""

    @abstractmethod
    def aggregation_seconds(self) -> float:
        """Return how long a round's end takes: all that happens between its last iteration and the next round.

        Where rounds end in several ways, the mean over one period of them.
        """

    @abstractmethod
    def memory_bytes(self) -> tuple[int, ...]:
        """Return the memory that each of ``clients`` needs at its peak, in bytes."""

    def server_memory_bytes(self) -> int:
        """Return the memory that the server needs at its peak, in bytes."""
        return 0

    def memory_marks(self) -> Mapping[int, float]:
        """Return the memory that devices need at their peak in every round, in bytes; of devices not named: unknown."""
        marks: dict[int, float] = dict(zip(self.clients, self.memory_bytes(), strict=True))
        return marks | {SERVER_ID: self.server_memory_bytes()}

    def links(self, source: int, target: int) -> tuple[str, ...]:
        """Return the names of the links that a message crosses from one device to another."""
        topology = self.setting.network.topology
        return tuple(topology.links[number].name for number in topology.route(source, target).links)

    def setup_seconds(self) -> float:
        """Return how long it takes before the first iteration can begin."""
        return 0.0

    @property
    def period(self) -> int:
        """After how many rounds their ends come again in the same way."""
        return 1

    @property
    def final_kind(self) -> str:
        """The kind of the commits that tell what was trained: with each of them comes a row of the iterations."""
        return str(self.setting.scenario.strategy.final_kind)

    @property
    def iterations_per_round(self) -> int:
        """How many such commits a round has."""
        return self.steps_per_round

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Each client's cut; nothing where the strategy has none."""
        return ()

    @property
    def cut_selector(self) -> str | None:
        """The name of what selected the cuts; None where there are none."""
        return None

    def placement_columns(self, client: int) -> Mapping[str, Any]:
        """Return what ``cuts.csv`` tells of a client's part in the networks, by column."""
        del client
        return {}

    def is_last(self, round_: int, end_s: float) -> bool:
        """Whether the run ends with a round that ends at a time: it is the last, or ``stop.sim_time`` is over.

        Rounds are never torn: the first that ends at that time or later is the last.
        """
        stop: StopOptions | None = self.setting.scenario.stop
        over = stop is not None and stop.sim_time is not None and end_s >= stop.sim_time
        return over or round_ == self.rounds - 1

    def evaluates_after(self, round_: int, last: bool) -> bool:
        """Whether a round is followed by an evaluation; the last one always is, and one whose CAS is due."""
        evaluation: EvaluationOptions = self.setting.scenario.evaluation
        due = (round_ + 1) % evaluation.every_rounds == 0
        return last or due or self.scores_cas_after(round_, last)

    def scores_cas_after(self, round_: int, last: bool) -> bool:
        """Whether the classification accuracy score is due after a round; never before training (round -1)."""
        return scores_cas(self.setting.scenario.evaluation.cas, round_, last)

    def training_facts(self, data_sha256: Sequence[str]) -> dict[str, Any]:
        """Return what decides the weights besides the commit log: see :func:`training_facts`."""
        setting = self.setting
        return training_facts(
            setting.scenario, setting.deal, setting.forms, self.batches, self.cuts, data_sha256
        )


def scores_cas(cas: CasOptions | None, round_: int, last: bool) -> bool:
    """Whether a classification accuracy score with these options is due after a round (-1: before training)."""
    if cas is None or round_ < 0:
        return False
    return last or (cas.every != "last" and (round_ + 1) % cas.every == 0)


def training_facts(
    scenario: Scenario,
    deal: Deal | RecordedDeal,
    forms: Sequence[ImageForm],
    batches: Sequence[int],
    cuts: Sequence[Cut],
    data_sha256: Sequence[str],
) -> dict[str, Any]:
    """Return what decides the weights besides the commit log, as JSON can hold it; nothing of it is a device or a time.

    How many rounds there are is the log's own matter.

    Args:
        scenario: the run's scenario.
        deal: who holds what.
        forms: the form of every domain's images, in their order: networks and made labels follow it.
        batches: rows of each client in an iteration.
        cuts: each client's cut; nothing where the strategy has none.
        data_sha256: the digests of the domains' data sets, in their order.
    """
    return {
        "seed": scenario.seed,
        "model": scenario.model.model_dump(mode="json"),
        "strategy": scenario.strategy.training_options(),
        "precision": scenario.execution.precision,
        "threads": scenario.execution.threads,
        "device": scenario.execution.device,
        "data_sha256": list(data_sha256),
        "data_forms": [[*form.shape, form.classes] for form in forms],
        "domain_of": list(deal.domain_of),
        "images_sha256": list(deal.images_sha256),
        "batches": list(batches),
        "cuts": [cut.as_tuple() for cut in cuts],
    }


def batches_of(setting: Setting) -> tuple[int, ...]:
    """Return every client's rows in an iteration: ``min(batch_size, n_k)``."""
    return tuple(min(setting.scenario.strategy.batch_size, size) for size in setting.deal.sizes)


def steps_of_a_round(setting: Setting, batches: Sequence[int]) -> int:
    """Return the iterations of a round: epochs x ``max_k ceil(n_k / b_k)``, unless the scenario says."""
    options = setting.scenario.strategy
    if options.steps_per_round is not None:
        return int(options.steps_per_round)
    epoch = max(-(-size // batch) for size, batch in zip(setting.deal.sizes, batches, strict=True))
    return int(options.local_epochs * epoch)


def check_latency(setting: Setting, iteration_latency_s: float) -> None:
    """Refuse iterations that take longer than anybody can mean.

    Raises:
        ScenarioError: the latency is over ``LONGEST_ITERATION_S``, or not a number.
    """
    refuse_endless(setting.loaded, iteration_latency_s)


def refuse_endless(loaded: Loaded, iteration_latency_s: float) -> None:
    """Do what :func:`check_latency` does, where there is a scenario but no setting."""
    if not iteration_latency_s <= LONGEST_ITERATION_S:
        came = f"one iteration would take {iteration_latency_s:.3g} s"
        allowed = f"allowed: up to {LONGEST_ITERATION_S:.0e} s; some rate or latency is far off"
        raise loaded.error("devices", came, allowed)
