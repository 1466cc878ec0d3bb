"""A scenario written out in full, with units, so that it can be read, kept and loaded again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from scenarios.schema import Scenario
from scenarios.tree import Key, KeyPath, dotted

# Wide enough that no list is ever folded: a mark stands at the end of each line.
_NEVER_FOLD = 2**31


def dump_resolved(scenario: Scenario, given: Collection[str] | None = None) -> str:
    """Writes every value of a scenario as YAML 1.2; quantities carry their units.

    What a device entry leaves to its profile is left out here too: it is no decision of the scenario.

    Args:
        scenario: The scenario.
        given: The key paths that the user gave (`Loaded.given`): each value is then marked `# given` or
            `# default`.

    Returns:
        The text; loading it gives an equal scenario.
    """
    content = resolved(scenario)
    mark = None if given is None else _marker(given)
    text = StringIO()
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = _NEVER_FOLD
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(_block_map(content, (), mark), text)
    return text.getvalue()


def resolved(scenario: Scenario) -> dict[str, object]:
    """Returns every value of a scenario as JSON-like data; quantities are texts with their units."""
    content: dict[str, object] = scenario.model_dump(mode="json")
    content["devices"] = scenario.devices.model_dump(mode="json", exclude_none=True)
    return content


class _Representer(RoundTripRepresenter):
    """Writes null as a word: an empty place would look forgotten."""

    def represent_none(self, data: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_none)


def _marker(given: Collection[str]) -> Callable[[KeyPath], str]:
    return lambda path: "given" if dotted(path) in given else "default"


_Mark = Callable[[KeyPath], str] | None


def _block_map(content: Mapping[str, object], path: KeyPath, mark: _Mark) -> CommentedMap:
    block = CommentedMap()
    for key, value in content.items():
        block[key] = _node(value, (*path, key), mark)
        if mark is not None and _is_leaf(value):
            block.yaml_add_eol_comment(mark((*path, key)), key, column=0)
    return block


def _node(value: object, path: KeyPath, mark: _Mark) -> object:
    if isinstance(value, dict) and value:
        return _block_map(value, path, mark)
    if isinstance(value, list) and not _is_leaf(value):
        return _block_list(value, path, mark)
    if isinstance(value, dict | list):
        flow: CommentedMap | CommentedSeq = CommentedMap() if isinstance(value, dict) else CommentedSeq(value)
        flow.fa.set_flow_style()
        return flow
    return value


def _block_list(content: list[object], path: KeyPath, mark: _Mark) -> CommentedSeq:
    block = CommentedSeq()
    for index, value in enumerate(content):
        below: Key = index
        block.append(_node(value, (*path, below), mark))
        if mark is not None and _is_leaf(value):
            block.yaml_add_eol_comment(mark((*path, below)), index, column=0)
    return block


def _is_leaf(value: object) -> bool:
    """Whether a value is written on one line: a single value, an empty collection or a list of single values."""
    if isinstance(value, dict):
        return not value
    return not isinstance(value, list) or not any(isinstance(item, dict | list) for item in value)
