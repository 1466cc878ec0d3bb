"""Network models by name: how long a message takes from one device to another, and what of it arrives.

A model turns a way through the topology into the pace of a message, and that into its duration: latency + bytes / rate.

``ideal`` charges the propagation latency alone. ``dedicated`` gives every message its whole way to itself, at the rate
of the narrower of the two access links. ``maxmin`` has a topology whose links are shared by all messages on them;
its pace is what a message gets that is alone. ``paper`` knows the sender's link alone.

Loss counts as goodput in ``dedicated`` and ``maxmin``: of n bytes that are to arrive over a way that loses the share p,
n / (1 - p) are sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from devices.fleet import SERVER_ID, Fleet
from devices.topology import Backbone, Hub, Replugged, Topology, Way
from devices.topology_options import StarTopology, TopologyOptions

Narrowest = Literal["sender", "receiver", "both", "inner"]
"""Which link bounds a message's rate: the sender's uplink, the receiver's downlink, both alike, or one between them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What bounds a message on its way."""

    latency_s: float
    """Propagation latency that the model charges."""
    bytes_per_s: float
    """Rate at which bytes arrive; infinite where the model asks no link."""
    narrowest: Narrowest | None
    """Whose link the rate is of; ``None`` where the model asks no link."""
    inner: str | None = None
    """Name of the link, where it is an inner one."""

    def seconds(self, n_bytes: float) -> float:
        """Return the duration of a message of ``n_bytes`` bytes, in seconds."""
        return self.latency_s + n_bytes / self.bytes_per_s


class _NetworkModel(BaseModel):
    """Common to all models: immutable, an unknown key is an error, and what most of them do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shares: ClassVar[bool] = False
    """Whether messages share the links they cross."""
    loses: ClassVar[bool] = False
    """Whether links lose bytes."""
    asks_sender_alone: ClassVar[bool] = False
    """Whether the receiver's link has no say."""

    def backbone(self, base_dir: Path | None = None) -> Backbone:
        """Return what lies between the access links: a hub."""
        del base_dir
        return Hub()


class IdealNetwork(_NetworkModel):
    """Messages take the propagation latency and nothing else."""

    model: Literal["ideal"] = Field("ideal", description="Propagation latency only; links carry any rate.")

    def pace(self, way: Way) -> Pace:
        """Return what bounds a message: its propagation alone."""
        return Pace(way.latency_s, math.inf, None)


class DedicatedNetwork(_NetworkModel):
    """Every message has its way to itself: latency + bytes / min(link rates on the way)."""

    loses: ClassVar[bool] = True

    model: Literal["dedicated"] = Field(
        "dedicated", description="Rate = min(device's link, server's link) in that direction, no sharing."
    )

    def pace(self, way: Way) -> Pace:
        """Return what bounds a message: its propagation, and the narrower link."""
        return _lone_pace(way)


class MaxminNetwork(_NetworkModel):
    """Messages share every link they cross, max-min fair."""

    shares: ClassVar[bool] = True
    loses: ClassVar[bool] = True

    model: Literal["maxmin"] = Field(
        "maxmin", description="Messages share every link they cross, max-min fair, anew at each change."
    )
    topology: TopologyOptions = Field(
        StarTopology(), description="The links between the devices, chosen by `kind`."
    )

    def backbone(self, base_dir: Path | None = None) -> Backbone:
        """Return what lies between the access links.

        Args:
            base_dir: Where a relative path of a file counts from; None = the working directory.

        Raises:
            TopologyError: The topology's file cannot be used.
        """
        return self.topology.backbone(base_dir)

    def pace(self, way: Way) -> Pace:
        """Return what bounds a message that is alone: its propagation, and the narrowest link."""
        return _lone_pace(way)


