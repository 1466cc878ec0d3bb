"""What became of something that was tried once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of a computation, a message, or a chain of them.

    Attributes:
        completed: whether it came to its end; if not, a device on the way left, or was away.
        start_s: when it began, in seconds.
        end_s: when it ended, or was broken off.
        leg_ends_s: when each of its computations ended, of those that did.
        closed: whether a link on its way is closed for good.
    """

    completed: bool
    start_s: float
    end_s: float
    leg_ends_s: tuple[float, ...] = ()
    closed: bool = False
