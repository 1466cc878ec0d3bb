"""The answer of ``hetedge explain`` as people read it; G is the generator, D the discriminator."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from analysis.readable import amount_text, bytes_text, duration_text, percent_text, time_unit
from simulator.tables import aligned

Facts = Mapping[str, Any]

MOST_ROWS = 12
"""Changes that are listed at most."""

SMALLEST_GAIN = 1e-3
"""Gains below this share of the iteration are summed up in one line."""

NOTHING = 1e-9
"""Gains below this share are rounding."""

WIDTH = 110
"""Characters of a line of prose."""

DIGITS = 5
"""Significant digits of times on the axis of an iteration."""


def explanation_text(answer: Facts) -> str:
    """Return the answer of ``hetedge explain`` as text."""
    parts = [
        f"{answer['scenario']}: {duration_text(answer['iteration_latency_s'])} an iteration",
        _path_text(answer),
        _client_text(answer),
        _help_text(answer),
    ]
    return "\n\n".join(parts)


class _Clock:
    """Shows times of one iteration in one unit, with as many decimals as the iteration needs."""

    def __init__(self, latency_s: float) -> None:
        self._unit = time_unit(latency_s)
        longest = latency_s / self._unit.seconds
        before_the_point = math.floor(math.log10(longest)) + 1 if longest > 0 else 1
        self._decimals = max(0, DIGITS - before_the_point)
        self._width = max(len(self.heading("start")), len(f"{longest:.{self._decimals}f}"))

    def heading(self, what: str) -> str:
        return f"{what}, {self._unit.symbol}"

    def text(self, seconds: float) -> str:
        """Return a time in as many characters as any other."""
        return f"{seconds / self._unit.seconds:.{self._decimals}f}".rjust(self._width)


def _path_text(answer: Facts) -> str:
    clock = _Clock(answer["iteration_latency_s"])
    path = [leg for leg in answer["critical_path"] if leg["seconds"] > 0]
    columns = (
        clock.heading("start"),
        clock.heading("takes"),
        "where",
        "receives",
        "computes",
        "sends",
        "what",
    )
    rows = [list(columns)]
    for _, legs in groupby(path, key=lambda leg: leg["device"]):
        rows.append(_stay_row(clock, list(legs)))
    return "\n".join(
        (
            "The critical path: what the iteration's time is made of, leg after leg.",
            f"  {_kinds_line(answer['path_shares']['kinds'])}",
            *wrap(
                _devices_line(answer["path_shares"]["devices"]),
                WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            ),
            "",
            aligned(rows),
        )
    )


def _stay_row(clock: _Clock, legs: Sequence[Facts]) -> list[str]:
    """Return a row for consecutive legs on one device."""
    start_s, end_s = legs[0]["start_s"], legs[-1]["end_s"]
    parts: dict[str, float] = defaultdict(float)
    for leg in legs:
        verb = leg["what"].split()[0] if leg["kind"] == "transfer" else "compute"
        parts[verb] += leg["seconds"]
    computed = [short(leg["what"]) for leg in legs if leg["kind"] != "transfer"]
    shown = (duration_text(parts[verb]) if verb in parts else "" for verb in ("receive", "compute", "send"))
    return [clock.text(start_s), clock.text(end_s - start_s), _who(legs[0]), *shown, _joined(computed)]


def _joined(computed: Sequence[str]) -> str:
    """Join names, telling a common beginning or end once: ``G block 2, 3 forward``."""
    told = []
    for stem, group in groupby(computed, key=_stem):
        names = list(group)
        if stem is None or len(names) == 1:
            told += names
            continue
        network, work = stem
        blocks = ", ".join(name.split()[2] for name in names)
        told.append(f"{network} blocks {blocks} {work}")
    return ", ".join(told)


def _stem(name: str) -> tuple[str, str] | None:
    network, part, *rest = name.split(" ", 3)
    return (network, rest[1]) if part == "block" else None


def _client_text(answer: Facts) -> str:
    client, path = answer["client"], answer["critical_path"]
    clock = _Clock(answer["iteration_latency_s"])
    legs = [leg for leg in client["legs"] if leg["seconds"] > 0]
    rows = [["", clock.heading("start"), clock.heading("takes"), "leg", "work", "rate, or for whom it waits"]]
    rows += [
        [
            "*" if leg["kind"] != "wait" and leg in path else "",
            clock.text(leg["start_s"]),
            clock.text(leg["seconds"]),
            _leg_text(leg),
            _work_text(leg),
            _why_text(leg, f"client-{client['id']}"),
        ]
        for leg in legs
    ]
    heading, *lines = aligned(rows).splitlines()
    told = [heading]
    for phase, group in groupby(zip(legs, lines, strict=True), key=lambda one: one[0]["phase"]):
        told += [phase, *(line for _, line in group)]
    return "\n".join((_client_heading(answer), "", *told))


def _client_heading(answer: Facts) -> str:
    client = answer["client"]
    sums = ", ".join(
        f"{verb} {duration_text(client[key])}"
        for verb, key in (
            ("computes", "compute_s"),
            ("transfers", "transfer_s"),
            ("is served", "server_s"),
            ("waits", "wait_s"),
        )
    )
    on_path = (
        f"* on the critical path above, {duration_text(client['on_path_s'])} of its own"
        if client["on_path_s"] > 0
        else "* on the critical path above, which of clients alike names the first; nothing of its own"
    )
    charged = client["charged_rows"]
    batch = f"batch {client['batch']}" + ("" if charged == client["batch"] else f", charged as {charged}")
    return (
        f"client-{client['id']} ({client['profile']}), cut {client['cut']}, {batch}:\n  {sums}\n  {on_path}"
    )


def _leg_text(leg: Facts) -> str:
    if leg["kind"] == "server":
        return f"server: {short(leg['what'])}"
    return short(leg["what"])


def _work_text(leg: Facts) -> str:
    if leg["kind"] == "wait":
        return ""
    if leg["bound"] == "memory" or leg["flops"] is None:
        return bytes_text(leg["bytes"])
    return amount_text(leg["flops"], "FLOP")


def _why_text(leg: Facts, own_name: str) -> str:
    """Say what rate a leg ran at and whose it is, or for whom a wait is."""
    if leg["kind"] == "wait":
        cause = leg["waits_for"]
        if cause["device"] == "server":
            return f"busy with {short(cause['until'])}"
        return f"last: {cause['device']} ({cause['profile']})"
    fixed = f" + {duration_text(leg['fixed_s'])}" if leg["fixed_s"] > 0 else ""
    if leg["flops_per_s"] is not None:
        rate = amount_text(leg["flops_per_s"], "FLOP/s")
    elif leg["bytes_per_s"] is None:
        return f"latency {duration_text(leg['fixed_s'])}"
    else:
        whose = re.sub(f"^{own_name} ", "own ", leg["bound"])
        rate = f"{amount_text(leg['bytes_per_s'], 'B/s')} {whose}"
    joined = f", {leg['clients']} clients" if leg["clients"] is not None and leg["clients"] > 1 else ""
    return f"{rate}{fixed}{joined}"


def _help_text(answer: Facts) -> str:
    """List what would help, and in one line each what would little or not at all."""
    changes = answer["sensitivities"]
    helpful = [one for one in changes if one["gain_share"] >= SMALLEST_GAIN]
    shown, hidden = helpful[:MOST_ROWS], helpful[MOST_ROWS:]
    little = [*hidden, *(one for one in changes if NOTHING < one["gain_share"] < SMALLEST_GAIN)]
    useless = [one for one in changes if one["gain_share"] <= NOTHING]
    lines = [
        "What would help: each change alone, cuts as they are; another path may then be the longest.",
        "",
    ]
    if shown:
        rows = [["change", "clients", "on the path", "iteration", "gain", ""]]
        rows += [_change_row(one) for one in shown]
        lines.append(aligned(rows))
    else:
        lines.append("No single change helps: several paths are equally long.")
    if little:
        best = percent_text(max(SMALLEST_GAIN, *(one["gain_share"] for one in little)))
        lines += _changes_lines(f"at most {best}", little)
    if useless:
        lines += _changes_lines("no gain", useless)
    return "\n".join(lines)


def _change_row(one: Facts) -> list[str]:
    return [
        f"{one['device']}: {one['change']}",
        str(one["clients"]) if one["clients"] else "",
        "" if one["on_path_s"] is None else duration_text(one["on_path_s"]),
        duration_text(one["iteration_latency_s"]),
        duration_text(one["gain_s"]),
        percent_text(one["gain_share"]),
    ]


def _changes_lines(heading: str, changes: Iterable[Facts]) -> list[str]:
    """Name changes under a heading, a paragraph with those of one device together."""
    of_device: dict[str, list[str]] = defaultdict(list)
    for one in changes:
        of_device[one["device"]].append("another cut" if one["cut"] else one["change"])
    told = "; ".join(f"{device}: {', '.join(names)}" for device, names in of_device.items())
    return wrap(f"{heading} from {told}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _kinds_line(kinds: Iterable[Facts]) -> str:
    longest = sorted(kinds, key=lambda one: -one["seconds"])
    return ", ".join(_share(one["kind"], one) for one in longest if one["seconds"] > 0)


def _devices_line(devices: Iterable[Facts]) -> str:
    """Tell the path's devices, those of one profile together."""
    seconds: dict[str, float] = defaultdict(float)
    share: dict[str, float] = defaultdict(float)
    names: dict[str, list[str]] = defaultdict(list)
    for one in devices:
        kind = "server" if one["device"] == "server" else one["profile"]
        seconds[kind] += one["seconds"]
        share[kind] += one["share"]
        names[kind].append(one["device"])
    longest = sorted(seconds, key=lambda kind: -seconds[kind])
    told = []
    for kind in longest:
        few = names[kind] if len(names[kind]) == 1 else [f"{len(names[kind])} clients"]
        who = kind if kind == "server" else f"{kind} ({few[0]})"
        told.append(_share(who, {"seconds": seconds[kind], "share": share[kind]}))
    return ", ".join(told)


def _share(what: str, one: Facts) -> str:
    return f"{what} {duration_text(one['seconds'])} ({percent_text(one['share'])})"


def _who(leg: Facts) -> str:
    return "server" if leg["device"] == "server" else f"{leg['device']} ({leg['profile']})"


def short(what: str) -> str:
    """Shorten the networks' names to G and D, as docs/model.md does."""
    return what.replace("generator", "G").replace("discriminator", "D")
