"""The same chain for many clients at once: their durations differ, what they do does not.

A large fleet has millions of chains; worked out one by one they would take longer to forge than to play.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.routines import Work
from devices.fleet import SERVER_ID
from models.split import ComputeLeg
from simulator.leg_columns import ClientColumns

Floats = NDArray[np.float64]
Payload = Sequence[tuple[str, float]]
Row = tuple[float | Floats | NDArray[np.int64], ...]
"""A leg of every chain: its numbers, each the same for all or one for each, ``[n]``."""


class LikeChains:
    """What many clients do in the same way: receive from the server, compute, send to the server.

    Args:
        clients: their ids, shape ``[n]``.
        columns: what decides how long each takes.
        legs: what they compute, one after the other; one leg at least.
        received: what they wait for first, if anything; sent off as the chain begins.
        sent: what they send when the legs are done, if anything.

    Attributes:
        times_s: when the first leg begins, and when each leg ends, in seconds from the chain's start: arrays ``[n]``.
        seconds: how long the whole chain takes, ``[n]``.
    """

    def __init__(
        self,
        clients: NDArray[np.int64],
        columns: ClientColumns,
        legs: Sequence[ComputeLeg],
        received: Payload | None,
        sent: Payload | None,
    ) -> None:
        if not legs:
            raise ValueError("chains without a leg; they need one at least")
        self._clients, self._legs = clients, legs
        self._received, self._sent = received or (), sent or ()
        self.times_s = [columns.down_s(_size(received)) if received else np.zeros(len(clients))]
        for leg in legs:
            self.times_s.append(self.times_s[-1] + columns.compute_s([leg]))
        self.seconds = self.times_s[-1] + (columns.up_s(_size(sent)) if sent else 0.0)

    def transfers(self, code_of: Mapping[str, int]) -> Floats:
        """Return the transfers ``[n, k, 7]`` of their routines, a row a kind, as numbers.

        Args:
            code_of: the codes of payload kinds.
        """
        zero, ready_s, done_s = np.zeros_like(self.seconds), self.times_s[0], self.times_s[-1]
        rows: list[Row] = [
            (SERVER_ID, self._clients, code_of[kind], n_bytes, zero, ready_s, False)
            for kind, n_bytes in self._received
        ]
        rows += [
            (self._clients, SERVER_ID, code_of[kind], n_bytes, done_s, self.seconds, True)
            for kind, n_bytes in self._sent
        ]
        return self._block(rows, 7)

    def computations(self, code_of: Callable[[Work], int]) -> Floats:
        """Return the computations ``[n, m, 5]`` of their routines as numbers.

        Args:
            code_of: returns the code of what is computed.
        """
        spans = zip(self._legs, pairwise(self.times_s), strict=True)
        return self._block(
            [(self._clients, *span, leg.flops, code_of((leg.phase, leg.what))) for leg, span in spans], 5
        )

    def leg_ends_s(self) -> Iterator[tuple[float, ...]]:
        """Yield when each leg of a chain ends, for one client after the other."""
        return zip(*(ends_s.tolist() for ends_s in self.times_s[1:]), strict=True)

    def _block(self, rows: Sequence[Row], width: int) -> Floats:
        block = np.empty((len(self._clients), len(rows), width))
        for place, row in enumerate(rows):
            for column, values in enumerate(row):
                block[:, place, column] = values
        return block


def _size(payload: Payload) -> float:
    return sum(n_bytes for _, n_bytes in payload)
