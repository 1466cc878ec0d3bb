"""Folders to material: which kind of folder is which, and what is reported of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.plot_comparisons import COMPARISON_FILE
from analysis.report.material import Material, ReportError
from analysis.report.of_comparison import comparison_material
from analysis.report.of_runs import runs_material
from analysis.report.of_sweep import sweep_material
from analysis.runs import SCENARIO_FILE, SUMMARY_FILE
from analysis.sweeps import is_sweep

_ALLOWED = "allowed: the folder of a run, of a comparison or of a sweep"


def gather(folders: Sequence[Path]) -> Material:
    """Read what a report tells of some folders.

    A comparison or a sweep is told as one where it is the only folder. Among several folders it stands for its runs.

    Args:
        folders: at least one.

    Raises:
        ReportError: There is none, or one is no folder of ours, or two are the same.
        RunError: One is damaged; the message names the file.
    """
    if not folders:
        raise ReportError(f"no folder; {_ALLOWED}")
    for folder in folders:
        _check(folder)
    if len(folders) == 1 and is_sweep(folders[0]):
        return sweep_material(folders[0])
    if len(folders) == 1 and _is_comparison(folders[0]):
        return comparison_material(folders[0])
    runs = [run for folder in folders for run in _runs_in(folder)]
    twice = {run.resolve() for run in runs}
    if len(twice) < len(runs):
        raise ReportError("a run is named more than once; allowed: each folder once")
    return runs_material(runs)


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise ReportError(f"{folder}: no such folder; {_ALLOWED}")
    if not (is_sweep(folder) or _is_comparison(folder) or _is_run(folder)):
        raise ReportError(f"{folder}: neither a run nor a comparison nor a finished sweep; {_ALLOWED}")


def _is_comparison(folder: Path) -> bool:
    return (folder / COMPARISON_FILE).is_file()


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (SCENARIO_FILE, SUMMARY_FILE))


def _runs_in(folder: Path) -> list[Path]:
    """The run folders that a folder stands for."""
    if is_sweep(folder):
        return [entry.folder for entry in sweep_material(folder).entries if entry.folder is not None]
    if _is_comparison(folder):
        return [entry.folder for entry in comparison_material(folder).entries if entry.folder is not None]
    return [folder]
