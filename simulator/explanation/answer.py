"""The answer of ``hetedge explain``: one iteration of a scenario, every second accounted for, without torch."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devices.fleet import Fleet
from simulator.explanation.critical_path import (
    busiest_client,
    critical_path,
    seconds_by_device,
    seconds_by_kind,
)
from simulator.explanation.legs import Bound, Cause, Kind, Leg, Limit
from simulator.explanation.sensitivities import Sensitivity, sensitivities
from simulator.explanation.timeline import Timeline
from simulator.timing_only import split_plan_from_sizes

NAMES_COMPARED = 1000
"""Clients whose names are compared with a wrong one at most."""


class UnknownClientError(ValueError):
    """The fleet has no such client. The message says "what came; what is allowed"."""


def explain(
    scenario: str | Path, overrides: Sequence[str] = (), client: int | str | None = None
) -> dict[str, Any]:
    """Return one iteration of a scenario with every second accounted for, in simulated seconds.

    Args:
        scenario: a path or a library name.
        overrides: ``key.path=value`` texts, as ``--set`` takes them.
        client: whose legs to tell: an id, or a name such as ``client-3``; by default the client that spends most
            time on the critical path.

    Returns:
        ``scenario``, ``iteration_latency_s``, ``client`` (its sums and its ``legs``, which tile the iteration),
        ``critical_path`` (legs that sum to the latency), ``path_shares`` (the path by device and by kind),
        ``sensitivities`` (what would help, the greatest gain first); docs/schemas/explain.schema.json has every key.

    Raises:
        ScenarioError: where the scenario is wrong.
        UnknownClientError: where the fleet has no such client.
    """
    plan = split_plan_from_sizes(scenario, overrides)
    fleet = plan.setting.fleet
    asked = None if client is None else client_id(client, fleet)
    timeline = Timeline(plan)
    path = critical_path(timeline)
    shown = busiest_client(path) if asked is None else asked
    return {
        "scenario": plan.setting.scenario.name,
        "iteration_latency_s": timeline.latency_s,
        "client": _client_facts(timeline, shown, path),
        "critical_path": [_leg_facts(leg, fleet) for leg in path],
        "path_shares": _shares(path, fleet, timeline.latency_s),
        "sensitivities": [_sensitivity_facts(one) for one in sensitivities(timeline, path)],
    }


def client_id(client: int | str, fleet: Fleet) -> int:
    """Return the id of a client given by id or name.

    Raises:
        UnknownClientError: where the fleet has no such client.
    """
    last = len(fleet.clients) - 1
    found = re.fullmatch(r"(?:client-)?(-?[0-9]{1,10})", str(client).strip())
    if found is not None and 0 <= int(found[1]) <= last:
        return int(found[1])
    if found is not None:
        nearest = fleet.clients[min(max(int(found[1]), 0), last)].name
    else:
        names = [device.name for device in fleet.clients[:NAMES_COMPARED]]
        nearest = next(iter(difflib.get_close_matches(str(client).casefold(), names, n=1)), names[0])
    allowed = f"client-0 to client-{last}, or 0 to {last}" if last else "client-0, or 0"
    raise UnknownClientError(f"no client is called {client!r}; allowed: {allowed}; did you mean {nearest!r}?")


def _client_facts(timeline: Timeline, client: int, path: Sequence[Leg]) -> dict[str, Any]:
    plan, legs = timeline.plan, timeline.client_legs(client)
    device = plan.setting.fleet.clients[client]
    seconds = {kind: math.fsum(leg.seconds for leg in legs if leg.kind is kind) for kind in Kind}
    return {
        "id": client,
        "profile": device.profile.name,
        "cut": list(plan.cuts[client].as_tuple()),
        "batch": plan.batches[client],
        "charged_rows": plan.setting.workload.charged_rows(plan.batches[client]),
        "compute_s": seconds[Kind.COMPUTE],
        "transfer_s": seconds[Kind.TRANSFER],
        "server_s": seconds[Kind.SERVER],
        "wait_s": seconds[Kind.WAIT],
        "on_path_s": seconds_by_device(path).get(client, 0.0),
        "legs": [_leg_facts(leg, plan.setting.fleet) for leg in legs],
    }


def _leg_facts(leg: Leg, fleet: Fleet) -> dict[str, Any]:
    device, bound = fleet.device(leg.device), leg.bound
    computes = bound is not None and bound.limit is Limit.COMPUTE
    rate = bound.rate_per_s if bound is not None and math.isfinite(bound.rate_per_s) else None
    return {
        "device": device.name,
        "profile": device.profile.name,
        "crossing": leg.crossing + 1,
        "phase": str(leg.phase),
        "kind": str(leg.kind),
        "what": leg.what,
        "start_s": leg.start_s,
        "end_s": leg.end_s,
        "seconds": leg.seconds,
        "flops": leg.flops,
        "bytes": leg.n_bytes,
        "flops_per_s": rate if computes else None,
        "bytes_per_s": None if computes else rate,
        "bound": None if bound is None else _bound_text(bound, fleet),
        "fixed_s": 0.0 if bound is None else bound.fixed_s,
        "clients": leg.clients,
        "waits_for": None if leg.cause is None else _cause_facts(leg.cause, fleet),
    }


def _bound_text(bound: Bound, fleet: Fleet) -> str:
    """Name what a leg's rate is.

    Returns:
        ``compute``, ``memory``, ``client-3 uplink``, ``both links``, ``latency``, or a link between the devices' own
        by its name: ``link cell-0 up``.
    """
    if bound.limit in (Limit.COMPUTE, Limit.MEMORY):
        return str(bound.limit)
    if bound.device is not None:
        return f"{fleet.device(bound.device).name} {bound.limit}"
    if bound.limit is Limit.INNER:
        return f"link {bound.link}"
    return "both links" if math.isfinite(bound.rate_per_s) else "latency"


def _cause_facts(cause: Cause, fleet: Fleet) -> dict[str, Any]:
    device = fleet.device(cause.device)
    return {"device": device.name, "profile": device.profile.name, "until": cause.through_with}


def _shares(path: Sequence[Leg], fleet: Fleet, latency_s: float) -> dict[str, Any]:
    return {
        "devices": [
            {
                "device": fleet.device(device).name,
                "profile": fleet.device(device).profile.name,
                "seconds": seconds,
                "share": seconds / latency_s,
            }
            for device, seconds in seconds_by_device(path).items()
        ],
        "kinds": [
            {"kind": kind, "seconds": seconds, "share": seconds / latency_s}
            for kind, seconds in seconds_by_kind(path).items()
        ],
    }


def _sensitivity_facts(one: Sensitivity) -> dict[str, Any]:
    facts = dataclasses.asdict(one)
    return facts | {"cut": None if one.cut is None else list(one.cut)}
