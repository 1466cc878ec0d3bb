"""The setting of a run: its fleet, its network, its model's costs, and who holds which images.

Everything here follows from the scenario and its seed, whatever the strategy. Given the labels of the real data
it is the setting of a training run; without them it uses the catalogue's sizes and balanced labels, and opens
no data file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from devices.conditions import ConditionError, Conditions, build_conditions
from devices.fleet import Fleet, FleetError, build_fleet
from devices.profile import load_profile
from devices.topology import TopologyError
from models.architecture import Architecture
from models.catalog import (
    ASSUMED_IMAGES_OF_A_PATH,
    DataOptions,
    DatasetPath,
    ImageForm,
    balanced_labels,
    dataset_info,
    domain_name,
)
from models.model_options import shape_text
from models.paper import PaperWorkload
from models.partition import PartitionError, partition
from models.split import ModelCosts, model_costs
from models.workload import DataflowWorkload, Workload
from scenarios.load import Loaded, ScenarioError
from scenarios.schema import Scenario
from simulator.collector import seldom_collecting
from simulator.image_forms import assumed_forms, fitting_architecture
from simulator.kernel.battery import BatteryError, check_battery
from simulator.kernel.network import Network
from simulator.strategies.options import EdgeTier
from simulator.streams import Streams

log = logging.getLogger(__name__)

BYTES_PER_VALUE = {"float32": 4, "float64": 8}


@dataclass(frozen=True)
class DomainsOfClients:
    """Which client belongs to which domain.

    Attributes:
        domains: the domains' names, in scenario order.
        domain_of: the index of each client's domain.
    """

    domains: tuple[str, ...]
    domain_of: tuple[int, ...]

    def clients_of(self, domain: str) -> tuple[int, ...]:
        """Return the clients of a domain, sorted."""
        index = self.domains.index(domain)
        return tuple(client for client, own in enumerate(self.domain_of) if own == index)


@dataclass(frozen=True)
class Deal(DomainsOfClients):
    """Who holds what.

    Attributes:
        images: each client's images, as sorted indices into its domain's training images.
    """

    images: tuple[NDArray[np.intp], ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """``n_k``: the number of images of each client."""
        return tuple(len(indices) for indices in self.images)

    @property
    def images_sha256(self) -> tuple[str, ...]:
        """SHA-256 of each client's indices, as 64-bit little-endian numbers."""
        # Clients whose images are only assumed share one array.
        distinct = {id(indices): indices for indices in self.images}
        digests = {
            one: hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()
            for one, indices in distinct.items()
        }
        return tuple(digests[id(indices)] for indices in self.images)


@dataclass(frozen=True)
class RecordedDeal(DomainsOfClients):
    """What a run folder still tells of a deal: enough for time, and to know the deal again, but no images.

    Attributes:
        sizes: the number of images of each client.
        images_sha256: the digests of their indices, as a :class:`Deal` has them.
    """

    sizes: tuple[int, ...]
    images_sha256: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """The images of one client, as a run folder tells of them: their number, and the digest of their indices."""

    images: int
    images_sha256: str


@dataclass(frozen=True)
class Setting:
    """What every strategy finds when it starts.

    Attributes:
        loaded: the scenario and where its values stand.
        streams: the random numbers.
        fleet: the devices.
        network: the links between them.
        conditions: when devices are there, and how fast devices and links are, over simulated time.
        forms: the shape of every domain's images and its number of classes; the model may have more classes.
        architecture: the networks to train.
        workload: what an iteration of them costs.
        deal: who holds which images.
    """

    loaded: Loaded
    streams: Streams
    fleet: Fleet
    network: Network
    conditions: Conditions
    forms: tuple[ImageForm, ...]
    architecture: Architecture
    workload: Workload
    deal: Deal | RecordedDeal

    @property
    def costs(self) -> ModelCosts:
        """The exact costs of both networks."""
        return self.workload.costs

    @property
    def scenario(self) -> Scenario:
        """The resolved scenario."""
        return self.loaded.scenario


