"""Which devices take part: the `devices` section of a scenario, and the fleet built from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from devices.hardware import SI_FIELDS, HardwareOptions
from devices.link_ranges import LEAST_RATE_BYTES_PER_S, MOST_RATE_BYTES_PER_S, RATE
from devices.profile import DeviceProfile, OverrideError, check_reference, load_profile, reference_schema
from devices.roster import Order, Roster, deal, mix_counts, own_numbers, profiles_of_clients
from devices.spread import Floats, Spread, SpreadError, sigmas_of

SERVER_ID = -1
"""Id of the server; clients are 0, 1, 2, ..., and edge servers come after them."""

ProfileReference = Annotated[
    str,
    Field(strict=True, description="Name in the device catalogue, or path of a profile file (.yaml)."),
    AfterValidator(check_reference),
    WithJsonSchema(reference_schema()),
]
_ProfileName = Annotated[str, WithJsonSchema(reference_schema())]
"""The same to an editor; `_pick_server` makes the check."""

MOST_CLIENTS = 10_000_000
"""Clients of one entry at most; a larger number is a slip of the pen."""

MOST_LANES = 65_536
"""Lanes of a server at most."""

Count = Annotated[int, Field(strict=True, ge=1, le=MOST_CLIENTS)]
Share = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class _ProfileEntry(HardwareOptions):
    """A profile and the numbers that replace its own."""

    profile: ProfileReference

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(f"the text {value!r}; write a mapping such as {{profile: {value}}}")
        return value


class ServerEntry(_ProfileEntry):
    """The server: a profile, with overrides, and how it serves many at once."""

    lanes: Annotated[int, Field(strict=True, ge=1, le=MOST_LANES)] = Field(
        1, description="Pieces of work that run at once, each at the full rate."
    )
    sharing: Literal["fifo", "processor"] = Field(
        "fifo",
        description="fifo = first come first served, a lane each; processor = all at once, sharing the lanes equally.",
    )


class ClientEntry(_ProfileEntry):
    """A number of like clients: a profile, with overrides, and how many."""

    count: Count = Field(1, description="How many of them.")
    spread: Spread = None


def _check_mix_names(mix: Mapping[str, float]) -> Mapping[str, float]:
    errors = []
    for name in mix:
        try:
            check_reference(name)
        except ValueError as error:
            # The message may hold braces, which a template would read as fields: hand it over as a value.
            wrapped = PydanticCustomError("value_error", "{error}", {"error": str(error)})
            errors.append(InitErrorDetails(type=wrapped, loc=(name,), input=name))
    if errors:
        raise ValidationError.from_exception_data("mix", errors)
    return mix


def _check_mix_sum(mix: Mapping[str, float]) -> Mapping[str, float]:
    if not mix:
        raise ValueError("an empty mix; at least one profile with its share is needed")
    total = math.fsum(mix.values())
    if abs(total - 1) > 1e-9:
        raise ValueError(f"shares that sum to {total:.12g}; they must sum to 1")
    return mix


class ClientMix(BaseModel):
    """Clients drawn up from shares: `count` devices dealt by largest remainder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mix: Annotated[dict[str, Share], AfterValidator(_check_mix_names), AfterValidator(_check_mix_sum)] = (
        Field(
            description="Share of each profile (name or path), greater than 0, all together 1.",
            examples=[{"raspberry-pi-4": 0.75, "phone-2024": 0.25}],
            json_schema_extra={"minProperties": 1, "propertyNames": reference_schema()},
        )
    )
    count: Count = Field(description="How many clients in all.", examples=[100])
    spread: Spread = None


_ENTRIES: TypeAdapter[tuple[ClientEntry, ...]] = TypeAdapter(tuple[ClientEntry, ...])


def _pick_clients(value: object, info: ValidationInfo) -> object:
    """Validate as what the writer meant, so that a mistake is reported once and at its own key."""
    if isinstance(value, ClientMix):
        return value
    if isinstance(value, Mapping):
        if "mix" in value:
            return ClientMix.model_validate(value, context=info.context)
        keys = ", ".join(map(str, value)) or "none"
        raise ValueError(
            f"a mapping without the key mix (its keys: {keys}); "
            "write a list of {profile: NAME, count: N}, or {mix: {NAME: SHARE, ...}, count: N}"
        )
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise ValueError(
            f"{value!r}; write a list of {{profile: NAME, count: N}}, or {{mix: {{NAME: SHARE, ...}}, count: N}}"
        )
    if not value:
        raise ValueError("an empty list; at least one client is needed")
    return _ENTRIES.validate_python(value, context=info.context)


