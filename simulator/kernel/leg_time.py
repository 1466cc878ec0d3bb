"""How long a leg takes on a device: the one place that events and closed form both ask."""

from __future__ import annotations

from devices.profile import DeviceProfile
from models.split import ComputeLeg


def leg_seconds(profile: DeviceProfile, leg: ComputeLeg) -> float:
    """Return how long a device needs for a leg, in seconds (the roofline formula of :class:`DeviceProfile`)."""
    return profile.compute_seconds(leg.flops, leg.touched_bytes, leg.kernels)
