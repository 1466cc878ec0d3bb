"""The command that draws figures: plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.shared import InputError, comparison_folder, known, run_folder, to_path


def plot(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="The kind of figure; 'all' draws every kind of a run.")
    ],
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Run folders; for iteration_latency those of comparisons."),
    ],
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
    """Draw figures of one or several runs, or comparisons, as PNG and PDF."""
    from analysis.plot_comparisons import COMPARISON_FIGURES
    from analysis.plots import FIGURES, ON_REQUEST

    known("figure", kind, ["all", *FIGURES, *ON_REQUEST, *COMPARISON_FIGURES])
    folders = [comparison_folder(one) if kind in COMPARISON_FIGURES else run_folder(one) for one in runs]
    target = out or (runs[0] / "figures" if len(runs) == 1 else Path("figures"))
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"-o: {target}: {error.strerror}; name a folder that can be written to") from error
    for path in _draw(kind, folders, target):
        print(path)


def _draw(kind: str, folders: Sequence[Path], target: Path) -> Iterator[Path]:
    """Draw figures of comparisons, or of runs; yield the files."""
    from analysis.plot_comparisons import COMPARISON_FIGURES, draw_comparisons
    from analysis.plots import FIGURES, draw
    from analysis.runs import load_run

    if kind in COMPARISON_FIGURES:
        yield from draw_comparisons(folders, target)
        return
    loaded = [load_run(folder) for folder in folders]
    for one in FIGURES if kind == "all" else (kind,):
        yield from draw(one, loaded, target)
