"""The unit grammar: what is understood, what is refused, and in which words."""

import math

import pytest
from pydantic import BaseModel, ValidationError

from devices.units import (
    Bytes,
    BytesPerSecond,
    FlopsPerSecond,
    Hertz,
    JoulesPerByte,
    Kind,
    Quantity,
    Seconds,
    Watts,
    humanize,
    parse,
    to_text,
)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("50 MB/s", Kind.BYTES_PER_S, 50e6),
        ("50 Mbit/s", Kind.BYTES_PER_S, 50e6 / 8),
        ("50 Mbps", Kind.BYTES_PER_S, 50e6 / 8),
        ("1 Gbit / s", Kind.BYTES_PER_S, 1e9 / 8),
        ("  2 GiB ", Kind.BYTES, 2 * 1024**3),
        ("1 KB", Kind.BYTES, 1000),
        ("1 kB", Kind.BYTES, 1000),
        ("1 KiB", Kind.BYTES, 1024),
        ("8 bit", Kind.BYTES, 1),
        ("3 Kibit", Kind.BYTES, 3 * 1024 / 8),
        ("100 megabytes", Kind.BYTES, 100e6),
        ("12 FLOP", Kind.FLOPS, 12),
        ("3.2 GFLOP/s", Kind.FLOPS_PER_S, 3.2e9),
        ("480MHz", Kind.HERTZ, 480e6),
        ("1e9 Hz", Kind.HERTZ, 1e9),
        (".5 s", Kind.SECONDS, 0.5),
        ("5 ms", Kind.SECONDS, 0.005),
        ("2 h", Kind.SECONDS, 7200),
        ("1.5 kJ", Kind.JOULES, 1500),
        ("1.5 min", Kind.SECONDS, 90),
        ("0 s", Kind.SECONDS, 0),
        ("0 W", Kind.WATTS, 0),
        ("250 mW", Kind.WATTS, 0.25),
        ("100 nJ/B", Kind.JOULES_PER_BYTE, 1e-7),
        ("8 pJ/bit", Kind.JOULES_PER_BYTE, 64e-12),
    ],
)
def test_parse_gives_si(text, kind, expected):
    assert parse(text, kind) == pytest.approx(expected, rel=1e-15, abs=0)


def test_the_three_spellings_of_micro_agree():
    assert parse("7 us", Kind.SECONDS) == parse("7 µs", Kind.SECONDS) == parse("7 μs", Kind.SECONDS) == 7e-6


def test_parse_rounds_once():
    # 0.1 * 1e6 * ... in floats would be off in the last bit for some of these; fractions are not.
    for tenths in range(1, 200):
        assert parse(f"{tenths / 10} ms", Kind.SECONDS) == float(f"{tenths}e-4")


