"""Numbers of a device that could be better, and which seconds of a leg they decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devices.fleet import SERVER_ID, Device
from devices.profile import DeviceProfile
from simulator.explanation.legs import Kind, Leg, Limit

SPEED_UP = 2.0
"""What rates are multiplied by."""


@dataclass(frozen=True)
class Change:
    """One number of a device made better.

    Attributes:
        what: the change in words.
        field: the number's name in :class:`~devices.profile.DeviceProfile`.
        better: the better number of a profile; ``None`` where there is nothing to better.
        seconds_of: the seconds of a leg that the number of a device decides.
        of_links: whether it changes messages; else computing.
        is_rate: whether it is multiplied by :data:`SPEED_UP`; else it is gone.
    """

    what: str
    field: str
    better: Callable[[DeviceProfile], float | None]
    seconds_of: Callable[[Leg, Device], float]
    of_links: bool
    is_rate: bool


def _decided_by(limit: Limit) -> Callable[[Leg, Device], float]:
    def seconds(leg: Leg, device: Device) -> float:
        bound = leg.bound
        if bound is None or bound.limit is not limit or bound.device != device.id:
            return 0.0
        return leg.paced_s

    return seconds


def _overhead_s(leg: Leg, device: Device) -> float:
    own = leg.device == device.id and leg.kind in (Kind.COMPUTE, Kind.SERVER)
    return leg.fixed_s if own else 0.0


def _latency_s(leg: Leg, device: Device) -> float:
    takes_part = leg.kind is Kind.TRANSFER and device.id in (leg.device, SERVER_ID)
    charged = leg.bound is not None and leg.bound.fixed_s > 0
    return device.profile.latency_s if takes_part and charged else 0.0


def _faster(number: float | None) -> float | None:
    return None if number is None else number * SPEED_UP


def _gone(number: float) -> float | None:
    return 0.0 if number > 0 else None


CHANGES = (
    Change(
        what="compute 2x faster",
        field="measured_flops_per_s",
        better=lambda profile: _faster(profile.rate_flops_per_s),
        seconds_of=_decided_by(Limit.COMPUTE),
        of_links=False,
        is_rate=True,
    ),
    Change(
        what="memory 2x faster",
        field="memory_bandwidth_bytes_per_s",
        better=lambda profile: _faster(profile.memory_bandwidth_bytes_per_s),
        seconds_of=_decided_by(Limit.MEMORY),
        of_links=False,
        is_rate=True,
    ),
    Change(
        what="no kernel overhead",
        field="kernel_overhead_s",
        better=lambda profile: _gone(profile.kernel_overhead_s),
        seconds_of=_overhead_s,
        of_links=False,
        is_rate=False,
    ),
    Change(
        what="uplink 2x faster",
        field="uplink_bytes_per_s",
        better=lambda profile: _faster(profile.uplink_bytes_per_s),
        seconds_of=_decided_by(Limit.UPLINK),
        of_links=True,
        is_rate=True,
    ),
    Change(
        what="downlink 2x faster",
        field="downlink_bytes_per_s",
        better=lambda profile: _faster(profile.downlink_bytes_per_s),
        seconds_of=_decided_by(Limit.DOWNLINK),
        of_links=True,
        is_rate=True,
    ),
    Change(
        what="no link latency",
        field="latency_s",
        better=lambda profile: _gone(profile.latency_s),
        seconds_of=_latency_s,
        of_links=True,
        is_rate=False,
    ),
)
"""All changes that are asked of a device."""
