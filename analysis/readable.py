"""Numbers as people read them: durations in s, min or h, sizes in MB or GB, shares in per cent.

Sizes are decimal: 1 kB is 1,000 byte and 1 MB is 1,000,000 byte, as rates of links are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TimeUnit:
    """A unit to show durations in.

    Attributes:
        symbol: what is printed behind the number, such as ``"min"``.
        seconds: how many seconds one such unit has.
    """

    symbol: str
    seconds: float


# Each unit serves up to the span beside it; twice the next unit keeps numbers like "90 s" readable.
_TIME_UNITS = (
    (0.1, TimeUnit("ms", 1e-3)),
    (120.0, TimeUnit("s", 1.0)),
    (7200.0, TimeUnit("min", 60.0)),
    (48 * 3600.0, TimeUnit("h", 3600.0)),
)
_DAY = TimeUnit("d", 86400.0)
_PREFIXES = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))
_SIZE_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def time_unit(longest_s: float) -> TimeUnit:
    """The unit in which a span of time reads best.

    Args:
        longest_s: the longest duration to show, in seconds, >= 0.

    Returns:
        ms below 0.1 s (but s for exactly zero), s below 2 min, min below 2 h, h below 2 days, else d.

    Example:
        >>> time_unit(5400.0).symbol
        'min'
    """
    if longest_s == 0.0:
        return TimeUnit("s", 1.0)
    return next((unit for limit_s, unit in _TIME_UNITS if longest_s < limit_s), _DAY)


def three_digits(value: float) -> str:
    """A number with three significant digits, without exponent from 0.0001 to 999,999.

    Example:
        >>> three_digits(23.4567), three_digits(12345.6), three_digits(0.5)
        ('23.5', '12,346', '0.500')
    """
    if value == 0.0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}"
    # The integer part of the rounded number decides: 99.96 is 100, not 100.0.
    magnitude = abs(float(f"{value:.3g}"))
    decimals = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2
    while 0 < magnitude < 1:
        decimals, magnitude = decimals + 1, magnitude * 10
    return f"{value:,.{decimals}f}"


def duration_text(seconds: float) -> str:
    """A duration with its unit, three significant digits.

    Example:
        >>> duration_text(7.0024), duration_text(5400.0), duration_text(9000.0)
        ('7.00 s', '90.0 min', '2.50 h')
    """
    unit = time_unit(abs(seconds))
    return f"{three_digits(seconds / unit.seconds)} {unit.symbol}"


def bytes_text(n_bytes: float) -> str:
    """A size in decimal units, three significant digits.

    Example:
        >>> bytes_text(54_900_000), bytes_text(999), bytes_text(2_048)
        ('54.9 MB', '999 B', '2.05 kB')
    """
    for symbol, size in _SIZE_UNITS:
        if abs(n_bytes) >= size:
            return f"{three_digits(n_bytes / size)} {symbol}"
    return f"{n_bytes:.0f} B"


def amount_text(amount: float, unit: str) -> str:
    """An amount with a decimal prefix before its unit, three significant digits.

    Example:
        >>> amount_text(6_720_000, "FLOP"), amount_text(12.5, "FLOP"), amount_text(480e9, "FLOP/s")
        ('6.72 MFLOP', '12.5 FLOP', '480 GFLOP/s')
    """
    for prefix, size in _PREFIXES:
        if abs(amount) >= size:
            return f"{three_digits(amount / size)} {prefix}{unit}"
    return f"{three_digits(amount)} {unit}"


def percent_text(share: float) -> str:
    """A share of one as per cent: whole numbers, one decimal below 10 %, never a false zero.

    Example:
        >>> percent_text(0.834), percent_text(0.034), percent_text(0.00001), percent_text(0.0)
        ('83 %', '3.4 %', '<0.1 %', '0 %')
    """
    percent = 100.0 * share
    if percent == 0.0:
        return "0 %"
    if percent < 0.1:
        return "<0.1 %"
    return f"{percent:.1f} %" if percent < 9.95 else f"{percent:.0f} %"


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ", right: bool = True) -> list[str]:
    """Rows as lines of columns; the first column to the left, the others to the right (or all to the left)."""
    if not rows:
        return []
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        pairs = zip(row[1:], widths[1:], strict=True)
        cells += [cell.rjust(width) if right else cell.ljust(width) for cell, width in pairs]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def way_text(line: Mapping[str, Any]) -> str:
    """The way of a ledger's line: from whom to whom, or that it stays within a household.

    Ledgers of older runs do not tell of households.

    Example:
        >>> way_text({"sender": "client", "receiver": "server"})
        'client -> server'
    """
    if line.get("within_household", False):
        return "within the household"
    return f"{line['sender']} -> {line['receiver']}"
