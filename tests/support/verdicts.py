"""What the loader and the editor's schema think of the same scenario, written as plain values."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jsonschema

from scenarios.editor_schema import editor_schema
from scenarios.schema import scenario_json_schema
from scenarios.shape import Shape
from scenarios.tree import Entry, Items, Location, Map, Node, Scalar, Source
from scenarios.validation import validate
from simulator.registry import registered_scenario

HERE = Location(Source("test", Path()), 1, 1)


def tree(value: object) -> Node:
    """Return plain values as the reader would return them from a file; keys become texts."""
    if isinstance(value, dict):
        return Map(HERE, {str(key): Entry(HERE, tree(below)) for key, below in value.items()})
    if isinstance(value, list):
        return Items(HERE, tuple(tree(item) for item in value))
    return Scalar(HERE, value, str(value))


@cache
def _shape() -> Shape:
    return Shape.root(scenario_json_schema(registered_scenario()))


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(editor_schema(registered_scenario()))


def loader_accepts(scenario: dict[str, object]) -> bool:
    """Tell whether the loader's checks of a whole scenario accept it; files it names are not looked at."""
    _, problems = validate(tree(scenario), registered_scenario(), _shape())
    return not problems


def schema_accepts(scenario: dict[str, object]) -> bool:
    """Tell whether the editor's schema accepts a scenario file."""
    return _validator().is_valid(scenario)
