"""Scoring cuts by the event simulation itself: one iteration of every candidate is played.

Sharing of links and of the server's lanes counts, as in a run. Absences, disturbances and batteries do not: they come
and go, and a cut is chosen for good. Of candidates that come again the score is remembered.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from devices.fleet import Device, Fleet
from models.split import Cut
from simulator.closed_form import Floats, Genes
from simulator.cuts.objective import SelectorOptions
from simulator.cuts.problem import LatencyOf, Selection
from simulator.cuts.scoring import ScoredOptions
from simulator.kernel.world import World
from simulator.setting import Setting
from simulator.split_plan import lay_out
from simulator.strategies.huscf_gan.iteration import play_iteration


class EventScorer:
    """The latency of one iteration under given cuts, played as events.

    Args:
        setting: the run's setting.

    Attributes:
        played: iterations that were played.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = dataclasses.replace(setting, fleet=_on_mains(setting.fleet))
        self._choices = setting.costs.cut_choices()
        self._known: dict[bytes, float] = {}
        self.played = 0

    def __call__(self, genes: Genes) -> Floats:
        """Return the iteration latencies ``[P]`` of assignments ``[P, N]``, in seconds."""
        return np.array([self._latency_s(one) for one in np.atleast_2d(genes)])

    def _latency_s(self, genes: Genes) -> float:
        key = genes.astype("<i4").tobytes()
        if key not in self._known:
            self.played += 1
            self._known[key] = iteration_seconds(self._setting, [self._choices[gene] for gene in genes])
        return self._known[key]


def scorer_of(setting: Setting, options: SelectorOptions) -> LatencyOf | None:
    """Return what a selector with these options scores cuts by; None for the closed form."""
    by_events = isinstance(options, ScoredOptions) and options.score == "events"
    return EventScorer(setting) if by_events else None


def iteration_seconds(setting: Setting, cuts: Sequence[Cut]) -> float:
    """Return how long one iteration takes under given cuts, with all clients there, played as events."""
    plan = lay_out(setting, _unjudged(cuts))
    world = World(_on_mains(setting.fleet), setting.network, _Deaf())  # type: ignore[arg-type]
    world.play(play_iteration(world, plan))
    return world.now_s


def _on_mains(fleet: Fleet) -> Fleet:
    """Return a fleet without its batteries; a fleet that has none as it is."""
    if all(device.profile.battery_j is None for device in fleet.clients):
        return fleet
    lasting = {
        device.profile: device.profile.model_copy(update={"battery_j": None}) for device in fleet.clients
    }
    return dataclasses.replace(
        fleet, clients=tuple(Device(device.id, lasting[device.profile]) for device in fleet.clients)
    )


def _unjudged(cuts: Sequence[Cut]) -> Selection:
    """Return cuts as a selection of which nothing is known."""
    return Selection(
        selector="candidate",
        cuts=tuple(cuts),
        iteration_latency_s=math.nan,
        seconds=0.0,
        evaluations=0,
        optimality_gap=None,
        objective=math.nan,
        energy_j=None,
        server_s=math.nan,
        traffic_bytes=math.nan,
    )


class _Deaf:
    """A recorder that keeps nothing."""

    def routine(self, *_: Any) -> int:  # noqa: ANN401
        """Take a routine; its number matters to nobody."""
        return 0

    like_routines = routine

    def _ignore(self, *_: Any) -> None:  # noqa: ANN401
        """Hear nothing."""

    transfer = compute = perform = memory = received = _ignore
