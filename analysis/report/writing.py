"""The report's file: written whole or not at all, and never over a file that is not a report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from analysis.report.material import ReportError
from analysis.report.page import GENERATOR, build_report
from analysis.runs import RunFolder

_HEAD_BYTES = 4096


def write_report(folders: Sequence[Path], out: Path) -> Path:
    """Write a report of runs, of a comparison or of a sweep.

    Args:
        folders: run folders, or the folder of a comparison or of a sweep; see
            :func:`analysis.report.gathering.gather`.
        out: the file; one that is a report already is replaced.

    Returns:
        The file.

    Raises:
        ReportError: A folder is none of ours, or ``out`` is a folder, or a file that is not a report, or lies in a
            folder that is not there or cannot be written to.
        RunError: A folder is damaged, or the disk is full.
    """
    check_place(out)
    page = build_report(folders)
    return RunFolder(out.parent).write_text(out.name, page)


def check_place(out: Path) -> None:
    """Refuse a place in which a report would overwrite something, or cannot be written.

    Raises:
        ReportError: The message says what is in the way.
    """
    if out.is_dir():
        raise ReportError(f"{out} is a folder; allowed: the name of a file, such as {out / 'report.html'}")
    if not out.parent.is_dir():
        raise ReportError(f"{out}: there is no folder {out.parent}; make it, or name another file")
    if not os.access(out.parent, os.W_OK):
        raise ReportError(f"{out}: {out.parent} cannot be written to; name another file")
    if out.exists() and not _is_report(out):
        raise ReportError(f"{out} is not a report of hetedge and is not overwritten; name another file")


def _is_report(file: Path) -> bool:
    """Whether a file was written by this module: its head says so. An empty one holds nothing to lose."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
    except OSError as error:
        raise ReportError(f"{file}: cannot be read: {error.strerror or error}; name another file") from error
    return not head or GENERATOR.encode() in head
