"""The batches of CIFAR-10, read without unpickling: a pickle may run any code, these files need none.

A batch is a pickled dictionary with the pixels as a NumPy array of bytes. The reader below knows three names, and
stands in for each with an inert class of its own, so that no function of NumPy or of any other module is ever called
by the file.
"""

from __future__ import annotations

import io
import pickle  # only as the base of a reader that refuses every name but three
import re
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from models.data_files import FETCH_AGAIN, DataError, existing, folder_state, read_bytes
from models.image_arrays import Part, checked_labels, paired

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
TEST_BATCH = "test_batch"

_IMAGE_BYTES = 3 * 32 * 32

_TRAIN_BATCH = re.compile(r"data_batch_\d+")


def read_cifar_path(folder: Path) -> list[Part]:
    """Read a user's own batches.

    Args:
        folder: Holds ``data_batch_1``, ``data_batch_2``, ... and ``test_batch``, or a subfolder
            ``cifar-10-batches-py`` that does, or the archive ``cifar-10-python.tar.gz``.

    Returns:
        Train and test.

    Raises:
        DataError: If files are missing or damaged, or hold anything but what CIFAR's batches hold.
    """
    archive = existing(folder, ARCHIVE)
    for place in (folder, folder / FOLDER):
        if existing(place, TEST_BATCH):
            names = [one.name for one in place.iterdir() if one.is_file()]
            return parse_batches(place, {name: read_bytes(place / name) for name in names if _is_batch(name)})
    if archive is not None:
        return parse_archive(archive, read_bytes(archive))
    raise DataError(
        f"{folder}: {TEST_BATCH} not found; looked in {folder} and {folder / FOLDER}{folder_state(folder)}; "
        f"put data_batch_1, ... and {TEST_BATCH} there, or {ARCHIVE}"
    )


def parse_archive(path: Path, content: bytes) -> list[Part]:
    """Read the batches out of the archive in which CIFAR-10 is published; links are passed over.

    Args:
        path: Where the bytes come from, for messages.
        content: The bytes of a .tar.gz file.

    Returns:
        Train and test.

    Raises:
        DataError: If the archive is damaged or lacks batches.
    """
    batches = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isreg() and _is_batch(name) and (file := archive.extractfile(member)) is not None:
                    batches[name] = file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: is not a whole .tar.gz archive ({error}); {FETCH_AGAIN}") from error
    return parse_batches(path, batches)


def parse_batches(place: Path, batches: Mapping[str, bytes]) -> list[Part]:
    """Read batches.

    Args:
        place: Where the batches come from, for messages.
        batches: Name to bytes: ``data_batch_1``, ... and ``test_batch``.

    Returns:
        Train and test, images uint8 of shape [n, 3, 32, 32].

    Raises:
        DataError: If a batch is missing, damaged, or holds anything else.
    """
    train = sorted((name for name in batches if name != TEST_BATCH), key=lambda name: (len(name), name))
    if not train or TEST_BATCH not in batches:
        missing = TEST_BATCH if train else "data_batch_1"
        raise DataError(f"{place}: {missing} not found; allowed: data_batch_1, ... and {TEST_BATCH}")
    parts = [parse_batch(place / name, batches[name]) for name in (*train, TEST_BATCH)]
    images, labels = zip(*parts[:-1], strict=True)
    return [(np.concatenate(images), np.concatenate(labels)), parts[-1]]


def parse_batch(path: Path, content: bytes) -> Part:
    """Read one batch.

    Args:
        path: Where the bytes come from, for messages.
        content: The bytes.

    Returns:
        Images, uint8 of shape [n, 3, 32, 32], and labels, int64 of shape [n].

    Raises:
        DataError: If the bytes are damaged, name anything but a NumPy array, or hold anything else.
    """
    try:
        batch = _BatchReader(io.BytesIO(content), encoding="bytes").load()
        pixels, labels = batch[b"data"].pixels(), np.asarray(batch[b"labels"])
    except _ForeignNameError as error:
        raise DataError(f"{path}: names {error}, which no CIFAR batch needs; {_NOT_READ}") from None
    except _DAMAGE as error:
        raise DataError(
            f"{path}: is not a CIFAR batch ({type(error).__name__}: {error}); {FETCH_AGAIN}"
        ) from error
    if len(pixels) % _IMAGE_BYTES:
        raise DataError(f"{path}: holds {len(pixels)} bytes; allowed: {_IMAGE_BYTES} for each image")
    images = pixels.reshape(-1, 3, 32, 32)
    return paired(images, checked_labels(labels, f"{path}: labels"), str(path), f"{path}: labels")


_NOT_READ = "the file was not read: it could run code; fetch it from a source that you trust"

_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a damaged pickle makes the reader raise."""


def _is_batch(name: str) -> bool:
    return name == TEST_BATCH or _TRAIN_BATCH.fullmatch(name) is not None


class _ForeignNameError(Exception):
    """A pickle names something that the batches do not need."""


class _ByteType:
    """Stands in for ``numpy.dtype``: holds the code of the type, and does nothing."""

    def __init__(self, code: bytes | str, *_: object) -> None:
        self.code = code.decode("ascii", "replace") if isinstance(code, bytes) else code

    def __setstate__(self, state: object) -> None:
        """Take the byte order and alignment, which single bytes do not have, and drop them."""


class _ByteArray:
    """Stands in for ``numpy.ndarray`` and what begins one: holds what the pickle tells of it, and does nothing."""

    def __init__(self, *_: object) -> None:
        """Begin with nothing, whatever type and shape the pickle begins with."""

    def __setstate__(self, state: tuple[int, tuple[int, ...], _ByteType, bool, bytes]) -> None:
        _, self._shape, self._type, self._by_columns, self._content = state

    def pixels(self) -> np.ndarray:
        """Return the bytes as a flat array."""
        if self._type.code != "u1" or self._by_columns or not isinstance(self._content, bytes):
            raise ValueError("its data are no array of unsigned bytes, row by row")
        return np.frombuffer(self._content, dtype=np.uint8)


class _BatchReader(pickle.Unpickler):
    """Reads dictionaries, lists, numbers and bytes, and arrays as inert objects; refuses every other name."""

    _STAND_INS: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): _ByteArray,
        ("numpy._core.multiarray", "_reconstruct"): _ByteArray,
        ("numpy", "ndarray"): _ByteArray,
        ("numpy", "dtype"): _ByteType,
    }

    def find_class(self, module: str, name: str) -> object:
        """Return the stand-in for a name, or refuse it."""
        if (module, name) not in self._STAND_INS:
            raise _ForeignNameError(f"{module}.{name}")
        return self._STAND_INS[module, name]
