"""The IDX files of MNIST's layout: finding, reading and checking them."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

IMAGE_SIDE = 28
"""Height and width in pixels of every image that can be read."""

_LABELS_MAGIC = 0x0801
_IMAGES_MAGIC = 0x0803
_MAGIC_MEANING = {
    _LABELS_MAGIC: "unsigned bytes in 1 dimension",
    _IMAGES_MAGIC: "unsigned bytes in 3 dimensions",
}


class DataError(ValueError):
    """Data files are missing, damaged or not what they should be."""


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


def file_names(part: str) -> tuple[str, str]:
    """Name the image file and the label file of a part, without .gz.

    Args:
        part: ``train`` or ``t10k``.

    Returns:
        The two names.
    """
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"


def find_pairs(folder: Path, parts: Sequence[str], cure: str) -> list[IdxPair]:
    """Find the files of some parts, all in the folder itself or all in its subfolder ``raw``.

    Args:
        folder: The data set's folder.
        parts: The parts that must be there.
        cure: What the user can do where a file is missing; ends the message.

    Returns:
        One pair of files per part. A plain file goes before its .gz.

    Raises:
        DataError: If a file is missing; the message names the files and the folders looked in.
    """
    places = (folder, folder / "raw")
    names = [name for part in parts for name in file_names(part)]
    found = [{name: path for name in names if (path := _existing(place, name))} for place in places]
    best = max(found, key=len)
    missing = [name for name in names if name not in best]
    if missing:
        raise DataError(
            f"{folder}: {', '.join(missing)} (plain or .gz) not found; "
            f"looked in {places[0]} and {places[1]}{_folder_state(folder)}; {cure}"
        )
    return [IdxPair(part, *(best[name] for name in file_names(part))) for part in parts]


def has_part(folder: Path, part: str) -> bool:
    """Say whether any file of a part is in the folder or its subfolder ``raw``.

    Args:
        folder: The data set's folder.
        part: ``train`` or ``t10k``.

    Returns:
        True if the image file or the label file is there.
    """
    return any(_existing(place, name) for place in (folder, folder / "raw") for name in file_names(part))


def read_pair(pair: IdxPair, classes: int, sha256: dict[Path, str]) -> tuple[np.ndarray, np.ndarray]:
    """Read and check the images and labels of one part.

    Args:
        pair: The files.
        classes: Number of classes; labels must be in 0..classes-1.
        sha256: Expected digest of the plain bytes of a file, for the files where it is known.

    Returns:
        Images, uint8 of shape [n, 1, 28, 28], and labels, int64 of shape [n].

    Raises:
        DataError: If a file is damaged or is not what its header says, or the two do not belong together.
    """
    images = _read_array(pair.images, _IMAGES_MAGIC, sha256.get(pair.images))
    labels = _read_array(pair.labels, _LABELS_MAGIC, sha256.get(pair.labels))
    if images.shape[1:] != (IMAGE_SIDE, IMAGE_SIDE):
        raise DataError(
            f"{pair.images}: images are {images.shape[1]} x {images.shape[2]} pixels; "
            f"allowed: {IMAGE_SIDE} x {IMAGE_SIDE}; scale them first"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{pair.labels}: holds {len(labels)} labels for the {len(images)} images of {pair.images}; "
            "allowed: one label per image; fetch both files from one source"
        )
    if len(labels) and labels.max() >= classes:
        index = int(np.argmax(labels >= classes))
        raise DataError(
            f"{pair.labels}: label {labels[index]} of image {index} is out of range; "
            f"allowed: 0 to {classes - 1}; renumber the classes"
        )
    return images[:, np.newaxis], labels.astype(np.int64)


def _existing(place: Path, name: str) -> Path | None:
    """Find a file, plain or gzip."""
    for path in (place / name, place / f"{name}.gz"):
        if os.path.isfile(path):  # unlike Path.is_file, False in a folder that cannot be searched
            return path
    return None


def _folder_state(folder: Path) -> str:
    """Say what is wrong with the folder itself, if anything."""
    if not os.path.exists(folder):
        return " (there is no such folder)"
    return "" if os.path.isdir(folder) else " (which is not a folder)"


def _read_array(path: Path, magic: int, expected_sha256: str | None) -> np.ndarray:
    """Read one IDX file of unsigned bytes; shape and kind as its header says and its contents confirm."""
    content = _read_bytes(path)
    if expected_sha256 is not None:
        _check_digest(path, content, expected_sha256)
    header_bytes = 4 + 4 * (magic & 0xFF)
    if len(content) < header_bytes:
        raise DataError(
            f"{path}: {len(content)} bytes are too few for the header of {header_bytes}; {_FETCH_AGAIN}"
        )
    header = [int(word) for word in np.frombuffer(content[:header_bytes], dtype=">u4")]
    if header[0] != magic:
        raise DataError(
            f"{path}: starts with {header[0]:#010x}; allowed: {magic:#010x} ({_MAGIC_MEANING[magic]}); "
            "the file is of another kind"
        )
    shape = tuple(header[1:])
    size = int(np.prod(shape, dtype=object))
    if len(content) - header_bytes != size:
        raise DataError(
            f"{path}: the header promises {' x '.join(map(str, shape))} = {size} bytes, "
            f"but {len(content) - header_bytes} follow; {_FETCH_AGAIN}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header_bytes).reshape(shape)


_FETCH_AGAIN = "the file is cut short or damaged: fetch it again"


def _read_bytes(path: Path) -> bytes:
    """Read the plain bytes of a file, unpacking .gz."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: is not a whole gzip file ({error}); {_FETCH_AGAIN}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _check_digest(path: Path, content: bytes, expected: str) -> None:
    """Raise if the plain bytes of a file are not the published ones."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(
            f"{path}: expected SHA-256 {expected} of the plain bytes, found {found}; the file is damaged or "
            "holds other data: fetch it again, or name its folder with dataset: {path: DIR, format: idx}"
        )
