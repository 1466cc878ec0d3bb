"""The terminal that a command was started from: log lines keep clear of its bars, and its loss ends nothing."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

STREAMS = (0, 1, 2)


def outlive_terminal() -> None:
    """Let what runs for long go on when its terminal is closed, or its connection breaks.

    What would still be printed goes nowhere then; the log in the run's folder goes on. Where the signal is ignored
    already, as under ``nohup``, nothing changes.
    """
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _go_on)


def _go_on(_signal: int, _frame: FrameType | None) -> None:
    # Only what led to the terminal: a file or pipe that output was sent to is still there.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in STREAMS:
        if _leads_to_terminal(stream):
            os.dup2(nowhere, stream)
    os.close(nowhere)
    log.warning("the terminal is gone; going on without it")


def _leads_to_terminal(stream: int) -> bool:
    """Whether a stream is a terminal's; one that is gone is no longer told as one, but cannot be written to."""
    try:
        if os.isatty(stream):
            return True
        os.write(stream, b"") if stream else os.read(stream, 0)
    except OSError:
        return True
    return False


@contextmanager
def logs_above_bars() -> Iterator[None]:
    """While live bars are drawn, print log lines above them; call it when the bars have begun."""
    moved = [
        (handler, handler.stream)
        for handler in logging.getLogger().handlers
        if type(handler) is logging.StreamHandler and handler.stream is sys.__stderr__
    ]
    for handler, _ in moved:
        handler.setStream(sys.stderr)  # what rich has put in its place
    try:
        yield
    finally:
        for handler, stream in moved:
            handler.setStream(stream)
