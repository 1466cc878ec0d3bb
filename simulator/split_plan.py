"""The plan of a split run: what will be played, before anything is.

From a setting and its cut selection follow the batches, every client's legs, the server's program and the barriers at
which they meet. The event simulation plays the plan; the learner trains by it; the closed form measures it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from models.memory import memory_bytes, server_memory_bytes
from models.split import ClientLegs, ComputeLeg, Cut, segment_bytes
from simulator.closed_form import IterationModel, IterationTime
from simulator.cuts.fixed import StatedCutError
from simulator.cuts.objective import Objective
from simulator.cuts.problem import CutProblem, LatencyOf, NoFeasibleCutError, Selection
from simulator.cuts.quantities import UnknownPowerError
from simulator.cuts.selectors import SELECTORS
from simulator.local_plan import Payload, exchange_seconds, payload_of
from simulator.plan import Plan, batches_of, check_latency, steps_of_a_round
from simulator.setting import Setting

Place = tuple[int, int]
"""A crossing's number and a position in it."""

CUT_COLUMNS = ("g_head", "g_tail", "d_head", "d_tail")
"""The columns of ``cuts.csv`` that hold a cut, in the order of its numbers."""


@dataclass(frozen=True)
class SplitPlan(Plan):
    """A run whose clients hold heads and tails, and the server what lies between.

    Attributes:
        selection: the cut selector's answer.
        legs: what each client does in an iteration.
        joins: at which places rows join the server's batch, and of how many clients.
        exits: at which places rows leave.
        server_program: the server's joined work in one iteration, in order: crossing, position, leg.
        round_payload: what each client sends, and gets back, at a round's end: kinds and bytes.
    """

    selection: Selection
    legs: tuple[ClientLegs, ...]
    joins: Mapping[Place, int]
    exits: frozenset[Place]
    server_program: tuple[tuple[int, int, ComputeLeg], ...]
    round_payload: tuple[Payload, ...]

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases of the workload."""
        return self.setting.workload.phases

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Each client's cut."""
        return self.selection.cuts

    @property
    def cut_selector(self) -> str:
        """The name of what selected the cuts."""
        return self.selection.selector

    def placement_columns(self, client: int) -> Mapping[str, Any]:
        """Return the client's cut, and the lengths of both networks, in blocks."""
        costs = self.setting.costs
        return {
            **dict(zip(CUT_COLUMNS, self.cuts[client].as_tuple(), strict=True)),
            "g_blocks": costs.generator.length,
            "d_blocks": costs.discriminator.length,
        }

    def memory_bytes(self) -> tuple[int, ...]:
        """Return each client's memory at its peak, in bytes."""
        costs = self.setting.costs
        alike = lru_cache(maxsize=None)(lambda cut, batch: memory_bytes(costs, cut, batch))
        return tuple(alike(cut, batch) for cut, batch in zip(self.cuts, self.batches, strict=True))

    def server_memory_bytes(self) -> int:
        """Return what the server needs for its copies of the blocks, and for everybody's rows."""
        return server_memory_bytes(self.setting.costs, self.cuts, self.batches)

    def iteration_model(self) -> IterationModel:
        """Return the closed form of an iteration over the cuts in use."""
        setting, choices = self.setting, sorted(set(self.cuts))
        return IterationModel(setting.workload, setting.fleet, setting.network, self.batches, choices)

    def closed_form(self) -> IterationTime:
        """Return one iteration's time by the closed form."""
        return self.iteration_model().time(self.cuts)

    def aggregation_seconds(self) -> float:
        """Return how long a round's end takes: the slowest upload, then the slowest download."""
        return exchange_seconds(self.setting, self.round_payload)


def cut_problem(setting: Setting, latency_of: LatencyOf | None = None) -> CutProblem:
    """Return the cut-selection problem of a setting.

    Args:
        setting: the run's setting.
        latency_of: what an iteration's latency is told by; left out = the closed form.

    Raises:
        ScenarioError: where no cut fits some device's memory, or energy counts and a profile does not say what it
            draws.
    """
    objective = Objective(setting.scenario.cuts)
    try:
        return CutProblem(
            setting.workload, setting.fleet, setting.network, batches_of(setting), objective, latency_of
        )
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


def split_plan(setting: Setting, latency_of: LatencyOf | None = None) -> SplitPlan:
    """Select cuts and lay out a split run.

    Args:
        setting: the run's setting.
        latency_of: what cuts are scored by; left out = the closed form.

    Raises:
        ScenarioError: where more clusters than clients are asked for, or cuts do not fit.
    """
    _check_clusters(setting)
    options = setting.scenario.cuts
    selection = select_cuts(setting, cut_problem(setting, latency_of), options.selector, options)
    check_latency(setting, selection.iteration_latency_s)
    return lay_out(setting, selection)


def lay_out(setting: Setting, selection: Selection) -> SplitPlan:
    """Lay out a split run with cuts that were selected."""
    batches = batches_of(setting)
    workload = setting.workload
    alike = lru_cache(maxsize=None)(workload.client_legs)
    legs = tuple(
        alike(cut, workload.charged_rows(batch)) for cut, batch in zip(selection.cuts, batches, strict=True)
    )
    kinds = _counted(legs)
    joins: dict[Place, int] = Counter()
    for own, clients in kinds:
        for number, visit in enumerate(own.visits):
            joins[number, visit.entry] += clients
    payload_of_cut = {cut: _round_payload(setting, cut) for cut in set(selection.cuts)}
    return SplitPlan(
        setting=setting,
        clients=tuple(device.id for device in setting.fleet.clients),
        batches=batches,
        selection=selection,
        legs=legs,
        joins=joins,
        exits=frozenset((number, visit.exit) for own, _ in kinds for number, visit in enumerate(own.visits)),
        server_program=_server_program(setting, kinds),
        rounds=setting.scenario.strategy.rounds,
        steps_per_round=steps_of_a_round(setting, batches),
        round_payload=tuple(payload_of_cut[cut] for cut in selection.cuts),
    )


def _check_clusters(setting: Setting) -> None:
    wanted, clients = setting.scenario.strategy.clusters, len(setting.fleet.clients)
    if wanted != "auto" and wanted > clients:
        raise setting.loaded.error(
            "strategy.clusters",
            f"{wanted} clusters of {clients} clients",
            f"allowed: auto, or 1 to {clients}",
        )


def _counted(legs: Sequence[ClientLegs]) -> list[tuple[ClientLegs, int]]:
    """Return the distinct legs, each once, with how many clients share the object."""
    kinds = {id(own): own for own in legs}
    return [(kinds[one], clients) for one, clients in Counter(map(id, legs)).items()]


def _server_program(
    setting: Setting, kinds: Sequence[tuple[ClientLegs, int]]
) -> tuple[tuple[int, int, ComputeLeg], ...]:
    """List the server's joined work in the order of crossings and positions, leaving out positions without rows."""
    program, workload = [], setting.workload
    for number in range(len(workload.visits)):
        for position in workload.positions(number):
            rows = sum(
                own.batch * clients
                for own, clients in kinds
                if own.visits[number].entry <= position <= own.visits[number].exit
            )
            if rows:
                program.append((number, position, workload.server_leg(number, position, rows)))
    return tuple(program)


def _round_payload(setting: Setting, cut: Cut) -> Payload:
    parameters, statistics = segment_bytes(setting.costs, cut)
    return payload_of(float(parameters), float(statistics))