@pytest.mark.parametrize(
    ("came", "kind", "message"),
    [
        (480, Kind.HERTZ, "480 has no unit; write a quantity such as '480 MHz'"),
        ("480", Kind.HERTZ, "480 has no unit; write a quantity such as '480 MHz'"),
        (1e9, Kind.BYTES_PER_S, "1000000000.0 has no unit; write a quantity such as '50 MB/s'"),
        (0, Kind.SECONDS, "0 has no unit; write a quantity such as '5 ms'"),
        (True, Kind.HERTZ, "True is not a quantity; write a quantity such as '480 MHz'"),
        (None, Kind.BYTES, "None is not a quantity; write a quantity such as '2 GiB'"),
        ([1], Kind.BYTES, "[1] is not a quantity; write a quantity such as '2 GiB'"),
        ("", Kind.BYTES, "'' is not a quantity; write a quantity such as '2 GiB'"),
        ("1,5 s", Kind.SECONDS, "'1,5 s' is not a quantity; write a quantity such as '5 ms'"),
        ("1_000 B", Kind.BYTES, "'1_000 B' is not a quantity; write a quantity such as '2 GiB'"),
        ("1 MB/s/s", Kind.BYTES_PER_S, "'1 MB/s/s' is not a quantity; write a quantity such as '50 MB/s'"),
        (".inf s", Kind.SECONDS, "'.inf s' is not finite; write a quantity such as '5 ms'"),
        ("nan s", Kind.SECONDS, "'nan s' is not finite; write a quantity such as '5 ms'"),
        ("-5 ms", Kind.SECONDS, "'-5 ms' is negative; a time must be 0 or more"),
        ("-1 MB/s", Kind.BYTES_PER_S, "'-1 MB/s' is negative; a data rate must be greater than 0"),
        ("0 MB/s", Kind.BYTES_PER_S, "'0 MB/s' is zero; a data rate must be greater than 0"),
        ("0 Hz", Kind.HERTZ, "'0 Hz' is zero; a frequency must be greater than 0"),
        ("0 FLOP/s", Kind.FLOPS_PER_S, "'0 FLOP/s' is zero; a compute rate must be greater than 0"),
        (
            "5 MHz",
            Kind.BYTES_PER_S,
            "'5 MHz' is a frequency, not a data rate; write a data rate such as '50 MB/s'",
        ),
        ("5 MB", Kind.BYTES_PER_S, "'5 MB' is a size, not a data rate; write a data rate such as '50 MB/s'"),
        ("5 B/B", Kind.BYTES, "'5 B/B' is something else, not a size; write a size such as '2 GiB'"),
        ("5 min/s", Kind.SECONDS, "'5 min/s' is something else, not a time; write a time such as '5 ms'"),
    ],
)
def test_refusals_say_what_came_and_what_is_allowed(came, kind, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared)
        parse(came, kind)
    assert str(caught.value) == message


def test_megabarn_is_refused_with_the_two_units_that_may_be_meant():
    with pytest.raises(ValueError, match=r"unknown unit 'Mb/s'; .* write bits as Mbit/s or bytes as MB/s"):
        parse("50 Mb/s", Kind.BYTES_PER_S)
    with pytest.raises(ValueError, match="write bits as Kbit or bytes as KB"):
        parse("50 Kb", Kind.BYTES)


@pytest.mark.parametrize(
    ("slip", "kind", "meant"),
    [
        ("480 mHz", Kind.HERTZ, "MHz"),
        ("480 mhz", Kind.HERTZ, "MHz"),
        ("50 mB/s", Kind.BYTES_PER_S, "MB/s"),
        ("50 MBps", Kind.BYTES_PER_S, "MB/s"),
        ("50 gb/s", Kind.BYTES_PER_S, "GB/s"),
        ("3 GFLOPS", Kind.FLOPS_PER_S, "GFLOP/s"),
        ("3 gflop/s", Kind.FLOPS_PER_S, "GFLOP/s"),
        ("5 Ms", Kind.SECONDS, "ms"),
        ("5 m", Kind.SECONDS, "ms"),
        ("2 gib", Kind.BYTES, "GiB"),
        ("5 J/b", Kind.JOULES_PER_BYTE, "J/B"),
    ],
)
def test_slips_are_refused_with_the_nearest_unit(slip, kind, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        parse(slip, kind)


def test_flops_as_a_plural_is_work_and_not_a_rate():
    assert parse("3 GFLOPs", Kind.FLOPS) == 3e9
    with pytest.raises(ValueError, match=r"is an amount of work, not a compute rate; .* '3 GFLOP/s'"):
        parse("3 GFLOPs", Kind.FLOPS_PER_S)


@pytest.mark.parametrize("text", ["1e999 B", "1e-999 B", "9e300 TB"])
def test_numbers_beyond_a_float_are_refused_not_rounded_away(text):
    with pytest.raises(ValueError, match="beyond what a float can hold"):
        parse(text, Kind.BYTES)


@pytest.mark.parametrize("text", ["1e999999999 s", "9" * 100_000 + " s", "5 " + "k" * 100_000])
def test_hostile_text_is_refused_at_once_with_a_short_message(text):
    with pytest.raises(ValueError, match="is not a quantity") as caught:
        parse(text, Kind.SECONDS)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (50e6, Kind.BYTES_PER_S, "50 MB/s"),
        (2 * 1024**3, Kind.BYTES, "2 GiB"),
        (64000, Kind.BYTES, "64 kB"),
        (0.005, Kind.SECONDS, "5 ms"),
        (7200, Kind.SECONDS, "2 h"),
        (0, Kind.SECONDS, "0 s"),
        (672e9, Kind.FLOPS_PER_S, "672 GFLOP/s"),
        (1 / 3, Kind.SECONDS, "0.3333333333333333 s"),
        (1e-300, Kind.SECONDS, "1e-300 s"),
    ],
)
def test_to_text_is_short_and_exact(value, kind, text):
    assert to_text(value, kind) == text
    assert parse(text, kind) == value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_to_text_refuses_what_cannot_be_read_back(value):
    with pytest.raises(ValueError, match="must be finite"):
        to_text(value, Kind.SECONDS)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (50e6, Kind.BYTES_PER_S, "50 MB/s"),
        (1.25, Kind.SECONDS, "1.25 s"),
        (3.2e9, Kind.FLOPS_PER_S, "3.2 GFLOP/s"),
        (0.0123456, Kind.SECONDS, "12.35 ms"),
        (20000, Kind.SECONDS, "20000 s"),
        (0, Kind.BYTES, "0 B"),
        (1e-13, Kind.SECONDS, "0.0001 ns"),
        (math.inf, Kind.SECONDS, "inf s"),
        (math.nan, Kind.SECONDS, "nan s"),
    ],
)
def test_humanize_for_tables(value, kind, text):
    assert humanize(value, kind) == text


