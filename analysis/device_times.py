"""What each device did with the time of a round: it computed, transferred, was off, or waited.

Where several are true at once the first counts: a device that transfers while it computes is computing. Nothing is
true beside being off: a device that is off and computes or transfers is a fault of the simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from analysis.legs import RecordError, require
from analysis.occupancy import FloatArray, Spans, TextArray, by_device_and_start, meeting, occupied_seconds
from analysis.under_way import RoundSpan


class Activity(NamedTuple):
    """Intervals in which devices did something, and the words for each of them."""

    spans: Spans
    describe: Callable[[int], str]


def device_times(
    span: RoundSpan,
    computing: Sequence[Activity],
    transferring: Sequence[Activity],
    off: Spans,
    names: TextArray,
    lanes: FloatArray,
) -> dict[str, FloatArray]:
    """Share out a round's time.

    Args:
        span: The round.
        computing: What was computed, by device row; only what lies within the round counts.
        transferring: What was on its way, once for its source and once for its target.
        off: When devices were off, as :meth:`analysis.absences.Absences.take` returns it.
        names: Names of the devices by row.
        lanes: How many things each device may compute at once, by row.

    Returns:
        Columns ``compute_s``, ``transfer_s``, ``wait_s``, ``off_s`` and ``elapsed_s``, shape ``[devices]``; the
        first four sum to the last.

    Raises:
        RecordError: A device computed more at once than it has lanes, did something while it was off, or the four do
            not sum to the round; the message names device, round and leg.
    """
    work, moved = (_joined(each, span) for each in (computing, transferring))
    for activities, spans in ((computing, work), (transferring, moved)):
        _require_present(span, activities, spans, off, names)
    compute_s, busy_s, known_s = _occupied(work, moved, off, len(names))
    _require_lanes(span, computing, work, compute_s, lanes, names)
    elapsed_s = np.full(len(names), span.end_s - span.start_s)
    times = {
        "compute_s": compute_s,
        "transfer_s": np.maximum(busy_s - compute_s, 0.0),
        "wait_s": np.maximum(elapsed_s - known_s, 0.0),
        "off_s": np.maximum(known_s - busy_s, 0.0),
        "elapsed_s": elapsed_s,
    }
    _require_whole(span, times, names)
    return times


def _joined(activities: Sequence[Activity], span: RoundSpan) -> Spans:
    """Return the intervals of several activities, cut at the round's ends."""
    columns = zip(*(activity.spans for activity in activities), strict=True)
    return Spans(*map(np.concatenate, columns)).within(span.start_s, span.end_s)


def _occupied(work: Spans, moved: Spans, off: Spans, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each device's seconds of computing; of that or transferring; and of these or being off."""
    parts = [work, moved, off] if len(off.device) else [work, moved]
    device, start_s, end_s = map(np.concatenate, zip(*parts, strict=True))
    order = by_device_and_start(device, start_s)
    device, start_s, end_s = device[order], start_s[order], end_s[order]

    def seconds(first: int) -> FloatArray:
        """Return the seconds occupied by the first intervals, counted before they were sorted."""
        kept = order < first
        return occupied_seconds(device[kept], start_s[kept], end_s[kept], count)

    known_s = occupied_seconds(device, start_s, end_s, count)
    busy_s = seconds(len(work.device) + len(moved.device)) if len(off.device) else known_s
    return seconds(len(work.device)), busy_s, known_s


def _require_present(
    span: RoundSpan, activities: Sequence[Activity], spans: Spans, off: Spans, names: TextArray
) -> None:
    """Check that devices do nothing while they are off."""
    met = meeting(spans, off, span.allowed_s)
    if (met < 0).all():
        return
    i = int(np.argmax(met >= 0))
    away = f"from {off.start_s[met[i]]} s to {off.end_s[met[i]]} s"
    raise RecordError(
        f"{names[spans.device[i]]} is off {away} in round {span.number}, and yet: {_words(activities, i)}"
    )


def _require_lanes(
    span: RoundSpan,
    computing: Sequence[Activity],
    work: Spans,
    compute_s: FloatArray,
    lanes: FloatArray,
    names: TextArray,
) -> None:
    """Check that no device computes more at once than it has lanes."""
    overlap_s = np.bincount(work.device, weights=work.end_s - work.start_s, minlength=len(names)) - compute_s
    for row in np.flatnonzero((overlap_s > span.allowed_s) & np.isfinite(lanes)).tolist():
        own = np.flatnonzero(work.device == row)
        own = own[np.argsort(work.start_s[own], kind="stable")]
        # With n lanes the k-th piece of work begins when k - n have ended.
        most = int(lanes[row])
        into_s = np.sort(work.end_s[own])[:-most] - work.start_s[own][most:]
        beyond_s = float(into_s[into_s > 0.0].sum())
        if beyond_s > span.allowed_s:
            leg = _words(computing, int(own[most + int(np.argmax(into_s))]))
            begins = f"{names[row]} computes {most + 1} things at once in round {span.number}"
            raise RecordError(f"{begins}, for {beyond_s} s; the last: {leg}")


def _require_whole(span: RoundSpan, times: dict[str, FloatArray], names: TextArray) -> None:
    """Check that every device's times sum to the round."""
    parts = ("compute_s", "transfer_s", "wait_s", "off_s")
    rest_s = times["elapsed_s"] - sum(times[part] for part in parts)

    def describe(row: int) -> str:
        own = ", ".join(f"{part} {times[part][row]}" for part in (*parts, "elapsed_s"))
        return f"the times of {names[row]} do not sum to round {span.number}: {own}"

    require(np.abs(rest_s) <= span.allowed_s, describe)


def _words(activities: Sequence[Activity], i: int) -> str:
    """Describe the i-th interval of joined activities."""
    for activity in activities:
        if i < len(activity.spans.device):
            return activity.describe(i)
        i -= len(activity.spans.device)
    raise IndexError(i)
