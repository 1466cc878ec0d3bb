"""The energy that a run's clients use."""

from __future__ import annotations

import pandas as pd

from devices.fleet import Fleet
from simulator.cuts.quantities import POWER_KEYS


def clients_energy_j(fleet: Fleet, devices: pd.DataFrame) -> float | None:
    """Return the energy of all client devices over a run, in joules.

    Busy power while a device computes, idle power for the rest of the run, and the radio's energy for every byte that
    it sends or receives: what the cut selectors weigh of one iteration (docs/cuts.md), summed over all that happens.

    Args:
        fleet: the devices and what they draw.
        devices: the run's table of devices.

    Returns:
        The energy; None where some profile does not say what it draws.
    """
    columns = ["compute_s", "elapsed_s", "uplink_bytes", "downlink_bytes"]
    totals = devices.groupby("device")[columns].sum().to_dict("index")
    energy_j = 0.0
    for device in fleet.clients:
        busy_w, idle_w, radio_j_per_byte = (getattr(device.profile, field) for field in POWER_KEYS)
        if busy_w is None or idle_w is None or radio_j_per_byte is None:
            return None
        spent = totals.get(device.name)
        if spent is not None:
            n_bytes = spent["uplink_bytes"] + spent["downlink_bytes"]
            idle_s = spent["elapsed_s"] - spent["compute_s"]
            energy_j += busy_w * spent["compute_s"] + idle_w * idle_s + radio_j_per_byte * n_bytes
    return energy_j
