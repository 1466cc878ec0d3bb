"""Moments that come after all else that happens at the same time."""

from __future__ import annotations

import math

import simpy

_AFTER_ALL_ELSE = simpy.events.EventPriority(2)


class Deadline(simpy.Event):
    """A moment; whatever else happens then comes before, so that who arrives just in time is in time.

    Args:
        env: whose time it is.
        time_s: when, in seconds; infinite for never.
    """

    def __init__(self, env: simpy.Environment, time_s: float) -> None:
        super().__init__(env)
        if time_s < math.inf:
            self._ok, self._value = True, None
            env.schedule(self, _AFTER_ALL_ELSE, max(0.0, time_s - env.now))
