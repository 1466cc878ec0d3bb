"""The JSON Schema that editors check a sweep's file with: all key paths of a scenario, each with its values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from scenarios.editor_schema import DIALECT, editor_schema
from scenarios.schema import EXTENDS, Scenario
from scenarios.sweep_axes import FORMS
from scenarios.sweep_ranges import MOST_CHOICES
from scenarios.sweep_reading import MOST_SEEDS, NO_AXES

Schema: TypeAlias = dict[str, Any]

IDENTIFIER = "urn:hetedge:sweep"
FILE_NAME = "sweep.schema.json"
"""The committed copy, beside the library's scenarios."""

_SETTINGS = "Settings"
_FORM = "AxisForm"
_WITH_INDEX = r"^[a-z_]+(\.[^.]+)*\.[0-9]+(\.[^.]+)*$"
"""Key paths into a list: what they mean depends on the base."""


def sweep_schema(kind: type[Scenario]) -> Schema:
    """Return the JSON Schema (draft 2020-12) of a sweep's file.

    It accepts what the loader accepts. What the loader refuses beyond it needs more than one value (a step that does
    not meet the end, lists of different lengths, two axes with one key) or the scenarios that combinations make.

    Args:
        kind: What `scenarios.schema.scenario_type` built.
    """
    scenario = editor_schema(kind)
    settings = _settings(scenario)
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "hetedge sweep",
        "description": "Many runs of hetedge: a base scenario, what is varied over it, and with which seeds.",
        "type": "object",
        "additionalProperties": False,
        "required": ["base"],
        "properties": {
            "name": _described(scenario["properties"]["name"], "Name of the sweep; left out = the file's."),
            "base": _text("Path or library name of the scenario that is varied.", "quickstart"),
            "set": _described(_reference(_SETTINGS), "Values laid over the base, for all jobs."),
            "axes": _axes(settings),
            "seeds": _seeds(),
            "only": _conditions("A combination is kept where one of these fits ..."),
            "exclude": _conditions("... and none of these does."),
            "target": _text("Quality that the time to is told for.", "fid<40"),
        },
        "$defs": {**scenario["$defs"], _SETTINGS: settings, **_forms(settings)},
    }


def _settings(scenario: Schema) -> Schema:
    """Return the schema of a map `key.path: value`."""
    values: dict[str, list[Schema]] = {}
    open_maps: dict[str, Schema] = {}
    for path, value in _key_paths(scenario, scenario["$defs"], open_maps):
        alternatives = values.setdefault(path, [])
        if value not in alternatives:
            alternatives.append(value)
    return {
        "description": "Values of a scenario by their key paths.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {path: _one_of(found) for path, found in values.items()},
        "patternProperties": {**open_maps, _WITH_INDEX: {}},
    }


def _one_of(alternatives: list[Schema]) -> Schema:
    """Return what several plug-ins allow at one key path; its words are those of the first that has some."""
    if len(alternatives) == 1:
        return alternatives[0]
    words = next((one["description"] for one in alternatives if "description" in one), "")
    return _described({"anyOf": alternatives}, words)


def _key_paths(
    schema: Schema, definitions: Mapping[str, Schema], open_maps: dict[str, Schema], above: str = ""
) -> Iterator[tuple[str, Schema]]:
    """Yield every key path that leads through no list, with what is allowed there, as often as plug-ins have it."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    for one in schema.get("anyOf", ()):
        yield from _key_paths(one, definitions, open_maps, above)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        open_maps[f"^{re.escape(above)}.+$"] = more
    for key, value in schema.get("properties", {}).items():
        if above or key != EXTENDS:
            yield f"{above}{key}", value
            yield from _key_paths(value, definitions, open_maps, f"{above}{key}.")


def _axes(settings: Schema) -> Schema:
    form = _reference(_FORM)
    several = [_reference(_form_name("zip")), _reference(_form_name("variants"))]
    listed = {
        path: _described({"anyOf": [_list_of(_value_at(path)), form]}, value.get("description", ""))
        for path, value in settings["properties"].items()
        if path not in NO_AXES
    }
    return {
        "description": "What is varied: a key path, or a name, each with what it takes on.",
        "type": "object",
        "additionalProperties": {"anyOf": several},
        "properties": {**listed, **dict.fromkeys(NO_AXES, False)},
        "patternProperties": {
            pattern: {"anyOf": [_list_of(value), form]}
            for pattern, value in settings["patternProperties"].items()
        },
    }


def _forms(settings: Schema) -> dict[str, Schema]:
    """Return the definitions of the ways in which an axis that is no plain list may be meant."""
    end = {"type": ["number", "string"]}
    ends = {"type": "array", "prefixItems": [end, end], "items": False, "minItems": 2}
    count = {"type": "integer", "minimum": 2, "maximum": MOST_CHOICES, "description": "How many values."}
    step = {**end, "description": "From one value to the next; it must meet the end."}
    zipped = {path: _list_of(_value_at(path)) for path in settings["properties"]}
    indexed = {pattern: _list_of(value) for pattern, value in settings["patternProperties"].items()}
    return {
        _FORM: {"anyOf": [_reference(_form_name(form)) for form in FORMS]},
        _form_name("range"): {
            **_map({"range": ends, "step": step, "count": count}, "range"),
            "description": "Evenly spaced values, both ends among them.",
            "oneOf": [{"required": ["step"]}, {"required": ["count"]}],
        },
        _form_name("log_range"): {
            **_map({"log_range": ends, "count": count}, "log_range", "count"),
            "description": "Values whose neighbours have one ratio, both ends among them.",
        },
        _form_name("zip"): _map(
            {"zip": {**_map(zipped), "patternProperties": indexed, "minProperties": 1}}, "zip"
        ),
        _form_name("variants"): _map(
            {
                "variants": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": _reference(_SETTINGS),
                }
            },
            "variants",
        ),
    }


def _form_name(form: str) -> str:
    return f"{form.title().replace('_', '')}Axis"


def _seeds() -> Schema:
    whole = {"type": "integer", "minimum": 0}
    listed = {"type": "array", "items": whole, "minItems": 1, "maxItems": MOST_SEEDS, "uniqueItems": True}
    number = {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS}
    described = "How many, from the base's own on, or a list; left out = the base's own."
    return {"anyOf": [number, listed], "default": 1, "description": described}


def _conditions(description: str) -> Schema:
    values = {"anyOf": [{"type": ["string", "number", "boolean", "null", "object"]}, _list_of({})]}
    condition = {"type": "object", "minProperties": 1, "additionalProperties": values}
    return _described({"type": "array", "items": condition, "minItems": 1}, description)


def _map(properties: Schema, *required: str) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": properties, **needed}


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MOST_CHOICES}


def _text(description: str, example: str) -> Schema:
    return {"type": "string", "minLength": 1, "description": description, "examples": [example]}


def _described(schema: Schema, description: str) -> Schema:
    kept = {key: value for key, value in schema.items() if key not in {"description", "default"}}
    return {**kept, "description": description} if description else kept


def _value_at(path: str) -> Schema:
    return _reference(f"{_SETTINGS}/properties/{path}")


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
