"""The critical path of an iteration, walked back from its end over the legs of a trace.

A trace tells no causes, only times; but what began at the very instant at which something else ended, on the same
device or with a message to it, waited for that. Where nothing of the kind ended, everybody had met (a barrier): the leg
waited for whatever ended then. And where nothing ended at all, the device itself was waiting: it was away, or had a
deadline.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.trace.lanes import Interval


@dataclass(frozen=True, slots=True)
class Leg:
    """A computation or a message.

    Attributes:
        device: the place of who computes or sends, in the order of the devices.
        peer: the place of who receives; None for a computation.
        span: start and end, nanoseconds.
    """

    device: int
    peer: int | None
    span: Interval

    @property
    def reached(self) -> int:
        """Where it ends: the device that can go on then."""
        return self.device if self.peer is None else self.peer


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the critical path.

    Attributes:
        device: the place of the device it is spent on; of a message its sender.
        leg: the number of the leg; None where the device waits.
        span: start and end, nanoseconds, within the iteration.
    """

    device: int
    leg: int | None
    span: Interval


def critical_path(legs: Sequence[Leg], window: Interval) -> tuple[Piece, ...]:
    """Return the pieces of the critical path in order; each begins where the one before ends, and they fill the window.

    Of several legs that end when a computation begins, messages to its device come first, then computations there; when
    a message begins it is the other way round. Of several such it is the one whose device comes first.

    Args:
        legs: All that happens in the window, in any order; what reaches over its ends may be among it.
        window: When the iteration begins and ends, nanoseconds.
    """
    start, time = window
    ends, pieces = _Ends(legs), list[Piece]()
    current: Leg | None = None
    while time > start:
        number = ends.ending_at(time, current)
        if number is None:
            number = ends.last_before(time, current)
            ended = start if number is None else max(start, legs[number].span[1])
            pieces.append(Piece(ends.waiting(current, (ended, time), number), None, (ended, time)))
            time = ended
        if number is not None and time > start:
            current = legs[number]
            begun = max(start, current.span[0])
            pieces.append(Piece(current.device, number, (begun, time)))
            time = begun
    return tuple(reversed(pieces))


class _Ends:
    """The legs by their ends."""

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._legs = legs
        self._walked: set[int] = set()
        self._ended: dict[int, list[int]] = defaultdict(list)
        self._of_device: dict[int | None, list[Interval]] = defaultdict(list)
        for number, leg in enumerate(legs):
            self._ended[leg.span[1]].append(number)
            for device in (None, *{leg.device, leg.reached}):
                self._of_device[device].append((leg.span[1], number))
        for own in self._of_device.values():
            own.sort()

    def ending_at(self, time: int, following: Leg | None) -> int | None:
        """Return the leg that one which begins at a time waited for; each is returned once."""
        found = [number for number in self._ended.get(time, ()) if number not in self._walked]
        if not found:
            return None
        first = min(found, key=lambda number: self._rank(number, following))
        self._walked.add(first)
        return first

    def _rank(self, number: int, following: Leg | None) -> tuple[int, int, int]:
        """Return how near a leg is to being what another waited for; the least is the nearest."""
        leg = self._legs[number]
        sends = leg.peer is not None
        if following is not None and leg.reached == following.device:
            kind = int(sends == (following.peer is not None))
        elif following is not None and leg.device == following.device:
            kind = 2
        else:
            kind = 3 + sends
        return kind, max(leg.device, leg.reached), number

    def last_before(self, time: int, following: Leg | None) -> int | None:
        """Return the leg that was the last to end before a time, of the device that waited until then if one did."""
        own = self._of_device.get(following.device if following else None, [])
        before = bisect_left(own, (time, -1)) - 1
        if before < 0:
            return None
        self._walked.add(own[before][1])
        return own[before][1]

    def waiting(self, following: Leg | None, span: Interval, before: int | None) -> int:
        """Return the device that a wait is told of: of a message that could not begin the end that did nothing else."""
        if following is None:
            return 0 if before is None else self._legs[before].reached
        return following.device if self._is_idle(following.device, span) else following.reached

    def _is_idle(self, device: int, span: Interval) -> bool:
        legs = (self._legs[number].span for _, number in self._of_device[device])
        return all(leg[1] <= span[0] or leg[0] >= span[1] for leg in legs)
