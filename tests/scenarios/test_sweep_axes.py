"""Axes: lists, ranges, log ranges, zips and variants; their labels, their numbers, and every way of being wrong."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scenarios.messages import ScenarioError
from scenarios.reader import read_file_text
from scenarios.sweep_axes import LONGEST_LABEL, read_axis
from scenarios.sweep_ranges import MOST_CHOICES
from scenarios.tree import Source, plain

few = settings(max_examples=100, deadline=None)


def read(text, name="a.b"):
    """The axis of `NAME: TEXT`, and what is wrong with it, as lines without the file's name."""
    problems = []
    line = f"{name}: {text}\n" if name else text
    entry = next(iter(read_file_text(line, Source("s", Path()), problems).entries.items()))
    axis = read_axis(*entry, problems)
    return axis, [str(one) for one in ScenarioError(problems).problems]


def values(text):
    """What the choices of an axis set, in their order."""
    axis, wrong = read(text)
    assert not wrong
    return [plain(choice.overrides[0].value) for choice in axis.choices]


def test_a_list_sets_one_key():
    axis, wrong = read("[1, 2]")
    assert not wrong
    assert (axis.name, axis.kind, axis.keys, axis.labels) == ("a.b", "values", ("a.b",), ("1", "2"))
    assert [choice.value for choice in axis.choices] == [1, 2]
    assert [[step.key for step in one.steps] for choice in axis.choices for one in choice.overrides] == [
        ["a", "b"],
        ["a", "b"],
    ]


@pytest.mark.parametrize(
    ("text", "labels", "numbers"),
    [
        ("[8, 0.5]", ("8", "0.5"), True),
        ("[1e3, 2e3]", ("1e3", "2e3"), True),
        ("[true, false]", ("true", "false"), False),
        ("[null, 20]", ("null", "20"), False),
        ("[exact, é]", ("exact", "é"), False),
        ('["1", "2"]', ("1", "2"), False),
        ("[[fid], {a: é}]", ('["fid"]', '{"a": "é"}'), False),
        ("[1 MB/s, 2 MB/s]", ("1 MB/s", "2 MB/s"), False),
        ("[1, 9223372036854775808]", ("1", "9223372036854775808"), False),
        ("[1, 9223372036854775807]", ("1", "9223372036854775807"), True),
    ],
)
def test_labels_are_what_was_written_and_only_numbers_make_a_column_of_numbers(text, labels, numbers):
    axis, _ = read(text)
    assert axis.labels == labels
    assert [choice.value for choice in axis.choices] == (values(text) if numbers else list(labels))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{range: [8, 32], step: 8}", [8, 16, 24, 32]),
        ("{range: [32, 8], step: -8}", [32, 24, 16, 8]),
        ("{range: [0, 1], step: 0.1}", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("{range: [-1, 2], count: 4}", [-1, 0, 1, 2]),
        ("{range: [1, 4], count: 3}", [1.0, 2.5, 4.0]),
        ("{range: [0, 1], count: 4}", [0.0, 0.333333333333, 0.666666666667, 1.0]),
        (
            "{range: [0.1234567890121, 0.1234567890123], step: 1e-13}",
            [0.1234567890121, 0.1234567890122, 0.1234567890123],
        ),
        ("{range: [0.12345678901234567, 0.5], count: 2}", [0.12345678901234567, 0.5]),
        (
            "{range: [9007199254740993, 9007199254740995], step: 1}",
            [9007199254740993, 9007199254740994, 9007199254740995],
        ),
        ("{range: [0x10, 0x20], step: 0x8}", [16, 24, 32]),
        ("{range: [5 MB/s, 15 MB/s], step: 5 MB/s}", ["5 MB/s", "10 MB/s", "15 MB/s"]),
        ("{range: [0.5 s, 1 s], count: 3}", ["0.5 s", "0.75 s", "1 s"]),
        ("{log_range: [1, 1000], count: 4}", [1, 10, 100, 1000]),
        ("{log_range: [1000, 1], count: 4}", [1000, 100, 10, 1]),
        ("{log_range: [1, 100], count: 5}", [1, 3, 10, 32, 100]),
        ("{log_range: [1.0, 100], count: 5}", [1.0, 3.16227766017, 10.0, 31.6227766017, 100.0]),
        ("{log_range: [1e-4, 1e-1], count: 4}", [1e-4, 1e-3, 1e-2, 1e-1]),
        ("{log_range: [1 MB/s, 100 MB/s], count: 3}", ["1 MB/s", "10 MB/s", "100 MB/s"]),
        ("{log_range: [1e-300, 1e300], count: 3}", [1e-300, 1.0, 1e300]),
    ],
)
def test_ranges(text, found):
    assert values(text) == found
    assert [type(one) for one in values(text)] == [type(one) for one in found]


