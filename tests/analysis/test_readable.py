"""Numbers as people read them."""

import doctest

import pytest

from analysis import readable
from analysis.readable import amount_text, bytes_text, duration_text, percent_text, three_digits, time_unit


def test_the_examples_of_the_docstrings_hold():
    result = doctest.testmod(readable)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("seconds", "symbol"),
    [
        (0.0, "s"),
        (0.05, "ms"),
        (0.1, "s"),
        (119.9, "s"),
        (120.0, "min"),
        (7199.0, "min"),
        (7200.0, "h"),
        (172800.0, "d"),
    ],
)
def test_time_unit_at_its_borders(seconds, symbol):
    assert time_unit(seconds).symbol == symbol


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.05, "0.0500"),
        (0.9996, "1.00"),
        (1.005, "1.00"),
        (9.996, "10.0"),
        (99.96, "100"),
        (-23.45, "-23.4"),
        (999_999.0, "999,999"),
        (2.5e7, "2.50e+07"),
        (3.2e-5, "3.20e-05"),
    ],
)
def test_three_digits(value, text):
    assert three_digits(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0 s"), (0.0123, "12.3 ms"), (90.0, "90.0 s"), (259200.0, "3.00 d")]
)
def test_duration_text(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(0, "0 B"), (1000, "1.00 kB"), (12_345_678_901, "12.3 GB"), (3.2e12, "3.20 TB")]
)
def test_bytes_text(n_bytes, text):
    assert bytes_text(n_bytes) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0 FLOP"), (999.0, "999 FLOP"), (1000.0, "1.00 kFLOP"), (2.11e12, "2.11 TFLOP")],
)
def test_amount_text(amount, text):
    assert amount_text(amount, "FLOP") == text


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (0.0005, "<0.1 %")]
)
def test_percent_text(share, text):
    assert percent_text(share) == text
