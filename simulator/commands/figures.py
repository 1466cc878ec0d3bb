"""The command that draws figures: plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.commands.shared import InputError, known, to_path

if TYPE_CHECKING:
    from analysis.plots import Choice


def _option(name: str, what: str) -> typer.models.OptionInfo:
    """An option that names a column."""
    option: typer.models.OptionInfo = typer.Option(name, metavar="NAME", help=what)
    return option


def plot(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="The kind of figure; 'all' draws every kind that there is by itself."
        ),
    ],
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders of runs, or of comparisons, or of sweeps."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="DIR",
            parser=to_path,
            help="Where to; default: figures/ of the only folder, else ./figures.",
        ),
    ] = None,
    rows: Annotated[str | None, _option("--rows", "heat_map: the axis of its rows.")] = None,
    columns: Annotated[str | None, _option("--columns", "heat_map: the axis of its columns.")] = None,
    value: Annotated[
        str | None, _option("--value", "Of sweeps and comparisons: the metric or number that is shown.")
    ] = None,
    against: Annotated[
        str | None, _option("--against", "pareto, scaling: the number on the horizontal axis.")
    ] = None,
    iteration: Annotated[
        int | None,
        typer.Option("--iteration", metavar="N", help="gantt: the iteration; default: the trace's first."),
    ] = None,
) -> None:
    """Draw figures of runs, comparisons or sweeps, as PNG and PDF."""
    from analysis.plots import KINDS

    known("figure", kind, ["all", *dict.fromkeys(one for kinds in KINDS.values() for one in kinds)])
    source = _source(kind, folders)
    options = {"rows": rows, "columns": columns, "value": value, "against": against, "iteration": iteration}
    _check_options(source, kind, [name for name, given in options.items() if given is not None])
    target = out or (folders[0] / "figures" if len(folders) == 1 else Path("figures"))
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"-o: {target}: {error.strerror}; name a folder that can be written to") from error
    asked = _Asked(kind, folders, target, rows, columns, value, against, iteration)
    for path in _draw(source, asked):
        print(path)


@dataclass(frozen=True)
class _Asked:
    """What was asked for."""

    kind: str
    folders: Sequence[Path]
    target: Path
    rows: str | None
    columns: str | None
    value: str | None
    against: str | None
    iteration: int | None


def _source(kind: str, folders: Sequence[Path]) -> str:
    """Return what the folders are of: a run, a comparison or a sweep.

    Raises:
        InputError: One is of none that has this kind of figure, or they are not of the same.
    """
    from analysis.plots import KINDS, MARKS

    fitting = {source: MARKS[source] for source, kinds in KINDS.items() if kind == "all" or kind in kinds}
    allowed = f"allowed: the folder of {' or '.join(f'a {source}' for source in fitting)}"
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; {allowed}")
        source = next((one for one, mark in MARKS.items() if (folder / mark).is_file()), None)
        if source not in fitting:
            holds = f"is the folder of a {source}; it has no figure {kind!r}" if source else (
                f"holds no {' or '.join(fitting.values())}"
            )  # fmt: skip
            raise InputError(f"{folder}: {holds}; {allowed}")
        found.setdefault(source, folder)
    if len(found) > 1:
        told = ", ".join(f"{folder} of a {source}" for source, folder in found.items())
        raise InputError(
            f"folders of different things: {told}; allowed: all of runs, of comparisons or of sweeps"
        )
    return next(iter(found))


def _kinds(source: str, kind: str) -> Sequence[str]:
    """Return the kinds that are asked for; 'all' are those that there are by themselves."""
    from analysis.plots import FIGURES, KINDS

    if kind != "all":
        return (kind,)
    return tuple(FIGURES) if source == "run" else KINDS[source]


def _check_options(source: str, kind: str, given: Sequence[str]) -> None:
    """Refuse an option that nothing which is asked for takes.

    Raises:
        InputError: There is one.
    """
    from analysis.plot_options import check_options
    from analysis.plots import ChoiceError

    try:
        check_options(source, _kinds(source, kind), given)
    except ChoiceError as error:
        raise InputError(str(error)) from error


def _draw(source: str, asked: _Asked) -> Iterator[Path]:
    """Draw the figures; yield the files.

    Raises:
        InputError: What was chosen is not there.
    """
    from analysis.plots import Choice, ChoiceError

    choice = Choice(asked.rows, asked.columns, asked.value, asked.against)
    draw = {"run": _of_runs, "comparison": _of_comparisons, "sweep": _of_sweeps}[source]
    try:
        yield from draw(asked, choice)
    except ChoiceError as error:
        raise InputError(str(error)) from error


def _of_runs(asked: _Asked, _: Choice) -> Iterator[Path]:
    from analysis.plots import draw
    from analysis.runs import load_run

    loaded = [load_run(folder) for folder in asked.folders]
    for kind in _kinds("run", asked.kind):
        yield from draw(kind, loaded, asked.target, iteration=asked.iteration)


def _of_comparisons(asked: _Asked, choice: Choice) -> Iterator[Path]:
    from analysis.plot_comparisons import draw_comparisons
    from analysis.plots import draw_comparison_folder

    if asked.kind == "iteration_latency":
        yield from draw_comparisons(asked.folders, asked.target)
        return
    kinds = _kinds("comparison", asked.kind)
    for folder, target in _targets(asked):
        yield from draw_comparison_folder(folder, target, kinds, choice)


def _of_sweeps(asked: _Asked, choice: Choice) -> Iterator[Path]:
    from analysis.plots import draw_sweep
    from analysis.sweeps import load_sweep

    kinds = _kinds("sweep", asked.kind)
    for folder, target in _targets(asked):
        yield from draw_sweep(load_sweep(folder), target, kinds, choice)


def _targets(asked: _Asked) -> list[tuple[Path, Path]]:
    """Each folder with where its figures go: of several each into a folder of its own."""
    if len(asked.folders) == 1:
        return [(asked.folders[0], asked.target)]
    return [(folder, asked.target / folder.resolve().name) for folder in asked.folders]