@seldom_collecting()
def make_setting(
    loaded: Loaded,
    labels: Sequence[NDArray[np.int64]] | None = None,
    held: Sequence[Held] | None = None,
    forms: Sequence[ImageForm] | None = None,
) -> Setting:
    """Build the setting of a scenario.

    Args:
        loaded: the scenario and where its values stand.
        labels: the training labels of every domain; ``None`` for the catalogue's sizes and balanced labels.
        held: what a run recorded of every client's images; then no labels are needed.
        forms: the form of every domain's images, where files were opened; ``None`` for what is known without.

    Raises:
        ScenarioError: where the parts of the scenario do not fit each other.
    """
    scenario = loaded.scenario
    streams = Streams(scenario.seed)
    fleet = _build_fleet(loaded, streams)
    found = tuple(forms) if forms is not None else assumed_forms(loaded)
    architecture = fitting_architecture(loaded, found)
    clients = scenario.strategy.data_holders(len(fleet.clients))
    if held is None:
        labels = labels if labels is not None else assumed_labels(scenario.data, found)
        deal: Deal | RecordedDeal = deal_images(loaded, clients, labels, streams)
    else:
        deal = _recorded_deal(loaded, clients, held)
    network = _build_network(loaded, fleet)
    return Setting(
        loaded=loaded,
        streams=streams,
        fleet=fleet,
        network=network,
        conditions=_build_conditions(loaded, fleet, network, streams),
        forms=found,
        architecture=architecture,
        workload=workload_of(scenario, architecture),
        deal=deal,
    )


def check_devices(loaded: Loaded) -> None:
    """Make the checks that need neither data nor networks: of the files of devices and links, and of who is where.

    Args:
        loaded: the scenario and where its values stand.

    Raises:
        ScenarioError: where a file is missing or wrong, or the parts of the scenario do not fit each other.
    """
    streams = Streams(loaded.scenario.seed)
    fleet = _build_fleet(loaded, streams)
    _clients_per_domain(loaded, loaded.scenario.strategy.data_holders(len(fleet.clients)))
    _build_conditions(loaded, fleet, _build_network(loaded, fleet), streams)


def workload_of(scenario: Scenario, architecture: Architecture) -> Workload:
    """Return what an iteration of a scenario consists of."""
    costs = model_costs(architecture, BYTES_PER_VALUE[scenario.execution.precision])
    if scenario.cost_model == "paper":
        return PaperWorkload.of(costs, architecture)
    return DataflowWorkload(costs)


def _build_fleet(loaded: Loaded, streams: Streams) -> Fleet:
    try:
        draws = streams.draw("fleet"), loaded.base_dir, streams.draw("fleet.spread")
        fleet = build_fleet(loaded.scenario.devices, *draws)
    except FleetError as error:
        raise loaded.error(f"devices.{error.key_path}", error.came, error.allowed) from error
    tier: EdgeTier | None = loaded.scenario.strategy.edge_tier(len(fleet.clients))
    return fleet if tier is None else _with_edges(fleet, tier, loaded)


def _build_network(loaded: Loaded, fleet: Fleet) -> Network:
    try:
        return Network(fleet, loaded.scenario.network, loaded.base_dir)
    except TopologyError as error:
        raise loaded.error(f"network.{error.key_path}", error.came, error.allowed) from error


def _build_conditions(loaded: Loaded, fleet: Fleet, network: Network, streams: Streams) -> Conditions:
    """Build what disturbs the fleet; refuse a battery whose drain nobody can tell."""
    scenario = loaded.scenario
    try:
        conditions = build_conditions(
            scenario.availability,
            scenario.disturbances,
            fleet,
            streams.draw,
            loaded.base_dir,
            [link.name for link in network.topology.inner_links],
        )
    except ConditionError as error:
        raise loaded.error(error.key_path, error.came, error.allowed) from error
    _check_batteries(loaded, fleet)
    return conditions


def _check_batteries(loaded: Loaded, fleet: Fleet) -> None:
    """Refuse a battery whose drain nobody can tell, and one of a server, which does several things at once."""
    clients = {device.id for device in fleet.clients}
    for device in fleet.devices:
        if device.profile.battery_j is None:
            continue
        if device.id not in clients:
            edge = "strategy.edge" if device.id != fleet.server.id else "devices.server"
            allowed = "allowed: servers on the mains; clients alone may have batteries"
            raise loaded.error(edge, f"{device.profile.name} has a battery", allowed)
        try:
            check_battery(device.profile)
        except BatteryError as error:
            raise loaded.error("devices.clients", *_came_and_allowed(error)) from error


def _with_edges(fleet: Fleet, tier: EdgeTier, loaded: Loaded) -> Fleet:
    """Put the edge servers that the strategy asks for between clients and server."""
    if tier.count > len(fleet.clients):
        allowed = f"allowed: 1 to {len(fleet.clients)}, as many as there are clients"
        raise loaded.error("strategy.edges", f"{tier.count} edge servers", allowed)
    try:
        profile = load_profile(tier.profile, loaded.base_dir)
    except ValueError as error:
        raise loaded.error("strategy.edge", *_came_and_allowed(error)) from error
    return fleet.with_edges(profile, tier.count)


