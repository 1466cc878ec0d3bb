"""Spread: like devices that are not quite alike. Every device's numbers are multiplied by factors of its own.

A factor is log-normal with mean 1: ``exp(sigma * z - sigma**2 / 2)`` with ``z`` standard normal. So the devices of an
entry have the entry's numbers on average, their logarithms have the standard deviation ``sigma`` (about the relative
standard deviation, where it is small), and half of them are below ``exp(-sigma**2 / 2)`` of the average.

Client ``i`` draws the same five normal numbers whatever else is in the fleet, one for each key, spread or not: more
devices, another key or another sigma change no other factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationInfo

from devices.profile import DeviceProfile

Floats: TypeAlias = NDArray[np.float64]

SPREAD_FIELDS: Mapping[str, tuple[str, ...]] = {
    "compute": ("clock_hz", "measured_flops_per_s"),
    "memory_bandwidth": ("memory_bandwidth_bytes_per_s",),
    "uplink": ("uplink_bytes_per_s",),
    "downlink": ("downlink_bytes_per_s",),
    "latency": ("latency_s",),
}
"""What can be spread -> the fields of a profile that its factor multiplies, where the profile has them."""

MOST_SPREAD = 3.0
"""The largest sigma: beyond it the fastest of a thousand devices is a billion times as fast as the slowest."""

Sigma = Annotated[float, Field(strict=True, ge=0, le=MOST_SPREAD, allow_inf_nan=False)]


class SpreadOptions(BaseModel):
    """How far the numbers of like devices lie apart: the sigma of each number's log-normal factor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    compute: Sigma = Field(0.0, description="Of the compute rate.", examples=[0.2])
    memory_bandwidth: Sigma = Field(0.0, description="Of the memory bandwidth.")
    uplink: Sigma = Field(0.0, description="Of the access link's rate towards the network.", examples=[0.3])
    downlink: Sigma = Field(0.0, description="Of the access link's rate from the network.", examples=[0.3])
    latency: Sigma = Field(0.0, description="Of the access link's propagation delay.")


_SIGMA: TypeAdapter[float] = TypeAdapter(Sigma)


def _pick_spread(value: object, info: ValidationInfo) -> object:
    """Validate as what the writer meant, so that a mistake is reported once and at its own key."""
    if value is None or isinstance(value, SpreadOptions):
        return value
    if isinstance(value, Mapping):
        return SpreadOptions.model_validate(value, context=info.context)
    if isinstance(value, bool) or not isinstance(value, int | float):
        keys = ", ".join(SPREAD_FIELDS)
        raise ValueError(f"{value!r}; write one number for everything, or a mapping with keys of: {keys}")
    return _SIGMA.validate_python(value)


Spread = Annotated[
    Sigma | SpreadOptions | None,
    BeforeValidator(_pick_spread),
    Field(
        description="Makes every device different: sigma of the log-normal factors (mean 1) on its numbers; one "
        "number for all of them, or a mapping. Left out = the devices are alike.",
        examples=[0.2, {"compute": 0.2, "uplink": 0.3}],
    ),
]
"""The key `spread` of an entry or a mix."""


class SpreadError(ValueError):
    """A spread of a number that no profile has. The message says "what came; what is allowed".

    Attributes:
        key: the key to blame, below `spread`.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def sigmas_of(spread: float | SpreadOptions | None, profiles: Sequence[DeviceProfile]) -> tuple[float, ...]:
    """Return the sigma of every key of :data:`SPREAD_FIELDS`, in their order; all 0 where nothing is spread.

    Args:
        spread: What the scenario says.
        profiles: Of the devices it is said of.

    Raises:
        SpreadError: A key is named that has no effect on any of the profiles.
    """
    if spread is None:
        return (0.0,) * len(SPREAD_FIELDS)
    if not isinstance(spread, SpreadOptions):
        return (float(spread),) * len(SPREAD_FIELDS)
    for key, fields in SPREAD_FIELDS.items():
        has_effect = any(getattr(profile, field) for profile in profiles for field in fields)
        if getattr(spread, key) > 0 and not has_effect:
            names = ", ".join(dict.fromkeys(repr(profile.name) for profile in profiles))
            raise SpreadError(
                key,
                f"{key} has no effect on {names}, which has none; give {key} a value, or leave it out here",
            )
    return tuple(float(getattr(spread, key)) for key in SPREAD_FIELDS)


def spread_columns(
    profiles: Sequence[DeviceProfile], group_of: NDArray[np.int64], sigmas: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """Draw every client's own numbers.

    Args:
        profiles: Of each group of like clients.
        group_of: The group of each client in the order of their ids, shape ``[N]``.
        sigmas: The sigma of each group and key of :data:`SPREAD_FIELDS`, shape ``[groups, 5]``.
        rng: Used for these draws alone.

    Returns:
        The numbers ``[N]`` by the field of a profile; NaN where the profile leaves the number out.
    """
    normal = rng.standard_normal((len(group_of), len(SPREAD_FIELDS)))
    columns: dict[str, Floats] = {}
    for place, fields in enumerate(SPREAD_FIELDS.values()):
        sigma = sigmas[:, place][group_of]
        factor = np.exp(sigma * normal[:, place] - sigma * sigma / 2)
        columns |= {field: field_values(profiles, field)[group_of] * factor for field in fields}
    return columns


def field_values(profiles: Sequence[DeviceProfile], field: str) -> Floats:
    """Return one number of each profile, shape ``[profiles]``; NaN where a profile leaves it out."""
    values = [getattr(profile, field) for profile in profiles]
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