def _pick_server(value: object, info: ValidationInfo) -> object:
    if isinstance(value, ServerEntry):
        return value
    if isinstance(value, Mapping):
        return ServerEntry.model_validate(value, context=info.context)
    if isinstance(value, str):
        return check_reference(value)
    raise ValueError(
        f"{value!r}; write a profile's name or path, or a mapping such as {{profile: paper-server}}"
    )


class FleetOptions(BaseModel):
    """The `devices` section of a scenario."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server: Annotated[_ProfileName | ServerEntry, BeforeValidator(_pick_server)] = Field(
        "paper-server", description="Profile of the server, or a mapping of profile and overrides."
    )
    clients: Annotated[
        Annotated[tuple[ClientEntry, ...], Field(min_length=1)] | ClientMix, BeforeValidator(_pick_clients)
    ] = Field(
        description="List of {profile, count, overrides}, or {mix: {profile: share}, count}.",
        examples=[[{"profile": "raspberry-pi-4", "count": 4}, {"profile": "phone-2024", "count": 4}]],
    )
    order: Order = Field("interleaved", description="How clients get their ids, and so meet their domains.")


@dataclass(frozen=True)
class Device:
    """One device of the fleet."""

    id: int
    """SERVER_ID for the server, 0 to N - 1 for clients, N, N + 1, ... for edge servers."""
    profile: DeviceProfile
    """What it can do; devices of one entry share the object."""
    edge: int | None = None
    """An edge server's number among them, from 0; None for all other devices."""

    @property
    def name(self) -> str:
        """Name in records and tables, which begins with its role: ``server``, ``client-3`` or ``edge-0``."""
        if self.edge is not None:
            return f"edge-{self.edge}"
        return "server" if self.id == SERVER_ID else f"client-{self.id}"


@dataclass(frozen=True)
class Fleet:
    """One server, its clients and, where a strategy has them, the edge servers between them.

    Client i stands at position i and has id i; edge server e of N clients has id N + e.
    """

    server: Device
    clients: tuple[Device, ...]
    edges: tuple[Device, ...] = ()

    @property
    def devices(self) -> tuple[Device, ...]:
        """All devices in the order of their ids: the server, the clients, the edge servers."""
        return (self.server, *self.clients, *self.edges)

    def device(self, device_id: int) -> Device:
        """Return the device of an id.

        Raises:
            ValueError: No device has it.
        """
        if device_id == SERVER_ID:
            return self.server
        clients, last = len(self.clients), len(self.clients) + len(self.edges) - 1
        if not 0 <= device_id <= last:
            raise ValueError(
                f"no device has the id {device_id}; allowed: {SERVER_ID} (server) and 0 to {last}"
            )
        return self.clients[device_id] if device_id < clients else self.edges[device_id - clients]

    def with_edges(self, profile: DeviceProfile, count: int) -> Fleet:
        """Return this fleet with so many like edge servers, in place of those it has."""
        first = len(self.clients)
        return replace(
            self, edges=tuple(Device(first + number, profile, edge=number) for number in range(count))
        )


class FleetError(ValueError):
    """A fleet that cannot be built, with the place in the `devices` section that is to blame."""

    def __init__(self, key_path: str, message: str) -> None:
        super().__init__(message)
        self.key_path = key_path
        """Key path inside the section, such as ``clients.0.profile``."""
        came, _, allowed = message.partition("; ")
        self.came = came
        """What was given."""
        self.allowed = allowed
        """What would have been right."""


def build_roster(options: FleetOptions, rng: np.random.Generator, base_dir: Path | None = None) -> Roster:
    """Read the profiles of a scenario and deal them to its clients; see `build_fleet` for the arguments.

    Raises:
        FleetError: A profile file cannot be used, or an override or a spread has no effect.
    """
    loader = _Loader(base_dir)
    entry = options.server
    server = loader.load(entry, "server") if isinstance(entry, str) else _serving(loader, entry)
    groups = _groups(options.clients, loader, rng)
    group_of = deal(np.array([group.number for group in groups], dtype=np.int64), options.order, rng)
    sigmas = np.array([group.sigmas for group in groups], dtype=np.float64)
    return Roster(server, tuple(group.profile for group in groups), group_of, sigmas)


