"""Quantities at the border: text with a unit comes in, SI floats go on, readable text goes out.

A scenario writes ``50 MB/s``, ``50 Mbit/s``, ``480 MHz`` or ``2 GiB``. Inside the simulator there are only
floats in bytes, byte/s, FLOP, FLOP/s, hertz, seconds, watts, joules and joule/byte, in variables named by unit.

The base of sizes is the byte. pint does the arithmetic of prefixes and dimensions, on a registry of our own:
its default one counts sizes in bits, reads ``Mb/s`` as megabarn per second, does not know ``KB`` or ``FLOP``
and lets a frequency pass for a bit rate, because its bit has no dimension. Ours holds only the units listed
here, so anything else is refused instead of being understood as something nobody meant.

Conversion is exact: numbers and unit factors are fractions, and only the result is rounded to a float.
Therefore ``parse(to_text(x, kind), kind) == x`` for every float that a kind allows.
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from fractions import Fraction
from functools import cache, lru_cache, partial
from typing import Annotated, Any

import pint
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Kind(StrEnum):
    """What a quantity measures; the value names the SI unit the simulator counts it in."""

    BYTES = "bytes"
    BYTES_PER_S = "bytes_per_s"
    FLOPS = "flops"
    FLOPS_PER_S = "flops_per_s"
    HERTZ = "hertz"
    SECONDS = "seconds"
    WATTS = "watts"
    JOULES = "joules"
    JOULES_PER_BYTE = "joules_per_byte"


@dataclass(frozen=True)
class _Spec:
    """How one kind is written and which numbers it allows."""

    noun: str
    """What an error message calls it, with its article."""
    units: tuple[str, ...]
    """Units for tables, base unit (factor 1) first."""
    example: str
    """A good value, shown in error messages and in the JSON Schema."""
    zero_allowed: bool
    exact_units: tuple[str, ...] = ()
    """More units for exact text, used where they make it shorter."""


_SPECS: Mapping[Kind, _Spec] = {
    Kind.BYTES: _Spec(
        "a size", ("B", "kB", "MB", "GB", "TB"), "2 GiB", True, exact_units=("KiB", "MiB", "GiB", "TiB")
    ),
    Kind.BYTES_PER_S: _Spec("a data rate", ("B/s", "kB/s", "MB/s", "GB/s", "TB/s"), "50 MB/s", False),
    Kind.FLOPS: _Spec(
        "an amount of work", ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"), "3 GFLOP", True
    ),
    Kind.FLOPS_PER_S: _Spec(
        "a compute rate",
        ("FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s"),
        "3 GFLOP/s",
        False,
    ),
    Kind.HERTZ: _Spec("a frequency", ("Hz", "kHz", "MHz", "GHz"), "480 MHz", False),
    Kind.SECONDS: _Spec("a time", ("s", "ms", "us", "ns"), "5 ms", True, exact_units=("min", "h")),
    Kind.WATTS: _Spec("a power", ("W", "mW", "kW"), "3.5 W", True),
    Kind.JOULES: _Spec("an energy", ("J", "mJ", "kJ", "MJ"), "500 J", True),
    Kind.JOULES_PER_BYTE: _Spec(
        "an energy per byte", ("J/B", "mJ/B", "uJ/B", "nJ/B", "pJ/B"), "100 nJ/B", True
    ),
}

DEFINITIONS = """
pico- = 1/1000000000000 = p-
nano- = 1/1000000000 = n-
micro- = 1/1000000 = u- = µ- = μ-
milli- = 1/1000 = m-
kilo- = 1000 = k- = K-
mega- = 1000000 = M-
giga- = 1000000000 = G-
tera- = 1000000000000 = T-
peta- = 1000000000000000 = P-
exa- = 1000000000000000000 = E-
kibi- = 1024 = Ki-
mebi- = 1048576 = Mi-
gibi- = 1073741824 = Gi-
tebi- = 1099511627776 = Ti-
byte = [information] = B
bit = byte / 8
second = [time] = s = sec
minute = 60 * second = min
hour = 60 * minute = h
day = 24 * hour = d
bps = bit / second
hertz = 1 / second = Hz
flop = [computation] = FLOP
joule = [energy] = J
watt = joule / second = W
"""
"""All prefixes (`name- = factor = symbol- = ...`) and units (`name = value = symbol = ...`) there are."""

# A number, optional blanks, then NAME or NAME/NAME. The lengths are bounded, so hostile text costs nothing.
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?)"
    r"\s*(?P<unit>[A-Za-zµμ]{1,20}(?:\s*/\s*[A-Za-zµμ]{1,20})?)?"
)
_NOT_FINITE = re.compile(r"[+-]?\.?(nan|inf|infinity)\b", re.IGNORECASE)
# pint's full names of units that are a slip of the shift key in this field: 50 mB/s, 480 mHz, 5 Ms.
SHIFT_SLIP = re.compile(
    r"(pico|nano|micro|milli)(byte|bit|bps|hertz|flop)|(kilo|mega|giga|tera|peta|exa|..bi)second"
)
_BIT_OR_BYTE = re.compile(r"(?P<prefix>[kKMGTPE]?i?)b(?P<rest>/\w+|)", re.ASCII)


@cache
def unit_registry() -> pint.UnitRegistry[Fraction]:
    """Return the registry that knows these units and no others."""
    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(None, non_int_type=Fraction)
    registry.load_definitions(DEFINITIONS.strip().splitlines())
    return registry


@cache
def dimensions_of(kind: Kind) -> object:
    """Return the dimensions of a kind's units, comparable with those of any unit of the registry."""
    return unit_registry().parse_units(_SPECS[kind].units[0]).dimensionality