whole = st.integers(-(10**15), 10**15)
decimals = st.decimals(-1000, 1000, places=3, allow_nan=False).map(lambda one: one.normalize())


@few
@given(whole, st.integers(1, 10**6), st.integers(1, 200), st.booleans())
def test_a_stepped_range_of_whole_numbers_is_pythons(low, step, count, down):
    step = -step if down else step
    high = low + step * count
    assert values(f"{{range: [{low}, {high}], step: {step}}}") == [low + step * i for i in range(count + 1)]


@few
@given(decimals, decimals, st.integers(1, 100))
def test_a_stepped_range_is_exact_in_decimals(low, step, count):
    assume(step != 0)
    found = values(f"{{range: [{low:f}, {low + step * count:f}], step: {step:f}}}")
    assert found == [float(low + step * i) for i in range(count + 1)]


@few
@given(decimals, decimals, st.integers(2, 50))
def test_a_counted_range_has_its_ends_and_even_spaces(low, high, count):
    assume(low != high)
    found = values(f"{{range: [{low:f}, {high:f}], count: {count}}}")
    assert len(found) == count
    assert (found[0], found[-1]) == (float(low), float(high))
    space = Fraction(high - low) / (count - 1)
    largest = max(abs(low), abs(high))
    for one, other in pairwise(found):
        assert math.isclose(other - one, space, rel_tol=1e-9, abs_tol=1e-11 * float(largest))


@few
@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12), st.integers(2, 50))
def test_a_log_range_has_its_ends_and_one_ratio(low, high, count):
    assume(not 0.9 < low / high < 1.1)
    low, high = (f"{Decimal(one):e}" for one in (low, high))
    found = values(f"{{log_range: [{low}, {high}], count: {count}}}")
    assert (len(found), found[0], found[-1]) == (count, float(low), float(high))
    ratio = (math.log(float(high)) - math.log(float(low))) / (count - 1)
    for one, other in pairwise(found):
        assert math.isclose(math.log(other / one), ratio, rel_tol=1e-6, abs_tol=1e-9)


@few
@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(2, 8))
def test_a_log_range_between_whole_numbers_is_whole(low, high, count):
    assume(max(low, high) > 10 * count * min(low, high))
    found = values(f"{{log_range: [{low}, {high}], count: {count}}}")
    assert all(isinstance(one, int) for one in found)
    for i, one in enumerate(found):
        exact = math.exp(math.log(low) + math.log(high / low) * i / (count - 1))
        assert abs(one - exact) <= 0.5 + 1e-9 * exact


@few
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_the_ends_of_a_range_are_those_that_were_written(low, high):
    assume(low != high)
    assert values(f"{{range: [{low!r}, {high!r}], count: 2}}") == [low, high]


def test_a_zip_sets_several_keys_at_once():
    axis, wrong = read("{zip: {x.y: [1, 2], z: [a, {k: 1}]}}", "size")
    assert not wrong
    assert (axis.kind, axis.keys, axis.labels) == ("zip", ("x.y", "z"), ("1, a", '2, {"k": 1}'))
    assert [[(one.key, plain(one.value)) for one in choice.overrides] for choice in axis.choices] == [
        [("x.y", 1), ("z", "a")],
        [("x.y", 2), ("z", {"k": 1})],
    ]
    assert [choice.value for choice in axis.choices] == list(axis.labels)


def test_a_zip_of_one_list_has_numbers():
    axis, _ = read("{zip: {x.y: [1, 2]}}", "size")
    assert [choice.value for choice in axis.choices] == [1, 2]


def test_variants_have_names_and_any_keys():
    axis, wrong = read("{variants: {few: {x: 1, y: 2}, many: {z: 3}}}", "mix")
    assert not wrong
    assert (axis.kind, axis.keys, axis.labels) == ("variants", ("x", "y", "z"), ("few", "many"))
    assert [choice.value for choice in axis.choices] == ["few", "many"]


