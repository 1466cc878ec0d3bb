"""What the array path cannot play, refused at the key that asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel

from devices.fleet import ClientMix, FleetOptions
from devices.fleet_arrays import FleetArrays
from scenarios.load import Loaded, ScenarioError

NETWORKS = ("ideal", "dedicated", "paper")
SELECTORS = ("fixed", "homogeneous", "random")
SELECTOR_KEYS = frozenset({"selector", "per_client", "every_client", "max_evaluations"})
"""Keys of these selectors that the array path knows; all others must have their defaults."""

INSTEAD = "--engine events plays everything, on fewer devices"


def check_scenario(loaded: Loaded, strategies: Collection[str]) -> None:
    """Refuse a scenario that asks for more than arrays can tell.

    Args:
        loaded: the scenario.
        strategies: those that have an array path.

    Raises:
        ScenarioError: at the first key that does.
    """
    scenario = loaded.scenario
    _one_of(loaded, "strategy.name", scenario.strategy.name, strategies)
    _one_of(loaded, "network.model", scenario.network.model, NETWORKS)
    _one_of(loaded, "availability.model", scenario.availability.model, ("always",))
    _default(loaded, "availability", scenario.availability)
    _default(loaded, "disturbances", scenario.disturbances)
    _everybody_takes_part(loaded)
    if scenario.strategy.name == "huscf_gan":
        _one_of(loaded, "cuts.selector", scenario.cuts.selector, SELECTORS)
        _default(loaded, "cuts", scenario.cuts, but=SELECTOR_KEYS)


def check_fleet(loaded: Loaded, fleet: FleetArrays) -> None:
    """Refuse a server that does several things at once, and devices that may run out of energy in the middle of one.

    Raises:
        ScenarioError: some device has a battery, or the server lanes or processor sharing.
    """
    options: FleetOptions = loaded.scenario.devices
    if fleet.server.lanes != 1:
        raise _refusal(loaded, "devices.server.lanes", f"{fleet.server.lanes}", "1")
    if fleet.server.processor_sharing:
        raise _refusal(loaded, "devices.server.sharing", "'processor'", "fifo")
    listed = (
        {} if isinstance(options.clients, ClientMix) else {i: f".{i}" for i in range(len(fleet.profiles))}
    )
    profiles = {"server": fleet.server} | {
        f"clients{listed.get(group, '')}": profile for group, profile in enumerate(fleet.profiles)
    }
    for place, profile in profiles.items():
        if profile.battery_j is not None:
            raise _refusal(loaded, f"devices.{place}", f"{profile.name} with a battery", "devices on mains")


def _everybody_takes_part(loaded: Loaded) -> None:
    """Refuse whatever lets an iteration or a round go on without somebody."""
    strategy = loaded.scenario.strategy
    patience = getattr(strategy, "patience", None)
    if patience is not None:
        _one_of(loaded, "strategy.patience.kind", patience.kind, ("all",))
    aggregation = getattr(strategy, "aggregation", None)
    if aggregation is not None:
        _one_of(loaded, "strategy.aggregation.kind", aggregation.kind, ("sync",))
    share = getattr(strategy, "client_share", 1.0)
    if share != 1.0:
        raise _refusal(loaded, "strategy.client_share", f"{share}", "1.0")


def _one_of(loaded: Loaded, key: str, came: str, allowed: Collection[str]) -> None:
    if came not in allowed:
        raise _refusal(loaded, key, repr(came), ", ".join(allowed))


def _default(loaded: Loaded, key: str, options: BaseModel, but: Collection[str] = ()) -> None:
    """Refuse options, but for some of their keys, that are not what they are when left out."""
    for name, field in type(options).model_fields.items():
        left_out = field.get_default(call_default_factory=True)
        if name not in but and getattr(options, name) != left_out:
            raise _refusal(loaded, f"{key}.{name}", _told(getattr(options, name)), "its default")


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_told, value))}]"
    if isinstance(value, BaseModel):
        given: Mapping[str, Any] = value.model_dump(mode="json", exclude_defaults=True)
        return f"{given}"
    return f"{value}"


def _refusal(loaded: Loaded, key: str, came: str, allowed: str) -> ScenarioError:
    return loaded.error(key, f"{came} with engine arrays", f"allowed there: {allowed} ({INSTEAD})")
