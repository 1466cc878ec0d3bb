"""``hetedge flows``: the answer in both forms, and every kind of wrong input."""

import importlib
import json
from pathlib import Path

import jsonschema
import pytest

SCHEMA = Path(importlib.import_module("simulator").__file__).parent.parent / "docs/schemas/flows.schema.json"

GIVEN = {
    "links": {"up": 100.0, "core": 80},
    "flows": [
        {"start_s": 0, "bytes": 100, "links": ["up", "core"]},
        {"start_s": 0.5, "bytes": 60, "links": ["core"], "weight": 1, "cap_bytes_per_s": 20},
    ],
}
# 80 byte/s for half a second, then 60 beside the capped 20: 100 bytes at 1.5 s; the other at 0.5 + 60 / 20.
ENDS_S = [1.5, 3.5]


@pytest.fixture
def flows(hetedge, tmp_path):
    def ask(text, *options):
        (tmp_path / "f.json").write_text(text if isinstance(text, str) else json.dumps(text))
        return hetedge("flows", "f.json", *options)

    return ask


def test_json_tells_the_ends_in_the_order_of_the_file(flows):
    done = flows(GIVEN, "--json")
    assert (done.code, done.err) == (0, "")
    answer = json.loads(done.out)
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))
    jsonschema.validate(answer, json.loads(SCHEMA.read_text()))
    assert answer["finish_s"] == pytest.approx(ENDS_S, rel=1e-12)


def test_text_is_a_table(flows):
    done = flows(GIVEN)
    assert done.code == 0
    assert done.out.splitlines() == [
        "flow  starts   size   links    ends    mean rate",
        "0     0 s      100 B  up core  1.50 s  66.67 B/s",
        "1     0.500 s  60 B   core     3.50 s  20 B/s",
    ]


@pytest.mark.parametrize("ending", ["", " # YAML"])
def test_a_name_may_be_written_in_the_two_halves_of_its_character(flows, ending):
    flow = r'{"start_s": 0, "bytes": 1, "links": ["\ud83d\ude00"]}'
    done = flows(r'{"links": {"\ud83d\ude00": 1}, "flows": [' + flow + "]}" + ending)
    assert done.code == 0, done.err
    assert "\N{GRINNING FACE}" in done.out


def test_a_number_is_no_name_of_a_link(flows):
    done = flows({"links": {"2": 1, "1": 1}, "flows": [{"start_s": 0, "bytes": 1, "links": [1]}]})
    assert done.code == 2
    assert done.lines == ['f.json:1:76: flows.0.links.0: 1; allowed: a text, the name of a link, such as "1"']


def test_no_flows_have_no_ends(flows):
    assert json.loads(flows({"links": {}, "flows": []}, "--json").out) == {"finish_s": []}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "f.json:1:1: the file is empty; allowed: a map such as {"),
        ("[1]", "f.json:1:1: a list of 1 item; allowed: a map such as {"),
        ('{"links": {"a": 1}}', "f.json:1:1: flows: missing; required"),
        (
            '{"links": {"a": 0}, "flows": []}',
            "f.json:1:17: links.a: 0; allowed: a number above 0, in bytes per second",
        ),
        (
            '{"links": {"a": "1 MB/s"}, "flows": []}',
            "f.json:1:17: links.a: the text '1 MB/s'; allowed: a number above 0",
        ),
        (
            '{"links": {"a": .inf}, "flows": []}',
            "f.json:1:17: links.a: .inf is not finite; allowed: a finite number",
        ),
        ('{"links": {"a": 1, "a": 2}, "flows": []}', "f.json:1:20: links.a: "),
        ('{"links": [], "flows": []}', "f.json:1:11: links: an empty list; allowed: a map of link names"),
        ('{"links": {}, "flows": {}}', "f.json:1:24: flows: an empty map; allowed: a list of flows"),
        (
            '{"links": {"a\\ud800": 1}, "flows": []}',
            "f.json:1:12: links.a\\ud800: half a character (a lone surrogate) in a name; allowed: names of whole",
        ),
        (
            '{"lnks": {}, "flows": []}',
            "f.json:1:2: lnks: unknown key; allowed: links, flows; did you mean 'links'?",
        ),
    ],
)
def test_a_wrong_file_is_told_with_its_place(flows, text, line):
    done = flows(text)
    assert done.code == 2
    assert any(one.startswith(line) for one in done.lines), done.err


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (
            '{"start_s": 0, "bytes": -1, "links": ["up"]}',
            "flows.0.bytes: -1; allowed: a number of bytes, at least 0",
        ),
        (
            '{"start_s": .nan, "bytes": 1, "links": ["up"]}',
            "flows.0.start_s: .nan is not finite; allowed: a finite number",
        ),
        (
            '{"start_s": true, "bytes": 1, "links": ["up"]}',
            "flows.0.start_s: true; allowed: a number of seconds",
        ),
        ('{"start_s": 0, "bytes": 1, "links": []}', "flows.0.links: an empty list; allowed: a list of names"),
        (
            '{"start_s": 0, "bytes": 1, "links": ["upp"]}',
            "flows.0.links.0: the text 'upp'; allowed: up; did you mean 'up'?",
        ),
        (
            '{"start_s": 0, "bytes": 1, "links": ["up", "up"]}',
            "flows.0.links.1: the text 'up'; allowed: each link once",
        ),
        (
            '{"start_s": 0, "bytes": 1, "links": ["up"], "weight": 0}',
            "flows.0.weight: 0; allowed: a number above 0",
        ),
        (
            '{"start_s": 0, "bytes": 1, "links": ["up"], "wieght": 1}',
            "flows.0.wieght: unknown key; allowed: start_s",
        ),
        (
            '{"start_s": 0, "bytes": 1, "links": [1]}',
            'flows.0.links.0: 1; allowed: a text, the name of a link, such as "up"',
        ),
        (
            '{"start_s": 0, "bytes": 1, "links": ["\\udc00"]}',
            "flows.0.links.0: half a character (a lone surrogate)",
        ),
        ('{"bytes": 1, "links": ["up"]}', "flows.0.start_s: missing; required"),
        ("7", "flows.0: 7; allowed: a map with the keys start_s"),
    ],
)
def test_a_wrong_flow_is_told_with_its_key(flows, flow, words):
    done = flows(f'{{"links": {{"up": 10}}, "flows": [{flow}]}}')
    assert done.code == 2
    assert words in done.err


def test_a_missing_file_is_told(hetedge):
    done = hetedge("flows", "nowhere.json")
    assert done.code == 2
    assert done.err.startswith(
        "nowhere.json:1:1: cannot be read (no such file or directory); allowed: a file that holds"
    )
