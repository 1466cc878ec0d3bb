"""Batteries: what a device has spent, and when it is off for good.

A device draws its idle power whenever it is there, its busy power instead while it computes, and its radio's energy for
every byte at the end of a message. Whoever asks when it will be away says what it is about to do until then.
"""

from __future__ import annotations

import math

from devices.conditions import Presence
from devices.profile import DeviceProfile


class BatteryError(ValueError):
    """A profile has a battery and does not say what the device draws."""


def check_battery(profile: DeviceProfile) -> None:
    """Refuse a battery whose drain cannot be told.

    Raises:
        BatteryError: A power that is needed is unknown.
    """
    needed = {
        "idle_power": profile.idle_power_w,
        "busy_power": profile.busy_power_w,
        "radio_energy": profile.radio_j_per_byte,
    }
    missing = [key for key, value in needed.items() if value is None]
    if missing:
        raise BatteryError(
            f"{profile.name} has a battery and no {', '.join(missing)}; a battery needs the keys "
            f"{', '.join(needed)} beside it"
        )


class Battery:
    """The energy left to one device.

    Args:
        profile: what the device draws; ``battery_j`` is given.
        presence: when it is there, apart from its battery; None for always.

    Attributes:
        empty_at_s: when it was used up; infinite while it is not.

    Raises:
        BatteryError: A power that is needed is unknown.
    """

    def __init__(self, profile: DeviceProfile, presence: Presence | None) -> None:
        check_battery(profile)
        self._left_j = float(profile.battery_j or 0.0)
        self._idle_w = float(profile.idle_power_w or 0.0)
        self._busy_w = float(profile.busy_power_w or 0.0)
        self._radio_j_per_byte = float(profile.radio_j_per_byte or 0.0)
        self._presence = presence
        self._known_until_s = 0.0
        self.empty_at_s = math.inf

    def rest(self, until_s: float) -> None:
        """Count idle time up to a moment; time that was counted already is not counted again."""
        if until_s > self._known_until_s:
            self._draw(self._known_until_s, until_s, self._idle_w)
            self._known_until_s = until_s

    def compute(self, start_s: float, end_s: float) -> None:
        """Count a computation; what lies before it was idle."""
        self.rest(start_s)
        self._draw(start_s, end_s, self._busy_w)
        self._known_until_s = max(self._known_until_s, end_s)

    def radio(self, n_bytes: float, time_s: float) -> None:
        """Count bytes that were sent or received by now."""
        self.rest(time_s)
        self._left_j -= n_bytes * self._radio_j_per_byte
        if self._left_j <= 0.0:
            self.empty_at_s = min(self.empty_at_s, max(time_s, self._known_until_s))

    def run_out(self, time_s: float) -> None:
        """Count what is left as used up."""
        self.rest(time_s)
        self.empty_at_s = min(self.empty_at_s, time_s)

    def lasts_until_s(self, start_s: float, computing: bool) -> float:
        """Return when it will be used up by a device that from ``start_s`` on computes, or idles, without end."""
        self.rest(start_s)
        if self.empty_at_s < math.inf:
            return self.empty_at_s
        power_w = self._busy_w if computing else self._idle_w
        known_s = max(start_s, self._known_until_s)
        return self._moment(known_s, self._left_j / power_w) if power_w > 0 else math.inf

    def _draw(self, start_s: float, end_s: float, power_w: float) -> None:
        """Take the energy of a span, less the time away; note the moment at which there is none left."""
        absences = self._presence.absences(start_s, end_s) if self._presence is not None else []
        there_s = end_s - start_s - sum(back_s - gone_s for gone_s, back_s in absences)
        if self.empty_at_s == math.inf and power_w * there_s >= self._left_j and power_w > 0:
            self.empty_at_s = self._moment(start_s, self._left_j / power_w)
        self._left_j -= power_w * there_s

    def _moment(self, start_s: float, there_s: float) -> float:
        """Return the moment at which a device has been there for so long since ``start_s``."""
        if self._presence is None:
            return start_s + there_s
        at_s = self._presence.returns_s(start_s)
        while at_s < math.inf:
            leaves_s = self._presence.leaves_s(at_s)
            if leaves_s - at_s >= there_s:
                return at_s + there_s
            there_s -= leaves_s - at_s
            at_s = self._presence.returns_s(leaves_s)
        return math.inf