def allows_zero(kind: Kind) -> bool:
    """Tell whether a quantity of this kind may be 0."""
    return _SPECS[kind].zero_allowed


def _kind_with(dimensions: object) -> str:
    nouns = [_SPECS[kind].noun for kind in Kind if dimensions_of(kind) == dimensions]
    return nouns[0] if nouns else "something else"


def _unit_hint(unit: str, kind: Kind) -> str:
    """Say which unit the writer probably meant, then which are allowed."""
    spec = _SPECS[kind]
    if bits := _BIT_OR_BYTE.fullmatch(unit):
        prefix, rest = bits["prefix"], bits["rest"]
        return f"'b' is no unit here, write bits as {prefix}bit{rest} or bytes as {prefix}B{rest}"
    known = {name.lower(): name for name in (*spec.units, *spec.exact_units)}
    near = get_close_matches(unit.lower().replace("flops", "flop/s"), known, n=1, cutoff=0.5)
    guess = f"did you mean {known[near[0]]!r}? " if near else ""
    return f"{guess}allowed units of {spec.noun}: {', '.join(known.values())}"


@lru_cache(maxsize=1024)
def _factor(unit: str, kind: Kind) -> Fraction:
    """Return how many SI units one ``unit`` is.

    Raises:
        ValueError: The unit is unknown, measures something else, or is a likely slip of the shift key. The
            message has the form "<what is wrong with the unit>; <what to write>".
    """
    registry, spec = unit_registry(), _SPECS[kind]
    try:
        parsed = registry.parse_units(unit)
    except pint.UndefinedUnitError:
        raise ValueError(f"has the unknown unit {unit!r}; {_unit_hint(unit, kind)}") from None
    names = " per ".join(str(name) for name in parsed._units)
    if parsed.dimensionality != dimensions_of(kind):
        came = _kind_with(parsed.dimensionality)
        raise ValueError(f"is {came}, not {spec.noun}; write {spec.noun} such as '{spec.example}'")
    if SHIFT_SLIP.search(names):
        raise ValueError(f"would mean {names}; {_unit_hint(unit, kind)}")
    return Fraction(str(registry.get_base_units(parsed)[0]))


def _to_float(number: Fraction, written: str) -> float:
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if math.isinf(value) or (value == 0.0 and number != 0):
        raise ValueError(
            f"{written!r} is beyond what a float can hold; write a number between 1e-300 and 1e300"
        )
    return value


def parse(text: object, kind: Kind, above_zero: bool = False) -> float:
    """Turn a written quantity into a float in the SI unit of its kind.

    Args:
        text: What the user wrote, such as ``"50 MB/s"``; anything but text is refused, bare numbers too.
        kind: What it has to measure.
        above_zero: Whether zero is refused of a kind that may be zero.

    Returns:
        The value in bytes, byte/s, FLOP, FLOP/s, hertz, seconds, watts or joule/byte, correctly rounded. It
        is finite and not negative; rates and frequencies are greater than 0.

    Raises:
        ValueError: The text is no such quantity. The message says what came and, after a semicolon, what is
            allowed.

    Example:
        >>> parse("50 Mbit/s", Kind.BYTES_PER_S)
        6250000.0
    """
    spec = _SPECS[kind]
    such_as = f"write a quantity such as '{spec.example}'"
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"{text} has no unit; {such_as}")
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a quantity; {such_as}")
    written = text.strip()
    match = _QUANTITY.fullmatch(written)
    if match is None:
        what = "not finite" if _NOT_FINITE.match(written) else "not a quantity"
        raise ValueError(f"{_shorten(written)!r} is {what}; {such_as}")
    if match["unit"] is None:
        raise ValueError(f"{written} has no unit; {such_as}")
    number = Fraction(match["number"])
    try:
        factor = _factor("".join(match["unit"].split()), kind)
    except ValueError as error:
        raise ValueError(f"{written!r} {error}") from None
    _check_sign(number, written, replace(spec, zero_allowed=spec.zero_allowed and not above_zero))
    return _to_float(number * factor, written)


def _shorten(written: str) -> str:
    return written if len(written) <= 60 else f"{written[:57]}..."


def _check_sign(number: Fraction, written: str, spec: _Spec) -> None:
    if number < 0 or (number == 0 and not spec.zero_allowed):
        came = "negative" if number < 0 else "zero"
        allowed = "0 or more" if spec.zero_allowed else "greater than 0"
        raise ValueError(f"{written!r} is {came}; {spec.noun} must be {allowed}")


