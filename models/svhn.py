"""The two MATLAB files of SVHN's cropped digits."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np

from models.data_files import FETCH_AGAIN, DataError
from models.image_arrays import Part, checked_labels, paired


def parse_mat(path: Path, content: bytes) -> Part:
    """Read one file.

    Args:
        path: Where the bytes come from, for messages.
        content: The bytes.

    Returns:
        Images, uint8 of shape [n, 3, 32, 32], and labels, int64 of shape [n]; the digit 0, which the file calls 10,
        is 0.

    Raises:
        DataError: If the file is damaged or holds anything else.
    """
    # Imported here: only this data set needs it.
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        # scipy reads open files as well as paths; its type stubs know paths only.
        arrays = loadmat(io.BytesIO(content), variable_names=["X", "y"])  # type: ignore[arg-type]
    except NotImplementedError as error:  # scipy's word for MATLAB 7.3 files, which are HDF5
        raise DataError(
            f"{path}: is a MATLAB 7.3 file; allowed: MATLAB 5, as published: fetch the published file"
        ) from error
    except (MatReadError, ValueError, TypeError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: is not a whole MATLAB file ({error}); {FETCH_AGAIN}") from error
    images, labels = arrays.get("X"), arrays.get("y")
    if images is None or labels is None or images.ndim != 4 or images.dtype != np.uint8:
        raise DataError(f"{path}: allowed: X, bytes of shape 32x32x3xN, and y; the file is of another kind")
    digits = checked_labels(labels, f"{path}: y")
    pixels = np.ascontiguousarray(images.transpose(3, 2, 0, 1))
    return paired(pixels, np.where(digits == 10, 0, digits), f"{path}: X", f"{path}: y")