def assumed_labels(data: DataOptions, forms: Sequence[ImageForm]) -> list[NDArray[np.int64]]:
    """Make balanced stand-in labels for the training images of every domain."""
    labels = []
    for domain, form in zip(data.domains, forms, strict=True):
        if isinstance(domain.dataset, DatasetPath):
            log.warning(
                "domain %s: no data file is opened; %d images of %s in %d classes are assumed",
                *(domain_name(domain), ASSUMED_IMAGES_OF_A_PATH, shape_text(form.shape), form.classes),
            )
            labels.append(balanced_labels((ASSUMED_IMAGES_OF_A_PATH, form.classes)))
        else:
            labels.append(balanced_labels(dataset_info(domain.dataset)))
    return labels


def deal_images(
    loaded: Loaded, n_clients: int, labels: Sequence[NDArray[np.int64]], streams: Streams
) -> Deal:
    """Give every domain its clients, in order, and every client its images."""
    data: DataOptions = loaded.scenario.data
    images: list[NDArray[np.intp]] = []
    per_domain = _clients_per_domain(loaded, n_clients)
    for index, clients in enumerate(per_domain):
        try:
            draw = streams.draw("partition", index)
            images += partition(labels[index], clients, data.partition, draw, n_clients)
        except PartitionError as error:
            key_path = f"data.partition.{error.key}" if error.key else "data.partition"
            raise loaded.error(key_path, *_came_and_allowed(error)) from error
    return Deal(_names(data), _domain_of(per_domain), tuple(images))


def _recorded_deal(loaded: Loaded, n_clients: int, held: Sequence[Held]) -> RecordedDeal:
    """Give every domain its clients, in order, and every client the images it had."""
    return RecordedDeal(
        _names(loaded.scenario.data),
        _domain_of(_clients_per_domain(loaded, n_clients)),
        tuple(own.images for own in held),
        tuple(own.images_sha256 for own in held),
    )


def _names(data: DataOptions) -> tuple[str, ...]:
    return tuple(domain_name(domain) for domain in data.domains)


def _domain_of(clients_per_domain: Sequence[int]) -> tuple[int, ...]:
    return tuple(index for index, clients in enumerate(clients_per_domain) for _ in range(clients))


def _clients_per_domain(loaded: Loaded, n_clients: int) -> list[int]:
    """Return every domain's clients: as stated, or the rest dealt equally, the first domains getting one more."""
    stated = [domain.clients for domain in loaded.scenario.data.domains]
    rest = n_clients - sum(clients for clients in stated if clients is not None)
    open_domains = stated.count(None)
    if rest < open_domains or (rest and not open_domains):
        given = n_clients - rest
        raise loaded.error(
            "data.domains",
            f"the domains ask for {given} clients"
            + (f" and {open_domains} more domains" if open_domains else ""),
            f"the fleet has {n_clients} {loaded.scenario.strategy.holders}; "
            "clients must sum to them (leave clients out to deal equally)",
        )
    shares = iter(
        [len(part) for part in np.array_split(np.arange(rest), open_domains)] if open_domains else []
    )
    return [clients if clients is not None else next(shares) for clients in stated]


def _came_and_allowed(error: ValueError) -> tuple[str, str]:
    came, _, allowed = str(error).partition("; ")
    return came, allowed


def warn_of_oddities(setting: Setting) -> None:
    """Log warnings about what is allowed but seldom meant."""
    _warn_of_lopsided_domains(setting)
    stop = setting.scenario.stop
    if stop is not None and stop.target is not None and not setting.scenario.execution.training:
        log.warning("stop.target is never reached: execution.training is false, so nothing is measured")


def _warn_of_lopsided_domains(setting: Setting) -> None:
    """Log a warning where all of a domain's clients have one device profile while the fleet has several."""
    profiles = [device.profile.name for device in setting.fleet.clients]
    if len(set(profiles)) == 1 or len(profiles) != len(setting.deal.sizes):
        return
    for domain in setting.deal.domains:
        clients = setting.deal.clients_of(domain)
        used = {profiles[client] for client in clients}
        if len(used) == 1 and len(clients) > 1:
            log.warning(
                "domain %s sits on one profile (%s): its quality and its speed cannot be told apart; "
                "devices.order: interleaved or shuffled mixes them",
                domain,
                used.pop(),
            )


__all__ = [
    "Deal",
    "Held",
    "RecordedDeal",
    "ScenarioError",
    "Setting",
    "make_setting",
    "warn_of_oddities",
]
