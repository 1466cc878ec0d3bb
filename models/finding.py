"""Where the files of a named data set are right now: below HETEDGE_DATA, or in the cache. No file is opened."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.cache import cache_dir
from models.data_files import existing
from models.sources import SOURCES, Layout, SourceFile

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundFiles:
    """The files of a data set on the disk.

    Attributes:
        layout: The layout they are in.
        paths: Name of each file of the layout, as published, to where it is.
    """

    layout: Layout
    paths: Mapping[str, Path]

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return next(iter(self.paths.values())).parent


def cache_folder(name: str) -> Path:
    """Name the folder into which a data set is fetched.

    Args:
        name: Name of the data set.

    Returns:
        The folder; it need not exist.
    """
    return cache_dir() / "datasets" / name


def fetched_layout(name: str) -> Layout:
    """Find the layout in which a data set is fetched.

    Args:
        name: Name of the data set.

    Returns:
        The layout; each of its files has an address and a digest.
    """
    return next(layout for layout in SOURCES[name] if layout.can_be_fetched)


def find_given(name: str, data_root: Path | None) -> FoundFiles | None:
    """Find a data set below HETEDGE_DATA.

    Args:
        name: Name of the data set.
        data_root: The folder HETEDGE_DATA, or None.

    Returns:
        The first layout that is there with all its files. A layout that holds a part of the data counts only where
        no further file of the complete one is there: a set with one file missing is a mistake, not a smaller set.
    """
    if data_root is None:
        return None
    for layout in SOURCES[name]:
        for place in _places(name, layout, data_root):
            paths = _checkable(layout, place)
            if len(paths) == len(layout.files) and not (layout.images and _more_of_it(name, layout, place)):
                return FoundFiles(layout, paths)
    return None


def find_fetched(name: str) -> FoundFiles | None:
    """Find a data set in the cache.

    Args:
        name: Name of the data set.

    Returns:
        Its files, or None where any is missing.
    """
    layout = fetched_layout(name)
    paths = {file.name: cache_folder(name) / file.name for file in layout.files}
    return FoundFiles(layout, paths) if all(path.is_file() for path in paths.values()) else None


def looked_in(name: str, data_root: Path | None) -> list[str]:
    """Say where a data set was looked for, for a message.

    Args:
        name: Name of the data set.
        data_root: The folder HETEDGE_DATA, or None.

    Returns:
        Every folder; in brackets what it lacks where it holds some of the files.
    """
    if data_root is None:
        return [f"{cache_folder(name)} (the cache; HETEDGE_DATA is not set)"]
    places = {
        place: layout for layout in reversed(SOURCES[name]) for place in _places(name, layout, data_root)
    }
    looked = [f"{place}{_lacks(layout, place)}" for place, layout in places.items()]
    return [*looked, f"{cache_folder(name)} (the cache)"]


def _places(name: str, layout: Layout, data_root: Path) -> list[Path]:
    """Name the folders in which a layout may lie; files named as MNIST's need a folder that tells whose they are."""
    own = [data_root / name, data_root / name / "raw"]
    return [place / layout.folder for place in (own if layout.kind == "idx" else [*own, data_root])]


def _checkable(layout: Layout, place: Path) -> dict[str, Path]:
    """Find the files of a layout in a folder, in a form that can be held against a digest."""
    found = {file.name: existing(place, *_checkable_names(file)) for file in layout.files}
    return {name: path for name, path in found.items() if path is not None}


def _checkable_names(file: SourceFile) -> list[str]:
    """Name a file's forms: unpacked, where the digest of the plain bytes is known, and as published."""
    return ([file.name.removesuffix(".gz")] if file.plain_sha256 else []) + [file.name]


def _more_of_it(name: str, part: Layout, place: Path) -> bool:
    """Say whether a folder holds files of the complete layout that the partial one does not have."""
    return any(
        existing(place, file.name, file.name.removesuffix(".gz"))
        for file in SOURCES[name][0].files
        if file not in part.files
    )


def _lacks(layout: Layout, place: Path) -> str:
    """Say in brackets what a folder lacks that holds some files of a layout."""
    found = _checkable(layout, place)
    lacking = [file.name for file in layout.files if file.name not in found]
    if not found or not lacking:
        return ""
    unpacked = [name for name in lacking if existing(place, name.removesuffix(".gz"))]
    why = f"; of {', '.join(unpacked)} only the .gz file can be checked" if unpacked else ""
    return f" (lacks {', '.join(lacking)}{why})".replace("; ", ": ")
