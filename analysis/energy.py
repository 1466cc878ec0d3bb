"""Energy: what devices draw while they compute, while they do not, and for every byte on the air."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.occupancy import FloatArray

if TYPE_CHECKING:
    from devices.fleet import Fleet


class Powers:
    """What the devices of a fleet draw.

    Args:
        fleet: The devices, with what their profiles say.
    """

    def __init__(self, fleet: Fleet) -> None:
        profiles = [device.profile for device in fleet.devices]
        rows = [(one.busy_power_w, one.idle_power_w, one.radio_j_per_byte) for one in profiles]
        # What a profile does not say becomes NaN, and so does all that is computed from it.
        self._busy_w, self._idle_w, self._radio_j_per_byte = np.array(rows, dtype=np.float64).T
        self._known = ~np.isnan(self._busy_w + self._idle_w + self._radio_j_per_byte)

    def energy_j(self, compute_s: FloatArray, idle_s: FloatArray, n_bytes: FloatArray) -> FloatArray:
        """Return the energy of every device: ``busy_w compute_s + idle_w idle_s + radio_j_per_byte n_bytes``.

        Args:
            compute_s: How long each computed, seconds, shape ``[devices]``.
            idle_s: How long each was on and did not compute, seconds.
            n_bytes: What each sent and received, bytes.

        Returns:
            Joules, shape ``[devices]``; NaN where a profile does not say what the device draws.
        """
        radio_j = self._radio_j_per_byte * n_bytes
        energy_j = self._busy_w * compute_s + self._idle_w * idle_s + radio_j
        return np.where(self._known, energy_j, np.nan)


def energy_by_round(devices: pd.DataFrame, battery_j: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return what every device used in every round, and how much of its battery is used by then.

    Nothing charges a battery on the way. A share of more than 1 says that a device would have needed a larger one.

    Args:
        devices: The device table of a run.
        battery_j: What the battery of a device holds at the beginning, joules > 0, by the device's name (of a fleet:
            the ``battery_j`` of its profiles); devices on mains have no entry.

    Returns:
        One row a round and device, in the order of the table, with columns ``round, device, profile, energy_j``
        (in this round), ``used_j`` (since the run began) and ``battery_share`` (used of what it held; NaN for a device
        without an entry). Energy is NaN where a profile does not say what the device draws.

    Raises:
        ValueError: A battery is of no device of the table, or holds nothing.
    """
    batteries = dict(battery_j or {})
    unknown = sorted(batteries.keys() - set(devices["device"]))
    if unknown:
        raise ValueError(f"batteries of {', '.join(unknown)}; the run has no such device")
    empty = {name: held for name, held in batteries.items() if not held > 0.0}
    if empty:
        raise ValueError(f"batteries that hold nothing: {empty}; a battery holds more than 0 J")
    used = devices[["round", "device", "profile", "energy_j"]].sort_values("round", kind="stable")
    used["used_j"] = used.groupby("device", sort=False)["energy_j"].cumsum(skipna=False)
    used["battery_share"] = used["used_j"] / used["device"].map(batteries).astype("float64")
    return used.sort_index()
