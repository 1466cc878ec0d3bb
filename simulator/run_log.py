"""What a command logs is kept in the run folder too, from before there was a folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import MemoryHandler

from analysis.runs import RunFolder

EARLY_LOG_RECORDS = 10_000
"""Log records that are kept until the run folder exists."""


@contextmanager
def early_log() -> Iterator[MemoryHandler]:
    """Keep what is logged before there is a run folder to log to."""
    handler = MemoryHandler(capacity=EARLY_LOG_RECORDS, flushLevel=logging.CRITICAL + 1)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)


@contextmanager
def log_file(folder: RunFolder, early: MemoryHandler, name: str = "run.log") -> Iterator[None]:
    """Write everything that was and is logged to a file of the folder as well.

    Args:
        folder: the folder.
        early: what was logged before it was there.
        name: the file's name; what is there already stays.
    """
    handler = logging.FileHandler(folder.path / name, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    early.setTarget(handler)
    early.flush()
    root = logging.getLogger()
    root.removeHandler(early)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
