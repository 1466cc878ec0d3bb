"""What ``hetedge list`` prints: everything that can be named in a scenario or on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from analysis.comparison import exposed
from devices.fleet import ClientMix, Fleet
from devices.profile import catalog_names, load_profile
from devices.units import Kind, humanize
from models.cache import data_root
from models.catalog import DATASETS, DatasetInfo
from models.finding import find_fetched, find_given
from models.model_options import MODELS
from scenarios.load import library_names
from scenarios.locate import sweep_names
from scenarios.sweep_reading import read_sweep_file
from simulator.cuts.selectors import SELECTORS
from simulator.ledger import Disclosure, LedgerLine, ledger_facts
from simulator.registry import STRATEGIES, load
from simulator.tables import aligned


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
    rows = [["name", "images", "description"]]
    for name, model in MODELS.items():
        rows.append([name, ", ".join("x".join(map(str, shape)) for shape in model.image_shapes), model.title])
    return aligned(rows)


def strategies() -> str:
    """Return the strategies, each with its ablations and what it sends, of whom others get what whole."""
    rows = [["name", "description"]]
    for name, one in STRATEGIES.items():
        rows.append([name, one.title])
        if one.ablations:
            changes = (f"{name}/{key} ({', '.join(values)})" for key, values in one.ablations.items())
            rows.append(["", f"ablations: {', '.join(changes)}"])
        rows.append(["", _reveals(one.reveals)])
    return aligned(rows)


def _reveals(disclosures: Sequence[Disclosure]) -> str:
    """Return one line on what a strategy sends, and on what leaves a device as it is."""
    kinds = ", ".join(dict.fromkeys(str(one.kind).replace("_", " ") for one in disclosures))
    ways = exposed(ledger_facts([LedgerLine(one, 0.0) for one in disclosures]))
    shown = [f"{what.replace('_', ' ')} {', '.join(found)}" for what, found in ways.items() if found]
    return f"sends {kinds}; others get {'; '.join(shown) or 'no image, no label and no whole network'}"


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


def sweeps() -> str:
    """Return the library of sweeps, each with its size and what it varies."""
    rows = [["name", "base", "jobs", "axes"]]
    for name in sweep_names():
        file = read_sweep_file(name)
        axes = ", ".join(f"{axis.name} ({len(axis.choices)})" for axis in file.axes)
        rows.append([name, file.base, str(file.job_count), axes])
    return aligned(rows)


LISTINGS: Mapping[str, Callable[[], str]] = {
    "devices": devices,
    "datasets": datasets,
    "models": models,
    "strategies": strategies,
    "selectors": selectors,
    "scenarios": scenarios,
    "sweeps": sweeps,
}


def assumed_numbers(fleet: Fleet) -> str:
    """Return, as YAML comments, the numbers of a fleet's profiles that are assumed rather than cited."""
    lines = ["# assumed numbers of the profiles in use:"]
    profiles = {device.profile.name: device.profile for device in fleet.devices}
    for name, profile in sorted(profiles.items()):
        lines += [f"#   {name}.{key}: {reason}" for key, reason in profile.assumed.items()]
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""
