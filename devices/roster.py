"""Who takes part, before any device is made: groups of like clients, and how they get their ids.

A fleet of objects and a fleet of arrays are both made from a roster, so that they have the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from devices.profile import DeviceProfile
from devices.spread import SPREAD_FIELDS, Floats, spread_columns

Order = Literal["listed", "interleaved", "shuffled"]
"""How devices get their ids: as listed, dealt round-robin over the entries, or at random."""


@dataclass(frozen=True)
class Roster:
    """Who takes part, before any device is made: the groups of like clients, and who belongs to which."""

    server: DeviceProfile
    """Profile of the server."""
    profiles: tuple[DeviceProfile, ...]
    """Profile of each group, before any spread."""
    group_of: NDArray[np.int64]
    """The group of each client, in the order of their ids, shape [clients]."""
    sigmas: Floats
    """Spread of each group and key of `SPREAD_FIELDS`, shape [groups, keys]; all 0 where the devices are alike."""


def own_numbers(roster: Roster, spread_rng: np.random.Generator | None) -> dict[str, Floats]:
    """Return what clients have of their own, by field of a profile, shape [clients]; nothing where all are alike.

    Raises:
        ValueError: Something is spread, but there is no `spread_rng`.
    """
    if not roster.sigmas.any():
        return {}
    if spread_rng is None:
        raise ValueError("no spread_rng for a fleet with a spread; a generator for it alone is needed")
    return spread_columns(roster.profiles, roster.group_of, roster.sigmas, spread_rng)


def profiles_of_clients(roster: Roster, own_columns: Mapping[str, Floats]) -> Iterator[DeviceProfile]:
    """Yield every client's profile in the order of ids: its group's, or a copy with numbers of its own.

    Args:
        roster: Who takes part.
        own_columns: What `own_numbers` returned.
    """
    columns = {field: column.tolist() for field, column in own_columns.items()}
    own_fields = [_spread_fields(*one) for one in zip(roster.profiles, roster.sigmas.tolist(), strict=True)]
    for client, group in enumerate(roster.group_of.tolist()):
        own = {field: columns[field][client] for field in own_fields[group]}
        profile = roster.profiles[group]
        # Factors are finite and above 0, and rates were looked at, so that the copy needs no second validation.
        yield profile.model_copy(update=own) if own else profile


def _spread_fields(profile: DeviceProfile, sigmas: Sequence[float]) -> tuple[str, ...]:
    """Return the fields in which the devices of a group differ."""
    return tuple(
        field
        for fields, sigma in zip(SPREAD_FIELDS.values(), sigmas, strict=True)
        for field in fields
        if sigma and getattr(profile, field)
    )


def mix_counts(shares: Sequence[float], count: int, rng: np.random.Generator) -> list[int]:
    """Deal ``count`` devices by largest remainder; the draw decides between equal remainders."""
    quotas = np.asarray(shares) / math.fsum(shares) * count
    counts = np.floor(quotas).astype(np.int64)
    # Shares such as 0.1 are not exact: remainders that agree to 1e-9 are a tie.
    remainders = np.round(quotas - counts, 9)
    by_remainder = np.lexsort((rng.random(len(shares)), -remainders))
    counts[by_remainder[: count - int(counts.sum())]] += 1
    return [int(number) for number in counts]


def deal(counts: NDArray[np.int64], order: Order, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the group of each client in id order; shape [clients], int64."""
    listed = np.repeat(np.arange(len(counts)), counts)
    if order == "shuffled":
        return rng.permutation(listed)
    if order == "listed":
        return listed
    turn = np.concatenate([np.arange(count) for count in counts])
    return listed[np.lexsort((listed, turn))]
