"""The JSON Schema of sweeps that editors use: as printed, as committed, as the library's sweeps name it."""

import importlib
import json
import os
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from scenarios.locate import NOT_SCENARIOS, sweep_names
from scenarios.sweep_schema import FILE_NAME

LIBRARY = Path(importlib.import_module("scenarios").__file__).parent
COMMITTED = LIBRARY / FILE_NAME


@pytest.fixture(scope="module")
def validator():
    """The committed schema, as an editor uses it."""
    return jsonschema.Draft202012Validator(json.loads(COMMITTED.read_text(encoding="utf-8")))


def content(text):
    """A file's values as JSON has them: an editor reads every key of a map as text."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def test_the_committed_schema_is_what_the_command_prints(hetedge):
    done = hetedge("schema", "--sweep")
    assert (done.code, done.err) == (0, "")
    assert COMMITTED.read_text(encoding="utf-8") == done.out, (
        "the keys of scenarios or sweeps have changed; renew the committed schema: "
        "hetedge schema --sweep > scenarios/sweep.schema.json"
    )


def test_it_is_a_schema_with_a_name(validator):
    jsonschema.Draft202012Validator.check_schema(validator.schema)
    assert validator.schema["$id"] == "urn:hetedge:sweep"
    assert validator.schema["title"]
    assert all(one["description"] for one in validator.schema["properties"].values())
    axes = validator.schema["properties"]["axes"]["properties"]
    assert axes["strategy.rounds"]["description"]


def test_there_are_sweeps_in_the_library():
    assert {f"{NOT_SCENARIOS}/{path.stem}" for path in (LIBRARY / NOT_SCENARIOS).glob("*.yaml")} == set(
        sweep_names()
    )


@pytest.mark.parametrize("name", sweep_names())
def test_every_sweep_of_the_library_names_its_schema_and_fits_it(validator, name):
    path = LIBRARY / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    relative = Path(os.path.relpath(COMMITTED, path.parent)).as_posix()
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={relative}"
    validator.validate(content(text))


@pytest.mark.parametrize(
    "text",
    [
        "base: b",
        "base: b\nseeds: [3, 1]\ntarget: fid<40\nname: n",
        "base: b\nset: {evaluation.cas: null, stop: null, devices: {clients: [{profile: paper-1}]}}",
        "base: b\nset: {devices.clients.0.uplink: 5 MB/s, devices.clients.mix.paper-1: 0.5}",
        "base: b\naxes: {devices.clients.0.uplink: [5 MB/s], data.domains.1.dataset.path: [a, b]}",
        "base: b\naxes: {devices.clients.0.uplink: {log_range: [1 MB/s, 9 MB/s], count: 3}}",
        "base: b\naxes: {model.width: {range: [8, 16], step: 8}, strategy.kld_alpha: {range: [0, 1], count: 3}}",
        "base: b\naxes: {strategy.kld_alpha: [0, 1], strategy.client_share: [0.5]}",
        "base: b\naxes: {size: {zip: {strategy.batch_size: [2, 3], devices.clients.0.count: [1, 2]}}}",
        "base: b\naxes: {mix: {variants: {a: {devices.clients: [{profile: paper-1, count: 3}]}}}}",
        "base: b\naxes: {m: {variants: {a: {cuts.selector: exact}}}}\nonly: [{m: a}]\nexclude: [{m: [a, 1]}]",
        "base: b\naxes: {cuts: [{selector: genetic, population: 4}]}",
    ],
)
def test_right_sweeps_fit(validator, text):
    validator.validate(content(text))


@pytest.mark.parametrize(
    "text",
    [
        "axes: {model.width: [8]}",
        "base: 5",
        "base: b\nnme: x",
        "base: b\nname: ../x",
        "base: b\nseeds: 0",
        "base: b\nseeds: [1, 1]",
        "base: b\nseeds: [-1]",
        "base: b\ntarget: 3",
        "base: b\nset: {modl.width: 8}",
        "base: b\nset: {model.width: wide}",
        "base: b\naxes: {cuts.selector: [exct]}",
        "base: b\naxes: {cuts.selectr: [exact]}",
        "base: b\naxes: {model.width: 8}",
        "base: b\naxes: {model.width: []}",
        "base: b\naxes: {model.width: {range: [8, 16]}}",
        "base: b\naxes: {model.width: {range: [8, 16], step: 8, count: 2}}",
        "base: b\naxes: {model.width: {range: [8], step: 8}}",
        "base: b\naxes: {model.width: {range: [8, 16, 24], step: 8}}",
        "base: b\naxes: {model.width: {log_range: [8, 16]}}",
        "base: b\naxes: {devices.server.uplink: [5]}",
        "base: b\naxes: {seed: [1, 2]}",
        "base: b\naxes: {execution.threads: [1, 2]}",
        "base: b\naxes: {mix: [boards, phones]}",
        "base: b\naxes: {mix: {variants: {}}}",
        "base: b\naxes: {mix: {variants: {a: {devces.clients: []}}}}",
        "base: b\naxes: {mix: {variants: {a: 1}}}",
        "base: b\naxes: {size: {zip: {strategy.batch_size: 3}}}",
        "base: b\naxes: {size: {zip: {strategy.batchsize: [3]}}}",
        "base: b\nonly: {mix: a}",
        "base: b\nonly: []",
        "base: b\nonly: [{mix: []}]",
    ],
)
def test_typical_mistakes_do_not_fit(validator, text):
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(content(text))
