"""The IDX files of MNIST's layout: finding, reading and checking them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.data_files import FETCH_AGAIN, DataError, existing, folder_state, read_bytes, unpacked
from models.image_arrays import Part, channels_first, checked_labels, paired

_LABELS_MAGIC = 0x0801
_GREY_MAGIC = 0x0803
_COLOUR_MAGIC = 0x0804
_MAGIC_MEANING = {
    _LABELS_MAGIC: "unsigned bytes in 1 dimension",
    _GREY_MAGIC: "unsigned bytes in 3 dimensions",
    _COLOUR_MAGIC: "unsigned bytes in 4 dimensions",
}

TRAIN, TEST = "train", "t10k"


@dataclass(frozen=True)
class IdxPair:
    """The two files of one part of a data set.

    Attributes:
        part: ``train`` or ``t10k``.
        images: File of the images, plain or gzip.
        labels: File of the labels, plain or gzip.
    """

    part: str
    images: Path
    labels: Path


def read_idx_folder(folder: Path) -> list[Part]:
    """Read a user's own folder: train and t10k, or t10k alone.

    Args:
        folder: The folder; the files are in it or in its subfolder ``raw``.

    Returns:
        One part (to be split) or two (train, test).

    Raises:
        DataError: If a file is missing, damaged, or is not what its header says.
    """
    parts = [TRAIN, TEST] if has_part(folder, TRAIN) else [TEST]
    return [read_pair(pair) for pair in find_pairs(folder, parts)]


def find_pairs(folder: Path, parts: Sequence[str]) -> list[IdxPair]:
    """Find the files of some parts, all in the folder itself or all in its subfolder ``raw``.

    Args:
        folder: The data set's folder.
        parts: The parts that must be there.

    Returns:
        One pair of files per part. A plain file goes before its .gz.

    Raises:
        DataError: If a file is missing; the message names the files and the folders looked in.
    """
    places = _places(folder)
    kinds = [names for part in parts for names in _file_names(part)]
    found = [
        {names[0]: path for names in kinds if (path := _plain_or_packed(place, names))} for place in places
    ]
    best = max(found, key=len)
    missing = [names[0] for names in kinds if names[0] not in best]
    if missing:
        raise DataError(
            f"{folder}: {', '.join(missing)} (plain or .gz) not found; looked in {places[0]} and {places[1]}"
            f"{folder_state(folder)}; put train and t10k files there, or t10k files alone (they are then split "
            "80/20)"
        )
    return [IdxPair(part, *(best[names[0]] for names in _file_names(part))) for part in parts]


def has_part(folder: Path, part: str) -> bool:
    """Say whether any file of a part is in the folder or its subfolder ``raw``.

    Args:
        folder: The data set's folder.
        part: ``train`` or ``t10k``.

    Returns:
        True if the image file or the label file is there.
    """
    return any(_plain_or_packed(place, names) for place in _places(folder) for names in _file_names(part))


def read_pair(pair: IdxPair) -> Part:
    """Read and check the images and labels of one part.

    Args:
        pair: The files.

    Returns:
        Images, uint8 of shape [n, c, h, w], and labels, int64 of shape [n].

    Raises:
        DataError: If a file is damaged or is not what its header says, or the two do not belong together.
    """
    plain = [unpacked(path, read_bytes(path)) for path in (pair.images, pair.labels)]
    return parse_pair(pair, *plain)


def parse_pair(pair: IdxPair, images: bytes, labels: bytes) -> Part:
    """Make arrays of the plain bytes of one part.

    Args:
        pair: Where the bytes come from, for messages.
        images: Plain bytes of the image file.
        labels: Plain bytes of the label file.

    Returns:
        Images, uint8 of shape [n, c, h, w], and labels, int64 of shape [n].

    Raises:
        DataError: If the bytes are not what their header says, or the two do not belong together.
    """
    return paired(
        channels_first(_array(pair.images, images, (_GREY_MAGIC, _COLOUR_MAGIC)), str(pair.images)),
        checked_labels(_array(pair.labels, labels, (_LABELS_MAGIC,)), str(pair.labels)),
        str(pair.images),
        str(pair.labels),
    )


def _places(folder: Path) -> tuple[Path, Path]:
    """Name the folders in which the files may lie."""
    return folder, folder / "raw"


def _file_names(part: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the files of images and of labels of a part, without .gz; colour images may say idx4."""
    return (f"{part}-images-idx3-ubyte", f"{part}-images-idx4-ubyte"), (f"{part}-labels-idx1-ubyte",)


def _plain_or_packed(place: Path, names: Sequence[str]) -> Path | None:
    """Find a file by any of its names, plain or gzip."""
    return existing(place, *(spelled for name in names for spelled in (name, f"{name}.gz")))


def _array(path: Path, content: bytes, magics: Sequence[int]) -> np.ndarray:
    """Read one IDX file of unsigned bytes; shape and kind as its header says and its contents confirm."""
    if len(content) < 4:
        raise DataError(f"{path}: {len(content)} bytes are too few for a header; {FETCH_AGAIN}")
    magic = int.from_bytes(content[:4], "big")
    if magic not in magics:
        allowed = " or ".join(f"{one:#010x} ({_MAGIC_MEANING[one]})" for one in magics)
        raise DataError(f"{path}: starts with {magic:#010x}; allowed: {allowed}; the file is of another kind")
    header_bytes = 4 + 4 * (magic & 0xFF)
    if len(content) < header_bytes:
        raise DataError(
            f"{path}: {len(content)} bytes are too few for the header of {header_bytes}; {FETCH_AGAIN}"
        )
    shape = tuple(int(word) for word in np.frombuffer(content[4:header_bytes], dtype=">u4"))
    size = int(np.prod(shape, dtype=object))
    if len(content) - header_bytes != size:
        raise DataError(
            f"{path}: the header promises {' x '.join(map(str, shape))} = {size} bytes, "
            f"but {len(content) - header_bytes} follow; {FETCH_AGAIN}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header_bytes).reshape(shape)
