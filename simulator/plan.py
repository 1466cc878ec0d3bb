"""The plan of a split run: what will be played, before anything is.

From a setting and its cut selection follow the batches, every client's legs, the server's program and the barriers at
which they meet. The event simulation plays the plan; the learner trains by it; the closed form measures it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.split import ClientLegs, ComputeLeg, Cut, PayloadKind, segment_bytes
from scenarios.schema import CasOptions, EvaluationOptions, Scenario
from scenarios.stop import StopOptions
from simulator.closed_form import IterationModel, IterationTime
from simulator.cuts.fixed import StatedCutError
from simulator.cuts.objective import Objective
from simulator.cuts.problem import CutProblem, NoFeasibleCutError, Selection
from simulator.cuts.quantities import UnknownPowerError
from simulator.cuts.selectors import SELECTORS
from simulator.setting import Deal, RecordedDeal, Setting

LONGEST_ITERATION_S = 1e12
"""Longer iterations (30,000 years) come from slips of the pen, and their sums lose the seconds in rounding."""

Place = tuple[int, int]
"""A crossing's number and a position in it."""


@dataclass(frozen=True)
class Plan:
    """A split run, ready to be played.

    Attributes:
        clients: the client ids, sorted.
        batches: rows of each client in an iteration, ``min(batch_size, n_k)``.
        selection: the cut selector's answer.
        legs: what each client does in an iteration.
        joins: at which places rows join the server's batch, and of how many clients.
        exits: at which places rows leave.
        server_program: the server's joined work in one iteration, in order: crossing, position, leg.
        rounds: number of federated rounds.
        steps_per_round: iterations in a round.
        round_payload: what each client sends, and gets back, at a round's end: kinds and bytes.
    """

    setting: Setting
    clients: tuple[int, ...]
    batches: tuple[int, ...]
    selection: Selection
    legs: tuple[ClientLegs, ...]
    joins: Mapping[Place, int]
    exits: frozenset[Place]
    server_program: tuple[tuple[int, int, ComputeLeg], ...]
    rounds: int
    steps_per_round: int
    round_payload: tuple[tuple[tuple[str, float], ...], ...]

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Each client's cut."""
        return self.selection.cuts

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
        return training_facts(setting.scenario, setting.deal, self.batches, self.cuts, data_sha256)

    def iteration_model(self) -> IterationModel:
        """Return the closed form of an iteration over the cuts in use."""
        setting, choices = self.setting, sorted(set(self.cuts))
        return IterationModel(setting.workload, setting.fleet, setting.network, self.batches, choices)

    def closed_form(self) -> IterationTime:
        """Return one iteration's time by the closed form."""
        return self.iteration_model().time(self.cuts)

    def aggregation_seconds(self) -> float:
        """Return how long a round's end takes: the slowest upload, then the slowest download."""
        fleet, network = self.setting.fleet, self.setting.network
        loads = [sum(n_bytes for _, n_bytes in payload) for payload in self.round_payload]
        server = fleet.server.id
        up = max(
            network.seconds(client, server, load) for client, load in zip(self.clients, loads, strict=True)
        )
        down = max(
            network.seconds(server, client, load) for client, load in zip(self.clients, loads, strict=True)
        )
        return up + down


def scores_cas(cas: CasOptions | None, round_: int, last: bool) -> bool:
    """Whether a classification accuracy score with these options is due after a round (-1: before training)."""
    if cas is None or round_ < 0:
        return False
    return last or (cas.every != "last" and (round_ + 1) % cas.every == 0)


def training_facts(
    scenario: Scenario,
    deal: Deal | RecordedDeal,
    batches: Sequence[int],
    cuts: Sequence[Cut],
    data_sha256: Sequence[str],
) -> dict[str, Any]:
    """Return what decides the weights besides the commit log, as JSON can hold it; nothing of it is a device or a time.

    How many rounds there are is the log's own matter.

    Args:
        scenario: the run's scenario.
        deal: who holds what.
        batches: rows of each client in an iteration.
        cuts: each client's cut.
        data_sha256: the digests of the domains' data sets, in their order.
    """
    return {
        "seed": scenario.seed,
        "model": scenario.model.model_dump(mode="json"),
        "strategy": scenario.strategy.model_dump(mode="json", exclude={"rounds"}),
        "precision": scenario.execution.precision,
        "threads": scenario.execution.threads,
        "device": scenario.execution.device,
        "data_sha256": list(data_sha256),
        "domain_of": list(deal.domain_of),
        "images_sha256": list(deal.images_sha256),
        "batches": list(batches),
        "cuts": [cut.as_tuple() for cut in cuts],
    }


