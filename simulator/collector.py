"""The garbage collector kept from searching what is only just being made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS_BETWEEN_COLLECTIONS = 1_000_000
"""New objects after which it looks for garbage. Python's own number is some hundreds: a large fleet, which is made of
millions of objects of which none is garbage, takes twice as long with it."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Let the collector run seldom while something large is made; also a decorator of functions."""
    first, *others = gc.get_threshold()
    gc.set_threshold(max(first, OBJECTS_BETWEEN_COLLECTIONS) if first else 0, *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)
