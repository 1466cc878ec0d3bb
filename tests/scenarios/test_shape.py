"""Plain words for what a JSON Schema allows."""

import pytest

from scenarios.shape import Shape


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "a whole number"),
        ({"type": "integer", "minimum": 1}, "a whole number of at least 1"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "a whole number from 1 to 9"),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "a number above 0 and of at most 1"),
        ({"type": "number", "exclusiveMaximum": 2}, "a number below 2"),
        ({"type": "string", "examples": ["480 MHz"]}, "text such as '480 MHz'"),
        ({"type": "string", "minLength": 1}, "text that is not empty"),
        ({"type": "array", "minItems": 2}, "a list of at least 2 items"),
        ({"type": "array", "maxItems": 3}, "a list of at most 3 items"),
        ({"type": "array", "minItems": 1, "maxItems": 3}, "a list of 1 to 3 items"),
        ({"type": "array"}, "a list"),
        ({"type": "object"}, "a map"),
        ({"type": "null"}, "null"),
        ({}, "any value"),
        ({"anyOf": [{"const": "auto"}, {"type": "integer"}, {"type": "null"}]}, "auto or a whole number"),
    ],
)
def test_description(schema, words):
    assert Shape.root(schema).describe() == words
