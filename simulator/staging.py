"""The world of a setting: its fleet, its network and what disturbs them, in simulated time."""

from __future__ import annotations

from analysis.records import Recorder
from simulator.kernel.world import World
from simulator.setting import Setting


def stage(setting: Setting, recorder: Recorder) -> World:
    """Return the world in which a setting's runs are played, at time 0."""
    return World(setting.fleet, setting.network, recorder, setting.conditions)
