"""What every strategy's array path stands on: the devices as columns, the work, and everybody's batch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.fleet import FleetError
from devices.fleet_arrays import FleetArrays, build_fleet_arrays
from models.split import ModelCosts
from models.workload import Workload
from scenarios.load import Loaded
from simulator.arrays.links import client_columns
from simulator.arrays.refusals import check_fleet, check_scenario
from simulator.image_forms import assumed_forms, fitting_architecture
from simulator.leg_columns import ClientColumns
from simulator.setting import assumed_labels, deal_images, workload_of
from simulator.streams import Streams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Ground:
    """The setting of a scenario in arrays; those of clients have the shape ``[N]``.

    Attributes:
        loaded: the scenario and where its values stand.
        streams: the random numbers.
        fleet: the devices' numbers.
        columns: what decides how long clients compute, and send to the server and back.
        workload: what an iteration costs.
        batches: rows of each client in an iteration.
        steps_per_round: iterations in a round.
    """

    loaded: Loaded
    streams: Streams
    fleet: FleetArrays
    columns: ClientColumns
    workload: Workload
    batches: Ints
    steps_per_round: int

    @property
    def costs(self) -> ModelCosts:
        """The exact costs of both networks."""
        return self.workload.costs


def make_ground(loaded: Loaded, strategies: Collection[str]) -> Ground:
    """Build the ground of a scenario; it opens no data file.

    Args:
        loaded: the scenario.
        strategies: the names of those that have an array path.

    Raises:
        ScenarioError: where the parts of the scenario do not fit each other, or it asks for more than arrays can tell.
    """
    check_scenario(loaded, strategies)
    scenario, streams = loaded.scenario, Streams(loaded.scenario.seed)
    fleet = _build_fleet(loaded, streams)
    check_fleet(loaded, fleet)
    forms = assumed_forms(loaded)
    architecture = fitting_architecture(loaded, forms)
    deal = deal_images(loaded, fleet.size, assumed_labels(scenario.data, forms), streams)
    sizes = np.array(deal.sizes, dtype=np.int64)
    batches = np.minimum(scenario.strategy.batch_size, sizes)
    return Ground(
        loaded=loaded,
        streams=streams,
        fleet=fleet,
        columns=client_columns(fleet, scenario.network.model),
        workload=workload_of(scenario, architecture),
        batches=batches,
        steps_per_round=_steps_of_a_round(loaded, sizes, batches),
    )


def _build_fleet(loaded: Loaded, streams: Streams) -> FleetArrays:
    try:
        draws = streams.draw("fleet"), loaded.base_dir, streams.draw("fleet.spread")
        return build_fleet_arrays(loaded.scenario.devices, *draws)
    except FleetError as error:
        raise loaded.error(f"devices.{error.key_path}", error.came, error.allowed) from error


def _steps_of_a_round(loaded: Loaded, sizes: Ints, batches: Ints) -> int:
    """Return what :func:`simulator.plan.steps_of_a_round` does."""
    options = loaded.scenario.strategy
    if options.steps_per_round is not None:
        return int(options.steps_per_round)
    return int(options.local_epochs * (-(-sizes // batches)).max())