def _exact_decimal(number: Fraction) -> str | None:
    """Write a fraction as a decimal number, or return None where that takes more than 40 digits."""
    with decimal.localcontext(prec=40) as context:
        quotient = (decimal.Decimal(number.numerator) / decimal.Decimal(number.denominator)).normalize()
        if context.flags[decimal.Inexact]:
            return None
    plain = -7 <= quotient.adjusted() <= 15
    return f"{quotient:f}" if plain else str(quotient).replace("E", "e")


def to_text(value: float, kind: Kind) -> str:
    """Write a quantity exactly, in the unit that makes it shortest.

    Args:
        value: Finite number in the SI unit of ``kind``.
        kind: What it measures.

    Returns:
        Text such as ``"50 MB/s"`` for which ``parse(text, kind) == value`` holds bit for bit.

    Raises:
        ValueError: The value is nan or infinite.

    Example:
        >>> to_text(2147483648.0, Kind.BYTES)
        '2 GiB'
    """
    spec = _SPECS[kind]
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as {spec.noun}; it must be finite")
    # repr gives the shortest decimal that rounds to this very float; shifting its point keeps it exact.
    number = Fraction(repr(float(value)))
    candidates = []
    for unit in (*spec.units, *spec.exact_units):
        digits = _exact_decimal(number / _factor(unit, kind))
        if digits is not None:
            candidates.append(f"{digits} {unit}")
    return min(candidates, key=len)


def humanize(value: float, kind: Kind) -> str:
    """Write a quantity for a table: four significant digits, in the largest unit that leaves at least 1.

    Args:
        value: Number in the SI unit of ``kind``; nan and infinity are shown as such.
        kind: What it measures.

    Returns:
        Text such as ``"50 MB/s"``; rounded, so use ``to_text`` for anything that is read back.

    Example:
        >>> humanize(0.0123456, Kind.SECONDS)
        '12.35 ms'
    """
    units = _SPECS[kind].units
    if not math.isfinite(value) or value == 0:
        return f"{value:g} {units[0]}"
    by_size = sorted(units, key=lambda unit: _factor(unit, kind))
    fitting = [unit for unit in by_size if abs(value) >= _factor(unit, kind)]
    unit = fitting[-1] if fitting else by_size[0]
    number = value / float(_factor(unit, kind))
    return f"{number:.0f} {unit}" if 1000 <= abs(number) < 1e7 else f"{number:.4g} {unit}"


@dataclass(frozen=True)
class Quantity:
    """Pydantic annotation: text with a unit in, SI float inside, exact text with a unit out."""

    kind: Kind
    above_zero: bool = False
    least: float = 0.0
    """The least that is allowed, in the SI unit of the kind."""
    most: float = math.inf
    """The most that is allowed."""

    def read(self, text: object) -> float:
        """Turn a written quantity into a float in the SI unit of its kind; see `parse`.

        Raises:
            ValueError: The text is no such quantity, or out of the range.
        """
        value = parse(text, self.kind, self.above_zero)
        if not self.least <= value <= self.most:
            came = f"{_shorten(str(text).strip())!r} is too {'small' if value < self.least else 'large'}"
            raise ValueError(f"{came}; {_SPECS[self.kind].noun} must be {self.bounds} here")
        return value

    @property
    def bounds(self) -> str:
        """The range in words."""
        unit = _SPECS[self.kind].units[0]
        least, most = (re.sub(r"e\+0*", "e", f"{bound:g}") for bound in (self.least, self.most))
        return f"from {least} {unit} to {most} {unit}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """Validate with `read` and serialise with `to_text`."""
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                partial(to_text, kind=self.kind), return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the text form, which is the only one a scenario may use."""
        spec = _SPECS[self.kind]
        units = ", ".join((*spec.units, *spec.exact_units))
        return {
            "type": "string",
            "format": self.kind.value,
            "title": f"{spec.noun} with its unit ({units}, ...)",
            "examples": [spec.example],
        }


Bytes = Annotated[float, Quantity(Kind.BYTES)]
"""A size in bytes, 0 or more."""
BytesPerSecond = Annotated[float, Quantity(Kind.BYTES_PER_S)]
"""A data rate in byte/s, greater than 0."""
Flops = Annotated[float, Quantity(Kind.FLOPS)]
"""An amount of floating point work in FLOP, 0 or more."""
FlopsPerSecond = Annotated[float, Quantity(Kind.FLOPS_PER_S)]
"""A compute rate in FLOP/s, greater than 0."""
Hertz = Annotated[float, Quantity(Kind.HERTZ)]
"""A frequency in hertz, greater than 0."""
Seconds = Annotated[float, Quantity(Kind.SECONDS)]
"""A time in seconds, 0 or more."""
PositiveSeconds = Annotated[float, Quantity(Kind.SECONDS, above_zero=True)]
"""A time in seconds, greater than 0."""
Watts = Annotated[float, Quantity(Kind.WATTS)]
"""A power in watts, 0 or more."""
Joules = Annotated[float, Quantity(Kind.JOULES)]
"""An energy in joules, 0 or more."""
JoulesPerByte = Annotated[float, Quantity(Kind.JOULES_PER_BYTE)]
"""An energy per byte in joule/byte, 0 or more."""
