"""From the name of a scenario to the bytes of its file: library names and paths."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

from models.option_errors import allowed_names
from scenarios.messages import Problem, ScenarioError
from scenarios.tree import Location, Source

SUFFIXES = (".yaml", ".yml")
# A sweep file describes many runs; it is no scenario.
NOT_SCENARIOS = "sweeps"


def library_root() -> Path:
    """Returns the folder of the scenarios that are installed with the package."""
    return Path(str(resources.files("scenarios")))


def library_names() -> tuple[str, ...]:
    """Returns the names of the library's scenarios, sorted: `quickstart`, `paper/s1_single_iid`."""
    root = library_root()
    paths = [path.relative_to(root).with_suffix("") for path in root.rglob("*.yaml")]
    return tuple(sorted(path.as_posix() for path in paths if path.parts[0] != NOT_SCENARIOS))


def sweep_names() -> tuple[str, ...]:
    """Returns the names of the library's sweeps, sorted: `sweeps/device_mix`."""
    root = library_root()
    paths = (root / NOT_SCENARIOS).glob("*.yaml")
    return tuple(sorted(path.relative_to(root).with_suffix("").as_posix() for path in paths))


def resolve(name_or_path: str, folder: Path) -> Path:
    """Finds the file that a name means, without looking whether a path exists.

    Args:
        name_or_path: A library name, or a path. A library name wins over a file of the same name without
            suffix; `./name` means the file.
        folder: Where a relative path counts from.
    """
    names = (*library_names(), *sweep_names())
    if not name_or_path.endswith(SUFFIXES) and name_or_path in names:
        return library_root() / f"{name_or_path}.yaml"
    return folder / os.path.expanduser(name_or_path)


def label_of(name_or_path: str, path: Path) -> str:
    """Returns what errors call a file: the path as the user wrote it, or the library file's own."""
    return str(path) if path.is_relative_to(library_root()) else name_or_path


def name_of(path: Path) -> str:
    """Returns what a run or sweep is called after its file: a name that a folder can have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem)[:100].lstrip("._-") or "scenario"


def read_bytes(
    path: Path, name: str, asked_at: Location, key_path: str = "", *, sweep: bool = False
) -> bytes:
    """Reads a scenario file, or a sweep's.

    Args:
        path: The file.
        name: What the user called it.
        asked_at: Where the user asked for it, the place of the error.
        key_path: The key that asked for it; empty for the command line.
        sweep: Whether it is to be a sweep, no scenario.

    Raises:
        ScenarioError: There is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        stem = name.removesuffix(".yaml").removesuffix(".yml")
        names, what = (sweep_names(), "sweep") if sweep else (library_names(), "scenario")
        close = allowed_names(stem, names).removeprefix("allowed: ")
        message = f"no such file and no such {what} of the library; allowed: a path, or {close}"
    except IsADirectoryError:
        message = "a folder; allowed: the path of a YAML file"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = (
            f"the file cannot be read ({str(reason).lower()}); allowed: the path of a readable YAML file"
        )
    came = f"'{name}': " if key_path else ""
    raise ScenarioError([Problem(asked_at, key_path, came + message)])


def start_of(name: str) -> Location:
    """Returns the place of errors about a file that was named on the command line."""
    return Location(Source(name, Path()), 1, 1)
