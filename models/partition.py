"""Who holds which training images: the partitions of one domain over its clients.

A partition sees nothing but the labels, so the timing-only commands can use it with balanced stand-in labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from pydantic import BaseModel

from models.partition_options import (
    MINIMUM_IMAGES,
    AnyPaperPartition,
    AnyPartition,
    AssumedPartition,
    DirichletPartition,
    IidPartition,
    LabelExclusionPartition,
    PaperPartition,
    PaperS1Partition,
    PaperS2Partition,
    PaperS3Partition,
    PaperS4Partition,
    PaperS5Partition,
    PaperS6Partition,
    QuantityPartition,
    ShardsPartition,
)


class PartitionError(ValueError):
    """A partition that cannot be made; the message says what came and, after a semicolon, what is allowed.

    Attributes:
        key: the option to blame, such as ``shares``; empty where it is the number of clients or the kind itself.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def partition(
    labels: np.ndarray,
    clients: int,
    options: AnyPartition,
    rng: np.random.Generator,
    total_clients: int | None = None,
) -> list[np.ndarray]:
    """Deal the images of one domain to its clients.

    Args:
        labels: Class of each training image, integer array of shape [n].
        clients: Number of clients of the domain, at least 1.
        options: The kind of partition and its options.
        rng: The source of every draw.
        total_clients: Number of clients of all domains together, which the kinds ``paper_s1`` to ``paper_s6``
            divide their images by; None = there is no other domain.

    Returns:
        One sorted int64 array of image indices per client; no index occurs twice. All images are dealt, but
        for those that `LabelExclusionPartition` and the kinds ``paper_s1`` to ``paper_s6`` take away. For
        `AssumedPartition` they are stand-ins that nothing may be looked up with: all clients share one array.

    Raises:
        PartitionError: If there are no clients, if the options do not fit the labels or the number of clients, or
            if a client would get fewer than `MINIMUM_IMAGES` images (the message names the client).
    """
    if clients < 1:
        raise PartitionError("", f"a domain of {clients} clients cannot hold data; allowed: at least 1")
    if isinstance(options, AssumedPartition):
        return [np.arange(options.images_per_client)] * clients
    if isinstance(options, PaperPartition):
        dealt = _deal_paper(labels, clients, total_clients or clients, options, rng)
    else:
        dealt = _DEALERS[type(options)](labels, clients, options, rng)
    parts = [np.sort(part) for part in dealt]
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
    most, present = max(options.excluded_labels), len(np.unique(labels))
    if most >= present:
        raise PartitionError(
            "excluded_labels",
            f"excluded_labels takes {most} labels from a client, but the data have {present}; "
            f"allowed: at most {present - 1}",
        )
    return _without_labels(labels, _deal_iid(labels, clients, options, rng), options.excluded_labels, rng)


