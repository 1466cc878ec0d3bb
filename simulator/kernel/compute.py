"""Processors: first come, first served, and never preempted.

A queue of that kind needs no bookkeeping but the time at which the processor falls idle: a task that comes at
``t`` starts at ``max(t, idle_at)``. That is exact, and one timeout a task is all the event loop has to carry.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import simpy
from numpy.typing import NDArray

from analysis.records import Recorder
from devices.fleet import Device
from devices.profile import DeviceProfile
from models.split import ComputeLeg

Seconds = NDArray[np.float64]


def leg_seconds(profile: DeviceProfile, leg: ComputeLeg) -> float:
    """Return how long a device needs for a leg, in seconds (the roofline formula of :class:`DeviceProfile`)."""
    return profile.compute_seconds(leg.flops, leg.touched_bytes, leg.kernels)


class Processor:
    """One device's processor in simulated time."""

    def __init__(self, env: simpy.Environment, device: Device, recorder: Recorder) -> None:
        self._env = env
        self._device = device
        self._recorder = recorder
        self._idle_at_s = 0.0

    def compute(self, legs: Sequence[ComputeLeg]) -> simpy.Event:
        """Queue legs that follow one another; return the event of the last one's end.

        One event serves them all: nothing can come between them.
        """
        now_s = self._env.now
        start_s = now_s if now_s > self._idle_at_s else self._idle_at_s
        for leg in legs:
            end_s = start_s + leg_seconds(self._device.profile, leg)
            self._recorder.compute(self._device.id, start_s, end_s, leg.flops)
            start_s = end_s
        self._idle_at_s = start_s
        return self._env.timeout(start_s - now_s)
