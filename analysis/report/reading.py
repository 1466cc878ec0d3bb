"""Reading files of folders so that damage is told with the file's name, never by a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from analysis.runs import RunError


@contextmanager
def shaped_by(file: Path | None) -> Iterator[None]:
    """Tell of what a file holds in another shape than expected as damage of that file.

    Only what takes the file's content apart belongs inside.

    Args:
        file: the file; None where there is none to blame, and nothing is caught.

    Raises:
        RunError: A key or an item is missing, or a value is of another kind.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if file is None:
            raise
        told = f"it has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise RunError(f"{file}: damaged: {told}") from error


def read_text(file: Path) -> str:
    """Read a text file.

    Raises:
        RunError: It is missing, or it is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{file}: damaged: {error}") from error


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON file that holds a mapping.

    Raises:
        RunError: It is missing or damaged.
    """
    try:
        value = json.loads(read_text(file))
    except ValueError as error:
        raise RunError(f"{file}: damaged: {error}") from error
    return _mapping(file, value)


def read_yaml(file: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        RunError: It is missing or damaged.
    """
    try:
        value = YAML(typ="safe", pure=True).load(read_text(file))
    except (ValueError, YAMLError) as error:
        raise RunError(f"{file}: damaged: {' '.join(str(error).split())}") from error
    return _mapping(file, value)


def _mapping(file: Path, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RunError(f"{file}: damaged: it holds {type(value).__name__}, not a mapping")
    return value