def _without_labels(
    labels: np.ndarray,
    parts: list[np.ndarray],
    weight_of_count: Mapping[int, float],
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Take as many labels as it draws, by normalised weights, from each part."""
    present = np.unique(labels)
    counts = np.array(sorted(weight_of_count))
    weights = np.array([weight_of_count[int(count)] for count in counts])
    kept = []
    for part in parts:
        count = rng.choice(counts, p=weights / weights.sum())
        excluded = rng.choice(present, size=count, replace=False)
        kept.append(part[~np.isin(labels[part], excluded)])
    return kept


@dataclass(frozen=True)
class _PaperRule:
    """What a scenario of the HuSCF-GAN study does to the equal shares of its clients.

    Attributes:
        excluded_labels: number of labels a client loses: its weight.
        kept_of_cap: share of the cap that counts for a client: its probability.
    """

    excluded_labels: Mapping[int, float]
    kept_of_cap: Mapping[Fraction, float]


_PAPER_IID = _PaperRule({0: 1.0}, {Fraction(1): 1.0})
_PAPER_NON_IID = _PaperRule(
    {0: 0.25, 2: 0.3, 3: 0.1, 4: 0.1},
    {Fraction(2, 3): 0.3, Fraction(1): 0.7},
)
_PAPER_HIGHLY_NON_IID = _PaperRule(
    {2: 0.4, 3: 0.6},
    {Fraction(1, 6): 0.2, Fraction(1, 3): 0.3, Fraction(1): 0.5},
)

_PAPER_RULES: Mapping[type[PaperPartition], _PaperRule] = {
    PaperS1Partition: _PAPER_IID,
    PaperS2Partition: _PAPER_NON_IID,
    PaperS3Partition: _PAPER_IID,
    PaperS4Partition: _PAPER_NON_IID,
    PaperS5Partition: _PAPER_HIGHLY_NON_IID,
    PaperS6Partition: _PAPER_IID,
}


def _deal_paper(
    labels: np.ndarray, clients: int, total_clients: int, options: AnyPaperPartition, rng: np.random.Generator
) -> list[np.ndarray]:
    """Deal equally, drop each client's excluded labels, then cap what is left of each."""
    rule = _PAPER_RULES[type(options)]
    cap = options.images_in_all // total_clients
    smallest = int(cap * min(rule.kept_of_cap))
    if smallest < MINIMUM_IMAGES:
        raise PartitionError(
            "images_in_all",
            f"images_in_all = {options.images_in_all} leaves a client of {total_clients} only {smallest}; "
            f"allowed: at least {MINIMUM_IMAGES} each",
        )
    most, present = max(rule.excluded_labels), len(np.unique(labels))
    if most >= present:
        raise PartitionError(
            "kind",
            f"{options.kind!r} takes up to {most} labels from a client, but the data have {present}; "
            f"allowed: data of at least {most + 1} labels",
        )
    parts = _without_labels(labels, _deal_iid(labels, clients, options, rng), rule.excluded_labels, rng)
    shares = list(rule.kept_of_cap)
    drawn = rng.choice(len(shares), size=clients, p=list(rule.kept_of_cap.values()))
    caps = [int(cap * shares[index]) for index in drawn]
    return [
        rng.choice(part, size=most_kept, replace=False) if len(part) > most_kept else part
        for part, most_kept in zip(parts, caps, strict=True)
    ]


def _deal_shards(
    labels: np.ndarray, clients: int, options: ShardsPartition, rng: np.random.Generator
) -> list[np.ndarray]:
    """Cut the images, sorted by label, into equal shards and deal those."""
    shards = np.array_split(np.argsort(labels, kind="stable"), clients * options.shards_per_client)
    order = rng.permutation(len(shards)).reshape(clients, options.shards_per_client)
    return [np.concatenate([shards[index] for index in own]) for own in order]


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
        owners[images] = np.repeat(np.arange(clients), apportion(len(images), shares))
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
        return apportion(images, np.array(options.shares))
    spare = images - clients * options.min_images
    if spare < 0:
        raise PartitionError(
            "min_images",
            f"{images} images cannot give {clients} clients min_images = {options.min_images} each; "
            f"allowed: at most {images // options.min_images} clients",
        )
    exponents = options.sigma * rng.standard_normal(clients)
    # Only ratios count, and exp of a difference to the largest cannot overflow.
    return apportion(spare, np.exp(exponents - exponents.max())) + options.min_images


def apportion(total: int, weights: np.ndarray) -> np.ndarray:
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


_KEY_OF_SIZES: Mapping[type[BaseModel], str] = {
    LabelExclusionPartition: "excluded_labels",
    ShardsPartition: "shards_per_client",
    **dict.fromkeys(_PAPER_RULES, "kind"),
}
"""The option that takes images away from clients, of the kinds that have one."""

_Dealer: TypeAlias = Callable[[np.ndarray, int, Any, np.random.Generator], list[np.ndarray]]

_DEALERS: Mapping[type[BaseModel], _Dealer] = {
    IidPartition: _deal_iid,
    LabelExclusionPartition: _deal_label_exclusion,
    DirichletPartition: _deal_dirichlet,
    QuantityPartition: _deal_quantity,
    ShardsPartition: _deal_shards,
}
