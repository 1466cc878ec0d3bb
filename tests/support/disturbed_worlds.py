"""Worlds that are disturbed by hand: who is away when, how fast devices and links are, and a notebook of every leg."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from analysis.records import Recorder
from devices.conditions import Conditions
from devices.fleet import Fleet
from devices.names import Names
from devices.time_functions import Factor, Presence, Span, Steps, during
from models.split import ComputeLeg, Phase
from simulator.kernel.network import DedicatedNetwork, Network
from simulator.kernel.world import World

FOR_GOOD = math.inf

Spans = Sequence[Span]
Steps_ = Sequence[tuple[float, float]]


class Notebook:
    """Keeps what a recorder is told, in plain tuples."""

    def __init__(self):
        self.computed, self.sent, self.off, self.handed = [], [], [], []

    def compute(self, device, start_s, end_s, flops, lost_flops=0.0, work=None):
        assert work == (Phase.GENERATOR_FORWARD, "work"), "what the leg says it is"
        self.computed.append((device, start_s, end_s, flops, lost_flops))

    def transfer(self, source, target, kind, n_bytes, start_s, end_s, lost_bytes=0.0):
        self.sent.append((source, target, n_bytes, start_s, end_s, lost_bytes))

    def received(self, device, n_bytes):
        self.handed.append((device, n_bytes))

    def absent(self, device, start_s, end_s):
        self.off.append((device, start_s, end_s))


def away(*spans: Span) -> Presence:
    """A device that is there but for these spans."""
    return Presence(Steps(during(spans, inside=0.0, outside=1.0)))


def steps(*points: tuple[float, float]) -> Factor:
    """A factor that is 1 at first, and changes at these moments."""
    return Steps([(0.0, 1.0), *points])


def conditions_of(
    fleet: Fleet,
    absences: Mapping[int, Spans] | None = None,
    speeds: Mapping[int, Steps_] | None = None,
    ups: Mapping[int, Steps_] | None = None,
    downs: Mapping[int, Steps_] | None = None,
    keeps_state: bool = True,
) -> Conditions:
    """Conditions written down by hand, by device; never quiet, so that every step is played."""

    def of(table: Mapping[int, Steps_] | None):
        factors = {device: steps(*points) for device, points in (table or {}).items()}
        return factors.get

    presences = {device: away(*spans) for device, spans in (absences or {}).items()}
    return Conditions(
        names=Names(fleet),
        presences=presences.get,
        speeds=of(speeds),
        uplinks=of(ups),
        downlinks=of(downs),
        keeps_state=keeps_state,
        quiet=False,
    )


def disturbed_world(
    fleet: Fleet, recorder: Recorder | Notebook | None = None, network=None, **disturbances
) -> World:
    """A world in which these disturb; see :func:`conditions_of`."""
    return World(
        fleet,
        Network(fleet, network or DedicatedNetwork()),
        recorder if recorder is not None else Notebook(),
        conditions_of(fleet, **disturbances),
    )


def leg(flops: float = 0.0) -> ComputeLeg:
    """So many FLOPs, and nothing else."""
    return ComputeLeg(Phase.GENERATOR_FORWARD, "work", flops, 0.0, 0)


def played(world: World, event_of) -> object:
    """Play until the event that ``event_of(world)`` returns has come; return its value."""
    values = []

    def process():
        values.append((yield event_of(world)))

    world.play(process())
    return values[0]