def batches_of(setting: Setting) -> tuple[int, ...]:
    """Return every client's rows in an iteration: ``min(batch_size, n_k)``."""
    return tuple(min(setting.scenario.strategy.batch_size, size) for size in setting.deal.sizes)


def cut_problem(setting: Setting) -> CutProblem:
    """Return the cut-selection problem of a setting.

    Raises:
        ScenarioError: where no cut fits some device's memory, or energy counts and a profile does not say what it
            draws.
    """
    objective = Objective(setting.scenario.cuts)
    try:
        return CutProblem(setting.workload, setting.fleet, setting.network, batches_of(setting), objective)
    except (NoFeasibleCutError, UnknownPowerError) as error:
        came, _, allowed = str(error).partition("; ")
        raise setting.loaded.error(error.key_path, came, allowed) from error


def select_cuts(setting: Setting, problem: CutProblem, selector: str, options: Any) -> Selection:  # noqa: ANN401
    """Run one cut selector.

    Raises:
        ScenarioError: where its options do not fit the model or the fleet, or it finds no cuts that keep the limits.
    """
    try:
        return SELECTORS[selector].select(problem, options, setting.streams.draw(f"cuts.{selector}"))
    except (StatedCutError, NoFeasibleCutError) as error:
        came, _, allowed = str(error).partition("; ")
        where = f"cuts.{error.key_path}" if isinstance(error, StatedCutError) else error.key_path
        raise setting.loaded.error(where, came, allowed) from error


def split_plan(setting: Setting) -> Plan:
    """Select cuts and lay out a split run.

    Raises:
        ScenarioError: where more clusters than clients are asked for, or cuts do not fit.
    """
    _check_clusters(setting)
    options = setting.scenario.cuts
    selection = select_cuts(setting, cut_problem(setting), options.selector, options)
    if not selection.iteration_latency_s <= LONGEST_ITERATION_S:
        came = f"one iteration would take {selection.iteration_latency_s:.3g} s"
        allowed = f"allowed: up to {LONGEST_ITERATION_S:.0e} s; some rate or latency is far off"
        raise setting.loaded.error("devices", came, allowed)
    batches = batches_of(setting)
    workload = setting.workload
    legs = tuple(
        workload.client_legs(cut, workload.charged_rows(batch))
        for cut, batch in zip(selection.cuts, batches, strict=True)
    )
    clients = tuple(device.id for device in setting.fleet.clients)
    joins: dict[Place, int] = Counter(
        (number, visit.entry) for own in legs for number, visit in enumerate(own.visits)
    )
    return Plan(
        setting=setting,
        clients=clients,
        batches=batches,
        selection=selection,
        legs=legs,
        joins=joins,
        exits=frozenset((number, visit.exit) for own in legs for number, visit in enumerate(own.visits)),
        server_program=_server_program(setting, legs),
        rounds=setting.scenario.strategy.rounds,
        steps_per_round=_steps_per_round(setting, batches),
        round_payload=tuple(_round_payload(setting, cut) for cut in selection.cuts),
    )


def _check_clusters(setting: Setting) -> None:
    wanted, clients = setting.scenario.strategy.clusters, len(setting.fleet.clients)
    if wanted != "auto" and wanted > clients:
        raise setting.loaded.error(
            "strategy.clusters",
            f"{wanted} clusters of {clients} clients",
            f"allowed: auto, or 1 to {clients}",
        )


def _server_program(
    setting: Setting, legs: tuple[ClientLegs, ...]
) -> tuple[tuple[int, int, ComputeLeg], ...]:
    """List the server's joined work in the order of crossings and positions, leaving out positions without rows."""
    program, workload = [], setting.workload
    for number in range(len(workload.visits)):
        for position in workload.positions(number):
            rows = sum(
                own.batch for own in legs if own.visits[number].entry <= position <= own.visits[number].exit
            )
            if rows:
                program.append((number, position, workload.server_leg(number, position, rows)))
    return tuple(program)


def _steps_per_round(setting: Setting, batches: tuple[int, ...]) -> int:
    """Return the iterations of a round: epochs x ``max_k ceil(n_k / b_k)``, unless the scenario says."""
    options = setting.scenario.strategy
    if options.steps_per_round is not None:
        return int(options.steps_per_round)
    epoch = max(-(-size // batch) for size, batch in zip(setting.deal.sizes, batches, strict=True))
    return int(options.local_epochs * epoch)


def _round_payload(setting: Setting, cut: Cut) -> tuple[tuple[str, float], ...]:
    parameters, statistics = segment_bytes(setting.costs, cut)
    payload = ((PayloadKind.PARAMETERS, float(parameters)), (PayloadKind.STATISTICS, float(statistics)))
    return tuple((kind, n_bytes) for kind, n_bytes in payload if n_bytes)
