"""Which clients can take part: there, idle, and with what they need."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from typing import Any

import simpy

from analysis.runs import RunError
from simulator.kernel.world import Process, World


class Crew:
    """The clients of a run that goes on without the late and the absent.

    A client that was late is busy until it has ended what it does; whoever is busy or away is not in what begins
    meanwhile.

    Args:
        world: where they are.
        clients: their ids.
        restore: plays how a client that comes back with nothing gets what it needs; None where they keep what they had.
        patient: whether who is away can take part all the same, and is waited for at every step.
    """

    def __init__(
        self,
        world: World,
        clients: Iterable[int],
        restore: Callable[[int], Process] | None = None,
        patient: bool = False,
    ) -> None:
        self._world = world
        self._patient = patient
        self._restore = restore
        self._busy: dict[int, simpy.Event] = {}
        self._seen_s = dict.fromkeys(clients, 0.0)
        self._cut_off: set[int] = set()

    def begin(self, client: int, process: Process) -> simpy.Process:
        """Keep a client busy with a process; return the process."""
        playing = self._world.env.process(self._until_idle(client, process))
        self._busy[client] = playing
        return playing

    def begin_when_idle(self, client: int, process: Generator[simpy.Event, Any, object]) -> simpy.Process:
        """Keep a client busy with a process as soon as it has ended what it does; return the process."""
        before = self._busy.get(client)

        def then() -> Process:
            if before is not None:
                yield before
            yield from process

        return self.begin(client, then())

    def is_idle(self, client: int) -> bool:
        """Whether a client has ended all it did."""
        return client not in self._busy

    def cut_off(self, client: int) -> None:
        """Count no more on a client: a link between it and the server is closed for good."""
        self._cut_off.add(client)

    def ready(self, members: Iterable[int]) -> list[int]:
        """Return those of some clients that can take part in what begins now.

        A client that was away since it was last seen, and comes back with nothing, is given what it needs first.
        """
        world, there = self._world, []
        for client in members:
            if client in self._busy or client in self._cut_off:
                continue
            if not (self._patient or world.is_online(client)):
                continue
            if self._restore is not None and self.has_lost_all(client):
                self.begin(client, self._restored(client, self._restore))
                continue
            self._seen_s[client] = world.now_s
            there.append(client)
        return there

    def has_lost_all(self, client: int) -> bool:
        """Whether a client has been away since it last had what it needs, and so has nothing any more."""
        return self._restore is not None and self._world.was_away(client, self._seen_s[client])

    def somebody(self, members: Iterable[int]) -> simpy.Event:
        """Return the event of one of some clients becoming idle, or coming back.

        Raises:
            RunError: None of them ever will.
        """
        world, events = self._world, []
        for client in members:
            if client in self._busy:
                events.append(self._busy[client])
            elif client not in self._cut_off and world.returns_s(client) < math.inf:
                events.append(world.back(client))
        if not events:
            raise RunError(
                f"after {world.now_s:.6g} s no client is left: all have gone for good, or are cut off"
            )
        return world.env.any_of(events)

    def _until_idle(self, client: int, process: Process) -> Process:
        yield from process
        if self._busy[client] is self._world.env.active_process:
            del self._busy[client]

    def _restored(self, client: int, restore: Callable[[int], Process]) -> Process:
        """Restore a client; then it has what it needs, wherever it has been in between."""
        yield from restore(client)
        self._seen_s[client] = self._world.now_s
