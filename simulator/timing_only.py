"""Latency without training: the questions that are answered from sizes alone, without opening a data file.

``latency`` answers how long an iteration and a round take and where every client's time goes; ``compare_cuts``
what each cut selector finds. Neither imports torch.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from models.option_errors import unknown_name
from scenarios.load import ScenarioError
from simulator import registry
from simulator.array_path import array_latency
from simulator.cuts.problem import Selection
from simulator.cuts.selectors import SELECTORS
from simulator.event_scoring import scorer_of
from simulator.plan import Plan
from simulator.planning import make_plan
from simulator.played_latency import DISTURBED_ITERATIONS, played
from simulator.setting import Setting, make_setting, warn_of_oddities
from simulator.split_plan import SplitPlan, cut_problem, select_cuts, split_plan

log = logging.getLogger(__name__)

ENGINES = ("formula", "events", "arrays")
"""How a latency is found: by the closed form, by playing the events, or in arrays, for very many devices."""


def plan_from_sizes(scenario: str | Path, overrides: Sequence[str] = ()) -> Plan:
    """Return the plan of a scenario from the catalogue's sizes; every check but opening data is made on the way.

    Raises:
        ScenarioError: where the scenario is wrong.
    """
    setting = make_setting(registry.load(str(scenario), overrides))
    warn_of_oddities(setting)
    return make_plan(setting)


def split_plan_from_sizes(scenario: str | Path, overrides: Sequence[str] = ()) -> SplitPlan:
    """Return the plan of a scenario whose strategy splits networks between clients and the server.

    Raises:
        ScenarioError: where the scenario is wrong, or its strategy splits nothing.
    """
    setting = make_setting(registry.load(str(scenario), overrides))
    _require_cuts(setting)
    warn_of_oddities(setting)
    warn_of_formula(setting)
    return split_plan(setting, scorer_of(setting, setting.scenario.cuts))


def _require_cuts(setting: Setting) -> None:
    """Refuse a strategy that has no cuts to choose or to explain."""
    name = setting.scenario.strategy.name
    if not registry.STRATEGIES[name].splits:
        splitting = ", ".join(key for key, one in registry.STRATEGIES.items() if one.splits)
        raise setting.loaded.error(
            "strategy.name",
            f"{name!r}, which cuts no network between clients and server",
            f"allowed here: {splitting}; hetedge latency takes any strategy",
        )


def latency(scenario: str | Path, overrides: Sequence[str] = (), engine: str = "formula") -> dict[str, Any]:
    """Return how long one iteration and one round of a scenario take, in simulated seconds.

    Args:
        scenario: a path or a library name.
        overrides: ``key.path=value`` texts, as ``--set`` takes them.
        engine: one of :data:`ENGINES`; ``events`` plays the iteration in the event simulation, ``arrays`` makes no
            object for any device (:mod:`simulator.array_path`).

    Returns:
        ``scenario``, ``iteration_latency_s``, ``round_latency_s``, ``setup_s`` (once, before the first iteration),
        ``phases`` (name, start_s, end_s), ``clients`` (id, profile, compute_s, transfer_s, wait_s; the three sum to
        the iteration), ``cuts`` (one ``[g_head, g_tail, d_head, d_tail]`` per client, in block counts; none where the
        strategy cuts no network).

    Raises:
        ScenarioError: where the scenario is wrong.
        ValueError: where there is no such engine.
    """
    if engine not in ENGINES:
        raise ValueError(unknown_name("engine", engine, ENGINES))
    if engine == "arrays":
        return array_latency(registry.load(str(scenario), overrides))
    plan = plan_from_sizes(scenario, overrides)
    if engine == "formula":
        warn_of_formula(plan.setting)
        time, aggregation_s = plan.closed_form(), plan.aggregation_seconds()
        setup_s = plan.setup_seconds()
    else:
        if plan.final_kind == "iteration" and not plan.setting.conditions.quiet:
            log.warning(
                "no iteration is like another under absences and disturbances: all times are means of %d at this seed",
                DISTURBED_ITERATIONS,
            )
        time, aggregation_s, setup_s = played(plan)
    ends = [0.0, *time.phase_end_s.values()]
    return {
        "scenario": plan.setting.scenario.name,
        "iteration_latency_s": time.latency_s,
        "round_latency_s": plan.iterations_per_round * time.latency_s + aggregation_s,
        "setup_s": setup_s,
        "phases": [
            {"name": str(phase), "start_s": start_s, "end_s": end_s}
            for phase, (start_s, end_s) in zip(time.phase_end_s, pairwise(ends), strict=True)
        ],
        "clients": [
            {"id": device.id, "profile": device.profile.name, **dataclasses.asdict(client)}
            for device, client in zip(plan.setting.fleet.clients, time.clients, strict=True)
        ],
        "cuts": [list(cut.as_tuple()) for cut in plan.cuts],
    }


def compare_cuts(
    scenario: str | Path, overrides: Sequence[str] = (), selectors: Sequence[str] = ()
) -> list[Selection]:
    """Return what cut selectors find for a scenario.

    Args:
        scenario: a path or a library name.
        overrides: ``key.path=value`` texts, as ``--set`` takes them.
        selectors: their names; by default the scenario's own and every other that searches, less those that find no
            cuts within the limits, which are logged. The scenario's own runs with the scenario's options, the others
            with their defaults; the objective and the limits are the scenario's for all.

    Raises:
        ScenarioError: where the scenario is wrong, a selector needs options that it does not give, or no cuts were
            found.
    """
    setting = make_setting(registry.load(str(scenario), overrides))
    _require_cuts(setting)
    warn_of_formula(setting)
    own = setting.scenario.cuts
    if selectors:
        return [_selection(setting, name) for name in selectors]
    others = [name for name, one in SELECTORS.items() if one.searches and name != own.selector]
    found, refused = [], []
    for name in (own.selector, *others):
        try:
            found.append(_selection(setting, name))
        except ScenarioError as error:
            refused.append(error)
            log.warning("selector %s is left out: %s", name, error)
    if not found:
        raise refused[0]
    return found


def _selection(setting: Setting, name: str) -> Selection:
    """Run one selector: the scenario's own with the scenario's options, another with its defaults."""
    own = setting.scenario.cuts
    if name not in SELECTORS:
        raise ValueError(f"no selector is called {name!r}; allowed: {', '.join(SELECTORS)}")
    if name != own.selector and not SELECTORS[name].searches:
        raise setting.loaded.error(
            "cuts.selector",
            f"selector {name} was asked for, but the scenario states no cuts for it",
            "allowed here: " + ", ".join(n for n, s in SELECTORS.items() if s.searches or n == own.selector),
        )
    options = own if name == own.selector else SELECTORS[name].options()
    problem = cut_problem(setting, scorer_of(setting, options))
    return select_cuts(setting, problem, name, options)


def warn_of_formula(setting: Setting) -> None:
    """Log what the closed form leaves out of a setting; nothing where it is exact."""
    server = setting.fleet.server.profile
    left_out = {
        "links are shared": setting.network.shares,
        "devices and links are disturbed": not setting.conditions.quiet,
        "the server works in parallel": server.lanes > 1 or server.processor_sharing,
        "not everybody is waited for": not setting.scenario.strategy.is_lossless(),
    }
    what = [text for text, is_so in left_out.items() if is_so]
    if what:
        log.warning(
            "the closed form leaves out that %s; hetedge latency --engine events plays it", " and ".join(what)
        )
