"""Files between machines that share none: packed into bytes here, unpacked there."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path


def pack(path: Path) -> bytes:
    """Return a file, or a folder with all that is in it, as bytes; a link becomes what it leads to."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
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


def with_places(scenario: str, places: Mapping[Path, Path], all_named: bool = True) -> str:
    """Return a resolved scenario in which every path is that of this machine.

    Args:
        scenario: the text.
        places: the paths that it may name, and where they are here.
        all_named: whether it must name every one of them.

    Raises:
        ValueError: the text writes one of them otherwise, as YAML does with what cannot be printed.
    """
    written: dict[str, str] = {}
    for path, place in places.items():
        # Within single quotes YAML doubles a quote.
        forms = {str(path): str(place), _within_quotes(path): _within_quotes(place)}
        if all_named and not any(form in scenario for form in forms):
            raise ValueError(f"{path}: its name cannot be told in a scenario's text; allowed: printable text")
        written |= forms
    if not written:
        return scenario
    # All at once, so that no place is taken for a path; the longest first, since one may begin with another.
    either = "|".join(re.escape(form) for form in sorted(written, key=len, reverse=True))
    return re.sub(either, lambda found: written[found[0]], scenario)


def _within_quotes(path: Path) -> str:
    return str(path).replace("'", "''")
