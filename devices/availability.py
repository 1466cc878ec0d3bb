"""When a device is online."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class AlwaysAvailable(BaseModel):
    """Every device is online for the whole run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Literal["always"] = "always"
    """Name of the availability model."""
