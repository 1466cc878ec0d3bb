"""The JSON Schema that editors use: as printed, as committed, and as the library's files name it."""

import importlib
import json
import os
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from scenarios.dump import dump_resolved
from scenarios.editor_schema import FILE_NAME
from scenarios.load import load_scenario
from scenarios.locate import NOT_SCENARIOS, library_root
from simulator.registry import registered_scenario

LIBRARY = Path(importlib.import_module("scenarios").__file__).parent
COMMITTED = LIBRARY / FILE_NAME
FILES = sorted(path for path in LIBRARY.rglob("*.yaml") if path.parent.name != NOT_SCENARIOS)


@pytest.fixture(scope="module")
def validator():
    """The committed schema, as an editor uses it."""
    return jsonschema.Draft202012Validator(json.loads(COMMITTED.read_text(encoding="utf-8")))


def content(text):
    """A file's values as JSON has them: an editor reads every key of a map as text."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def test_the_committed_schema_is_what_the_command_prints(hetedge):
    done = hetedge("schema")
    assert (done.code, done.err) == (0, "")
    assert COMMITTED.read_text(encoding="utf-8") == done.out, (
        "the scenario's keys have changed; renew the committed schema: "
        "hetedge schema > scenarios/scenario.schema.json"
    )


def test_it_is_a_schema_with_a_name(hetedge):
    schema = json.loads(hetedge("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:hetedge:scenario"
    assert schema["title"]
    assert schema["description"]
    assert schema["properties"]["devices"]["description"]


def test_the_schema_is_where_the_library_is():
    assert library_root() == LIBRARY
    assert COMMITTED.is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_every_file_of_the_library_names_its_schema_and_fits_it(validator, path):
    text = path.read_text(encoding="utf-8")
    relative = Path(os.path.relpath(COMMITTED, path.parent)).as_posix()
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={relative}"
    validator.validate(content(text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_what_validate_prints_fits_the_schema_says_who_decided_and_loads_again(
    hetedge, validator, tmp_path, path
):
    printed = hetedge("validate", path, "--print").out
    validator.validate(content(printed))
    values = [line for line in printed.splitlines() if not line.endswith(":") and not line.startswith("#")]
    assert all(line.endswith((" # given", " # default")) for line in values)
    first, again = tmp_path / "first.yaml", registered_scenario()
    first.write_text(printed, encoding="utf-8")
    loaded = load_scenario(str(first), (), again)
    assert loaded.scenario == load_scenario(str(path), (), again).scenario
    assert dump_resolved(loaded.scenario) == "".join(
        line.removesuffix(" # given").removesuffix(" # default") + "\n"
        for line in printed.splitlines()
        if not line.startswith("#")
    )


def test_a_file_that_does_not_fit_is_noticed(validator):
    wrong = content(FILES[0].read_text(encoding="utf-8")) | {"sed": 1}
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(wrong)
