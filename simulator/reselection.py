"""Choosing cuts anew while a run goes on, for the clients that are there, and what that costs.

At the end of a round, after the averages have gone out, every middle block is the same on the server and on those that
hold it but for their clusters. So a block can change hands: to a client it is sent, from a client it is dropped. The
server computes for every assignment that is scored, and the blocks that clients get cross the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from devices.fleet import Device, Fleet
from models.split import ComputeLeg, Cut, held_blocks
from simulator.cuts.problem import Selection
from simulator.cuts.reselect_options import ReselectOptions
from simulator.event_scoring import scorer_of
from simulator.local_plan import Payload, payload_of
from simulator.setting import DomainsOfClients, Setting
from simulator.split_plan import SplitPlan, cut_problem, lay_out, select_cuts

RESELECTION = "reselection"
"""The phase that the server's search belongs to."""


@dataclass(frozen=True)
class Recut:
    """New cuts.

    Attributes:
        search: what the server computes to find them, or to find that there are no better ones.
        plan: the run under them; None where the cuts in use stay.
        gains: what each client must be sent to hold what it holds from now on; clients that need nothing are left out.
    """

    search: ComputeLeg
    plan: SplitPlan | None
    gains: dict[int, Payload]


class Reselector:
    """Chooses a run's cuts anew at the ends of its rounds.

    Args:
        plan: the run as it begins.
    """

    def __init__(self, plan: SplitPlan) -> None:
        options: ReselectOptions | None = plan.setting.scenario.cuts.reselect
        self._options = options
        self._chosen_for = plan.clients

    def at_round_end(self, plan: SplitPlan, there: Sequence[int]) -> Recut | None:
        """Return what choosing anew brings for the clients that are there; None where nothing is chosen.

        Args:
            plan: the run as it is.
            there: ids of the clients that are there.
        """
        there = tuple(sorted(there))
        if self._options is None or not there:
            return None
        if self._options.when == "fleet_changes" and there == self._chosen_for:
            return None
        self._chosen_for = there
        best, evaluations, gain = _search(plan, there)
        seconds = evaluations * self._options.per_evaluation
        rate = plan.setting.fleet.server.profile.rate_flops_per_s
        search = ComputeLeg(RESELECTION, "choice of cuts", seconds * rate, 0.0, 0)
        if gain < self._options.least_gain or best == plan.cuts:
            return Recut(search, None, {})
        new = lay_out(plan.setting, dataclasses.replace(plan.selection, cuts=best))
        gains = {client: _gained(plan, plan.cuts[client], best[client]) for client in there}
        return Recut(search, new, {client: payload for client, payload in gains.items() if payload})


def _search(plan: SplitPlan, there: Sequence[int]) -> tuple[tuple[Cut, ...], int, float]:
    """Run the scenario's selector for those that are there; the others keep their cuts.

    Returns:
        The cuts of all clients, how many assignments were scored, and which share of the iteration the new cuts save.
    """
    part = _part(plan.setting, there)
    options = plan.setting.scenario.cuts
    problem = cut_problem(part, scorer_of(part, options))
    found: Selection = select_cuts(part, problem, options.selector, options)
    genes = problem.model.genes_of([plan.cuts[client] for client in there])
    kept_s = float(problem.score(genes[None, :])[0])
    chosen = dict(zip(there, found.cuts, strict=True))
    cuts = tuple(chosen.get(client, cut) for client, cut in enumerate(plan.cuts))
    gain = (kept_s - found.objective) / kept_s if kept_s < float("inf") and kept_s > 0 else 1.0
    return cuts, max(1, found.evaluations), gain


def _part(setting: Setting, there: Sequence[int]) -> Setting:
    """Return the setting of some of the clients, numbered anew."""
    fleet = setting.fleet
    clients = tuple(Device(number, fleet.clients[client].profile) for number, client in enumerate(there))
    part = Fleet(fleet.server, clients)
    deal = _PartOfADeal(
        setting.deal.domains,
        tuple(setting.deal.domain_of[client] for client in there),
        tuple(setting.deal.sizes[client] for client in there),
    )
    network = setting.network.of_some(part, there)
    return dataclasses.replace(setting, fleet=part, network=network, deal=deal)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _PartOfADeal(DomainsOfClients):
    """How many images some of the clients hold."""

    sizes: tuple[int, ...]


def _gained(plan: SplitPlan, old: Cut, new: Cut) -> Payload:
    """Return the parameters and statistics of the blocks that a client holds under a new cut and did not before."""
    costs = plan.setting.costs
    gained = []
    for chain, before, after in (
        (costs.generator, (old.g_head, old.g_tail), (new.g_head, new.g_tail)),
        (costs.discriminator, (old.d_head, old.d_tail), (new.d_head, new.d_tail)),
    ):
        had = {id(block) for block in held_blocks(chain, *before)}
        gained += [block for block in held_blocks(chain, *after) if id(block) not in had]
    return payload_of(
        float(sum(block.parameter_bytes for block in gained)),
        float(sum(block.statistics_bytes for block in gained)),
    )
