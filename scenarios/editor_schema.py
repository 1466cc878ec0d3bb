"""The JSON Schema that editors check a scenario file with, complete to the last key.

`scenario_json_schema` describes a whole scenario, and serves the loader's own messages. A file on disk is not always
whole: with `extends:` it gives a part, and maps are merged into those of the other file. So here no definition requires
a key by itself; instead every list item, which is never merged, requires its keys, and the file as a whole does where
it extends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from devices.profile import reference_schema
from devices.unit_pattern import quantity_pattern
from devices.units import Kind
from scenarios.schema import EXTENDS, Scenario, scenario_json_schema

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "urn:hetedge:scenario"
FILE_NAME = "scenario.schema.json"
"""The committed copy, beside the library's scenarios."""

_DEVICE = "DeviceReference"

# The keywords whose values hold schemas again; whatever else is called so (a scenario's key, say) is none.
_MAPS_OF_SCHEMAS = {"properties", "$defs"}
_OF_A_KEY = {"description", "default"}
"""What is said of a key whose value is a quantity, and not of the quantity."""

_LISTS_OF_SCHEMAS = {"anyOf", "oneOf", "allOf", "prefixItems"}
_SCHEMAS = {"items", "additionalProperties", "propertyNames", "not"}


def editor_schema(kind: type[Scenario]) -> Schema:
    """Return the JSON Schema (draft 2020-12) of a scenario file.

    It accepts what the loader accepts. What the loader refuses beyond it needs more than one value (shares that do not
    sum to 1), the file system, or a distinction that is not made here: `3.0` passes for a whole number,
    and `0 s` for a simulated time to stop at.

    Args:
        kind: What `scenarios.schema.scenario_type` built.
    """
    whole = scenario_json_schema(kind)
    definitions: Schema = whole.pop("$defs")
    required = _Required(definitions)
    shared: Schema = {}

    def for_editors(schema: Schema) -> Schema:
        return _rewritten(schema, lambda node: _shared_part(_untitled(required.stated_in_list(node)), shared))

    body = for_editors(_without_requirements(whole))
    parts = {name: for_editors(_without_requirements(one)) for name, one in definitions.items()}
    complete = _rewritten(required.of(whole), lambda node: _shared_part(node, shared))
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "hetedge scenario",
        "description": "A run of hetedge: devices, data, networks, cuts and strategy. Only `devices` has no default.",
        **{key: value for key, value in body.items() if key not in {"title", "description"}},
        "if": {"not": {"required": [EXTENDS]}},
        "then": complete,
        "$defs": dict(sorted({**parts, **shared}.items())),
    }


class _Required:
    """What must be there for a value to be whole, read off definitions that still say so.

    Args:
        definitions: The named parts of the schema.
    """

    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions

    def of(self, schema: Mapping[str, Any]) -> Schema:
        """Return the keywords that require all keys, here and in the maps below, but in no list; perhaps none."""
        if "$ref" in schema:
            return self.of(self._definitions[_name(schema)])
        alternatives = schema.get("oneOf") or schema.get("anyOf")
        if alternatives:
            return self._of_union(schema, alternatives)
        found: Schema = {}
        if schema.get("required"):
            found["required"] = list(schema["required"])
        below = {key: self.of(value) for key, value in schema.get("properties", {}).items()}
        if any(below.values()):
            found["properties"] = {key: value for key, value in below.items() if value}
        return found

    def stated_in_list(self, schema: Schema) -> Schema:
        """Return a schema that, if it is a list's, states beside its items what they require."""
        items = schema.get("items")
        return {**schema, "items": {**items, **self.of(items)}} if isinstance(items, dict) else schema

    def _of_union(self, schema: Mapping[str, Any], alternatives: list[Schema]) -> Schema:
        """A requirement on maps says nothing about texts and lists, so only several maps need to be told apart."""
        maps = [one for one in alternatives if "$ref" in one]
        if len(maps) < 2:
            return self.of(maps[0]) if maps else {}
        key = self._choosing_key(maps)
        if key is None:
            return {"anyOf": [{**one, **self.of(one)} for one in alternatives]}
        default = schema.get("default", {}).get(key)
        return {"anyOf": [self._chosen(one, key, default) for one in maps] + _others(alternatives)}

    def _chosen(self, alternative: Schema, key: str, default: object) -> Schema:
        """The alternative counts where its name is given, or left out and the default."""
        found = {**alternative, **self.of(alternative)}
        name = self._definitions[_name(alternative)]["properties"][key]["const"]
        if name != default:
            found["required"] = list(dict.fromkeys([key, *found.get("required", [])]))
        return found

    def _choosing_key(self, maps: list[Schema]) -> str | None:
        properties = [self._definitions[_name(one)].get("properties", {}) for one in maps]
        for key in properties[0]:
            if all("const" in one.get(key, {}) for one in properties):
                return str(key)
        return None


def _others(alternatives: list[Schema]) -> list[Schema]:
    return [one for one in alternatives if "$ref" not in one]


def _name(reference: Mapping[str, Any]) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[-1]


def _without_requirements(definition: Schema) -> Schema:
    """Take away what only a whole map must have, and what tells several plug-ins apart by it."""

    def in_a_part(schema: Schema) -> Schema:
        kept = {key: value for key, value in schema.items() if key != "discriminator"}
        if "oneOf" in kept:
            # Without its choosing key a map may fit several plug-ins.
            kept["anyOf"] = kept.pop("oneOf")
        return kept

    return _rewritten({key: value for key, value in definition.items() if key != "required"}, in_a_part)


def _untitled(schema: Schema) -> Schema:
    """Drop the titles of a map's keys: they only repeat the names, and editors would show them first."""
    if "properties" not in schema:
        return schema
    keys = schema["properties"].items()
    return {**schema, "properties": {name: _without_title(one) for name, one in keys}}


def _without_title(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "title"}


def _shared_part(schema: Schema, shared: Schema) -> Schema:
    """Return a reference in place of a quantity or device reference, and add the part itself to `shared`."""
    if schema.get("format") in set(Kind):
        name = "".join(word.capitalize() for word in schema["format"].split("_"))
        # A default stands there in SI units, which a scenario may not write.
        shared[name] = _quantity({key: schema[key] for key in schema if key not in _OF_A_KEY})
        own = {key: schema[key] for key in ("description", "examples") if "description" in schema}
        return {"$ref": f"#/$defs/{name}", **own}
    device, alternatives = reference_schema(), schema.get("anyOf", [])
    if all(one in alternatives for one in device["anyOf"]):
        shared[_DEVICE] = device
        reference = {"$ref": f"#/$defs/{_DEVICE}"}
        others = [one for one in alternatives if one not in device["anyOf"]]
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**({"anyOf": [reference, *others]} if others else reference), **beside}
    return schema


def _quantity(schema: Schema) -> Schema:
    described = {key: value for key, value in schema.items() if key != "format"}
    # Known to the YAML language server; others pass over it.
    hint = f"{schema['title']}; for example '{schema['examples'][0]}'"
    return {**described, "pattern": quantity_pattern(Kind(schema["format"])), "patternErrorMessage": hint}


def _rewritten(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Return a schema with a change made to each of its parts and then to itself."""
    below: Schema = {}
    for key, value in schema.items():
        if key in _MAPS_OF_SCHEMAS:
            below[key] = {name: _rewritten(one, change) for name, one in value.items()}
        elif key in _LISTS_OF_SCHEMAS:
            below[key] = [_rewritten(one, change) for one in value]
        elif key in _SCHEMAS and isinstance(value, dict):
            below[key] = _rewritten(value, change)
        else:
            below[key] = value
    return change(below)
