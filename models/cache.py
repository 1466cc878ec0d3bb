"""Where data are looked for and where derived data are kept, and a small cache of NumPy arrays."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import platformdirs

logger = logging.getLogger(__name__)

_DIGEST_ENTRY = "content_sha256"


def cache_dir() -> Path:
    """Find the folder of derived data: HETEDGE_CACHE, else the user's cache folder.

    Returns:
        The folder; it need not exist yet.
    """
    given = os.environ.get("HETEDGE_CACHE")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("hetedge"))


def data_root() -> Path | None:
    """Find the folder of the user's data sets: HETEDGE_DATA.

    Returns:
        The folder, or None where the variable is unset or empty; it need not exist.
    """
    given = os.environ.get("HETEDGE_DATA")
    return Path(given).expanduser() if given else None


def digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Compute the SHA-256 of arrays: of their names, types, shapes and values.

    Args:
        arrays: Name to array; the order of the names does not matter.

    Returns:
        64 hexadecimal digits, the same on machines of either byte order.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        little_endian = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        digest.update(f"{name}:{array.dtype.kind}{array.dtype.itemsize}:{array.shape};".encode())
        digest.update(little_endian.tobytes())
    return digest.hexdigest()


def cached_arrays(
    name: str, key: str, make: Callable[[], dict[str, np.ndarray]], folder: Path
) -> dict[str, np.ndarray]:
    """Load arrays that were made before, or make and keep them.

    The file is written under a temporary name and then renamed, so that no reader sees half of it. Its
    contents are checked against a digest kept inside; a damaged file is reported in the log and made anew.
    Where the folder cannot be written, the log says so and the arrays are not kept.

    Args:
        name: Name of the arrays, used in the file name.
        key: Whatever the contents depend on, such as versions; another key is another file.
        make: Makes the arrays.
        folder: The folder of the cache.

    Returns:
        Name to array.
    """
    path = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    arrays = _load(path)
    if arrays is None:
        arrays = make()
        _save(path, arrays)
    return arrays


def _load(path: Path) -> dict[str, np.ndarray] | None:
    """Read and check a file of the cache; None where there is no good one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        logger.warning("cache file %s cannot be read (%s); making it anew", path, error)
        return None
    kept = str(arrays.pop(_DIGEST_ENTRY, ""))
    if kept != digest_arrays(arrays):
        logger.warning("cache file %s does not hold what was written; making it anew", path)
        return None
    return arrays


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of the cache in one step, or log why that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            temporary = Path(folder) / path.name
            digest = np.array(digest_arrays(arrays))
            np.savez(temporary, allow_pickle=False, **{**arrays, _DIGEST_ENTRY: digest})
            os.replace(temporary, path)
    except OSError as error:
        logger.warning("cannot keep %s (%s); set HETEDGE_CACHE to a folder that can be written", path, error)
