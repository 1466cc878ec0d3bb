"""The energy that a run's clients use."""

from __future__ import annotations

import pandas as pd

from devices.fleet import Fleet
from simulator.cuts.quantities import POWER_KEYS


def clients_energy_j(fleet: Fleet, devices: pd.DataFrame) -> float | None:
    """Return the energy of all client devices over a run, in joules.

    Busy power while a device computes, idle power while it is there and does not, nothing while it is off, and the
    radio's energy for every byte that it sends or receives: what the cut selectors weigh of one iteration
    (docs/cuts.md), summed over all that happens.

    Args:
        fleet: the devices.
        devices: the run's table of devices.

    Returns:
        The energy; None where some profile does not say what it draws.
    """
    if any(getattr(device.profile, field) is None for device in fleet.clients for field in POWER_KEYS):
        return None
    clients = {device.name for device in fleet.clients}
    return float(devices.loc[devices["device"].isin(clients), "energy_j"].sum())
