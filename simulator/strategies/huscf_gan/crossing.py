"""One crossing of the server in an iteration that goes on without the late: who may still come, and who came."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping

import simpy

from simulator.kernel.deadline import Deadline
from simulator.strategies.patience import AnyPatience


class Crossing:
    """A barrier that everybody passes who came before it was closed.

    It closes when nobody is missing any more, when as many have come as the patience asks for, or at its deadline, with
    who comes at that very moment; at a deadline before which nobody came it waits for the first.

    Args:
        env: whose time it is.
        patience: whom it waits for.
        entries: at which position the rows of each client join.
        quorum_of: how many clients the iteration began with.
        on_late: told, when it closes, for whom it did not wait.

    Attributes:
        arrived: who came in time, in the order of coming.
    """

    def __init__(
        self,
        env: simpy.Environment,
        patience: AnyPatience,
        entries: Mapping[int, int],
        quorum_of: int,
        on_late: Callable[[frozenset[int]], None] | None = None,
    ) -> None:
        self._on_late = on_late
        self._env = env
        self._entries = entries
        self._missing = set(entries)
        self._missing_at = Counter(entries.values())
        self._enough = patience.needed(quorum_of)
        self._deadline_s = patience.longest_s
        self._overdue = False
        self._closed = False
        self._waiting: dict[int, simpy.Event] = {}
        self._left: dict[int, simpy.Event] = {}
        self.arrived: list[int] = []

    def open(self) -> None:
        """Begin to count the deadline."""
        if self._deadline_s < math.inf and not self._closed:
            Deadline(self._env, self._env.now + self._deadline_s).callbacks.append(self._at_the_deadline)

    def arrive(self, client: int) -> bool:
        """Let a client's rows join; return whether they came in time."""
        if self._closed:
            return False
        self.arrived.append(client)
        self.expect_no_more(client)
        return True

    def expect_no_more(self, client: int) -> None:
        """Do not wait for a client any longer: it has come, was late elsewhere, or left."""
        if client in self._missing:
            self._missing.remove(client)
            self._missing_at[self._entries[client]] -= 1
        self._look_again()

    def complete(self, position: int) -> simpy.Event:
        """Return the event of all rows being there that join at a position."""
        event = self._waiting[position] = self._env.event()
        self._look_again()
        return event

    def left(self, position: int) -> simpy.Event:
        """Return the event of rows leaving the server after a position."""
        return self._left.setdefault(position, self._env.event())

    def let_leave(self, position: int) -> None:
        """Let the rows go whose last position this is."""
        event = self.left(position)
        if not event.triggered:
            event.succeed()

    def _at_the_deadline(self, _: simpy.Event) -> None:
        self._overdue = True
        self._look_again()

    def _look_again(self) -> None:
        """Close where there is no reason to wait, and let go the positions that have all their rows."""
        came = len(self.arrived)
        if not self._closed and (not self._missing or came >= self._enough or (self._overdue and came)):
            self._closed = True
            if self._missing and self._on_late is not None:
                self._on_late(frozenset(self._missing))
        for position, event in list(self._waiting.items()):
            if self._closed or not self._missing_at[position]:
                del self._waiting[position]
                event.succeed()
