"""The command that makes a page to show: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.shared import InputError, to_path


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Run folders, or the folder of a comparison or of a sweep."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", metavar="FILE.html", parser=to_path, help="The page; a report is replaced."
        ),
    ] = Path("report.html"),
) -> None:
    """Tell of runs, a comparison or a sweep in one HTML page that needs no network; print its path."""
    from analysis.report import write_report
    from analysis.report.material import ReportError

    try:
        print(write_report(folders, out))
    except ReportError as error:
        raise InputError(str(error)) from error
