"""Which texts are quantities, as regular expressions for editors: `devices.units.parse` accepts just these.

The expressions keep to what Python and JavaScript (ECMA 262) read alike, because JSON Schema asks for the latter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from devices.units import DEFINITIONS, SHIFT_SLIP, Kind, allows_zero, dimensions_of, unit_registry

_NUMBER = r"(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?"
# A digit other than 0 before the exponent: the number is not zero.
_NOT_ZERO = r"(?=[0-9.]*[1-9])"
_ZERO = r"(?![0-9.]*[1-9])"


@cache
def quantity_pattern(kind: Kind) -> str:
    """Return a regular expression that matches the texts that `parse` accepts as this kind, and no others.

    Numbers beyond what a float can hold are matched too: no expression can tell.
    """
    sign = rf"(?:\+?|-{_ZERO})" if allows_zero(kind) else rf"\+?{_NOT_ZERO}"
    return rf"^\s*{sign}{_NUMBER}\s*(?:{'|'.join(_unit_patterns(kind))})\s*$"


@dataclass(frozen=True)
class _Spelled:
    """A prefix or a unit: its full name and every way to write it."""

    name: str
    ways: tuple[str, ...]


@dataclass(frozen=True)
class _Group:
    """Units of the same dimensions that take the same prefixes, and one of them to ask the registry about."""

    member: str
    pattern: str


def _unit_patterns(kind: Kind) -> Iterable[str]:
    """Yield the expressions of all units of a kind: single ones, and one unit by another."""
    registry, wanted = unit_registry(), dimensions_of(kind)
    for group in _groups():
        if registry.parse_units(group.member).dimensionality == wanted:
            yield group.pattern
    for above in _groups():
        for below in _groups():
            if registry.parse_units(f"{above.member}/{below.member}").dimensionality == wanted:
                yield rf"{above.pattern}\s*/\s*{below.pattern}"


@cache
def _groups() -> tuple[_Group, ...]:
    prefixes, units = _spelled(prefix=True), _spelled(prefix=False)
    members: dict[tuple[object, tuple[str, ...]], list[_Spelled]] = {}
    for unit in units:
        dimensions = unit_registry().parse_units(unit.name).dimensionality
        fitting = tuple(
            way for one in prefixes if not SHIFT_SLIP.search(one.name + unit.name) for way in one.ways
        )
        members.setdefault((dimensions, fitting), []).append(unit)
    return tuple(_Group(group[0].name, _prefixed(fitting, group)) for (_, fitting), group in members.items())


def _prefixed(prefixes: Sequence[str], units: Sequence[_Spelled]) -> str:
    ways = [way for unit in units for way in unit.ways]
    # A plural s: the registry knows it for all but single letters.
    written = "|".join(f"{re.escape(way)}s?" if len(way) > 1 else re.escape(way) for way in ways)
    return f"(?:{'|'.join(prefixes)})?(?:{written})"


@cache
def _spelled(prefix: bool) -> tuple[_Spelled, ...]:
    found = []
    for line in DEFINITIONS.strip().splitlines():
        name, _, *others = line.split(" = ")
        if name.endswith("-") == prefix:
            ways = tuple(way.removesuffix("-") for way in (name, *others))
            found.append(_Spelled(ways[0], ways))
    return tuple(found)
