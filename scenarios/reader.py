"""YAML 1.2 text -> a tree of values with their places; every mistake of the text is collected."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, StringMark
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode
from ruamel.yaml.reader import ReaderError

from scenarios.messages import Problem, ScenarioError, quoted
from scenarios.tree import Entry, Items, KeyPath, Location, Map, Node, Scalar, Source, Value, dotted

# Aliases can blow a short file up without end: these two bounds stop that.
MOST_VALUES = 2_000_000
DEEPEST = 50

_TAG = "tag:yaml.org,2002:"
# A date and a merge key are ordinary text in a scenario.
_TEXT_TAGS = {_TAG + name for name in ("str", "timestamp", "merge", "value")}
_CONSTRUCT = {
    _TAG + "int": "construct_yaml_int",
    _TAG + "float": "construct_yaml_float",
    _TAG + "bool": "construct_yaml_bool",
}


def decode(data: bytes, source: Source) -> str:
    """Decodes the bytes of a file.

    Raises:
        ScenarioError: The bytes are not UTF-8; the place is that of the first wrong byte.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; allowed: a UTF-8 text file"
        raise ScenarioError([Problem(_end_of(before, source), "", message)]) from None


def read_file_text(text: str, source: Source, problems: list[Problem], needed: str = "devices") -> Map:
    """Reads a whole file.

    Args:
        text: The file's text.
        source: Where it comes from.
        problems: Mistakes that do not stop the reading (a duplicate key, a tag) are added here.
        needed: The key that such a file must have, for the messages.

    Raises:
        ScenarioError: The text is empty, is not YAML, or holds no map.
    """
    allowed = f"allowed: a map of 'key: value' lines, with at least the key '{needed}'"
    root = compose(text, source)
    if root is None:
        message = f"the file is empty; {allowed}"
        raise ScenarioError([*problems, Problem(Location(source, 1, 1), "", message)])
    node = convert(root, source, problems)
    if not isinstance(node, Map):
        kind = "a list" if isinstance(node, Items) else f"the value {quoted(node.text)}"
        message = f"{kind}; {allowed}"
        raise ScenarioError([*problems, Problem(node.at, "", message)])
    return node


def compose(text: str, source: Source) -> YamlNode | None:
    """Parses YAML 1.2 into ruamel's node graph; None for a text without a value.

    Raises:
        ScenarioError: The text is not YAML; one problem at the place where reading stopped.
    """
    try:
        with warnings.catch_warnings():
            # YAML lets an anchor be set anew; an alias means the last one before it.
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            root: YamlNode | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise ScenarioError([_syntax_problem(error, text, source)]) from None
    except ReaderError as error:
        message = f"the character U+{ord(text[error.position]):04X}; allowed: printable text"
        raise ScenarioError([Problem(_end_of(text[: error.position], source), "", message)]) from None
    except RecursionError:
        message = f"lists or maps nested too deeply; allowed: at most {DEEPEST} levels"
        raise ScenarioError([Problem(Location(source, 1, 1), "", message)]) from None
    return None if root is None or _is_empty(root) else root


def convert(root: YamlNode, source: Source, problems: list[Problem], path: KeyPath = ()) -> Node:
    """Turns ruamel's nodes into ours.

    Args:
        root: What `compose` returned.
        source: Where it comes from.
        problems: Duplicate keys, tags, numbers without end and the like are added here.
        path: Key path of `root` in the scenario, for the messages.
    """
    return _Converter(source, problems).node(root, path)


