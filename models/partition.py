"""Who holds which training images: the partitions of one domain over its clients, and their options.

A partition sees nothing but the labels, so the timing-only commands can use it with balanced stand-in labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.option_errors import located_error, unknown_name

MINIMUM_IMAGES = 2
"""Fewest images a client may hold: BatchNorm has no variance over a batch of one."""

PLANNED_KINDS = ("shards", "paper_s1", "paper_s2", "paper_s3", "paper_s4", "paper_s5", "paper_s6")

_Count: TypeAlias = Annotated[int, Field(ge=0)]
_Weight: TypeAlias = Annotated[float, Field(gt=0, le=1e9)]


class _Partition(BaseModel):
    """What all partition options share: they are frozen and refuse unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IidPartition(_Partition):
    """Shuffle all images and deal them equally (client sizes differ by one image at most)."""

    kind: Literal["iid"] = Field("iid", description="Shuffle all images and deal them equally.")


class LabelExclusionPartition(_Partition):
    """Deal as `IidPartition`, then take all images of some labels away from each client.

    Each client draws how many labels it loses, and then which, uniformly. Nobody uses the images taken away.
    """

    kind: Literal["label_exclusion"] = Field(
        "label_exclusion", description="Deal equally, then take whole labels away from each client."
    )
    excluded_labels: dict[_Count, _Weight] = Field(
        default={2: 0.4, 3: 0.6},
        min_length=1,
        json_schema_extra={"propertyNames": {"pattern": r"^\s*\+?[0-9][0-9_]*(\.0*)?\s*$"}},
        description="Number of labels a client loses: weight of that number (weights are normalised).",
    )


class DirichletPartition(_Partition):
    """Deal each class in shares drawn from a symmetric Dirichlet distribution over the clients.

    The smaller alpha, the fewer classes a client sees. A draw that leaves a client with less than
    `min_images` is thrown away and drawn again, at most `max_tries` times.
    """

    kind: Literal["dirichlet"] = Field("dirichlet", description="Deal each class in Dirichlet shares.")
    alpha: float = Field(0.5, gt=0, le=1e6, description="Concentration; small = few classes per client.")
    min_images: int = Field(
        MINIMUM_IMAGES, ge=MINIMUM_IMAGES, description="Fewest images a client may end up with."
    )
    max_tries: int = Field(100, ge=1, description="Draws before the partition is given up as an error.")


class QuantityPartition(_Partition):
    """Clients of different size with the same mix of labels.

    With `shares`, client i gets images in proportion to the i-th share. Without, every client first gets
    `min_images`, and the rest is dealt in proportion to log-normal weights exp(sigma * N(0, 1)).
    """

    kind: Literal["quantity"] = Field(
        "quantity", description="Clients of different size, same mix of labels."
    )
    shares: list[_Weight] | None = Field(
        None,
        min_length=1,
        description="One weight per client of the domain (normalised); null = drawn.",
        examples=[[3, 1, 1]],
    )
    sigma: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="Spread of drawn sizes; has no effect beside shares."
    )
    min_images: int = Field(
        MINIMUM_IMAGES, ge=MINIMUM_IMAGES, description="Fewest images a client may end up with."
    )


class PartitionError(ValueError):
    """A partition that cannot be made; the message says what came and, after a semicolon, what is allowed.

    Attributes:
        key: the option to blame, such as ``shares``; empty where it is the number of clients or the kind itself.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


AnyPartition: TypeAlias = IidPartition | LabelExclusionPartition | DirichletPartition | QuantityPartition

PARTITIONS: Mapping[str, type[AnyPartition]] = {
    "iid": IidPartition,
    "label_exclusion": LabelExclusionPartition,
    "dirichlet": DirichletPartition,
    "quantity": QuantityPartition,
}


def _choose_kind(value: object) -> object:
    """Validate a mapping by the class of its `kind` alone, so that errors name exact keys."""
    if isinstance(value, AnyPartition):
        return value
    if not isinstance(value, Mapping):
        message = f"{value!r} is no partition; allowed: a mapping such as {{kind: iid}}"
        raise located_error((), message, value)
    kind = value.get("kind", "iid")
    if not isinstance(kind, str) or kind not in PARTITIONS:
        message = unknown_name("partition kind", str(kind), PARTITIONS, PLANNED_KINDS)
        raise located_error(("kind",), message, kind)
    return PARTITIONS[kind].model_validate(dict(value))


PartitionOptions: TypeAlias = Annotated[AnyPartition, BeforeValidator(_choose_kind)]


def partition(
    labels: np.ndarray, clients: int, options: AnyPartition, rng: np.random.Generator
) -> list[np.ndarray]:
    """Deal the images of one domain to its clients.

    Args:
        labels: Class of each training image, integer array of shape [n].
        clients: Number of clients of the domain, at least 1.
        options: The kind of partition and its options.
        rng: The source of every draw.

    Returns:
        One sorted int64 array of image indices per client; no index occurs twice. All images are dealt, but
        for those that `LabelExclusionPartition` takes away.

    Raises:
        PartitionError: If there are no clients, if the options do not fit the labels or the number of clients, or
            if a client would get fewer than `MINIMUM_IMAGES` images (the message names the client).
    """
    if clients < 1:
        raise PartitionError("", f"a domain of {clients} clients cannot hold data; allowed: at least 1")
    parts = [np.sort(part) for part in _DEALERS[type(options)](labels, clients, options, rng)]
    _require_images(parts, MINIMUM_IMAGES, len(labels), options.kind, _KEY_OF_SIZES.get(type(options), ""))
    return parts


def _deal_iid(
    labels: np.ndarray, clients: int, options: AnyPartition, rng: np.random.Generator
) -> list[np.ndarray]:
    """Deal a shuffled deck as equally as possible."""
    return np.array_split(rng.permutation(len(labels)), clients)


def _deal_label_exclusion(
    labels: np.ndarray, clients: int, options: LabelExclusionPartition, rng: np.random.Generator
) -> list[np.ndarray]:
    """Deal equally, then drop each client's excluded labels."""
    present = np.unique(labels)
    counts = np.array(sorted(options.excluded_labels))
    if counts[-1] >= len(present):
        raise PartitionError(
            "excluded_labels",
            f"excluded_labels takes {counts[-1]} labels from a client, but the data have {len(present)}; "
            f"allowed: at most {len(present) - 1}",
        )
    weights = np.array([options.excluded_labels[int(count)] for count in counts])
    kept = []
    for part in _deal_iid(labels, clients, options, rng):
        count = rng.choice(counts, p=weights / weights.sum())
        excluded = rng.choice(present, size=count, replace=False)
        kept.append(part[~np.isin(labels[part], excluded)])
    return kept


