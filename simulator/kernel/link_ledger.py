"""What crossed every link while it was busy, counted apart from the engine that shares the links out.

The engine believes in its own rates. Here only what came out of it counts: flows of so many units began then and ended
then, and from its first flow on a link cannot have carried more than its capacity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.kernel.fluid_parts import FluidError

_ROUNDING = 1e-9
_ULPS = 16
"""By how many units in the last place a time may be off; every end is rounded to the clock by one at most."""


class LinkLedger:
    """The accounts of a set of links.

    Args:
        capacities: of each link, in units per second.
        names: what messages call the links.
    """

    def __init__(self, capacities: Sequence[float], names: Sequence[str]) -> None:
        self._names = names
        self._accounts = [_Account(capacity) for capacity in capacities]

    def begin(self, links: Sequence[int], time_s: float) -> None:
        """Note that a flow begins to cross links."""
        for link in links:
            self._accounts[link].begin(time_s)

    def end(self, links: Sequence[int], units: float, time_s: float) -> None:
        """Note that a flow has ended, or was broken off, of which so many units had crossed.

        Raises:
            FluidError: A link has carried more than it can.
        """
        for link in links:
            account = self._accounts[link]
            account.end(units, time_s)
            if account.carried > account.most(time_s):
                raise FluidError(
                    f"{self._names[link]} carried {account.carried} units from {account.busy_since_s} s to {time_s} s, "
                    f"and can carry {account.could} in that time; the last flow on it had {units}"
                )

    def change(self, link: int, capacity: float, time_s: float) -> None:
        """Note that a link has another capacity from now on."""
        self._accounts[link].change(capacity, time_s)


class _Account:
    """What one link carried, and could have carried, since it was last without a flow."""

    __slots__ = ("_at_s", "_capacity", "_ended", "_flows", "_widest", "busy_since_s", "carried", "could")

    def __init__(self, capacity: float) -> None:
        self._capacity = self._widest = capacity
        self._flows = self._ended = 0
        self._at_s = self.busy_since_s = 0.0
        self.carried = self.could = 0.0

    def begin(self, time_s: float) -> None:
        if not self._flows:
            self._at_s = self.busy_since_s = time_s
            self.carried = self.could = 0.0
            self._widest = self._capacity
            self._ended = 0
        self._flows += 1

    def end(self, units: float, time_s: float) -> None:
        self._advance(time_s)
        self._flows -= 1
        self._ended += 1
        self.carried += units

    def change(self, capacity: float, time_s: float) -> None:
        self._advance(time_s)
        self._capacity = capacity
        self._widest = max(self._widest, capacity)

    def most(self, time_s: float) -> float:
        """Return what it can have carried, as far as floats can tell."""
        return self.could * (1.0 + _ROUNDING) + (_ULPS + self._ended) * math.ulp(time_s) * self._widest

    def _advance(self, time_s: float) -> None:
        if time_s > self._at_s:
            self.could += self._capacity * (time_s - self._at_s)
            self._at_s = time_s
