"""The kinds of partition a scenario can choose (``data.partition``), with their options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.option_errors import located_error, unknown_name

MINIMUM_IMAGES = 2
"""Fewest images a client may hold: BatchNorm has no variance over a batch of one."""

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


class ShardsPartition(_Partition):
    """Sort by label, cut into equal shards, and give every client the same number of shards at random.

    McMahan et al. 2017 (arXiv 1602.05629), section 3: with two shards a client sees two labels, seldom more.
    """

    kind: Literal["shards"] = Field(
        "shards", description="Sort by label, cut into shards, deal the shards at random."
    )
    shards_per_client: int = Field(
        2, ge=1, description="Shards each client gets; few = few labels per client."
    )


class AssumedPartition(_Partition):
    """Give every client so many images that nobody has looked at: for studies of time alone.

    Time depends on how many images a client holds, not on which; so a fleet may have more clients than any data set
    has images. A run that trains refuses it.
    """

    kind: Literal["assumed"] = Field(
        "assumed", description="Every client is charged with so many images; timing only, nothing is dealt."
    )
    images_per_client: int = Field(
        64,
        ge=MINIMUM_IMAGES,
        le=1_000_000,
        description="Images every client is taken to hold.",
    )


class PaperPartition(_Partition):
    """A rule of the HuSCF-GAN study (arXiv 2507.12979): deal equally, take labels away, then cap.

    The cap is images_in_all / (clients of ALL domains), rounded down; a client that holds more keeps a random
    subset. Nobody uses the images taken away.
    """

    images_in_all: int = Field(
        60_000, ge=1, description="Images of all clients of all domains together, before any are taken away."
    )


class PaperS1Partition(PaperPartition):
    """Deal equally, then cap (single domain, IID)."""

    kind: Literal["paper_s1"] = Field("paper_s1", description="The study's scenario 1: equal shares, capped.")


class PaperS2Partition(PaperPartition):
    """Deal equally, take 0, 2, 3 or 4 labels away (p = 1/3, 2/5, 2/15, 2/15), then cap; p = 0.3: at 2/3 of it."""

    kind: Literal["paper_s2"] = Field(
        "paper_s2", description="The study's scenario 2: clients lose up to 4 labels and differ in size."
    )


class PaperS3Partition(PaperPartition):
    """Deal equally, then cap (two domains, IID)."""

    kind: Literal["paper_s3"] = Field("paper_s3", description="The study's scenario 3: equal shares, capped.")


class PaperS4Partition(PaperPartition):
    """The rule of `PaperS2Partition` (two domains)."""

    kind: Literal["paper_s4"] = Field(
        "paper_s4", description="The study's scenario 4: clients lose up to 4 labels and differ in size."
    )


class PaperS5Partition(PaperPartition):
    """Deal equally, take 2 or 3 labels away (p = 0.4, 0.6), then cap at 1/6, 1/3 or all of it (p = .2, .3, .5)."""

    kind: Literal["paper_s5"] = Field(
        "paper_s5",
        description="The study's scenario 5: clients lose 2 or 3 labels and differ sixfold in size.",
    )


class PaperS6Partition(PaperPartition):
    """Deal equally, then cap (four domains, IID)."""

    kind: Literal["paper_s6"] = Field("paper_s6", description="The study's scenario 6: equal shares, capped.")


AnyPaperPartition: TypeAlias = (
    PaperS1Partition
    | PaperS2Partition
    | PaperS3Partition
    | PaperS4Partition
    | PaperS5Partition
    | PaperS6Partition
)

AnyPartition: TypeAlias = (
    IidPartition
    | LabelExclusionPartition
    | DirichletPartition
    | ShardsPartition
    | QuantityPartition
    | AssumedPartition
    | AnyPaperPartition
)

PARTITIONS: Mapping[str, type[AnyPartition]] = {
    str(options.model_fields["kind"].default): options for options in get_args(AnyPartition)
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
        message = unknown_name("partition kind", str(kind), PARTITIONS)
        raise located_error(("kind",), message, kind)
    return PARTITIONS[kind].model_validate(dict(value))


PartitionOptions: TypeAlias = Annotated[AnyPartition, BeforeValidator(_choose_kind)]