def _deal_dirichlet(
    labels: np.ndarray, clients: int, options: DirichletPartition, rng: np.random.Generator
) -> list[np.ndarray]:
    """Deal class by class in Dirichlet shares until every client holds enough images."""
    if len(labels) < clients * options.min_images:
        raise PartitionError(
            "min_images",
            f"{len(labels)} images cannot give {clients} clients min_images = {options.min_images} each; "
            f"allowed: at most {len(labels) // options.min_images} clients",
        )
    best = -1
    for _ in range(options.max_tries):
        owners = _dirichlet_owners(labels, clients, options.alpha, rng)
        sizes = np.bincount(owners, minlength=clients)
        if sizes.min() >= options.min_images:
            return np.split(np.argsort(owners, kind="stable"), np.cumsum(sizes)[:-1])
        best = max(best, int(sizes.min()))
    raise PartitionError(
        "alpha",
        f"{options.max_tries} draws with alpha = {options.alpha:g} never gave each of {clients} clients "
        f"min_images = {options.min_images} of {len(labels)} images (the best draw left one with {best}); "
        "take a larger alpha, fewer clients or a smaller min_images",
    )


def _dirichlet_owners(labels: np.ndarray, clients: int, alpha: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the owner of each image, an int64 array of shape [n] with values in 0..clients-1."""
    owners = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        images = rng.permutation(np.flatnonzero(labels == label))
        shares = rng.dirichlet(np.full(clients, alpha))
        owners[images] = np.repeat(np.arange(clients), _apportion(len(images), shares))
    return owners


def _deal_quantity(
    labels: np.ndarray, clients: int, options: QuantityPartition, rng: np.random.Generator
) -> list[np.ndarray]:
    """Cut a shuffled deck into pieces of different size."""
    sizes = _quantity_sizes(len(labels), clients, options, rng)
    parts = np.split(rng.permutation(len(labels)), np.cumsum(sizes)[:-1])
    key = "min_images" if options.shares is None else "shares"
    _require_images(parts, options.min_images, len(labels), options.kind, key)
    return parts


def _quantity_sizes(
    images: int, clients: int, options: QuantityPartition, rng: np.random.Generator
) -> np.ndarray:
    """Find the number of images of each client, an int64 array of shape [clients]."""
    if options.shares is not None:
        if len(options.shares) != clients:
            raise PartitionError(
                "shares",
                f"shares has {len(options.shares)} entries for the {clients} clients of the domain; "
                f"allowed: {clients} entries",
            )
        return _apportion(images, np.array(options.shares))
    spare = images - clients * options.min_images
    if spare < 0:
        raise PartitionError(
            "min_images",
            f"{images} images cannot give {clients} clients min_images = {options.min_images} each; "
            f"allowed: at most {images // options.min_images} clients",
        )
    exponents = options.sigma * rng.standard_normal(clients)
    # Only ratios count, and exp of a difference to the largest cannot overflow.
    return _apportion(spare, np.exp(exponents - exponents.max())) + options.min_images


def _apportion(total: int, weights: np.ndarray) -> np.ndarray:
    """Split a whole number in proportion to weights by largest remainders (ties: lower index first)."""
    quotas = total * (weights / weights.sum())
    counts: np.ndarray = np.floor(quotas).astype(np.int64)
    order = np.argsort(counts - quotas, kind="stable")
    counts[order[: total - counts.sum()]] += 1
    return counts


def _require_images(parts: list[np.ndarray], minimum: int, images: int, kind: str, key: str) -> None:
    """Raise if a client got fewer images than it needs, and blame an option."""
    sizes = np.array([len(part) for part in parts])
    if sizes.min() >= minimum:
        return
    client = int(sizes.argmin())
    raise PartitionError(
        key,
        f"client {client} of the domain got {sizes[client]} of {images} images from partition {kind!r} over "
        f"{len(parts)} clients; allowed: at least {minimum} each",
    )


_KEY_OF_SIZES: Mapping[type[BaseModel], str] = {LabelExclusionPartition: "excluded_labels"}
"""The option that takes images away from clients, of the kinds that have one."""

_Dealer: TypeAlias = Callable[[np.ndarray, int, Any, np.random.Generator], list[np.ndarray]]

_DEALERS: Mapping[type[BaseModel], _Dealer] = {
    IidPartition: _deal_iid,
    LabelExclusionPartition: _deal_label_exclusion,
    DirichletPartition: _deal_dirichlet,
    QuantityPartition: _deal_quantity,
}
