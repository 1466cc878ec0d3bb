"""A window of iterations as a trace tells it: computations, whole messages, and what there is no room for.

Times are told twice: in exact simulated seconds, and in nanoseconds (:mod:`analysis.trace.instants`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from analysis.legs import KINDS
from analysis.occupancy import IntArray
from analysis.trace.instants import instants
from analysis.trace.lanes import Interval
from analysis.trace.window import Traced

Links = Callable[[int, int], tuple[str, ...]]
"""Names of the links on the way from a device to another, given their ids."""


@dataclass(frozen=True, slots=True)
class Computation:
    """A device computes; ``device`` is its row (id + 1)."""

    device: int
    phase: str
    what: str
    round: int
    start_s: float
    end_s: float
    flops: float
    lost_flops: float
    span: Interval
    """Start and end, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Message:
    """A device sends another something, which may carry several kinds; ``source`` and ``target`` are rows (id + 1)."""

    source: int
    target: int
    round: int
    start_s: float
    end_s: float
    payload: tuple[tuple[str, float, float], ...]
    """Of each kind: its name, the bytes sent, and how many of these never arrived."""
    links: tuple[str, ...]
    span: Interval
    """Start and end, nanoseconds."""

    @property
    def what(self) -> str:
        """What it carries."""
        return " + ".join(dict.fromkeys(kind for kind, _, _ in self.payload))

    @property
    def n_bytes(self) -> float:
        """What was sent, bytes."""
        return math.fsum(n_bytes for _, n_bytes, _ in self.payload)

    @property
    def lost_bytes(self) -> float:
        """How much of it never arrived, bytes."""
        return math.fsum(lost for _, _, lost in self.payload)


def timeline(traced: Traced, links: Links) -> tuple[list[Computation], list[Message]]:
    """Return the computations and the messages of a window, in the order of their starts.

    What was sent as one is one message.
    """
    work, sent = traced.computations, traced.transfers
    *worked, begun, come = instants(work.start_s, work.end_s, sent.start_s, sent.end_s)
    return _computations(traced, *worked), _messages(traced, links, begun, come)


def _computations(traced: Traced, begun: IntArray, ended: IntArray) -> list[Computation]:
    work = traced.computations
    order = np.lexsort((work.end_s, work.device, work.start_s, ended, begun))
    columns = (work.device, work.work, traced.computation_round, *work[2:])
    rows = zip(*(column[order].tolist() for column in columns), _spans(begun, ended, order), strict=True)
    return [Computation(device, *traced.works[code], *rest) for device, code, *rest in rows]


def _messages(traced: Traced, links: Links, begun: IntArray, come: IntArray) -> list[Message]:
    sent = traced.transfers
    order = np.lexsort((sent.kind, come, sent.target, sent.source, begun))
    ends = (sent.source, sent.target, traced.transfer_round, sent.start_s, sent.end_s)
    whole = list(zip(*(column[order].tolist() for column in ends), _spans(begun, come, order), strict=True))
    parts = zip(
        *(column[order].tolist() for column in (sent.kind, sent.n_bytes, sent.lost_bytes)), strict=True
    )
    told = []
    for one, rows in groupby(zip(whole, parts, strict=True), key=lambda row: row[0]):
        source, target, round_, start_s, end_s, span = one
        payload = tuple((KINDS[kind], n_bytes, lost) for _, (kind, n_bytes, lost) in rows)
        way = links(source - 1, target - 1)
        told.append(Message(source, target, round_, start_s, end_s, payload, way, span))
    return told


def _spans(begun: IntArray, ended: IntArray, order: IntArray) -> Iterator[Interval]:
    return zip(begun[order].tolist(), ended[order].tolist(), strict=True)