class PaperNetwork(_NetworkModel):
    """The HuSCF-GAN authors' links: bytes / the sender's uplink; no latency, and the receiver's link has no say."""

    asks_sender_alone: ClassVar[bool] = True

    model: Literal["paper"] = Field(
        "paper", description="The authors' formula: the sender's uplink alone, no latency, no sharing."
    )

    def pace(self, way: Way) -> Pace:
        """Return what bounds a message: the sender's link alone."""
        return Pace(0.0, way.uplink_bytes_per_s, "sender")


def _lone_pace(way: Way) -> Pace:
    return Pace(way.latency_s, way.bytes_per_s * way.arriving, _narrowest(way), way.inner)


def _narrowest(way: Way) -> Narrowest:
    if way.inner is not None:
        return "inner"
    if way.uplink_bytes_per_s == way.downlink_bytes_per_s:
        return "both"
    return "sender" if way.uplink_bytes_per_s < way.downlink_bytes_per_s else "receiver"


NetworkOptions = IdealNetwork | DedicatedNetwork | MaxminNetwork | PaperNetwork

NETWORKS: Mapping[str, type[BaseModel]] = {
    "ideal": IdealNetwork,
    "dedicated": DedicatedNetwork,
    "maxmin": MaxminNetwork,
    "paper": PaperNetwork,
}


class Network:
    """The network of one fleet: the ways between its devices, and how long a message takes on them.

    Args:
        fleet: The devices.
        options: The model.
        base_dir: Where the relative path of a topology's file counts from; None = the working directory.
        backbone: What lies between the access links, where it is known already; left out = what the model says.

    Raises:
        TopologyError: The topology cannot be built, or has no place for a device.
    """

    def __init__(
        self,
        fleet: Fleet,
        options: NetworkOptions,
        base_dir: Path | None = None,
        backbone: Backbone | None = None,
    ) -> None:
        self._fleet, self._options = fleet, options
        self.topology = Topology(fleet, backbone if backbone is not None else options.backbone(base_dir))
        self._pace = lru_cache(maxsize=None)(lambda source, target: options.pace(self.way(source, target)))

    @property
    def shares(self) -> bool:
        """Whether messages share the links they cross, so that :meth:`seconds` holds only for a lone one."""
        return self._options.shares

    @property
    def asks_sender_alone(self) -> bool:
        """Whether the sender's link alone decides a message's rate."""
        return self._options.asks_sender_alone

    def way(self, source: int, target: int) -> Way:
        """Return the links from one device to another."""
        return self.topology.route(source, target)

    def pace(self, source: int, target: int) -> Pace:
        """Return what bounds a message between two devices that is alone on its way."""
        return self._pace(source, target)

    def seconds(self, source: int, target: int, n_bytes: float) -> float:
        """Return the duration of a message between two devices that is alone on its way, in seconds."""
        return self._pace(source, target).seconds(n_bytes)

    def wire_bytes(self, source: int, target: int, n_bytes: float) -> float:
        """Return how many bytes are sent so that ``n_bytes`` arrive, the lost ones among them."""
        return n_bytes / self.way(source, target).arriving if self._options.loses else n_bytes

    def weight(self, source: int, target: int) -> float:
        """Return the weight of a message where it shares a link: that of the device farther from the server.

        Clients are the farthest, then come edge servers; of two alike it is the sender.
        """
        far = source if self._distance(source) >= self._distance(target) else target
        return self._fleet.device(far).profile.share_weight

    def _distance(self, device_id: int) -> int:
        if device_id == SERVER_ID:
            return 0
        return 2 if device_id < len(self._fleet.clients) else 1

    def of_fleet(self, fleet: Fleet) -> Network:
        """Return the network of another fleet under the same model."""
        return Network(fleet, self._options, backbone=self.topology.backbone)

    def of_some(self, fleet: Fleet, clients: Sequence[int]) -> Network:
        """Return the network of some of the fleet's clients, numbered anew; every one of them keeps its place.

        Args:
            fleet: The server and these clients.
            clients: Their ids in this network's fleet.
        """
        return Network(fleet, self._options, backbone=Replugged(self.topology, clients))
