"""Whether what a strategy puts on a device fits its memory."""

from __future__ import annotations

from collections.abc import Sequence

from devices.fleet import Device
from simulator.setting import Setting


def check_memory(setting: Setting, needs: Sequence[tuple[Device, int, str]]) -> None:
    """Refuse a run whose devices cannot hold their part.

    Args:
        setting: the run's setting.
        needs: a device, the bytes it needs at its peak, and what they are for, in words.

    Raises:
        ScenarioError: some device needs more than its profile has; the one that lacks most is named.
    """
    lacking = [
        (needed / limit, device, needed, limit, what)
        for device, needed, what in needs
        if (limit := device.profile.memory_bytes) is not None and needed > limit
    ]
    if not lacking:
        return
    _, device, needed, limit, what = max(lacking, key=lambda one: one[0])
    came = f"{what} needs {needed / 1e6:.4g} MB on {device.name} ({device.profile.name})"
    allowed = (
        f"allowed: {limit / 1e6:.4g} MB, which it has; {len(lacking)} of {len(needs)} devices lack memory"
    )
    raise setting.loaded.error(_key_of(device, setting), came, allowed)


def _key_of(device: Device, setting: Setting) -> str:
    """Return the key of the scenario that a device stands under."""
    if device.edge is not None:
        return "strategy.edge"
    return "devices.server" if device is setting.fleet.server else "devices.clients"