def test_variants_called_like_numbers_are_texts():
    axis, _ = read("{variants: {1: {x: 3}, 2: {x: 4}}}", "mix")
    assert [choice.value for choice in axis.choices] == ["1", "2"]


LONG = "x" * (LONGEST_LABEL + 1)
NUMBER = "allowed: a number, or one with its unit ('5 MB/s')"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "8",
            "1:6: axes.a.b: 8; allowed: a list of values, or a map with one of the keys range, log_range, ",
        ),
        ("", "1:1: axes.a.b: null; allowed: a list of values"),
        ("[]", "1:6: axes.a.b: an empty list; allowed: a list of 1 to 10000 values"),
        ("{rnge: [1, 2]}", "1:6: axes.a.b: a map without any of its forms; allowed: range, log_range, zip, "),
        ("{}", "1:6: axes.a.b: an empty map without any of its forms"),
        ("[1, 2, 1]", "1:13: axes.a.b: '1' comes twice; allowed: each value once"),
        ('[1, "1"]', "1:10: axes.a.b: '1' comes twice"),
        (
            f"[{LONG}]",
            f"1:7: axes.a.b: a text of {len(LONG)} characters as a label; allowed: 1 to 80 printable",
        ),
        ('["a\\nb"]', "1:7: axes.a.b: 'a\\nb' as a label; allowed: 1 to 80 printable characters"),
        ('[""]', "1:7: axes.a.b: '' as a label"),
        ("{range: [1, 2]}", "1:6: axes.a.b: a range needs one of step and count"),
        ("{range: [1, 2], step: 1, count: 2}", "1:6: axes.a.b: a range needs one of step and count"),
        (
            "{range: [1, 2], stop: 1}",
            "1:22: axes.a.b.stop: unknown key; allowed: range, step, count; did you mean ",
        ),
        ("{range: [1, 2], step: 1, zip: {}}", "1:31: axes.a.b.zip: unknown key; allowed: range, step, count"),
        ("{range: 5, step: 1}", "1:14: axes.a.b.range: 5; allowed: [FROM, TO]"),
        ("{range: [1, 2, 3], step: 1}", "1:14: axes.a.b.range: a list of 3 items; allowed: [FROM, TO]"),
        ("{range: [1, x], step: 1}", f"1:18: axes.a.b.range: the text 'x'; {NUMBER}"),
        ('{range: ["1", 2], step: 1}', f"1:15: axes.a.b.range: the text '1'; {NUMBER}"),
        ("{range: [true, 2], step: 1}", f"1:15: axes.a.b.range: true; {NUMBER}"),
        ("{range: [0 B, 1e999 B], count: 3}", f"1:20: axes.a.b.range: the text '1e999 B'; {NUMBER}"),
        (
            "{range: [0 B, 1e-999999999 B], count: 3}",
            f"1:20: axes.a.b.range: the text '1e-999999999 B'; {NUMBER}",
        ),
        ("{range: [1, " + "9" * 400 + "], count: 3}", f"{NUMBER}"),
        (
            "{range: [1 s, 2 B], count: 2}",
            "1:20: axes.a.b.range: 1 s and 2 B; allowed: one unit for both ends",
        ),
        ("{range: [1, 1.0], count: 2}", "1:18: axes.a.b.range: 1.0 twice; allowed: two ends that differ"),
        (
            "{range: [8, 32], step: 5}",
            "1:29: axes.a.b.step: 5 does not meet 32; allowed: a step that does, or a",
        ),
        ("{range: [8, 32], step: -8}", "1:29: axes.a.b.step: -8; allowed: a step that leads from 8 to 32"),
        ("{range: [32, 8], step: 8}", "1:29: axes.a.b.step: 8; allowed: a step that leads from 32 to 8"),
        ("{range: [8, 32], step: 0}", "1:29: axes.a.b.step: 0; allowed: a step that leads from 8 to 32"),
        (
            "{range: [1 B, 3 B], step: 1}",
            "1:32: axes.a.b.step: 1; allowed: a step that leads from 1 B to 3 B",
        ),
        (
            "{range: [0, 10000], step: 1}",
            "1:32: axes.a.b.step: 1 makes too many values; allowed: at most 10000",
        ),
        (
            "{range: [0, 1], step: 1e-308}",
            "axes.a.b.step: 1e-308 makes too many values; allowed: at most 10000",
        ),
        ("{range: [0, 1], count: 1}", "1:29: axes.a.b.count: 1; allowed: a whole number from 2 to 10000"),
        (
            "{range: [0, 1], count: 10001}",
            "1:29: axes.a.b.count: 10001; allowed: a whole number from 2 to 10000",
        ),
        (
            "{range: [0, 1], count: two}",
            "1:29: axes.a.b.count: the text 'two'; allowed: a whole number from 2",
        ),
        ("{range: [0, 1], count: 2.0}", "1:29: axes.a.b.count: 2.0; allowed: a whole number from 2 to 10000"),
        (
            "{range: [0, 1], count: true}",
            "1:29: axes.a.b.count: true; allowed: a whole number from 2 to 10000",
        ),
        ("{log_range: [1, 10]}", "1:6: axes.a.b: no count; allowed: a whole number from 2 to 10000"),
        ("{log_range: [1, 10], step: 3}", "1:27: axes.a.b.step: unknown key; allowed: log_range, count"),
        ("{log_range: [0, 10], count: 3}", "1:19: axes.a.b.log_range: 0; allowed: an end greater than 0"),
        ("{log_range: [10, -1], count: 3}", "1:23: axes.a.b.log_range: -1; allowed: an end greater than 0"),
        ("{log_range: [1, 4], count: 8}", "1:33: axes.a.b.count: 8 whole numbers between 1 and 4 come twice"),
        (
            "{zip: {}}",
            "1:12: axes.a.b.zip: an empty map; allowed: a map of key paths, each with a list of values",
        ),
        ("{zip: [1]}", "1:12: axes.a.b.zip: a list of 1 item; allowed: a map of key paths"),
        ("{zip: {x: 1}}", "1:16: axes.a.b.zip.x: 1; allowed: a list of values"),
        (
            "{zip: {x: [1, 2], y: [1]}}",
            "1:27: axes.a.b.zip.y: a list of 1 item; allowed: 2 items, as 'x' has",
        ),
        ("{zip: {x: []}}", "1:16: axes.a.b.zip.x: an empty list; allowed: a list of 1 to 10000 values"),
        ("{zip: {x: [1, 1], y: [2, 2]}}", "1:20: axes.a.b.zip: '1, 2' comes twice; allowed: each value once"),
        ("{zip: {x..y: [1]}}", "1:15: axes.a.b.zip.x..y: an empty key; allowed: key.path=value"),
        (
            "{variants: {}}",
            "1:17: axes.a.b.variants: an empty map; allowed: a map of names, each with a map ",
        ),
        ("{variants: {m: 1}}", "1:21: axes.a.b.variants.m: 1; allowed: a map 'key.path: value'"),
        ("{variants: {m: {}}}", "1:21: axes.a.b.variants.m: an empty map; allowed: a map 'key.path: value'"),
        ('{variants: {"": {x: 1}}}', "axes.a.b.variants.: '' as a label; allowed: 1 to 80"),
        (
            "{variants: {m: {extends: x}}}",
            "axes.a.b.variants.m.extends: extends cannot be varied; allowed: a key",
        ),
    ],
)
def test_what_is_wrong_with_an_axis_is_one_line_at_its_place(text, message):
    axis, wrong = read(text)
    assert axis is None
    assert len(wrong) == 1
    assert message in wrong[0]
    assert "; allowed: " in wrong[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("extends", "s:1:1: axes.extends: extends cannot be varied; allowed: a key of the scenario"),
        ("a..b", "s:1:3: axes.a..b: an empty key; allowed: key.path=value"),
        ('""', "s:1:1: axes.: '' as a label; allowed: 1 to 80 printable characters, or names (variants)"),
        (LONG, f"a text of {len(LONG)} characters as a label"),
    ],
)
def test_the_name_of_an_axis_is_checked(name, message):
    _, wrong = read("[1]", name)
    assert len(wrong) == 1
    assert message in wrong[0]


def test_a_list_may_have_just_so_many_values():
    text = ", ".join(map(str, range(MOST_CHOICES)))
    assert len(values(f"[{text}]")) == MOST_CHOICES
    _, wrong = read(f"[{text}, -1]")
    assert "a list of 10001 items; allowed: a list of 1 to 10000 values" in wrong[0]


def test_values_keep_their_places():
    axis, _ = read("[exact, genetic]")
    assert [str(choice.overrides[0].value.at) for choice in axis.choices] == ["s:1:7", "s:1:14"]
    assert [str(step.at) for step in axis.choices[0].overrides[0].steps] == ["s:1:1", "s:1:3"]