def build_fleet(
    options: FleetOptions,
    rng: np.random.Generator,
    base_dir: Path | None = None,
    spread_rng: np.random.Generator | None = None,
) -> Fleet:
    """Build the devices of a scenario.

    Args:
        options: The `devices` section.
        rng: Used for `order: shuffled` and for ties between equal remainders of a mix; nothing else is drawn.
        base_dir: Where relative profile paths count from; None = the working directory.
        spread_rng: Used for `spread` alone; may be left out where nothing is spread.

    Returns:
        The fleet. Clients that are alike share one profile object.

    Raises:
        FleetError: A profile file cannot be used, an override or a spread has no effect, or a spread goes too far.
        ValueError: Something is spread, but there is no `spread_rng`.
    """
    roster = build_roster(options, rng, base_dir)
    profiles = profiles_of_clients(roster, spread_numbers(options, roster, spread_rng))
    clients = tuple(Device(position, profile) for position, profile in enumerate(profiles))
    return Fleet(Device(SERVER_ID, roster.server), clients)


def spread_numbers(
    options: FleetOptions, roster: Roster, spread_rng: np.random.Generator | None
) -> dict[str, Floats]:
    """Return what clients have of their own, by field of a profile; see `devices.roster.own_numbers`.

    Raises:
        FleetError: A rate that was drawn is beyond what a link may have.
        ValueError: Something is spread, but there is no `spread_rng`.
    """
    own = own_numbers(roster, spread_rng)
    for key in ("uplink", "downlink"):
        rates = own.get(SI_FIELDS[key], np.empty(0))
        beyond = np.flatnonzero((rates < LEAST_RATE_BYTES_PER_S) | (rates > MOST_RATE_BYTES_PER_S))
        if beyond.size:
            client = int(beyond[0])
            place = "" if isinstance(options.clients, ClientMix) else f".{roster.group_of[client]}"
            raise FleetError(
                f"clients{place}.spread",
                f"client-{client} would have a rate of {rates[client]:.3g} B/s as its {key}; "
                f"allowed: a spread that leaves every rate {RATE.bounds}",
            )
    return own


def _serving(loader: _Loader, entry: ServerEntry) -> DeviceProfile:
    """Return the server's profile with its overrides, and how it serves."""
    served = {"lanes": entry.lanes, "processor_sharing": entry.sharing == "processor"}
    return loader.overridden(entry, "server").model_copy(update=served)


class _Loader:
    """Reads each profile once and keeps one object for each distinct set of overrides."""

    def __init__(self, base_dir: Path | None) -> None:
        self._base_dir = base_dir
        self._profiles: dict[str, DeviceProfile] = {}
        self._overridden: dict[tuple[Any, ...], DeviceProfile] = {}

    def load(self, reference: str, key_path: str) -> DeviceProfile:
        if reference not in self._profiles:
            try:
                self._profiles[reference] = load_profile(reference, self._base_dir)
            except ValueError as error:
                raise FleetError(key_path, str(error)) from None
        return self._profiles[reference]

    def overridden(self, entry: _ProfileEntry, key_path: str) -> DeviceProfile:
        identity = (entry.profile, *(getattr(entry, key) for key in SI_FIELDS))
        if identity not in self._overridden:
            profile = self.load(entry.profile, f"{key_path}.profile")
            try:
                self._overridden[identity] = profile.override(entry)
            except OverrideError as error:
                raise FleetError(f"{key_path}.{error.key}", str(error)) from None
        return self._overridden[identity]


class _Group(NamedTuple):
    """Like clients."""

    profile: DeviceProfile
    number: int
    sigmas: tuple[float, ...]


def _groups(
    clients: tuple[ClientEntry, ...] | ClientMix, loader: _Loader, rng: np.random.Generator
) -> list[_Group]:
    if isinstance(clients, ClientMix):
        counts = mix_counts(list(clients.mix.values()), clients.count, rng)
        profiles = [loader.load(name, f"clients.mix.{name}") for name in clients.mix]
        sigmas = _sigmas(clients, profiles, "clients")
        return [_Group(*one, sigmas) for one in zip(profiles, counts, strict=True)]
    groups = []
    for index, entry in enumerate(clients):
        profile = loader.overridden(entry, f"clients.{index}")
        groups.append(_Group(profile, entry.count, _sigmas(entry, [profile], f"clients.{index}")))
    return groups


def _sigmas(
    entry: ClientEntry | ClientMix, profiles: Sequence[DeviceProfile], key_path: str
) -> tuple[float, ...]:
    try:
        return sigmas_of(entry.spread, profiles)
    except SpreadError as error:
        raise FleetError(f"{key_path}.spread.{error.key}", str(error)) from None
