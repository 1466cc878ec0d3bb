"""Keyed random streams: every draw is named, so that adding one never changes another.

A stream is a function of (seed, purpose, numbers), not of how many draws came before it. Two strategies on one
seed meet the same data, the same disturbances and the same initial weights, and a run repeats bit for bit in
any order of events.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Streams:
    """All randomness of a run, from one seed.

    Example:
        >>> streams = Streams(seed=0)
        >>> first = streams.draw("batch", 3, 7).integers(1000)
        >>> _ = streams.draw("noise", 3, 7).normal(size=100)
        >>> bool(first == streams.draw("batch", 3, 7).integers(1000))
        True
    """

    seed: int

    def key(self, purpose: str, *numbers: int) -> int:
        """Return a 63-bit key for one purpose and its numbers (client, step, ...)."""
        text = "/".join((str(self.seed), purpose, *(str(int(number)) for number in numbers)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1

    def draw(self, purpose: str, *numbers: int) -> np.random.Generator:
        """Return a fresh generator for one purpose and its numbers; the same arguments give the same draws."""
        return np.random.Generator(np.random.Philox(key=self.key(purpose, *numbers)))
