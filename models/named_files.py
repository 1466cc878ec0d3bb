"""The files of a named data set: below HETEDGE_DATA, else in the cache, else fetched into it, and always checked."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from models.cache import cache_dir
from models.data_files import DataError, check_digest, existing, read_bytes, unpacked
from models.download import DownloadError, download, offline
from models.finding import cache_folder, fetched_layout, find_fetched, find_given, looked_in
from models.sources import Layout, SourceFile

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class NamedFiles:
    """The checked contents of a data set's files.

    Attributes:
        layout: The layout they are in.
        paths: File name, as published, to where the file is.
        plain: File name to bytes; those of a .gz file unpacked, of an archive as they are.
    """

    layout: Layout
    paths: Mapping[str, Path]
    plain: Mapping[str, bytes]


def open_named(name: str, data_root: Path | None) -> NamedFiles:
    """Read the files of a data set, each held against its published digest; fetch them where they are missing.

    Files below HETEDGE_DATA are only read. A damaged file in the cache is removed and fetched again,
    unless the cache lies below HETEDGE_DATA or is linked elsewhere: what is there is the user's.

    Args:
        name: Name of the data set.
        data_root: The folder HETEDGE_DATA, or None.

    Returns:
        The files.

    Raises:
        DataError: If they are nowhere and cannot be fetched, or a file below HETEDGE_DATA is not the published one.
    """
    found = find_given(name, data_root)
    if found is None:
        return _fetched(name, data_root)
    plain = {file.name: _read_checked(file, found.paths[file.name]) for file in found.layout.files}
    return NamedFiles(found.layout, found.paths, plain)


def fetch_if_missing(name: str, data_root: Path | None) -> None:
    """Fetch a data set that is neither below HETEDGE_DATA nor in the cache; open no file of one that is.

    Args:
        name: Name of the data set.
        data_root: The folder HETEDGE_DATA, or None.

    Raises:
        DataError: If it cannot be fetched.
    """
    if find_given(name, data_root) is None and find_fetched(name) is None:
        _fetched(name, data_root)


def _read_checked(file: SourceFile, path: Path) -> bytes:
    """Read a file; return its plain bytes if they are the published ones."""
    return _checked(file, path, read_bytes(path))


def _checked(file: SourceFile, path: Path, content: bytes) -> bytes:
    """Return the plain bytes of a file's content if they are the published ones."""
    if file.plain_sha256:
        plain = unpacked(path, content)
        check_digest(path, plain, f"sha256:{file.plain_sha256}", "the plain bytes")
        return plain
    check_digest(path, content, file.digest, "the file")
    return unpacked(path, content)


def _fetched(name: str, data_root: Path | None) -> NamedFiles:
    """Read the files in the cache, and fetch those that are missing or damaged."""
    layout, folder = fetched_layout(name), cache_folder(name)
    plain = {file.name: content for file in layout.files if (content := _kept(file, folder)[0]) is not None}
    missing = [file for file in layout.files if file.name not in plain]
    if missing and offline():
        raise _nowhere(name, missing, data_root, "not downloaded, because HETEDGE_OFFLINE is set")
    if missing:
        _check_own(folder, missing, data_root)
        try:
            with _alone_in(folder):
                plain |= {file.name: _kept_or_fetched(file, folder) for file in missing}
        except DownloadError as error:
            raise _nowhere(name, missing, data_root, f"not downloaded: {', '.join(error.tried)}") from error
    return NamedFiles(layout, {file.name: folder / file.name for file in layout.files}, plain)


def _kept(file: SourceFile, folder: Path) -> tuple[bytes | None, DataError | None]:
    """Read a file of the cache; nothing where it is missing, and what is wrong with it where it is damaged.

    Raises:
        DataError: If it is there and cannot be read: that is no damage.
    """
    path = existing(folder, file.name)
    if path is None:
        return None, None
    content = read_bytes(path)
    try:
        return _checked(file, path, content), None
    except DataError as error:
        return None, error


def _check_own(folder: Path, missing: Sequence[SourceFile], data_root: Path | None) -> None:
    """Refuse to remove or write files that are the user's: below HETEDGE_DATA, or behind a link."""
    own = cache_dir().resolve() / folder.relative_to(cache_dir())
    if data_root is not None and own.resolve().is_relative_to(data_root.resolve()):
        why = f"lies below HETEDGE_DATA ({data_root}), where nothing is written"
    elif own.resolve() != own or any((own / file.name).is_symlink() for file in missing):
        why = "is reached through a link, behind which nothing is written"
    else:
        return
    files = ", ".join(file.name for file in missing)
    raise DataError(
        f"{folder}: lacks {files}, or holds them damaged, and {why}; put the published files there yourself, or set "
        "HETEDGE_CACHE to another folder"
    )


def _kept_or_fetched(file: SourceFile, folder: Path) -> bytes:
    """Read a file that another process may have fetched meanwhile, or fetch it; call it alone in the folder."""
    content, damage = _kept(file, folder)
    if content is not None:
        return content
    if damage is not None:
        logger.warning("%s; this copy in the cache is removed", str(damage).partition("; ")[0])
        _remove(folder / file.name)
    return _read_checked(file, download(file, folder))


def _remove(path: Path) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise DataError(
            f"{path}: is damaged and cannot be removed ({error.strerror}); remove it yourself"
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make a folder of the cache, and keep other processes from fetching into it at the same time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock").acquire()
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error}); "
            "set HETEDGE_CACHE to a folder that can be written"
        ) from error
    with lock:
        yield


def _nowhere(name: str, missing: Sequence[SourceFile], data_root: Path | None, not_fetched: str) -> DataError:
    """Say which files are missing, where they were looked for, and what can be done."""
    files = ", ".join(file.name for file in missing)
    looked = ", ".join(looked_in(name, data_root))
    return DataError(
        f"data set {name!r} needs {files}, not found in {looked}, and {not_fetched}; put the files into a folder "
        f"{name} and set HETEDGE_DATA to the folder that holds it, or run this once with a network, or use an "
        "embedded data set: mnist5k, glyphs"
    )
