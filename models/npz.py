"""Data sets in NumPy's .npz files. Nothing in them is ever unpickled."""

from __future__ import annotations

import io
import logging
import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from models.data_files import DataError, folder_state, read_bytes
from models.image_arrays import Part, channels_first, checked_labels, paired

logger = logging.getLogger(__name__)

_NAMINGS = (
    (("train_images", "train_labels"), ("test_images", "test_labels")),
    (("x_train", "y_train"), ("x_test", "y_test")),
    (("images", "labels"),),
    (("train_images", "train_labels"),),
    (("x_train", "y_train"),),
)
"""Names of the arrays that are understood: of train and test, or of one part that is to be split."""


def read_npz_path(path: Path) -> list[Part]:
    """Read a user's own .npz file.

    Args:
        path: The file, or a folder that holds one .npz file.

    Returns:
        One part (to be split) or two (train, test).

    Raises:
        DataError: If there is no such file, it is damaged, or its arrays are not what they should be.
    """
    if path.is_file():
        return parse_npz(path, read_bytes(path))
    files = sorted(path.glob("*.npz"))
    if len(files) != 1:
        held = (
            f"{len(files)} .npz files ({', '.join(file.name for file in files)})" if files else "no .npz file"
        )
        raise DataError(
            f"{path}: holds {held}{folder_state(path)}; allowed: one, or the path of the file itself"
        )
    return parse_npz(files[0], read_bytes(files[0]))


def parse_npz(path: Path, content: bytes) -> list[Part]:
    """Make arrays of the bytes of a .npz file.

    Args:
        path: Where the bytes come from, for messages.
        content: The bytes.

    Returns:
        One part (to be split) or two (train, test).

    Raises:
        DataError: If the bytes are damaged, or the arrays are not what they should be.
    """
    file = _opened(path, content)
    naming = _naming(path, file.files)
    arrays = {name: _array(path, file, name) for part in naming for name in part}
    return [_part(path, arrays, *part) for part in naming]


def _opened(path: Path, content: bytes) -> NpzFile:
    """Open the bytes as an archive of named arrays."""
    try:
        file = np.load(io.BytesIO(content), allow_pickle=False)
    except _DAMAGE as error:
        raise DataError(f"{path}: is not a .npz file ({error}); {_WRITE_AGAIN}") from error
    if not isinstance(file, NpzFile):
        raise DataError(f"{path}: is a single array; allowed: named arrays, as np.savez writes them")
    return file


def _naming(path: Path, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Find out which arrays are the images and the labels; tell of arrays that are not used."""
    for naming in _NAMINGS:
        used = {name for part in naming for name in part}
        half_a_test_part = len(naming) == 1 and _TEST_NAMES.intersection(names)
        if used.issubset(names) and not half_a_test_part:
            if others := sorted(set(names) - used):
                logger.info("%s: the arrays %s are not used", path, ", ".join(others))
            return naming
    allowed = " or ".join(", ".join(name for part in naming for name in part) for naming in _NAMINGS)
    raise DataError(f"{path}: holds the arrays {', '.join(sorted(names)) or '(none)'}; allowed: {allowed}")


def _array(path: Path, file: NpzFile, name: str) -> np.ndarray:
    """Read one array; an array of objects would have to be unpickled, and is refused."""
    try:
        array: np.ndarray = file[name]
    except _DAMAGE as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{path}: {name} is an array of objects; allowed: arrays of numbers, which need no pickle"
            ) from error
        raise DataError(f"{path}: {name} cannot be read ({error}); {_WRITE_AGAIN}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {name} is not in NumPy's format; {_WRITE_AGAIN}")
    return array


def _part(path: Path, arrays: Mapping[str, np.ndarray], images: str, labels: str) -> Part:
    return paired(
        channels_first(arrays[images], f"{path}: {images}"),
        checked_labels(arrays[labels], f"{path}: {labels}"),
        images,
        f"{path}: {labels}",
    )


_DAMAGE = (
    ValueError,
    EOFError,
    OSError,
    KeyError,
    RuntimeError,  # encrypted members, and ways of packing that Python does not know
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    AttributeError,
    TypeError,
    OverflowError,
    SyntaxError,
    tokenize.TokenError,
    lzma.LZMAError,
)
"""What NumPy raises on files that are cut short, damaged, encrypted, no archives, or with headers that are none."""

_WRITE_AGAIN = "write it again with np.savez, or fetch it again"

_TEST_NAMES = {"test_images", "test_labels", "x_test", "y_test"}
