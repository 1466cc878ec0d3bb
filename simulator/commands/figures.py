"""The command that draws figures: plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.shared import InputError, known, run_folder, to_path


def plot(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The kind of figure; 'all' draws every kind.")],
    runs: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Run folders.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="DIR",
            parser=to_path,
            help="Where to; default: figures/ of the only run, else ./figures.",
        ),
    ] = None,
) -> None:
    """Draw figures of one or several runs, as PNG and PDF."""
    from analysis.plots import FIGURES, draw
    from analysis.runs import load_run

    kinds = list(FIGURES) if kind == "all" else [known("figure", kind, ["all", *FIGURES])]
    loaded = [load_run(run_folder(one)) for one in runs]
    target = out or (runs[0] / "figures" if len(runs) == 1 else Path("figures"))
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"-o: {target}: {error.strerror}; name a folder that can be written to") from error
    for one in kinds:
        for path in draw(one, loaded, target):
            print(path)
