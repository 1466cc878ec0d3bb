"""Processors: first come, first served, and never preempted.

A queue of that kind needs no bookkeeping but the time at which the processor falls idle: a task that comes at
``t`` starts at ``max(t, idle_at)``. That is exact, and a task's end is known when it is queued.
"""

from __future__ import annotations

from analysis.accounts import tolerance_s
from devices.fleet import Device
from models.split import ComputeLeg
from simulator.kernel.leg_time import leg_seconds


class Processor:
    """One device's processor in simulated time."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._idle_at_s = 0.0
        self._busy_since_s = 0.0

    def seconds(self, leg: ComputeLeg) -> float:
        """Return how long the device needs for a leg."""
        return leg_seconds(self.device.profile, leg)

    def queue(self, ready_s: float, seconds: float) -> float:
        """Queue a task that comes at ``ready_s``, now or foretold, and takes ``seconds``; return when it starts.

        Raises:
            RuntimeError: The task comes before one that was foretold, which would have to wait for it: a device
                that does several things at once has to play them one event at a time.
        """
        if ready_s > self._idle_at_s:
            start_s = self._busy_since_s = ready_s
        else:
            start_s = self._idle_at_s
            if ready_s < self._busy_since_s - tolerance_s(ready_s):
                raise RuntimeError(
                    f"{self.device.name} gets a task at {ready_s} s, before the one foretold for "
                    f"{self._busy_since_s} s; only a device that does one thing at a time can be foretold"
                )
        self._idle_at_s = start_s + seconds
        return start_s
