"""Messages in a disturbed world: links may widen, narrow and be shared, and whoever leaves tears a message off.

A message first takes its propagation latency, and then its bytes flow. A torn message is of no use: what was sent of it
is lost. Loss on the way is sent again, so that ``n / (1 - loss)`` bytes cross for a payload of ``n``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import simpy

from analysis.records import Recorder
from analysis.runs import RunError
from devices.conditions import Conditions, Factor
from devices.fleet import Fleet
from simulator.kernel.chain import Message
from simulator.kernel.flows_in_time import FlowEnd, FlowsInTime
from simulator.kernel.network import Network
from simulator.kernel.outcome import Outcome
from simulator.kernel.processors import MOST_TRIES, back_s, never_done
from simulator.kernel.station import Station
from simulator.kernel.under_way import UnderWay
from simulator.kernel.varying import VaryingRate

Sending = Generator[simpy.Event, Any, Outcome]
"""A process that sends."""


@dataclass(frozen=True, slots=True)
class _Carried:
    """What became of one try: when it ended, which share of the bytes had been sent, and whether its way is closed."""

    completed: bool
    end_s: float
    share: float
    closed: bool = False


class Transmission:
    """The links of a disturbed world, and what is sent over them.

    Args:
        env: whose time it is.
        fleet: the devices.
        network: how links carry messages.
        conditions: how they change.
        stations: where every device is, by id.
        recorder: what is told of every message.
        under_way: what is kept while a message's end is unknown.
    """

    def __init__(
        self,
        env: simpy.Environment,
        fleet: Fleet,
        network: Network,
        conditions: Conditions,
        stations: Mapping[int, Station],
        recorder: Recorder,
        under_way: UnderWay,
    ) -> None:
        self._env, self._fleet, self._network = env, fleet, network
        self._conditions, self._stations = conditions, stations
        self._recorder, self._under_way = recorder, under_way
        self._flows = self._shared_links() if network.shares else None

    def send(self, message: Message, once: bool) -> Sending:
        """Send a message; ``once`` gives up when either end leaves or is away, else it is sent again from the start."""
        env = self._env
        began_s = env.now
        tries = 0
        while True:
            tries += 1
            if tries > MOST_TRIES:
                raise never_done(f"a message {self._way(message)}", env.now)
            if not all(station.is_online(env.now) for station in self._ends(message)):
                if once:
                    return Outcome(completed=False, start_s=began_s, end_s=env.now)
                yield from self._until_both_are_there(message)
            start_s = env.now
            with self._under_way.entry((message.source, message.target), "transfer", start_s):
                carried = yield from self._carry(message)
            self._tell(message, start_s, carried)
            if carried.completed:
                self._recorder.received(message.target, message.n_bytes)
            if carried.completed or once:
                return Outcome(carried.completed, began_s, env.now, closed=carried.closed)
            if carried.closed:
                raise RunError(
                    f"at {env.now:.6g} s everything waits for a message {self._way(message)}, and a link on its way is "
                    "closed for good; huscf_gan and fedgan go on without it where strategy.patience is of the kind "
                    "deadline or quorum"
                )

    def _until_both_are_there(self, message: Message) -> Generator[simpy.Event, Any, None]:
        while True:
            now_s = self._env.now
            there_s = max(back_s(station, now_s) for station in self._ends(message))
            if there_s <= now_s:
                return
            yield self._env.timeout(there_s - now_s)

    def _way(self, message: Message) -> str:
        return "from " + " to ".join(station.device.name for station in self._ends(message))

    def _ends(self, message: Message) -> tuple[Station, Station]:
        return self._stations[message.source], self._stations[message.target]

    def _carry(self, message: Message) -> Generator[simpy.Event, Any, _Carried]:
        """Carry a message until it has come or an end leaves."""
        start_s = self._env.now
        until_s = min(station.leaves_s(start_s, computing=False) for station in self._ends(message))
        if message.seconds is not None:
            share = (until_s - start_s) / message.seconds if message.seconds else 1.0
            return (yield from self._foretold(start_s, start_s + message.seconds, until_s, lambda: share))
        pace = self._network.pace(message.source, message.target)
        flowing_s = start_s + pace.latency_s
        if self._flows is not None:
            return (yield from self._flow(self._flows, message, flowing_s, until_s))
        rate = self._rate(message, pace.narrowest)
        wire = self._network.wire_bytes(message.source, message.target, message.n_bytes)
        end_s = rate.end_s(flowing_s, wire)
        if end_s == math.inf and rate.stops_s(flowing_s) < until_s:
            stops_s = rate.stops_s(flowing_s)
            yield self._env.timeout(stops_s - start_s)
            return _Carried(False, stops_s, rate.carried(flowing_s, stops_s) / wire, closed=True)

        def share_sent() -> float:
            return rate.carried(flowing_s, until_s) / wire if wire and until_s > flowing_s else 0.0

        return (yield from self._foretold(start_s, end_s, until_s, share_sent))

    def _foretold(
        self, start_s: float, end_s: float, until_s: float, share: Callable[[], float]
    ) -> Generator[simpy.Event, Any, _Carried]:
        """Wait for an end that is known already."""
        completed = end_s <= until_s
        carried = _Carried(completed, min(end_s, until_s), 1.0 if completed else min(1.0, share()))
        yield self._env.timeout(carried.end_s - start_s)
        return carried

    def _flow(
        self, flows: FlowsInTime, message: Message, flowing_s: float, until_s: float
    ) -> Generator[simpy.Event, Any, _Carried]:
        """Let a message flow over links that others share."""
        env, network = self._env, self._network
        if until_s < flowing_s:
            yield env.timeout(until_s - env.now)
            return _Carried(completed=False, end_s=env.now, share=0.0)
        yield env.timeout(max(0.0, flowing_s - env.now))
        ends = message.source, message.target
        wire, links = network.wire_bytes(*ends, message.n_bytes), network.way(*ends).links
        end: FlowEnd = yield flows.start(wire, links, network.weight(*ends), until_s=until_s)
        share = 1.0 if end.completed or not wire else 1.0 - end.missing / wire
        return _Carried(end.completed, env.now, share, end.closed)

    def _tell(self, message: Message, start_s: float, carried: _Carried) -> None:
        """Record every kind of payload, and charge the radios of both ends."""
        wire = message.n_bytes
        if message.seconds is None:
            wire = self._network.wire_bytes(message.source, message.target, message.n_bytes)
        swollen = wire / message.n_bytes if message.n_bytes else 1.0
        for kind, n_bytes in message.payload:
            sent = n_bytes * swollen * carried.share
            lost = sent - n_bytes if carried.completed else sent
            self._recorder.transfer(
                message.source, message.target, kind, sent, start_s, self._env.now, max(0.0, lost)
            )
        received = message.n_bytes if carried.completed else 0.0
        for device, n_bytes in ((message.source, wire * carried.share), (message.target, received)):
            battery = self._stations[device].battery
            if battery is not None:
                battery.radio(n_bytes, self._env.now)

    def _rate(self, message: Message, narrowest: str | None) -> VaryingRate:
        """Return the rate of a message that has its way to itself."""
        if narrowest is None:
            return VaryingRate(())
        up = (
            self._fleet.device(message.source).profile.uplink_bytes_per_s,
            self._conditions.uplink(message.source),
        )
        down = (
            self._fleet.device(message.target).profile.downlink_bytes_per_s,
            self._conditions.downlink(message.target),
        )
        return VaryingRate((up,) if self._network.asks_sender_alone else (up, down), self._way(message))

    def _shared_links(self) -> FlowsInTime:
        """Return the flows of all links; those that change by themselves follow their factors."""
        links = self._network.topology.links
        flows = FlowsInTime(self._env, [link.bytes_per_s for link in links], [link.name for link in links])
        numbers = {link.name: number for number, link in enumerate(links)}
        for device in self._fleet.devices:
            for factor, way in (
                (self._conditions.uplink(device.id), "up"),
                (self._conditions.downlink(device.id), "down"),
            ):
                self._follow(flows, numbers.pop(f"{device.name} {way}"), factor)
        for name, number in numbers.items():
            self._follow(flows, number, self._conditions.link(name))
        return flows

    @staticmethod
    def _follow(flows: FlowsInTime, link: int, factor: Factor | None) -> None:
        if factor is not None:
            flows.follow(link, factor)
