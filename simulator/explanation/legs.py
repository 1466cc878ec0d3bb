"""The pieces that an iteration is told in: what is done, where, from when to when, and what bounded it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from devices.fleet import SERVER_ID, Device
from models.split import ComputeLeg
from simulator.kernel.leg_time import leg_seconds
from simulator.kernel.network import Pace


class Kind(StrEnum):
    """What a piece of time goes into."""

    COMPUTE = "compute"
    TRANSFER = "transfer"
    SERVER = "server"
    """The server's joined work on rows that the client has sent."""
    WAIT = "wait"


class Limit(StrEnum):
    """The number that decides how fast a leg goes: one of a device, or of a link between devices."""

    COMPUTE = "compute"
    MEMORY = "memory"
    UPLINK = "uplink"
    DOWNLINK = "downlink"
    INNER = "link"
    """A link between the devices' own, which several share."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What the seconds of a leg are made of: ``fixed_s + amount / rate_per_s``."""

    limit: Limit | None
    """What the rate is; ``None`` where two links are equally narrow, or no link counts."""
    device: int | None
    """Whose rate it is; ``None`` as before, and where it is a link between devices."""
    amount: float
    """FLOP where computing is the limit, else bytes."""
    rate_per_s: float
    """FLOP/s where computing is the limit, else byte/s; infinite where no link counts."""
    fixed_s: float
    """Kernel overhead of a computation, propagation latency of a message."""
    link: str | None = None
    """Name of the link, where it is none of a device."""


@dataclass(frozen=True, slots=True)
class Cause:
    """For whom a wait is: it ends when this device is through with something."""

    device: int
    through_with: str


@dataclass(frozen=True, slots=True)
class Leg:
    """A piece of an iteration on one device, in seconds since the iteration began.

    Attributes:
        device: who does it, or waits; the client of a message.
        crossing: the crossing it belongs to, from 0.
        flops: its work, where it computes.
        n_bytes: bytes of its message, or those a computation touches.
        bound: what decides its seconds; ``None`` for a wait.
        cause: for whom a wait is.
        clients: clients whose rows the server's work joins.
    """

    device: int
    crossing: int
    phase: str
    kind: Kind
    what: str
    start_s: float
    end_s: float
    flops: float | None = None
    n_bytes: float | None = None
    bound: Bound | None = None
    cause: Cause | None = None
    clients: int | None = None

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.end_s - self.start_s

    @property
    def fixed_s(self) -> float:
        """What of it no rate decides; never more than all of it, whatever rounding says."""
        if self.bound is None:
            return 0.0
        return self.seconds if math.isinf(self.bound.rate_per_s) else min(self.bound.fixed_s, self.seconds)

    @property
    def paced_s(self) -> float:
        """What of it a rate decides."""
        return self.seconds - self.fixed_s


def spoken(leg: ComputeLeg) -> str:
    """Return what a leg computes, in words."""
    return leg.what.replace("_", " ")


def computing_bound(device: Device, leg: ComputeLeg) -> Bound:
    """Return which side of the roofline a computation is on."""
    profile = device.profile
    fixed_s = leg.kernels * profile.kernel_overhead_s
    rate, bandwidth = profile.rate_flops_per_s, profile.memory_bandwidth_bytes_per_s
    if bandwidth is not None and leg.touched_bytes / bandwidth > leg.flops / rate:
        return Bound(Limit.MEMORY, device.id, leg.touched_bytes, bandwidth, fixed_s)
    return Bound(Limit.COMPUTE, device.id, leg.flops, rate, fixed_s)


def message_bound(pace: Pace, source: int, target: int, n_bytes: float) -> Bound:
    """Return what bounds a message: whose link is the narrower one."""
    if pace.narrowest == "sender":
        return Bound(Limit.UPLINK, source, n_bytes, pace.bytes_per_s, pace.latency_s)
    if pace.narrowest == "receiver":
        return Bound(Limit.DOWNLINK, target, n_bytes, pace.bytes_per_s, pace.latency_s)
    if pace.narrowest == "inner":
        return Bound(Limit.INNER, None, n_bytes, pace.bytes_per_s, pace.latency_s, pace.inner)
    return Bound(None, None, n_bytes, pace.bytes_per_s, pace.latency_s)


def computations(
    device: Device, crossing: int, legs: Sequence[ComputeLeg], start_s: float, end_s: float
) -> list[Leg]:
    """Return consecutive computations of a client between two times, which they fill."""
    told: list[Leg] = []
    for index, leg in enumerate(legs):
        last = index == len(legs) - 1
        # The closed form adds legs up before it adds them to the start: the last end is the one it knows.
        reached_s = end_s if last else start_s + leg_seconds(device.profile, leg)
        told.append(computation(device, crossing, leg, start_s, reached_s))
        start_s = reached_s
    return told


def computation(
    device: Device, crossing: int, leg: ComputeLeg, start_s: float, end_s: float, clients: int | None = None
) -> Leg:
    """Return one computation of a client, or the server's on the rows of ``clients`` clients."""
    touched = leg.touched_bytes if device.profile.memory_bandwidth_bytes_per_s is not None else None
    return Leg(
        device=device.id,
        crossing=crossing,
        phase=leg.phase,
        kind=Kind.SERVER if device.id == SERVER_ID else Kind.COMPUTE,
        what=spoken(leg),
        start_s=start_s,
        end_s=end_s,
        flops=leg.flops,
        n_bytes=touched,
        bound=computing_bound(device, leg),
        clients=clients,
    )
