"""Files between machines that share none: packed into bytes here, unpacked there."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def pack(path: Path) -> bytes:
    """Return a file, or a folder with all that is in it, as bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(path, arcname=path.name)
    return buffer.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write what :func:`pack` returned, under its own name, into a folder; the folder is made.

    Args:
        content: the bytes.
        folder: where to.

    Raises:
        tarfile.TarError: the content leads out of the folder, or is no archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def unpack_named(files: Mapping[Path, bytes], folder: Path) -> dict[Path, Path]:
    """Write files of another machine, each into a folder of its own, so that none hides another.

    Args:
        files: the packed content of every path.
        folder: where to.

    Returns:
        Where each of them is now; its name is the same, since names of data sets and profiles follow it.
    """
    places = {}
    for index, (path, content) in enumerate(files.items()):
        unpack(content, folder / str(index))
        places[path] = folder / str(index) / path.name
    return places


def with_places(scenario: str, places: Mapping[Path, Path]) -> str:
    """Return a resolved scenario in which every path is that of this machine.

    Args:
        scenario: the text.
        places: the paths that it may name, and where they are here.
    """
    # The longest first: one path may begin with another.
    for path in sorted(places, key=lambda one: -len(str(one))):
        if str(path) not in scenario:
            raise ValueError(
                f"{path}: its name cannot be told in a scenario's text; allowed: printable ASCII"
            )
        scenario = scenario.replace(str(path), str(places[path]))
    return scenario
