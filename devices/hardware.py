"""The numbers of a device as a YAML file writes them: keys without unit suffix, values with a unit.

`HardwareOptions` is shared by profile files and by the overrides of a scenario's fleet, so a key means the
same in both. `si_values` hands them on under the names `devices.profile.DeviceProfile` uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from devices.link_ranges import LEAST_WEIGHT, MOST_WEIGHT, LinkLatency, LinkRate
from devices.units import Bytes, BytesPerSecond, FlopsPerSecond, Hertz, Joules, JoulesPerByte, Seconds, Watts

SI_FIELDS: Mapping[str, str] = {
    "clock": "clock_hz",
    "flops_per_cycle": "flops_per_cycle",
    "efficiency": "efficiency",
    "measured_flops_per_s": "measured_flops_per_s",
    "memory": "memory_bytes",
    "memory_bandwidth": "memory_bandwidth_bytes_per_s",
    "kernel_overhead": "kernel_overhead_s",
    "uplink": "uplink_bytes_per_s",
    "downlink": "downlink_bytes_per_s",
    "latency": "latency_s",
    "idle_power": "idle_power_w",
    "busy_power": "busy_power_w",
    "radio_energy": "radio_j_per_byte",
    "battery": "battery_j",
    "loss": "loss",
    "share_weight": "share_weight",
}
"""YAML key -> field of DeviceProfile, whose name carries the SI unit."""


def _not_zero(n_bytes: float) -> float:
    if n_bytes == 0:
        raise ValueError("a memory of 0 bytes; memory must be greater than 0 (leave it out for no limit)")
    return n_bytes


def _not_empty(energy_j: float) -> float:
    if energy_j == 0:
        raise ValueError("a battery of 0 J; it must hold more than 0 (leave it out for mains)")
    return energy_j


class HardwareOptions(BaseModel):
    """Hardware numbers that may each be left out; a key given as null counts as left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clock: Hertz | None = Field(None, description="Clock frequency.", examples=["1.5 GHz"])
    flops_per_cycle: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        strict=True,
        examples=[32],
        description="Peak float32 operations per clock cycle, all cores together; a multiply-add counts 2.",
    )
    efficiency: float | None = Field(
        None,
        gt=0,
        le=1,
        strict=True,
        examples=[0.4],
        description="Share of the peak that training kernels reach, 0 < e <= 1.",
    )
    measured_flops_per_s: FlopsPerSecond | None = Field(
        None,
        description="Measured training speed (hetedge calibrate); replaces clock x flops_per_cycle x efficiency.",
        examples=["12.5 GFLOP/s"],
    )
    memory: Annotated[Bytes, AfterValidator(_not_zero)] | None = Field(
        None, description="Memory a training step may fill; left out = unlimited.", examples=["2 GiB"]
    )
    memory_bandwidth: BytesPerSecond | None = Field(
        None,
        description="Rate at which kernels touch memory; left out = not limiting.",
        examples=["4 GB/s"],
    )
    kernel_overhead: Seconds | None = Field(
        None, description="Fixed time per kernel launch.", examples=["5 us"]
    )
    uplink: LinkRate | None = Field(
        None,
        description="Rate of the access link towards the network, 0.01 B/s to 1e18 B/s.",
        examples=["50 MB/s", "20 Mbit/s"],
    )
    downlink: LinkRate | None = Field(
        None,
        description="Rate of the access link from the network, 0.01 B/s to 1e18 B/s.",
        examples=["50 MB/s", "20 Mbit/s"],
    )
    latency: LinkLatency | None = Field(
        None, description="One-way propagation delay of the access link, up to 1e9 s.", examples=["5 ms"]
    )
    idle_power: Watts | None = Field(None, description="Power drawn while waiting.", examples=["2 W"])
    busy_power: Watts | None = Field(None, description="Power drawn while computing.", examples=["6.5 W"])
    radio_energy: JoulesPerByte | None = Field(
        None, description="Energy per byte sent or received.", examples=["100 nJ/B"]
    )
    battery: Annotated[Joules, AfterValidator(_not_empty)] | None = Field(
        None,
        description="Energy after which the device is off for good; left out = it is on mains.",
        examples=["40 kJ"],
    )
    loss: float | None = Field(
        None,
        ge=0,
        lt=1,
        strict=True,
        examples=[0.01],
        description="Share of what crosses the access link that is lost, and sent again; left out = 0.",
    )
    share_weight: float | None = Field(
        None,
        ge=LEAST_WEIGHT,
        le=MOST_WEIGHT,
        allow_inf_nan=False,
        strict=True,
        examples=[2],
        description="Weight of the device's transfers where links are shared, 1e-9 to 1e9; left out = 1.",
    )


def si_values(options: HardwareOptions) -> dict[str, float]:
    """Return the numbers that were given, as ``{DeviceProfile field: value in SI units}``."""
    written = {field: getattr(options, key) for key, field in SI_FIELDS.items()}
    return {field: value for field, value in written.items() if value is not None}
