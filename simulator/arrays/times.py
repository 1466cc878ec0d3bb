"""What the array path of a strategy finds, and what strategies share in finding it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.split import Cut
from simulator.arrays.ground import Floats, Ground
from simulator.leg_columns import ClientColumns


@dataclass(frozen=True)
class ChosenCuts:
    """Who has which cut.

    Attributes:
        choices: the cuts that clients may have.
        gene_of: each client's, as an index into them, ``[N]``.
    """

    choices: tuple[Cut, ...]
    gene_of: NDArray[np.intp]


@dataclass(frozen=True)
class ArrayTimes:
    """One iteration, and what ends a round; arrays have the shape ``[N]``.

    Attributes:
        latency_s: of the iteration.
        phase_end_s: when each phase ends, since the iteration began.
        compute_s: how long each client computes in it.
        transfer_s: how long each client's messages take in it.
        aggregation_s: from the last iteration of a round to its end.
        cuts: who has which cut; None where the strategy cuts no network.
    """

    latency_s: float
    phase_end_s: Mapping[str, float]
    compute_s: Floats
    transfer_s: Floats
    aggregation_s: float
    cuts: ChosenCuts | None = None

    @property
    def wait_s(self) -> Floats:
        """How long each client waits in the iteration."""
        return self.latency_s - self.compute_s - self.transfer_s


def exchange_seconds(columns: ClientColumns, n_bytes: float | Floats) -> float:
    """Return how long it takes until all clients have sent so many bytes, and then have got as many back."""
    return float(columns.up_s(n_bytes).max()) + float(columns.down_s(n_bytes).max())


def check_memory(ground: Ground, needed: float | Floats, what: str) -> None:
    """Refuse a run whose clients cannot hold their part; the one that lacks most is named.

    Args:
        ground: the run's ground.
        needed: bytes that each client needs at its peak.
        what: what they are for, in words.

    Raises:
        ScenarioError: some client needs more than its profile has.
    """
    fleet = ground.fleet
    ratio = needed / fleet.memory_bytes
    worst = int(ratio.argmax())
    if ratio[worst] <= 1:
        return
    most = float(np.broadcast_to(needed, ratio.shape)[worst])
    name = fleet.profiles[int(fleet.group_of[worst])].name
    limit = fleet.memory_bytes[worst] / 1e6
    lack = int((ratio > 1).sum())
    raise ground.loaded.error(
        "devices.clients",
        f"{what} needs {most / 1e6:,.4g} MB on client-{worst} ({name})",
        f"allowed: {limit:,.4g} MB, which it has; {lack} of {fleet.size} devices lack memory",
    )


def check_server_memory(ground: Ground, needed: float, what: str) -> None:
    """Refuse a run whose server cannot hold its part.

    Raises:
        ScenarioError: it needs more than its profile has.
    """
    server = ground.fleet.server
    if server.memory_bytes is not None and needed > server.memory_bytes:
        raise ground.loaded.error(
            "devices.server",
            f"{what} needs {needed / 1e6:,.4g} MB on server ({server.name})",
            f"allowed: {server.memory_bytes / 1e6:,.4g} MB, which it has",
        )
