"""``hetedge latency --engine arrays``: one iteration and one round of very many devices, without an object for any.

The numbers are those of the closed form and of the events, which take the same formulas (:mod:`simulator.leg_columns`,
:mod:`simulator.iteration_walk`) and the same draws. What they cannot tell is refused: links that are shared, devices
that leave, are disturbed or run on batteries, servers that go on without the late.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from scenarios.load import Loaded
from simulator.arrays.ground import Ground, make_ground
from simulator.arrays.strategies import STRATEGIES
from simulator.arrays.times import ArrayTimes
from simulator.client_summary import TIMES, summary_by_profile
from simulator.plan import refuse_endless

MOST_LISTED_CLIENTS = 10_000
"""Clients that are listed one by one; of more, a summary is told."""


def array_latency(loaded: Loaded) -> dict[str, Any]:
    """Return the answer of :func:`simulator.timing_only.latency`, worked out in arrays.

    Where there are more than :data:`MOST_LISTED_CLIENTS` clients, ``clients`` and ``cuts`` are empty. Instead
    ``clients_summary`` tells the quantiles of their times by profile, and ``cuts_summary`` how many have which cut.

    Raises:
        ScenarioError: where the scenario is wrong, or asks for more than arrays can tell.
    """
    ground, times = array_times(loaded)
    ends = [0.0, *times.phase_end_s.values()]
    answer = {
        "scenario": loaded.scenario.name,
        "iteration_latency_s": times.latency_s,
        "round_latency_s": ground.steps_per_round * times.latency_s + times.aggregation_s,
        "setup_s": 0.0,
        "phases": [
            {"name": str(phase), "start_s": start_s, "end_s": end_s}
            for phase, (start_s, end_s) in zip(times.phase_end_s, pairwise(ends), strict=True)
        ],
    }
    listed = ground.fleet.size <= MOST_LISTED_CLIENTS
    return answer | (_lists(ground, times) if listed else _summaries(ground, times))


def array_times(loaded: Loaded) -> tuple[Ground, ArrayTimes]:
    """Return the fleet of a scenario, and its times in arrays.

    Raises:
        ScenarioError: where the scenario is wrong, or asks for more than arrays can tell.
    """
    ground = make_ground(loaded, STRATEGIES)
    times = STRATEGIES[loaded.scenario.strategy.name](ground)
    refuse_endless(loaded, times.latency_s)
    return ground, times


def _lists(ground: Ground, times: ArrayTimes) -> dict[str, Any]:
    fleet = ground.fleet
    names = [profile.name for profile in fleet.profiles]
    columns = (getattr(times, name).tolist() for name in TIMES)
    clients = [
        {"id": client, "profile": names[group], **dict(zip(TIMES, own, strict=True))}
        for client, (group, *own) in enumerate(zip(fleet.group_of.tolist(), *columns, strict=True))
    ]
    cuts = times.cuts
    rows = [] if cuts is None else [list(cuts.choices[gene].as_tuple()) for gene in cuts.gene_of.tolist()]
    return {"clients": clients, "cuts": rows}


def _summaries(ground: Ground, times: ArrayTimes) -> dict[str, Any]:
    names = list(dict.fromkeys(profile.name for profile in ground.fleet.profiles))
    name_of_group = np.array([names.index(profile.name) for profile in ground.fleet.profiles])
    seconds = {name: getattr(times, name) for name in TIMES}
    summary = summary_by_profile(names, name_of_group[ground.fleet.group_of], seconds)
    return {"clients": [], "cuts": [], "clients_summary": summary, "cuts_summary": _cuts_summary(times)}


def _cuts_summary(times: ArrayTimes) -> list[dict[str, Any]]:
    if times.cuts is None:
        return []
    counts = np.bincount(times.cuts.gene_of, minlength=len(times.cuts.choices)).tolist()
    return [
        {"cut": list(cut.as_tuple()), "clients": count}
        for cut, count in zip(times.cuts.choices, counts, strict=True)
        if count
    ]
