"""Where a device is: there, away for a while, or off for good."""

from __future__ import annotations

import math

from devices.conditions import Factor, Presence
from devices.fleet import Device
from simulator.kernel.battery import Battery


class Station:
    """One device in a disturbed world.

    Args:
        device: which.
        presence: when it is there; None for always.
        speed: the factor of its compute rate; None for always 1.

    Attributes:
        device: which.
        speed: the factor of its compute rate.
        battery: what it has left; None where it hangs on the mains.
    """

    def __init__(self, device: Device, presence: Presence | None, speed: Factor | None) -> None:
        self.device = device
        self.speed = speed
        self._presence = presence
        self.battery = Battery(device.profile, presence) if device.profile.battery_j is not None else None

    def is_online(self, time_s: float) -> bool:
        """Whether it is there."""
        return self.leaves_s(time_s, computing=False) > time_s

    def leaves_s(self, time_s: float, computing: bool) -> float:
        """Return when it leaves, if from now on it computes or idles; now, where it is away."""
        leaves_s = self._presence.leaves_s(time_s) if self._presence is not None else math.inf
        if self.battery is None:
            return leaves_s
        return max(time_s, min(leaves_s, self.battery.lasts_until_s(time_s, computing)))

    def returns_s(self, time_s: float) -> float:
        """Return from when on it is there again; now, where it is; infinite where it never comes back."""
        back_s = self._presence.returns_s(time_s) if self._presence is not None else time_s
        if self.battery is not None and self.battery.lasts_until_s(time_s, computing=False) <= back_s:
            return math.inf
        return back_s

    def absences(self, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """Return when it was away in a span that is over, in order."""
        found = self._presence.absences(start_s, end_s) if self._presence is not None else []
        if self.battery is None:
            return found
        self.battery.rest(end_s)
        empty_s = max(start_s, self.battery.empty_at_s)
        if empty_s >= end_s:
            return found
        before = [(gone_s, min(back_s, empty_s)) for gone_s, back_s in found if gone_s < empty_s]
        if before and before[-1][1] == empty_s:
            return [*before[:-1], (before[-1][0], end_s)]
        return [*before, (empty_s, end_s)]
