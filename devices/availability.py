"""When a device is online."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AlwaysAvailable(BaseModel):
    """Every device is online for the whole run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Literal["always"] = Field("always", description="Every device is online for the whole run.")
