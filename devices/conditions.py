"""The conditions of a whole fleet over simulated time: who is there, how fast it is, how wide its links are.

They follow from the scenario and its seed alone. What a strategy does changes nothing about them, so two strategies
meet the same absences and the same narrow links, and how a leg will fare is known when it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from devices.availability import AvailabilityOptions, Draw, OfClient
from devices.condition_error import ConditionError
from devices.disturbances import DisturbanceOptions, SpellOptions
from devices.fleet import Fleet
from devices.names import Names
from devices.time_functions import Factor, Presence, product

__all__ = ["ConditionError", "Conditions", "Factor", "Presence", "build_conditions"]

OfDevice: TypeAlias = Callable[[int], Factor | None]
"""Device -> a function of time; None = always 1."""


def _always(device_id: int) -> None:
    """The function of a device that nothing disturbs."""


@dataclass(frozen=True)
class Conditions:
    """The conditions of a fleet. A device's functions are made when they are first asked for, and kept.

    Attributes:
        names: what devices and links are called.
        presences: device -> when it is there.
        speeds: device -> the share of its compute rate that it has.
        uplinks: device -> the share of its uplink's rate.
        downlinks: device -> the share of its downlink's rate.
        links: link name -> the share of its rate, for links that are no access links.
        keeps_state: whether a client that was away still has its networks and optimisers.
        quiet: whether nothing ever disturbs anybody: all are there, at full rate, and on no battery.
    """

    names: Names
    presences: Callable[[int], Presence | None] = _always
    speeds: OfDevice = _always
    uplinks: OfDevice = _always
    downlinks: OfDevice = _always
    links: Mapping[str, Factor] = field(default_factory=dict)
    keeps_state: bool = True
    quiet: bool = True

    def presence(self, device_id: int) -> Presence | None:
        """Return when a device is there; None = always."""
        return self.presences(device_id)

    def speed(self, device_id: int) -> Factor | None:
        """Return the share of its compute rate that a device has; None = always all of it."""
        return self.speeds(device_id)

    def uplink(self, device_id: int) -> Factor | None:
        """Return the share of its uplink's rate that a device has; None = always all of it, 0 = an outage."""
        return self.uplinks(device_id)

    def downlink(self, device_id: int) -> Factor | None:
        """Return the share of its downlink's rate that a device has; None = always all of it, 0 = an outage."""
        return self.downlinks(device_id)

    def link(self, name: str) -> Factor | None:
        """Return the share of its rate that a link has, access links too; None = always all of it, 0 = an outage."""
        end = self.names.end_of(name)
        if end is None:
            return self.links.get(name)
        device, direction = end
        return self.uplink(device.id) if direction == "up" else self.downlink(device.id)


def build_conditions(
    availability: AvailabilityOptions,
    disturbances: DisturbanceOptions,
    fleet: Fleet,
    draw: Draw,
    base_dir: Path | None = None,
    link_names: Collection[str] = (),
) -> Conditions:
    """Build the conditions of a fleet.

    Args:
        availability: The `availability` section.
        disturbances: The `disturbances` section.
        fleet: The devices, edge servers included.
        draw: Where random numbers come from, `simulator.streams.Streams.draw`.
        base_dir: Where relative paths count from; None = the working directory.
        link_names: The links of the network; access links need not be among them.

    Raises:
        ConditionError: A trace cannot be used, or an outage is of something that is not there.
    """
    names = Names(fleet, link_names)
    online = availability.online(names, draw, base_dir)
    away = disturbances.device_outages(names)
    links = _links(disturbances, names, base_dir)
    slow = _spells(disturbances.slowdown, "slowdown", draw)
    narrow = _spells(disturbances.bandwidth, "bandwidth", draw)
    batteries = any(device.profile.battery_j is not None for device in fleet.devices)
    narrow_or_not = _of_devices(narrow, fleet)
    disturbed = narrow is not None or bool(links)
    return Conditions(
        names=names,
        presences=_presences(_of_devices(online, fleet), away),
        speeds=_of_devices(slow, fleet),
        uplinks=_access_links("up", narrow_or_not, links, fleet) if disturbed else _always,
        downlinks=_access_links("down", narrow_or_not, links, fleet) if disturbed else _always,
        links={link: factor for link, factor in links.items() if names.end_of(link) is None},
        keeps_state=availability.rejoin == "kept",
        quiet=not any((online, slow, narrow, away, links, batteries)),
    )


def _spells(options: SpellOptions | None, kind: str, draw: Draw) -> OfClient | None:
    return None if options is None else options.of_clients(kind, draw)


def _of_devices(of_client: OfClient | None, fleet: Fleet) -> OfDevice:
    """Extend a function of clients to all devices; what it makes of a client is made once."""
    if of_client is None:
        return _always
    clients = range(len(fleet.clients))

    @cache
    def of_device(device_id: int) -> Factor | None:
        return of_client(device_id) if device_id in clients else None

    return of_device


def _presences(online: OfDevice, away: Mapping[int, Factor]) -> Callable[[int], Presence | None]:
    @cache
    def presence(device_id: int) -> Presence | None:
        share = product([online(device_id), away.get(device_id)])
        return None if share is None else Presence(share)

    return presence


def _access_links(direction: str, narrow: OfDevice, links: Mapping[str, Factor], fleet: Fleet) -> OfDevice:
    @cache
    def share(device_id: int) -> Factor | None:
        return product([narrow(device_id), links.get(f"{fleet.device(device_id).name} {direction}")])

    return share


def _links(disturbances: DisturbanceOptions, names: Names, base_dir: Path | None) -> dict[str, Factor]:
    """Return what is told of single links, by their names; a trace and an outage of the same link multiply."""
    traced = disturbances.bandwidth_trace
    told = traced.of_links(names, base_dir) if traced is not None else {}
    outages = disturbances.link_outages(names)
    both = {link: product([told.get(link), outages.get(link)]) for link in {**told, **outages}}
    return {link: factor for link, factor in both.items() if factor is not None}
