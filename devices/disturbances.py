"""What may go wrong on devices and links: the options of the `disturbances` section, and what they make of each.

Every kind of disturbance draws under a purpose of its own, for each client, so that one more changes no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from devices.availability import Draw, OfClient
from devices.condition_error import ConditionError
from devices.link_ranges import LEAST_FACTOR, MOST_FACTOR
from devices.names import Names, UnknownNameError
from devices.time_functions import Factor, Point, Span, Steps, alternating, during, timeline
from devices.trace_file import Row, TraceFile
from devices.units import PositiveSeconds, Seconds

COLUMNS = ("link", "time_s", "factor")
"""Of a trace of links: a line says what share of its rate a link has from a time on."""

LINK = "link "
"""What the name of a link begins with where devices are named too."""

_KEY = "disturbances"
_Found = TypeVar("_Found")


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _not_a_trickle(factor: float) -> float:
    if 0 < factor < LEAST_FACTOR:
        raise ValueError(f"{factor}; allowed: 0, or a number of at least {LEAST_FACTOR} and below 1")
    return factor


class SpellOptions(_Options):
    """Spells that come over each client by itself, at random."""

    mean_every: PositiveSeconds = Field(
        description="Mean time from the end of one to the start of the next, exponentially drawn.",
        examples=["5 min"],
    )
    mean_for: PositiveSeconds = Field(
        description="Mean time that one lasts, exponentially drawn.", examples=["30 s"]
    )
    factor: Annotated[float, AfterValidator(_not_a_trickle)] = Field(
        ge=0,
        lt=1,
        strict=True,
        description="What is left of the rate in a spell: 0, or 1e-6 to below 1.",
        examples=[0.3],
    )

    def of_clients(self, kind: str, draw: Draw) -> OfClient:
        """Return the share of its rate that each client has as a function of time.

        Args:
            kind: The key in the section; what is drawn depends on it.
            draw: Where random numbers come from.
        """

        def of_client(client: int) -> Factor:
            rng = draw(f"disturbance.{kind}", client)
            return alternating(rng, (1.0, self.factor), (self.mean_every, self.mean_for), first=0)

        return of_client


class LinkTraceOptions(_Options):
    """Rates of links that a file tells."""

    file: Annotated[str, Field(strict=True, min_length=1)] = Field(
        description=f"Path of a CSV file with the columns {','.join(COLUMNS)}: what a link's rate is multiplied by.",
        examples=["bandwidth.csv"],
    )
    repeat: PositiveSeconds | None = Field(
        None,
        description="Time after which the file begins again; left out = its last lines stay true.",
        examples=["10 min"],
    )

    def of_links(self, names: Names, base_dir: Path | None = None) -> dict[str, Factor]:
        """Read the links that the file names, each with its function of time: 1 before its first line.

        Raises:
            ConditionError: The file cannot be used.
        """
        trace = TraceFile(self.file, COLUMNS, f"{_KEY}.bandwidth_trace.file", base_dir)
        points: dict[str, list[Point]] = {}
        for row in trace.rows():
            time_s = trace.number(row, 1)
            if self.repeat is not None and time_s >= self.repeat:
                allowed = f"less than {self.repeat:.12g}, when the file repeats"
                trace.refuse(row, f"time_s is {row.cells[1]}", allowed)
            factor = _factor(trace, row)
            for link in self._links(trace, row, names):
                earlier = points.setdefault(link, [(0.0, 1.0)])
                if time_s <= earlier[-1][0] and len(earlier) > 1:
                    came = f"{link} at {row.cells[1]} s, after it was at {earlier[-1][0]:.12g} s"
                    trace.refuse(
                        row, came, "the lines of a link in the order of their times, and each time once"
                    )
                earlier.append((time_s, factor))
        return {link: timeline(steps, self.repeat) for link, steps in points.items()}

    def _links(self, trace: TraceFile, row: Row, names: Names) -> tuple[str, ...]:
        try:
            return tuple(names.links(row.cells[0]))
        except UnknownNameError as error:
            came, _, allowed = str(error).partition("; ")
            trace.refuse(row, came, allowed)


def _factor(trace: TraceFile, row: Row) -> float:
    factor = trace.number(row, 2)
    if factor != 0 and not LEAST_FACTOR <= factor <= MOST_FACTOR:
        allowed = f"0, or a number from {LEAST_FACTOR} to {MOST_FACTOR:.0f}"
        trace.refuse(row, f"factor is {row.cells[2]!r}", allowed)
    return factor


class OutageOptions(_Options):
    """A scheduled time in which a device is away or a link carries nothing."""

    what: Annotated[str, Field(strict=True, min_length=1)] = Field(
        description="A device, such as server or client-3, or a link, such as 'link client-3 up'.",
        examples=["client-3"],
    )
    from_s: Seconds = Field(alias="from", description="When it begins.", examples=["10 min"])
    until: PositiveSeconds | None = Field(
        None, description="When it ends; left out = it is for good.", examples=["12 min"]
    )

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> OutageOptions:
        if self.until is not None and self.until <= self.from_s:
            came = f"an outage from {self.from_s:.12g} s until {self.until:.12g} s"
            raise ValueError(f"{came}; until must be later than from")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Python keeps the word `from` to itself."""
        return {{"from_s": "from"}.get(key, key): value for key, value in handler(self).items()}

    @property
    def span(self) -> Span:
        """From when until when, in seconds."""
        return self.from_s, math.inf if self.until is None else self.until


class DisturbanceOptions(_Options):
    """The `disturbances` section of a scenario."""

    slowdown: SpellOptions | None = Field(
        None, description="Spells in which a client computes slower; left out = none."
    )
    bandwidth: SpellOptions | None = Field(
        None, description="Spells in which both access links of a client are narrower; left out = none."
    )
    bandwidth_trace: LinkTraceOptions | None = Field(
        None,
        description="Rates of links as a file tells them; spells multiply them further; left out = none.",
    )
    outages: tuple[OutageOptions, ...] = Field(
        (),
        description="Scheduled outages of devices and links.",
        examples=[[{"what": "client-3", "from": "10 min", "until": "12 min"}]],
    )

    def device_outages(self, names: Names) -> dict[int, Factor]:
        """Return the devices that have outages, each with a function that is 0 in them and 1 else.

        Raises:
            ConditionError: An outage is of something that is not there.
        """
        spans: dict[int, list[Span]] = {}
        for index, outage in enumerate(self.outages):
            if not outage.what.startswith(LINK):
                device = _named(index, names.device, outage.what)
                spans.setdefault(device.id, []).append(outage.span)
        return {device: _closed(of_device) for device, of_device in spans.items()}

    def link_outages(self, names: Names) -> dict[str, Factor]:
        """Return the links that have outages, by name, each with a function that is 0 in them and 1 else.

        Raises:
            ConditionError: An outage is of something that is not there.
        """
        spans: dict[str, list[Span]] = {}
        for index, outage in enumerate(self.outages):
            if outage.what.startswith(LINK):
                for link in _named(index, names.links, outage.what.removeprefix(LINK)):
                    spans.setdefault(link, []).append(outage.span)
        return {link: _closed(of_link) for link, of_link in spans.items()}


def _closed(spans: list[Span]) -> Factor:
    return Steps(during(spans, inside=0.0, outside=1.0))


def _named(index: int, find: Callable[[str], _Found], name: str) -> _Found:
    try:
        return find(name)
    except UnknownNameError as error:
        raise ConditionError(f"{_KEY}.outages.{index}.what", str(error)) from None
