"""A fleet as arrays: the numbers of very many clients without an object for each.

Built from the same roster as :func:`devices.fleet.build_fleet`, by the same draws: the numbers are the same to the
last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.fleet import FleetOptions, build_roster, spread_numbers
from devices.profile import DeviceProfile
from devices.roster import Roster
from devices.spread import Floats, field_values


@dataclass(frozen=True)
class FleetArrays:
    """One server and its clients; every array has the shape ``[N]``, client i at place i."""

    server: DeviceProfile
    """Profile of the server."""
    profiles: tuple[DeviceProfile, ...]
    """Profile of each group of like clients, before any spread."""
    group_of: NDArray[np.int64]
    """The group of each client."""
    rate_flops_per_s: Floats
    """Compute rate."""
    memory_bandwidth_bytes_per_s: Floats
    """Rate at which kernels touch memory; infinite where it never limits."""
    kernel_overhead_s: Floats
    """Fixed time per kernel launch."""
    memory_bytes: Floats
    """Memory a training step may fill; infinite without a limit."""
    uplink_bytes_per_s: Floats
    """Rate of the access link towards the network."""
    downlink_bytes_per_s: Floats
    """Rate of the access link from the network."""
    latency_s: Floats
    """One-way propagation delay of the access link."""
    loss: Floats
    """Share of what crosses the access link that is lost."""

    @property
    def size(self) -> int:
        """Number of clients."""
        return len(self.group_of)


def build_fleet_arrays(
    options: FleetOptions,
    rng: np.random.Generator,
    base_dir: Path | None = None,
    spread_rng: np.random.Generator | None = None,
) -> FleetArrays:
    """Build the numbers of a scenario's devices; arguments and errors are those of `build_fleet`."""
    roster = build_roster(options, rng, base_dir)
    columns = _Columns(roster, spread_numbers(options, roster, spread_rng))
    return FleetArrays(
        server=roster.server,
        profiles=roster.profiles,
        group_of=roster.group_of,
        rate_flops_per_s=columns.rates(),
        memory_bandwidth_bytes_per_s=columns.known_or("memory_bandwidth_bytes_per_s", np.inf),
        kernel_overhead_s=columns.of("kernel_overhead_s"),
        memory_bytes=columns.known_or("memory_bytes", np.inf),
        uplink_bytes_per_s=columns.of("uplink_bytes_per_s"),
        downlink_bytes_per_s=columns.of("downlink_bytes_per_s"),
        latency_s=columns.of("latency_s"),
        loss=columns.of("loss"),
    )


class _Columns:
    """The numbers of all clients, field by field."""

    def __init__(self, roster: Roster, own: dict[str, Floats]) -> None:
        self._roster = roster
        self._own = own

    def of(self, field: str) -> Floats:
        """Return one number of every client; NaN where its profile leaves it out."""
        if field in self._own:
            return self._own[field]
        return field_values(self._roster.profiles, field)[self._roster.group_of]

    def known_or(self, field: str, otherwise: float) -> Floats:
        """Return one number of every client, and another where its profile leaves it out."""
        values = self.of(field)
        return np.where(np.isnan(values), otherwise, values)

    def rates(self) -> Floats:
        """Return the compute rates: measured, else clock x flops_per_cycle x efficiency."""
        derived = self.of("clock_hz") * self.of("flops_per_cycle") * self.of("efficiency")
        measured = self.of("measured_flops_per_s")
        return np.where(np.isnan(measured), derived, measured)