class Everything(BaseModel):
    size: Bytes
    rate: BytesPerSecond
    speed: FlopsPerSecond
    clock: Hertz
    time: Seconds
    power: Watts
    energy: JoulesPerByte
    left_out: Seconds | None = None


TEXT = {
    "size": "2 GiB",
    "rate": "50 MB/s",
    "speed": "3 GFLOP/s",
    "clock": "480 MHz",
    "time": "5 ms",
    "power": "3.5 W",
    "energy": "2 nJ/B",
}


def test_annotations_hold_si_floats_and_write_text():
    model = Everything.model_validate(TEXT)
    assert (model.size, model.rate, model.speed, model.clock) == (2 * 1024**3, 50e6, 3e9, 480e6)
    assert (model.time, model.power, model.energy) == (0.005, 3.5, 2e-9)
    assert model.model_dump(exclude_none=True) == TEXT
    assert model.model_dump(mode="json", exclude_none=True) == TEXT
    assert Everything.model_validate(model.model_dump()) == model


def test_an_optional_quantity_reports_one_error_at_its_own_key():
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate({**TEXT, "left_out": 3})
    assert [error["loc"] for error in caught.value.errors()] == [("left_out",)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("9 B/s", "'9 B/s' is too small; a data rate must be from 10 B/s to 1e18 B/s here"),
        ("1e40 MB/s", "'1e40 MB/s' is too large; a data rate must be from 10 B/s to 1e18 B/s here"),
        (9, "9 has no unit; write a quantity such as '50 MB/s'"),
    ],
)
def test_a_quantity_may_have_a_range(text, reason):
    quantity = Quantity(Kind.BYTES_PER_S, least=10.0, most=1e18)
    assert [quantity.read(one) for one in ("10 B/s", "1e12 MB/s")] == [10.0, 1e18]
    with pytest.raises(ValueError, match=f"^{reason}$"):
        quantity.read(text)


def test_json_schema_is_text_with_an_example():
    schema = Everything.model_json_schema()["properties"]["clock"]
    assert schema["type"] == "string"
    assert parse(schema["examples"][0], Kind.HERTZ) == 480e6
