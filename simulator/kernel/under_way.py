"""What is under way, begun and not yet told: the records of a round that ends meanwhile need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class UnderWay:
    """Legs whose ends are not known yet."""

    def __init__(self) -> None:
        self._legs: dict[int, tuple[tuple[int, ...], str, float]] = {}
        self._next = 0

    @contextmanager
    def entry(self, devices: Sequence[int], what: str, start_s: float) -> Iterator[None]:
        """Keep a leg as long as it lasts.

        Args:
            devices: ids of those it occupies.
            what: ``compute`` or ``transfer``.
            start_s: when it began.
        """
        number, self._next = self._next, self._next + 1
        self._legs[number] = (tuple(devices), what, start_s)
        try:
            yield
        finally:
            del self._legs[number]

    def legs(self) -> list[tuple[int, str, float]]:
        """Return device, ``compute`` or ``transfer``, and start of all that is under way, in order of beginning."""
        return [
            (device, what, start_s) for devices, what, start_s in self._legs.values() for device in devices
        ]
