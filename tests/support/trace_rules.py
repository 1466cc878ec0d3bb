"""The rules of Chrome's Trace Event format, checked by a reader of its own; it knows nothing of how ours is written.

The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
"""

import json
import math
from collections import Counter, defaultdict
from pathlib import Path

NAMED = {"process_name": str, "thread_name": str, "process_sort_index": int, "thread_sort_index": int}
SCOPES = {"g", "p", "t"}


def load(path: Path) -> dict:
    """Parse strictly: NaN and infinity are no JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)


def check(trace: dict) -> None:
    """Assert that a trace is one, in the form of a JSON object."""
    assert isinstance(trace["traceEvents"], list)
    assert trace["displayTimeUnit"] in {"ms", "ns"}
    assert isinstance(trace["otherData"], dict)
    events = trace["traceEvents"]
    for event in events:
        check_common(event)
        {"X": check_slice, "M": check_metadata, "C": check_counter, "i": check_instant, "s": check_arrow,
         "f": check_arrow}[event["ph"]](event)  # fmt: skip
    check_names(events)
    slices = slices_by_track(events)
    for track, spans in slices.items():
        check_nesting(track, spans)
    check_arrows(events, slices)


def is_int(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_common(event):
    assert is_int(event["pid"]), event
    assert is_int(event["tid"]), event
    assert isinstance(event["name"], str), event
    assert event["name"], event
    if event["ph"] != "M":
        assert is_number(event["ts"]), event
        assert event["ts"] >= 0, event
        assert isinstance(event["cat"], str), event
    assert isinstance(event.get("args", {}), dict), event


def check_slice(event):
    assert is_number(event["dur"]), event
    assert event["dur"] >= 0, event


def check_metadata(event):
    key = "sort_index" if event["name"].endswith("sort_index") else "name"
    assert set(event["args"]) == {key}, event
    assert isinstance(event["args"][key], NAMED[event["name"]]), event


def check_counter(event):
    assert event["args"], event
    assert all(map(is_number, event["args"].values())), event


def check_instant(event):
    assert event["s"] in SCOPES, event


def check_arrow(event):
    assert is_int(event["id"]) or isinstance(event["id"], str), event
    if event["ph"] == "f":
        assert event["bp"] == "e", f"it would bind to the next slice, not to the one around it: {event}"


def check_names(events):
    """Every process and every track with something on it is named, each once; counters belong to processes."""
    given = Counter((event["name"], event["pid"], event["tid"]) for event in events if event["ph"] == "M")
    assert set(given.values()) <= {1}
    processes = {pid for name, pid, _ in given if name == "process_name"}
    threads = {(pid, tid) for name, pid, tid in given if name == "thread_name"}
    assert {event["pid"] for event in events} <= processes
    drawn = {(event["pid"], event["tid"]) for event in events if event["ph"] in "Xisf"}
    assert drawn <= threads
    assert len({tid for _, tid in threads}) == len(threads), "some viewers know a thread by its tid alone"
    assert not {tid for _, tid in threads} & processes, (
        "viewers take a thread with its process's number for its main"
    )


def nanoseconds(microseconds) -> int:
    return round(microseconds * 1000)


def slices_by_track(events):
    """Return start, end (nanoseconds) of the slices of each track."""
    found = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            span = (nanoseconds(event["ts"]), nanoseconds(event["ts"] + event["dur"]))
            found[event["pid"], event["tid"]].append(span)
    return found


def check_nesting(track, spans):
    """Slices of one track lie side by side or within each other; none begins in another and ends after it."""
    open_until = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        while open_until and open_until[-1] <= start:
            open_until.pop()
        assert not open_until or end <= open_until[-1], (
            f"slices of {track} overlap in part at {start}..{end} ns"
        )
        open_until.append(end)


def check_arrows(events, slices):
    """Every arrow has one beginning and one end, not before it, each within one slice of its track."""
    ends = {phase: {} for phase in "sf"}
    for event in events:
        if event["ph"] in "sf":
            key = (event["cat"], event["name"], event["id"])
            assert key not in ends[event["ph"]], f"twice: {event}"
            ends[event["ph"]][key] = event
            at, track = nanoseconds(event["ts"]), (event["pid"], event["tid"])
            around = sum(start <= at <= end for start, end in slices[track])
            assert around, f"bound to nothing: {event}"
            assert around == 1, f"bound to one of {around} slices, nobody knows which: {event}"
    assert ends["s"].keys() == ends["f"].keys()
    for key, start in ends["s"].items():
        assert start["ts"] <= ends["f"][key]["ts"], key
