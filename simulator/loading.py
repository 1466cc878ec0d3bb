"""The data of a scenario: its images, and fetching them before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.cache import data_root
from models.catalog import DATASETS
from models.data_files import DataError
from models.datasets import LabelledImages, load_dataset
from models.named_files import fetch_if_missing
from models.partition_options import PARTITIONS, AssumedPartition
from scenarios.load import Loaded


def load_data(loaded: Loaded) -> list[LabelledImages]:
    """Load every domain's images.

    Args:
        loaded: the scenario.

    Returns:
        The images, in the order of the domains.

    Raises:
        ScenarioError: where data are missing or wrong; it names the scenario's key as well as the file.
    """
    check_images_are_dealt(loaded)
    data = []
    for index, domain in enumerate(loaded.scenario.data.domains):
        with _errors_at(loaded, index):
            data.append(load_dataset(domain, loaded.base_dir, data_root()))
    return data


def fetch_missing(loaded: Loaded) -> None:
    """Fetch the named data sets that are neither below HETEDGE_DATA nor in the cache, if the scenario trains.

    Called before torch is imported, so that the answer to missing data does not wait for it.

    Args:
        loaded: the scenario.

    Raises:
        ScenarioError: where a data set cannot be fetched.
    """
    if not loaded.scenario.execution.training:
        return
    check_images_are_dealt(loaded)
    for index, domain in enumerate(loaded.scenario.data.domains):
        if isinstance(domain.dataset, str) and not DATASETS[domain.dataset].embedded:
            with _errors_at(loaded, index):
                fetch_if_missing(domain.dataset, data_root())


def check_images_are_dealt(loaded: Loaded) -> None:
    """Refuse to train on images that are only assumed.

    Args:
        loaded: the scenario.

    Raises:
        ScenarioError: where it trains, and its partition deals nothing.
    """
    if loaded.scenario.execution.training and isinstance(loaded.scenario.data.partition, AssumedPartition):
        kinds = ", ".join(kind for kind in PARTITIONS if kind != "assumed")
        raise loaded.error(
            "data.partition.kind",
            "'assumed', which deals no images, in a run that trains",
            f"allowed here: {kinds}; or execution.training: false",
        )


@contextmanager
def _errors_at(loaded: Loaded, index: int) -> Iterator[None]:
    """Turn an error of a domain's data into one that names the scenario's key."""
    try:
        yield
    except DataError as error:
        came, _, allowed = str(error).partition("; ")
        raise loaded.error(f"data.domains.{index}.dataset", came, allowed) from error
