"""The expressions for editors match what `parse` accepts, spelling by spelling."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.unit_pattern import quantity_pattern
from devices.units import DEFINITIONS, Kind, parse, to_text

LINES = [line.split(" = ") for line in DEFINITIONS.strip().splitlines()]
PREFIXES = ["", *(way[:-1] for name, _, *more in LINES for way in (name, *more) if way.endswith("-"))]
UNITS = [way for name, _, *more in LINES for way in (name, *more) if not way.endswith("-")]


def accepted(text, kind):
    try:
        parse(text, kind)
    except ValueError:
        return False
    return True


def matched(text, kind):
    return re.search(quantity_pattern(kind), text) is not None


@pytest.mark.parametrize("kind", Kind)
def test_every_prefix_of_every_unit(kind):
    for prefix, unit, ending in itertools.product(PREFIXES, UNITS, ("", "s", "ss")):
        text = f"3 {prefix}{unit}{ending}"
        assert matched(text, kind) == accepted(text, kind), text


@given(
    kind=st.sampled_from(list(Kind)),
    above=st.tuples(st.sampled_from(PREFIXES), st.sampled_from(UNITS)),
    below=st.tuples(st.sampled_from(PREFIXES), st.sampled_from(UNITS)),
    slash=st.sampled_from(["/", " / ", "/ ", " per ", "*", ""]),
)
def test_one_unit_by_another(kind, above, below, slash):
    text = f"3 {''.join(above)}{slash}{''.join(below)}"
    assert matched(text, kind) == accepted(text, kind)


@given(
    kind=st.sampled_from(list(Kind)),
    number=st.from_regex(r"[ +-]{0,2}[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    blanks=st.sampled_from(["", " ", "  ", "\t"]),
)
def test_numbers(kind, number, blanks):
    unit = to_text(5.0, kind).split()[1]
    text = f"{number}{blanks}{unit}{blanks}"
    assert matched(text, kind) == accepted(text, kind)


@pytest.mark.parametrize(
    "text", ["5", "", "MB/s", "nan MB/s", "inf MB/s", "0x5 MB/s", "5 MB/s per day", "5 mB/s"]
)
def test_what_is_no_data_rate(text):
    assert not matched(text, Kind.BYTES_PER_S)
    assert not accepted(text, Kind.BYTES_PER_S)


@pytest.mark.parametrize(
    "text", ["50 MB/s", "50MB/s", "6.25e6 B/s", "50 Mbit / s", "50 Mbps", "1 GiB/h", ".5 kB/ms"]
)
def test_what_is_a_data_rate(text):
    assert matched(text, Kind.BYTES_PER_S)
    assert accepted(text, Kind.BYTES_PER_S)