@dataclass
class _Converter:
    """One walk over a node graph."""

    source: Source
    problems: list[Problem]
    seen: int = 0
    open_nodes: set[int] = field(default_factory=set)
    yaml: YAML = field(default_factory=lambda: YAML(typ="safe", pure=True))

    def node(self, raw: YamlNode, path: KeyPath) -> Node:
        at = self.place(raw)
        self.seen += 1
        if id(raw) in self.open_nodes:
            return self.refuse(at, path, "an alias to a list or map around it; allowed: a value")
        if len(self.open_nodes) > DEEPEST:
            return self.refuse(
                at, path, f"lists or maps nested too deeply; allowed: at most {DEEPEST} levels"
            )
        if self.seen > MOST_VALUES:
            message = f"aliases that unfold to too many values; allowed: at most {MOST_VALUES}"
            raise ScenarioError([*self.problems, Problem(at, dotted(path), message)])
        if isinstance(raw, ScalarNode):
            return self.scalar(raw, at, path)
        self.open_nodes.add(id(raw))
        node: Node = self.map(raw, at, path) if isinstance(raw, MappingNode) else self.items(raw, at, path)
        self.open_nodes.remove(id(raw))
        return node

    def items(self, raw: YamlNode, at: Location, path: KeyPath) -> Node:
        if not isinstance(raw, SequenceNode) or str(raw.tag) != _TAG + "seq":
            return self.refuse_tag(raw, at, path)
        return Items(at, tuple(self.node(item, (*path, index)) for index, item in enumerate(raw.value)))

    def map(self, raw: MappingNode, at: Location, path: KeyPath) -> Node:
        if str(raw.tag) != _TAG + "map":
            return self.refuse_tag(raw, at, path)
        entries: dict[str, Entry] = {}
        for raw_key, raw_value in raw.value:
            key_at = self.place(raw_key)
            if not isinstance(raw_key, ScalarNode):
                self.refuse(key_at, path, "a list or map as a key; allowed: a text")
                continue
            key = str(raw_key.value)
            value = self.node(raw_value, (*path, key))
            if _is_empty(raw_value):
                # YAML places a value that is not there at the next word, often lines below.
                value = Scalar(key_at, None, "")
            if key in entries:
                first = entries[key].key_at
                message = f"the key was already given at {first.line}:{first.column}; allowed: each key once"
                self.refuse(key_at, (*path, key), message)
                continue
            entries[key] = Entry(key_at, value)
        return Map(at, entries)

    def scalar(self, raw: ScalarNode, at: Location, path: KeyPath) -> Node:
        tag, text = str(raw.tag), str(raw.value)
        value: Value = None
        if tag in _TEXT_TAGS:
            value = text
        elif tag in _CONSTRUCT:
            try:
                value = getattr(self.yaml.constructor, _CONSTRUCT[tag])(raw)
            except (ValueError, IndexError):
                return self.refuse(at, path, f"{quoted(text)} cannot be read as a number; allowed: a number")
        elif tag != _TAG + "null":
            return self.refuse_tag(raw, at, path)
        if isinstance(value, float) and not math.isfinite(value):
            return self.refuse(at, path, f"{text} is not finite; allowed: a finite number")
        return Scalar(at, value, text)

    def refuse_tag(self, raw: YamlNode, at: Location, path: KeyPath) -> Node:
        return self.refuse(at, path, f"the tag {quoted(str(raw.tag))}; allowed: a plain value without a tag")

    def refuse(self, at: Location, path: KeyPath, message: str) -> Node:
        self.problems.append(Problem(at, dotted(path), message))
        return Scalar(at, None, "")

    def place(self, raw: YamlNode) -> Location:
        mark = raw.start_mark
        return Location(self.source, mark.line + 1, mark.column + 1)


def _is_empty(raw: YamlNode) -> bool:
    return isinstance(raw, ScalarNode) and str(raw.tag) == _TAG + "null" and not raw.value


def _syntax_problem(error: MarkedYAMLError, text: str, source: Source) -> Problem:
    mark: StringMark | None = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    at = Location(source, line + 1, column + 1)
    lines = text.splitlines()
    if line < len(lines) and lines[line][column : column + 1] == "\t":
        return Problem(at, "", "a tab character; allowed: spaces, in indents and after ':' and '-'")
    if error.context == "expected a single document in the stream":
        return Problem(at, "", "a second document after '---'; allowed: one scenario in a file")
    what = error.problem or error.context or "unreadable"
    during = f" {error.context}" if error.context and error.context != what else ""
    return Problem(at, "", f"not YAML: {what}{during}; allowed: YAML 1.2")


def _end_of(before: str, source: Source) -> Location:
    lines = before.split("\n")
    return Location(source, len(lines), len(lines[-1]) + 1)
