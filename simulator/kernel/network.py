"""Network models without contention: ``ideal``, ``dedicated`` and ``paper``.

A model turns a route (the rates and the summed propagation latency between two devices) into the duration of a
message. ``ideal`` charges the propagation latency alone; ``dedicated`` gives every message the whole route to itself,
at the rate of the narrower of the two access links; ``paper`` knows the sender's link alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from devices.fleet import Fleet
from devices.topology import Graph, Route, route, star


class IdealNetwork(BaseModel):
    """Messages take the propagation latency and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: Literal["ideal"] = Field("ideal", description="Propagation latency only; links carry any rate.")

    def seconds(self, way: Route, n_bytes: float) -> float:
        """Return the duration of a message of ``n_bytes`` bytes, in seconds."""
        del n_bytes
        return way.latency_s


class DedicatedNetwork(BaseModel):
    """Every message has its route to itself: latency + bytes / min(link rates on the way)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: Literal["dedicated"] = Field(
        "dedicated", description="Rate = min(device's link, server's link) in that direction, no sharing."
    )

    def seconds(self, way: Route, n_bytes: float) -> float:
        """Return the duration of a message of ``n_bytes`` bytes, in seconds."""
        return way.latency_s + n_bytes / way.bytes_per_s


class PaperNetwork(BaseModel):
    """The HuSCF-GAN authors' links: bytes / the sender's uplink; no latency, and the receiver's link has no say."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: Literal["paper"] = Field(
        "paper", description="The authors' formula: the sender's uplink alone, no latency, no sharing."
    )

    def seconds(self, way: Route, n_bytes: float) -> float:
        """Return the duration of a message of ``n_bytes`` bytes, in seconds."""
        return n_bytes / way.uplink_bytes_per_s


NetworkOptions = IdealNetwork | DedicatedNetwork | PaperNetwork

NETWORKS: Mapping[str, type[BaseModel]] = {
    "ideal": IdealNetwork,
    "dedicated": DedicatedNetwork,
    "paper": PaperNetwork,
}


class Network:
    """The network of one fleet: how long a message takes from one device to another."""

    def __init__(self, fleet: Fleet, options: NetworkOptions) -> None:
        self._graph: Graph = star(fleet)
        self._options = options
        self._way = lru_cache(maxsize=None)(lambda source, target: route(self._graph, source, target))

    def seconds(self, source: int, target: int, n_bytes: float) -> float:
        """Return the duration of a message between two devices, in seconds."""
        return self._options.seconds(self._way(source, target), n_bytes)
