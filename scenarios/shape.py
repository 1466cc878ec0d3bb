"""What a scenario allows at each place, read off its JSON Schema.

Pydantic reports a wrong value with the words of its own types. A `Shape` answers the same question in plain
words (kinds, bounds, choices, keys), and knows which key of a plug-in section chooses its options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from scenarios.tree import Entry, Items, Key, KeyPath, Map, Node, Scalar, child

JsonSchema: TypeAlias = Mapping[str, Any]

_ANY = "any"


@dataclass(frozen=True)
class Tag:
    """The key that chooses between the options of a section.

    Attributes:
        key: Its name, such as `selector`.
        choices: The values it may have.
        default: The value that counts where the key is left out; None if it must be given.
    """

    key: str
    choices: tuple[str, ...]
    default: str | None


@dataclass(frozen=True)
class Shape:
    """The alternatives allowed at one place.

    Attributes:
        definitions: The named parts (`$defs`) of the whole schema.
        nodes: The alternatives, without references and unions.
        default: The value that counts where the key is left out, if the schema states it.
        choosing_key: The key that chooses the alternative, if the schema states it.
    """

    definitions: JsonSchema
    nodes: tuple[JsonSchema, ...]
    default: object = None
    choosing_key: str | None = None

    @classmethod
    def root(cls, schema: JsonSchema) -> Shape:
        """Returns the shape of a whole scenario from its JSON Schema."""
        return cls({}, ())._with(schema.get("$defs", {}), schema)

    def _with(self, definitions: JsonSchema, schema: JsonSchema) -> Shape:
        key = schema.get("discriminator", {}).get("propertyName")
        return Shape(definitions, tuple(_alternatives(schema, definitions)), schema.get("default"), key)

    @property
    def kinds(self) -> frozenset[str]:
        """The JSON kinds allowed: string, integer, number, boolean, null, array, object; `any` for no limit."""
        return frozenset(_kind(node) for node in self.nodes)

    @property
    def tag(self) -> Tag | None:
        """The choosing key: stated, or the one of which each of several maps has its own value."""
        maps = [node["properties"] for node in self.nodes if "properties" in node]
        found = tuple(maps[0]) if len(maps) > 1 else ()
        for key in (self.choosing_key,) if self.choosing_key is not None else found:
            if all("const" in properties.get(key, {}) for properties in maps):
                choices = tuple(str(properties[key]["const"]) for properties in maps)
                default = self.default.get(key) if isinstance(self.default, dict) else None
                return Tag(key, choices, default or (choices[0] if len(choices) == 1 else None))
        return None

    def chosen(self, node: Node) -> str | None:
        """Returns the value of the choosing key that a map gives or leaves to the default."""
        tag = self.tag
        if tag is None:
            return None
        given = child(node, tag.key)
        return given.text if isinstance(given, Scalar) else tag.default

    def narrowed(self, node: Node) -> Shape:
        """Keeps the alternatives that a node of this kind, and with this choosing key, can mean."""
        fitting = tuple(one for one in self.nodes if _fits(node, _kind(one)))
        tag = self.tag
        if tag is not None and isinstance(node, Map):
            chosen = self.chosen(node)
            told = tuple(
                one for one in fitting if one.get("properties", {}).get(tag.key, {}).get("const") == chosen
            )
            fitting = told or fitting
        return replace(self, nodes=fitting or self.nodes)

    def child(self, key: Key, within: Node) -> Shape | None:
        """Returns what is allowed below a key or index of `within`; None if the key is unknown."""
        found = [schema for one in self.narrowed(within).nodes for schema in _below(one, key)]
        if not found:
            return None
        shapes = [self._with(self.definitions, schema) for schema in found]
        return replace(shapes[0], nodes=tuple(node for shape in shapes for node in shape.nodes))

    def at(self, tree: Node, path: KeyPath) -> Shape | None:
        """Returns what is allowed at a key path of a tree; None if the path is unknown."""
        shape: Shape | None = self
        here: Node | None = tree
        for key in path:
            if shape is None or here is None:
                return None
            shape, here = shape.child(key, here), child(here, key)
        return shape

    def key_names(self) -> tuple[str, ...]:
        """Returns the key names of the maps allowed here, in the order of the schema."""
        return tuple(dict.fromkeys(key for node in self.nodes for key in node.get("properties", ())))

    def choices(self) -> tuple[str, ...]:
        """Returns the texts that may stand here, where only certain texts may."""
        return tuple(str(value) for node in self.nodes for value in _listed(node))

    def is_choice(self) -> bool:
        """Tells whether every text allowed here is one of `choices`."""
        texts = [node for node in self.nodes if _kind(node) in {"string", _ANY}]
        return bool(texts) and all(_listed(node) for node in texts)

    def describe(self) -> str:
        """Says in plain words what is allowed here."""
        tag = self.tag
        if tag is not None and self.kinds == {"object"}:
            return f"a map with the key {tag.key} ({', '.join(tag.choices)})"
        words = dict.fromkeys(word for node in self.nodes for word in _words(node))
        return " or ".join(words) or "null"


def faults_of_kind(tree: Node, shape: Shape, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Shape]]:
    """Yields every place whose value is of a wrong kind or is none of the allowed texts.

    Numbers are strict: `3.0` and `true` are no whole numbers, `'3'` is no number.

    Args:
        tree: The values.
        shape: What is allowed there.
        path: Key path of `tree`.

    Yields:
        The key path of the offending value and what is allowed at it. Nothing below such a place is looked at.
    """
    if not any(_fits(tree, kind) for kind in shape.kinds):
        yield path, shape
        return
    if isinstance(tree, Scalar):
        if isinstance(tree.value, str) and shape.is_choice() and tree.value not in shape.choices():
            yield path, shape
        return
    tag = shape.tag
    if isinstance(tree, Map) and tag is not None and tag.key in tree.entries:
        told = tree.entries[tag.key].value
        if not isinstance(told, Scalar) or told.value not in tag.choices:
            choice = [{"type": "string", "enum": list(tag.choices)}]
            yield (*path, tag.key), Shape(shape.definitions, tuple(choice))
            return
    for key, node in _children(tree):
        below = shape.child(key, tree)
        if below is not None:
            yield from faults_of_kind(node, below, (*path, key))


def _children(node: Items | Map) -> Iterator[tuple[Key, Node]]:
    if isinstance(node, Items):
        yield from enumerate(node.items)
        return
    entries: Mapping[str, Entry] = node.entries
    for key, entry in entries.items():
        yield key, entry.value


def _alternatives(schema: JsonSchema, definitions: JsonSchema) -> Iterator[JsonSchema]:
    if "$ref" in schema:
        yield from _alternatives(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
        return
    parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if not parts:
        yield schema
        return
    for part in parts:
        yield from _alternatives(part, definitions)


def _below(schema: JsonSchema, key: Key) -> Iterator[JsonSchema]:
    if isinstance(key, str):
        if key in schema.get("properties", {}):
            yield schema["properties"][key]
        elif isinstance(schema.get("additionalProperties"), dict):
            yield schema["additionalProperties"]
        return
    first = schema.get("prefixItems", [])
    if key < len(first):
        yield first[key]
    elif isinstance(schema.get("items"), dict):
        yield schema["items"]


def _kind(schema: JsonSchema) -> str:
    if "type" in schema:
        return str(schema["type"])
    return "string" if any(isinstance(value, str) for value in _listed(schema)) else _ANY


def _listed(schema: JsonSchema) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _fits(node: Node, kind: str) -> bool:
    if kind == _ANY:
        return True
    if isinstance(node, Map):
        return kind == "object"
    if isinstance(node, Items):
        return kind == "array"
    if isinstance(node.value, bool):
        return kind == "boolean"
    if isinstance(node.value, int):
        return kind in {"integer", "number"}
    return kind == {str: "string", float: "number", type(None): "null"}[type(node.value)]


def _words(schema: JsonSchema) -> Iterator[str]:
    listed, kind = _listed(schema), _kind(schema)
    if listed:
        yield ", ".join(str(value) for value in listed)
    elif kind == "integer":
        yield "a whole number" + _bounds(schema)
    elif kind == "number":
        yield "a number" + _bounds(schema)
    elif kind == "string":
        yield _text_words(schema)
    elif kind == "boolean":
        yield "true, false"
    elif kind == "array":
        yield "a list" + _length(schema)
    elif kind == "object":
        keys = tuple(schema.get("properties", ()))
        yield f"a map with the key{'s' if len(keys) > 1 else ''} {', '.join(keys)}" if keys else "a map"
    elif kind == _ANY:
        yield "any value"


def _text_words(schema: JsonSchema) -> str:
    examples = schema.get("examples", ())
    if examples:
        return f"text such as '{examples[0]}'"
    if schema.get("minLength"):
        return "text that is not empty"
    return "text"


def _bounds(schema: JsonSchema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low:.10g} to {high:.10g}"
    lower = (
        f" of at least {low:.10g}" if low is not None else f" above {above:.10g}" if above is not None else ""
    )
    upper = (
        f" of at most {high:.10g}"
        if high is not None
        else f" below {below:.10g}"
        if below is not None
        else ""
    )
    return f"{lower} and{upper}" if lower and upper else lower + upper


def _length(schema: JsonSchema) -> str:
    fewest, most = schema.get("minItems"), schema.get("maxItems")
    if fewest is not None and fewest == most:
        return f" of {fewest} items"
    if fewest is not None and most is not None:
        return f" of {fewest} to {most} items"
    if fewest is not None:
        return f" of at least {fewest} item{'s' if fewest > 1 else ''}"
    return f" of at most {most} items" if most is not None else ""
