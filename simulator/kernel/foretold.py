"""A quiet world: nobody leaves, nothing is shared, so that the end of everything is known at its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import count

import numpy as np
import simpy

from analysis.records import Recorder
from devices.fleet import Fleet
from models.split import ComputeLeg
from simulator.kernel.chain import Chain, Message, Transport
from simulator.kernel.compute import Processor
from simulator.kernel.like_chains import LikeChains, Payload
from simulator.kernel.network import Network
from simulator.kernel.outcome import Outcome
from simulator.leg_columns import ClientColumns


class ForetoldMachinery:
    """What computes and sends in a quiet world; every request is one event."""

    def __init__(self, env: simpy.Environment, fleet: Fleet, network: Network, recorder: Recorder) -> None:
        self._env, self._fleet, self._network, self._recorder = env, fleet, network, recorder
        self._processors = {device.id: Processor(device) for device in fleet.devices}

    def compute(self, device: int, legs: Sequence[ComputeLeg], once: bool) -> simpy.Event:
        """Queue consecutive legs on a device; one event serves them all: nothing can come between them."""
        del once
        processor = self._processors[device]
        reached_s = now_s = self._env.now
        for leg in legs:
            seconds = processor.seconds(leg)
            start_s = processor.queue(reached_s, seconds)
            reached_s = start_s + seconds
            self._recorder.compute(device, start_s, reached_s, leg.flops, 0.0, (leg.phase, leg.what))
        return self._env.timeout(reached_s - now_s, Outcome(True, now_s, reached_s))

    def send(self, message: Message, once: bool) -> simpy.Event:
        """Send a message; it arrives."""
        del once
        start_s, seconds = self._env.now, self._transport(message).seconds
        for kind, n_bytes in message.payload:
            self._recorder.transfer(message.source, message.target, kind, n_bytes, start_s, start_s + seconds)
        return self._env.timeout(seconds, Outcome(True, start_s, start_s + seconds))

    def chain(
        self, device: int, legs: Sequence[ComputeLeg], received: Message | None, sent: Message | None
    ) -> Chain:
        """Forge a chain whose durations are known for good."""
        return Chain.forged(
            self._env,
            self._recorder,
            self._processors[device],
            legs,
            self._transport(received) if received else None,
            self._transport(sent) if sent else None,
        )

    def chains(
        self,
        clients: Sequence[int],
        legs: Sequence[ComputeLeg],
        received: Payload | None,
        sent: Payload | None,
    ) -> list[Chain]:
        """Forge the same chain for many clients, in one go."""
        ids = np.array(clients, dtype=np.int64)
        like = LikeChains(ids, self._columns.take(ids), legs, received, sent)
        first = self._recorder.like_routines(like.transfers, like.computations)
        numbers = zip(like.times_s[0].tolist(), like.leg_ends_s(), like.seconds.tolist(), strict=True)
        return [
            Chain(self._env, self._recorder, self._processors[client], routine, *own)
            for client, routine, own in zip(clients, count(first), numbers)
        ]

    @cached_property
    def _columns(self) -> ClientColumns:
        return ClientColumns.of(self._fleet, self._network, range(len(self._fleet.clients)))

    def _transport(self, message: Message) -> Transport:
        if message.seconds is not None:
            return Transport(message, message.seconds)
        return Transport(message, self._network.seconds(message.source, message.target, message.n_bytes))
