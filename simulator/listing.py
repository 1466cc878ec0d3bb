"""What ``hetedge list`` prints: everything that can be named in a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devices.fleet import ClientMix, Fleet
from devices.profile import catalog_names, load_profile
from devices.units import Kind, humanize
from models.cache import data_root
from models.catalog import DATASETS, DatasetInfo
from models.finding import find_fetched, find_given
from scenarios.load import library_names
from simulator.cuts.selectors import SELECTORS
from simulator.registry import STRATEGIES, load
from simulator.tables import aligned

CGAN28 = "conditional GAN for 28x28 grey images, any width (64 = the paper's)"


def devices() -> str:
    """Return the catalogue of devices with their rates, memory and links."""
    rows = [["name", "kind", "rate", "memory", "uplink", "downlink", "description"]]
    for name in catalog_names():
        profile = load_profile(name)
        memory = (
            humanize(profile.memory_bytes, Kind.BYTES) if profile.memory_bytes is not None else "unlimited"
        )
        rows.append(
            [
                name,
                profile.kind,
                humanize(profile.rate_flops_per_s, Kind.FLOPS_PER_S),
                memory,
                humanize(profile.uplink_bytes_per_s, Kind.BYTES_PER_S),
                humanize(profile.downlink_bytes_per_s, Kind.BYTES_PER_S),
                profile.description,
            ]
        )
    return aligned(rows)


def datasets() -> str:
    """Return the data sets with their sizes and shapes, where they are right now, and their licences."""
    rows = [["name", "train", "test", "shape", "classes", "where", "licence", "title"]]
    for name, info in DATASETS.items():
        shape = "x".join(map(str, info.image_shape))
        sizes = [str(info.train_images), str(info.test_images), shape, str(info.classes)]
        rows.append([name, *sizes, _where(info), info.licence, info.title])
    return aligned(rows)


def _where(info: DatasetInfo) -> str:
    """Say where a data set is right now; no file is opened."""
    if info.embedded:
        return "embedded"
    given = find_given(info.name, data_root())
    if given is not None:
        part = f" (a part: {given.layout.images} train)" if given.layout.images else ""
        return f"HETEDGE_DATA{part}"
    return "cache" if find_fetched(info.name) is not None else "would be downloaded"


def models() -> str:
    """Return the models."""
    return aligned(
        [
            ["name", "description"],
            ["cgan28", CGAN28],
        ]
    )


def strategies() -> str:
    """Return the strategies."""
    return aligned([["name", "description"], *([name, one.title] for name, one in STRATEGIES.items())])


def selectors() -> str:
    """Return the cut selectors."""
    rows = [[name, (one.options.__doc__ or "").splitlines()[0]] for name, one in SELECTORS.items()]
    return aligned([["name", "description"], *rows])


def scenarios() -> str:
    """Return the library of scenarios, each with its size."""
    rows = [["name", "devices", "domains", "strategy", "rounds"]]
    for name in library_names():
        scenario = load(name).scenario
        clients = scenario.devices.clients
        count = clients.count if isinstance(clients, ClientMix) else sum(entry.count for entry in clients)
        strategy = scenario.strategy
        rows.append([name, str(count), str(len(scenario.data.domains)), strategy.name, str(strategy.rounds)])
    return aligned(rows)


LISTINGS: Mapping[str, Callable[[], str]] = {
    "devices": devices,
    "datasets": datasets,
    "models": models,
    "strategies": strategies,
    "selectors": selectors,
    "scenarios": scenarios,
}


def assumed_numbers(fleet: Fleet) -> str:
    """Return, as YAML comments, the numbers of a fleet's profiles that are assumed rather than cited."""
    lines = ["# assumed numbers of the profiles in use:"]
    profiles = {device.profile.name: device.profile for device in fleet.devices}
    for name, profile in sorted(profiles.items()):
        lines += [f"#   {name}.{key}: {reason}" for key, reason in profile.assumed.items()]
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""
