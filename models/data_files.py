"""The bytes of data files: reading them, unpacking gzip, and holding them against published digests."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import os
import zlib
from pathlib import Path

FETCH_AGAIN = "the file is cut short or damaged: fetch it again"


class DataError(ValueError):
    """Data files are missing, damaged or not what they should be."""


def existing(place: Path, *names: str) -> Path | None:
    """Find the first file of some names in a folder.

    Args:
        place: The folder; it need not exist.
        names: Names of files, the preferred first.

    Returns:
        Its path, or None.
    """
    for name in names:
        if os.path.isfile(place / name):  # unlike Path.is_file, False in a folder that cannot be searched
            return place / name
    return None


def folder_state(folder: Path) -> str:
    """Say what is wrong with a folder itself.

    Args:
        folder: The folder.

    Returns:
        Text in brackets for a message, empty where it is a folder.
    """
    if not os.path.exists(folder):
        return " (there is no such folder)"
    return "" if os.path.isdir(folder) else " (which is not a folder)"


def read_bytes(path: Path) -> bytes:
    """Read a whole file as it is.

    Args:
        path: The file.

    Returns:
        Its bytes.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def unpacked(path: Path, content: bytes) -> bytes:
    """Unpack the bytes of a .gz file of IDX data; other files, among them .tar.gz archives, are returned as they are.

    No more is unpacked than the header inside promises, and one byte: a small file cannot fill the memory.

    Args:
        path: Where the bytes come from; its suffix decides.
        content: The bytes.

    Returns:
        The plain bytes.

    Raises:
        DataError: If they are no whole gzip file.
    """
    if path.suffix != ".gz" or path.name.endswith(".tar.gz"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            head = _read_at_most(file, _LONGEST_IDX_HEADER)
            return head + _read_at_most(file, _promised_bytes(head) - len(head) + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: is not a whole gzip file ({error}); {FETCH_AGAIN}") from error


_LONGEST_IDX_HEADER = 20
"""Bytes: four of the kind, and four for each of up to four dimensions."""

_UNPACKED_AT_ONCE = 1 << 20


def _promised_bytes(head: bytes) -> int:
    """Return the size of IDX data as the beginning states it; of anything else what is read of it at most."""
    dimensions = head[3] if len(head) > 3 else 0
    header_bytes = 4 + 4 * dimensions
    if head[:3] != b"\x00\x00\x08" or not header_bytes <= min(len(head), _LONGEST_IDX_HEADER):
        return _UNPACKED_AT_ONCE
    shape = [int.from_bytes(head[at : at + 4], "big") for at in range(4, header_bytes, 4)]
    return header_bytes + math.prod(shape)


def _read_at_most(file: gzip.GzipFile, n_bytes: int) -> bytes:
    """Read up to a number of bytes, piece by piece: what is not there is not reserved."""
    pieces, left = [], n_bytes
    while left > 0 and (piece := file.read(min(left, _UNPACKED_AT_ONCE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def check_digest(path: Path, content: bytes, expected: str, of: str) -> None:
    """Hold bytes against a published digest.

    Args:
        path: Where the bytes come from, for the message.
        content: The bytes.
        expected: ``sha256:`` or ``md5:`` and the hexadecimal digits. MD5 stands only where nothing better is
            published; it finds damage, not malice.
        of: What the bytes are, for the message, such as ``the plain bytes``.

    Raises:
        DataError: If the digest is another one.
    """
    kind, _, digits = expected.partition(":")
    found = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
    if found != digits:
        shown = {"sha256": "SHA-256", "md5": "MD5"}[kind]
        raise DataError(
            f"{path}: expected {shown} {digits} of {of}, found {found}; the file is damaged or holds other data: "
            "fetch it again, or name its folder with dataset: {path: DIR, format: ...}"
        )
