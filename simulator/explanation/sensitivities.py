"""What would shorten an iteration: the closed form of a world in which one thing is better.

Every change is made alone, with all cuts as they are (or with one other cut), and the iteration is timed anew: after a
change another path may be the longest, so that half the seconds of a link seldom save as much. Only devices on the
critical path are asked; a faster device elsewhere changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from devices.fleet import SERVER_ID, Device, Fleet
from devices.profile import DeviceProfile
from simulator.cuts.objective import Objective, SelectorOptions
from simulator.cuts.problem import CutProblem
from simulator.explanation.changes import CHANGES, Change
from simulator.explanation.critical_path import seconds_by_device
from simulator.explanation.legs import Kind, Leg
from simulator.explanation.other_cuts import best_other_cut
from simulator.explanation.timeline import Timeline

MOST_KINDS = 6
"""Kinds of clients that are asked at most, the longest on the path first."""

MOST_CLIENTS = 3
"""Single clients that are offered other cuts at most, the longest on the path first."""


@dataclass(frozen=True)
class Sensitivity:
    """One change and what it would do.

    Attributes:
        device: the profile of the devices that change, ``server``, or the name of one client.
        clients: how many clients change; 0 for the server.
        change: what changes, in words.
        iteration_latency_s: the new latency.
        gain_s: how much shorter that is; negative where it is longer.
        gain_share: the gain as a share of the latency.
        on_path_s: seconds of the critical path that the changed number decides; ``None`` for cuts.
        elasticity: by how many per cent the iteration gets shorter for the first per cent that a rate gets faster,
            as long as the path stays critical; ``None`` where no rate changes.
        cut: the other cut in block counts; ``None`` where cuts stay.
    """

    device: str
    clients: int
    change: str
    iteration_latency_s: float
    gain_s: float
    gain_share: float
    on_path_s: float | None = None
    elasticity: float | None = None
    cut: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class _Kind:
    """Devices that are alike: the server, or all clients of one profile."""

    name: str
    profile: DeviceProfile
    members: frozenset[int]

    @property
    def clients(self) -> int:
        return 0 if SERVER_ID in self.members else len(self.members)


def sensitivities(timeline: Timeline, path: Sequence[Leg]) -> list[Sensitivity]:
    """Return what would help, the greatest gain first.

    Args:
        timeline: the iteration as it is.
        path: its critical path.
    """
    server, *clients = _kinds_on(timeline.plan.setting.fleet, path)
    found = [
        _better_device(timeline, path, kind, change, number)
        for kind in (server, *clients)
        for change in CHANGES
        if (number := change.better(kind.profile)) is not None
    ]
    found += _other_cuts(timeline, path, clients)
    return sorted(found, key=lambda one: -one.gain_s)


def _kinds_on(fleet: Fleet, path: Sequence[Leg]) -> list[_Kind]:
    """Return the server, and the kinds of clients that are longest on the path."""
    members: dict[DeviceProfile, list[int]] = defaultdict(list)
    for device in fleet.clients:
        members[device.profile].append(device.id)
    seconds: dict[DeviceProfile, float] = defaultdict(float)
    for device_id, own_s in seconds_by_device(path).items():
        if device_id != SERVER_ID:
            seconds[fleet.device(device_id).profile] += own_s
    longest = sorted(seconds, key=lambda profile: -seconds[profile])[:MOST_KINDS]
    names = [profile.name for profile in members]
    kinds = [_Kind("server", fleet.server.profile, frozenset({SERVER_ID}))]
    for profile in longest:
        # Overrides keep a profile's name: kinds that share it are told apart by their first client.
        shared = names.count(profile.name) > 1
        name = f"{profile.name} like {fleet.device(members[profile][0]).name}" if shared else profile.name
        kinds.append(_Kind(name, profile, frozenset(members[profile])))
    return kinds


def _better_device(
    timeline: Timeline, path: Sequence[Leg], kind: _Kind, change: Change, number: float
) -> Sensitivity:
    fleet = timeline.plan.setting.fleet
    on_path_s = 0.0
    for leg in path:
        for device in _parties(leg, kind.members):
            on_path_s += change.seconds_of(leg, fleet.device(device))
    return _sensitivity(
        timeline,
        kind.name,
        kind.clients,
        change.what,
        _latency_with(timeline, kind, change, number),
        on_path_s=on_path_s,
        elasticity=on_path_s / timeline.latency_s if change.is_rate else None,
    )


def _parties(leg: Leg, members: Collection[int]) -> list[int]:
    """Return which of some devices take part in a leg; in a message it is the client and the server."""
    parties = (leg.device, SERVER_ID) if leg.kind is Kind.TRANSFER else (leg.device,)
    return [party for party in parties if party in members]


def _latency_with(timeline: Timeline, kind: _Kind, change: Change, number: float) -> float:
    """Return the latency with one number of a kind of devices changed."""
    setting = timeline.plan.setting
    profile = kind.profile.model_copy(update={change.field: number})
    fleet = _replaced(setting.fleet, kind.members, profile)
    retimed: Collection[int] = kind.members
    if SERVER_ID in kind.members:
        retimed = range(len(fleet.clients)) if change.of_links else ()
    network = setting.network.of_fleet(fleet) if change.of_links else setting.network
    model = timeline.model.with_devices(fleet, network, retimed)
    return float(model.latency_s(model.genes_of(timeline.plan.cuts))[0])


def _replaced(fleet: Fleet, members: Collection[int], profile: DeviceProfile) -> Fleet:
    def renewed(device: Device) -> Device:
        return Device(device.id, profile) if device.id in members else device

    return replace(
        fleet, server=renewed(fleet.server), clients=tuple(renewed(device) for device in fleet.clients)
    )


def _other_cuts(timeline: Timeline, path: Sequence[Leg], kinds: Sequence[_Kind]) -> Iterator[Sensitivity]:
    """Offer each kind on the path, and the clients longest on it, other cuts within memory and limits."""
    plan, setting = timeline.plan, timeline.plan.setting
    within_limits = Objective(SelectorOptions(limits=setting.scenario.cuts.limits))
    problem = CutProblem(setting.workload, setting.fleet, setting.network, plan.batches, within_limits)
    groups = {kind.name: sorted(kind.members) for kind in kinds}
    the_only_ones = {member for kind in kinds if kind.clients == 1 for member in kind.members}
    longest = [one for one in seconds_by_device(path) if one != SERVER_ID][:MOST_CLIENTS]
    groups |= {setting.fleet.device(one).name: [one] for one in longest if one not in the_only_ones}
    for name, members in groups.items():
        best = best_other_cut(problem, plan.cuts, members)
        if best is not None:
            cut, latency_s = best
            yield _sensitivity(
                timeline, name, len(members), f"cut {list(cut.as_tuple())}", latency_s, cut=cut.as_tuple()
            )


def _sensitivity(
    timeline: Timeline,
    device: str,
    clients: int,
    change: str,
    latency_s: float,
    on_path_s: float | None = None,
    elasticity: float | None = None,
    cut: tuple[int, int, int, int] | None = None,
) -> Sensitivity:
    gain_s = timeline.latency_s - latency_s
    gain_share = gain_s / timeline.latency_s
    return Sensitivity(device, clients, change, latency_s, gain_s, gain_share, on_path_s, elasticity, cut)
