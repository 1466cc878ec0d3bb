"""When clients are online: the options of the `availability` section, and what they make of each client.

Only clients come and go by these models; anything else does by the outages of `devices.disturbances`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from devices.condition_error import ConditionError
from devices.names import Names, UnknownNameError
from devices.time_functions import Factor, Span, Steps, alternating, during, timeline
from devices.trace_file import Row, TraceFile
from devices.units import PositiveSeconds

Draw: TypeAlias = Callable[..., np.random.Generator]
"""``draw(purpose, *numbers)``: a generator that depends on the seed and these arguments alone."""

OfClient: TypeAlias = Callable[[int], Factor | None]
"""Client -> a function of time; None = always 1."""

COLUMNS = ("device", "from_s", "until_s")
"""Of a trace of availability: a line is a span of time in which a client is online."""

_KEY = "availability.file"


class AvailabilityOptions(BaseModel):
    """What all models of availability have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    rejoin: Literal["kept", "reset"] = Field(
        "kept", description="What a client that was away still has: its networks and optimisers, or nothing."
    )

    @abstractmethod
    def online(self, names: Names, draw: Draw, base_dir: Path | None = None) -> OfClient | None:
        """Return when each client is online, as a function that is 1 then and 0 else.

        Args:
            names: The names of the fleet.
            draw: Where random numbers come from.
            base_dir: Where relative paths count from; None = the working directory.

        Returns:
            None where every client is always online.

        Raises:
            ConditionError: A file cannot be used.
        """


class AlwaysAvailable(AvailabilityOptions):
    """Every client is online for the whole run."""

    model: Literal["always"] = Field("always", description="Every client is online for the whole run.")

    def online(self, names: Names, draw: Draw, base_dir: Path | None = None) -> OfClient | None:
        """See `AvailabilityOptions.online`."""
        return None


class OnOffAvailable(AvailabilityOptions):
    """Every client comes and goes by itself, at random."""

    model: Literal["on_off"] = Field("on_off", description="Clients come and go at random.")
    mean_on: PositiveSeconds = Field(
        600.0, description="Mean of the time a client stays, exponentially drawn.", examples=["10 min"]
    )
    mean_off: PositiveSeconds = Field(
        120.0, description="Mean of the time it stays away, exponentially drawn.", examples=["2 min"]
    )
    starts: Literal["online", "stationary"] = Field(
        "online",
        description="Clients online at first: all, or each with the probability of any later moment.",
    )

    def online(self, names: Names, draw: Draw, base_dir: Path | None = None) -> OfClient | None:
        """See `AvailabilityOptions.online`."""
        share = self.mean_on / (self.mean_on + self.mean_off)

        def of_client(client: int) -> Factor:
            rng = draw("availability.on_off", client)
            # Drawn whether it counts or not, so that `starts` changes no other draw.
            at_home = rng.random() < share
            online = self.starts == "online" or at_home
            return alternating(rng, (1.0, 0.0), (self.mean_on, self.mean_off), first=0 if online else 1)

        return of_client


class DiurnalAvailable(AvailabilityOptions):
    """Every client is online for the same part of each period; when that begins differs between clients."""

    model: Literal["diurnal"] = Field("diurnal", description="Clients are online for a part of every day.")
    period: PositiveSeconds = Field(86400.0, description="Length of a day.", examples=["24 h"])
    online_share: float = Field(
        0.5, gt=0, lt=1, strict=True, description="Share of each day that a client is online, in one piece."
    )
    spread: float = Field(
        0.25,
        ge=0,
        le=1,
        strict=True,
        description="Clients begin at a drawn point of their day, from when they come online up to this share of it.",
    )

    def online(self, names: Names, draw: Draw, base_dir: Path | None = None) -> OfClient | None:
        """See `AvailabilityOptions.online`."""

        def of_client(client: int) -> Factor:
            into_day = self.spread * draw("availability.diurnal", client).random()
            left, comes = self.online_share - into_day, 1 - into_day
            spans = [(0.0, left), (comes, 1.0)] if left > 0 else [(comes, min(1 + left, 1.0))]
            scaled = [(start * self.period, end * self.period) for start, end in spans]
            return timeline(during(scaled, inside=1.0, outside=0.0), self.period)

        return of_client


class TraceAvailable(AvailabilityOptions):
    """Clients are online when a file says so."""

    model: Literal["trace"] = Field("trace", description="Clients are online when a CSV file says so.")
    file: Annotated[str, Field(strict=True, min_length=1)] = Field(
        description=f"Path of a CSV file with the columns {','.join(COLUMNS)}: when clients are online.",
        examples=["online.csv"],
    )
    repeat: PositiveSeconds | None = Field(
        None,
        description="Time after which the file begins again; left out = clients stay away after their last line.",
        examples=["24 h"],
    )
    others: Literal["always", "never"] | None = Field(
        None,
        description="When clients are online that the file does not name; left out = it must name all.",
        examples=["always"],
    )

    def online(self, names: Names, draw: Draw, base_dir: Path | None = None) -> OfClient | None:
        """See `AvailabilityOptions.online`."""
        spans = self._spans(names, base_dir)
        if self.others is None:
            missing = next((client for client in range(names.n_clients) if client not in spans), None)
            if missing is not None:
                message = f"'{self.file}' does not name client-{missing}"
                raise ConditionError(_KEY, f"{message}; name every client, or say others: always or never")

        def of_client(client: int) -> Factor | None:
            if client in spans:
                return timeline(during(spans[client], inside=1.0, outside=0.0), self.repeat)
            return None if self.others == "always" else Steps([(0.0, 0.0)])

        return of_client

    def _spans(self, names: Names, base_dir: Path | None) -> dict[int, list[Span]]:
        """Read when each client that is named is online."""
        trace = TraceFile(self.file, COLUMNS, _KEY, base_dir)
        spans: dict[int, list[Span]] = {}
        for row in trace.rows():
            try:
                client = names.client(row.cells[0])
            except UnknownNameError as error:
                came, _, allowed = str(error).partition("; ")
                trace.refuse(row, came, allowed)
            spans.setdefault(client, []).append(self._span(trace, row))
        return spans

    def _span(self, trace: TraceFile, row: Row) -> Span:
        endless = self.repeat is None
        start_s, end_s = trace.number(row, 1), trace.number(row, 2, endless)
        if not start_s < end_s:
            trace.refuse(row, f"from {row.cells[1]} until {row.cells[2]}", "an end after the start")
        if self.repeat is not None and end_s > self.repeat:
            trace.refuse(
                row, f"until_s is {row.cells[2]}", f"at most {self.repeat:.12g}, when the file repeats"
            )
        return start_s, end_s


AVAILABILITIES: Mapping[str, type[AvailabilityOptions]] = {
    "always": AlwaysAvailable,
    "on_off": OnOffAvailable,
    "diurnal": DiurnalAvailable,
    "trace": TraceAvailable,
}
"""Model name -> its options."""
