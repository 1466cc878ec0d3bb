"""Damaged profile files are refused with file, line, column, key, what came and what is allowed."""

import pytest

from devices.profile import load_profile
from devices.profile_file import parse_profile_text

GOOD = "kind: board\nclock: 1 GHz\nflops_per_cycle: 2\nuplink: 1 MB/s\ndownlink: 1 MB/s\n"


def message_of(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the message is compared by the caller)
        parse_profile_text(text, "mine.yaml")
    return str(caught.value)


def test_a_source_is_taken_out_of_the_mapping():
    content, sources = parse_profile_text(GOOD + "latency: {value: 1 ms, source: a page}\n", "mine.yaml")
    assert content.latency == 0.001
    assert sources["latency"] == "a page"
    assert sources["clock"] == "given in mine.yaml without a source"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "mine.yaml:1:1: an empty file; a profile is a mapping with the keys kind, uplink, downlink, ...",
        ),
        ("- 1\n", "mine.yaml:1:1: a list; a profile is a mapping with the keys kind, uplink, downlink, ..."),
        (
            GOOD + "latency: 5\n",
            "mine.yaml:6:1: latency: 5 has no unit; write a quantity such as '5 ms'",
        ),
        (
            GOOD + "memory: {value: 2, source: page}\n",
            "mine.yaml:6:1: memory: 2 has no unit; write a quantity such as '2 GiB'",
        ),
        (
            GOOD + "memory: {value: 2 GB}\n",
            "mine.yaml:6:1: memory: a mapping with the keys value; "
            "write the value itself or {value: ..., source: text}",
        ),
        (
            GOOD + "memory: {value: 2 GB, source: ''}\n",
            "mine.yaml:6:1: memory: a mapping with the keys value, source; "
            "write the value itself or {value: ..., source: text}",
        ),
        (
            GOOD + "efficiency: 1.5\nlatency: 3\n",
            "mine.yaml:6:1: efficiency: 1.5; input should be less than or equal to 1 (1 more after this one)",
        ),
        (GOOD.replace("kind: board\n", ""), "mine.yaml:1:1: kind: missing; a profile needs it"),
    ],
)
def test_errors_point_at_the_key(text, message):
    assert message_of(text) == message


def test_an_unknown_key_gets_the_nearest_name():
    assert message_of(GOOD + "latancy: 5 ms\n").startswith(
        "mine.yaml:6:1: latancy: unknown key; did you mean 'latency'? allowed: clock, flops_per_cycle, "
    )


def test_broken_yaml_and_duplicate_keys_name_their_place():
    assert message_of(GOOD + "name: [1\n").startswith("mine.yaml:7:1: ")
    assert message_of(GOOD + "clock: 2 GHz\n").startswith('mine.yaml:6:1: found duplicate key "clock"')
    assert "\n" not in message_of(GOOD + "clock: 2 GHz\n")
    assert message_of(GOOD + "\tname: x\n").startswith("mine.yaml:6:1: ")


def test_an_unprintable_character_is_refused():
    assert message_of("kind: \x00\n").startswith("mine.yaml:1:1: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("uplink: 1 MB/s\n", ""), "mine.yaml:1:1: uplink: missing; a profile needs it"),
        (
            GOOD.replace("clock: 1 GHz\n", ""),
            "mine.yaml:1:1: profile 'mine' has no compute rate; "
            "give measured_flops_per_s, or both clock and flops_per_cycle",
        ),
    ],
)
def test_what_a_whole_profile_lacks(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared)
        load_profile("mine.yaml", tmp_path)
    assert str(caught.value) == message


def test_a_file_whose_name_is_no_text_is_refused(tmp_path):
    (tmp_path / "\udcff.yaml").write_text(GOOD)
    with pytest.raises(ValueError, match="should be a valid string"):
        load_profile("\udcff.yaml", tmp_path)
