"""Network models without contention: ``ideal``, ``dedicated`` and ``paper``.

A model turns a route (the rates and the summed propagation latency between two devices) into the pace of a message,
and that into its duration: latency + bytes / rate. ``ideal`` charges the propagation latency alone; ``dedicated``
gives every message the whole route to itself, at the rate of the narrower of the two access links; ``paper`` knows the
sender's link alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from devices.fleet import Fleet
from devices.topology import Graph, Route, route, star

Narrowest = Literal["sender", "receiver", "both"]
"""Whose access link bounds a message's rate: the sender's uplink, the receiver's downlink, or both alike."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What bounds a message on its way."""

    latency_s: float
    """Propagation latency that the model charges."""
    bytes_per_s: float
    """Rate; infinite where the model asks no link."""
    narrowest: Narrowest | None
    """Whose link the rate is of; ``None`` where the model asks no link."""

    def seconds(self, n_bytes: float) -> float:
        """Return the duration of a message of ``n_bytes`` bytes, in seconds."""
        return self.latency_s + n_bytes / self.bytes_per_s


class IdealNetwork(BaseModel):
    """Messages take the propagation latency and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: Literal["ideal"] = Field("ideal", description="Propagation latency only; links carry any rate.")

    def pace(self, way: Route) -> Pace:
        """Return what bounds a message: its propagation alone."""
        return Pace(way.latency_s, math.inf, None)


class DedicatedNetwork(BaseModel):
    """Every message has its route to itself: latency + bytes / min(link rates on the way)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: Literal["dedicated"] = Field(
        "dedicated", description="Rate = min(device's link, server's link) in that direction, no sharing."
    )

    def pace(self, way: Route) -> Pace:
        """Return what bounds a message: its propagation, and the narrower link."""
        return Pace(way.latency_s, way.bytes_per_s, _narrowest(way))


class PaperNetwork(BaseModel):
    """The HuSCF-GAN authors' links: bytes / the sender's uplink; no latency, and the receiver's link has no say."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: Literal["paper"] = Field(
        "paper", description="The authors' formula: the sender's uplink alone, no latency, no sharing."
    )

    def pace(self, way: Route) -> Pace:
        """Return what bounds a message: the sender's link alone."""
        return Pace(0.0, way.uplink_bytes_per_s, "sender")


def _narrowest(way: Route) -> Narrowest:
    if way.uplink_bytes_per_s == way.downlink_bytes_per_s:
        return "both"
    return "sender" if way.uplink_bytes_per_s < way.downlink_bytes_per_s else "receiver"


NetworkOptions = IdealNetwork | DedicatedNetwork | PaperNetwork

NETWORKS: Mapping[str, type[BaseModel]] = {
    "ideal": IdealNetwork,
    "dedicated": DedicatedNetwork,
    "paper": PaperNetwork,
}


class Network:
    """The network of one fleet: how long a message takes from one device to another."""

    def __init__(self, fleet: Fleet, options: NetworkOptions) -> None:
        graph: Graph = star(fleet)
        self._options = options
        self._pace = lru_cache(maxsize=None)(
            lambda source, target: options.pace(route(graph, source, target))
        )

    def pace(self, source: int, target: int) -> Pace:
        """Return what bounds a message between two devices."""
        return self._pace(source, target)

    def seconds(self, source: int, target: int, n_bytes: float) -> float:
        """Return the duration of a message between two devices, in seconds."""
        return self._pace(source, target).seconds(n_bytes)

    def of_fleet(self, fleet: Fleet) -> Network:
        """Return the network of another fleet under the same model."""
        return Network(fleet, self._options)
