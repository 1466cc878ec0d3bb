"""What is wrong with the text itself: encoding, YAML syntax, duplicate keys, tags, aliases."""

import pytest

WHOLE = "; allowed: a map of 'key: value' lines, with at least the key 'devices'"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "s.yaml:1:1: the file is empty" + WHOLE),
        ("\n# only a comment\n", "s.yaml:1:1: the file is empty" + WHOLE),
        ("---\n...\n", "s.yaml:1:1: the file is empty" + WHOLE),
        ("- a\n- b\n", "s.yaml:1:1: a list" + WHOLE),
        ("\n  word\n", "s.yaml:2:3: the value 'word'" + WHOLE),
        ("~", "s.yaml:1:1: the value '~'" + WHOLE),
        (
            "name: a\n\tseed: 1\n",
            "s.yaml:2:1: a tab character; allowed: spaces, in indents and after ':' and '-'",
        ),
        ("name:\ta\n", "s.yaml:1:6: a tab character; allowed: spaces, in indents and after ':' and '-'"),
        (
            "name: [a\n",
            "s.yaml:2:1: not YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence; "
            "allowed: YAML 1.2",
        ),
        ("a: b: c\n", "s.yaml:1:5: not YAML: mapping values are not allowed here; allowed: YAML 1.2"),
        ("a: *b\n", "s.yaml:1:4: not YAML: found undefined alias 'b'; allowed: YAML 1.2"),
        ("a: 1\n---\nb: 1\n", "s.yaml:2:1: a second document after '---'; allowed: one scenario in a file"),
        ("a: 1\nb: x\x00y\n", "s.yaml:2:5: the character U+0000; allowed: printable text"),
        (b"a: 1\nb: \xc3\xa4\xff\n", "s.yaml:2:5: byte 0xff is not UTF-8; allowed: a UTF-8 text file"),
        ("a: " + "[" * 600, "s.yaml:1:1: lists or maps nested too deeply; allowed: at most 50 levels"),
    ],
)
def test_unreadable_text_is_one_line(errors, text, line):
    assert errors(text, devices=False) == [line]


def test_duplicate_key_points_at_the_second_and_names_the_first(errors):
    assert errors("seed: 1\nmodel: {width: 8, width: 9}\nseed: 2\n") == [
        "s.yaml:5:19: model.width: the key was already given at 5:9; allowed: each key once",
        "s.yaml:6:1: seed: the key was already given at 4:1; allowed: each key once",
    ]


def test_mistakes_of_text_and_of_values_are_reported_together(errors):
    assert errors("seed: 1\nseed: 2\nname: !secret x\nstrategy: {kld_alpha: .inf}\nrecords: ful\n") == [
        "s.yaml:5:1: seed: the key was already given at 4:1; allowed: each key once",
        "s.yaml:6:7: name: the tag '!secret'; allowed: a plain value without a tag",
        "s.yaml:7:23: strategy.kld_alpha: .inf is not finite; allowed: a finite number",
        "s.yaml:8:10: records: 'ful'; allowed: full, summary; did you mean 'full'?",
    ]


@pytest.mark.parametrize(
    "text", ["name: !!python/object:os.system x\n", "network: !!set {a}\n", "cuts: !mine [1]\n"]
)
def test_tags_are_refused(errors, text):
    assert "; allowed: a plain value without a tag" in errors(text)[0]


def test_key_must_be_text(errors):
    assert errors("? [a, b]\n: 1\n") == ["s.yaml:4:3: a list or map as a key; allowed: a text"]


def test_alias_that_contains_itself(errors):
    assert errors("data: &a {domains: [*a]}\n")[0] == (
        "s.yaml:4:7: data.domains.0: an alias to a list or map around it; allowed: a value"
    )


def test_aliases_that_explode_are_stopped(errors, monkeypatch):
    monkeypatch.setattr("scenarios.reader.MOST_VALUES", 1000)
    # 8 items a level: 8**9 values after nine levels.
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 10)]
    [line] = errors("\n".join(lines) + "\n", devices=False)
    assert line.endswith("aliases that unfold to too many values; allowed: at most 1000")


def test_too_long_number(errors):
    [line] = errors(f"seed: {'9' * 5000}\n")
    assert line.startswith("s.yaml:4:7: seed: '999999")
    assert line.endswith("...' cannot be read as a number; allowed: a number")


def test_yaml_is_1_2(load):
    loaded = load("name: on\nstrategy: {kld_alpha: 1e-9}\nseed: 010\n")
    assert loaded.scenario.name == "on"
    assert loaded.scenario.strategy.kld_alpha == 1e-9
    assert loaded.scenario.seed == 10


def test_date_is_text(load):
    assert load("name: 2024-05-01\n").scenario.name == "2024-05-01"


def test_anchors_and_byte_order_mark_are_fine(load):
    text = b"\xef\xbb\xbfdevices: {clients: [&c {profile: paper-1}, *c]}\n"
    assert len(load(text).scenario.devices.clients) == 2
