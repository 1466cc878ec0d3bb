"""What the commands share: their common arguments, checks of names and folders, and printing.

As in every file of this folder nothing of ours is imported before a command runs: whether other files hide our
packages is looked at first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="Path of a scenario, or a library name.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one value; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


class InputError(ValueError):
    """The command line names something that is not there."""


def to_path(text: str) -> Path:
    """Read a path; an empty one would mean the working folder, which nobody meant."""
    if not text:
        raise typer.BadParameter("an empty path; name a file or folder")
    return Path(text)


def known(what: str, name: str, names: Iterable[str]) -> str:
    """Return a name that is known.

    Raises:
        InputError: It is not; the message says which are, and which is nearest.
    """
    from models.option_errors import unknown_name

    if name not in names:
        raise InputError(unknown_name(what, name, names))
    return name


def run_folder(folder: Path) -> Path:
    """Return the folder of a run.

    Raises:
        InputError: It is none.
    """
    from analysis.runs import SCENARIO_FILE

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; allowed: the folder of a run")
    if not (folder / SCENARIO_FILE).exists():
        raise InputError(f"{folder}: holds no {SCENARIO_FILE}; allowed: the folder of a run")
    return folder


def comparison_folder(folder: Path) -> Path:
    """Return the folder of a comparison.

    Raises:
        InputError: It is none.
    """
    from analysis.plot_comparisons import COMPARISON_FILE

    if not (folder / COMPARISON_FILE).is_file():
        raise InputError(f"{folder}: holds no {COMPARISON_FILE}; allowed: the folder of a comparison")
    return folder


def print_answer(answer: Any, as_json: bool, text: Callable[[], str]) -> None:  # noqa: ANN401 - any JSON value
    """Print an answer as JSON or as text."""
    print(json.dumps(answer, indent=2, allow_nan=False) if as_json else text())
