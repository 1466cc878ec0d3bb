"""The words of a scenario error: one plain line each, `FILE:LINE:COL: key.path: what came; what is allowed`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scenarios.tree import Items, Location, Map, Node

LONGEST_QUOTE = 60


@dataclass(frozen=True)
class Problem:
    """One mistake in a scenario.

    Attributes:
        at: The place of the offending value, or of the key for unknown and duplicate keys.
        key_path: Dotted key path; empty for a mistake of a whole file.
        message: What came and what is allowed, with a semicolon between.
    """

    at: Location
    key_path: str
    message: str

    def __str__(self) -> str:
        path = f"{self.key_path}: " if self.key_path else ""
        return one_line(f"{self.at}: {path}{self.message}")


class ScenarioError(Exception):
    """A scenario that cannot be used; its text is one line per problem.

    Attributes:
        problems: The mistakes, ordered by file, line and column.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        ordered = sorted(problems, key=lambda one: (one.at.source.label, one.at.line, one.at.column))
        self.problems: tuple[Problem, ...] = tuple(ordered)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def refusal(at: Location, key_path: str, message: str) -> ScenarioError:
    """Makes the error of a single mistake."""
    return ScenarioError([Problem(at, key_path, message)])


def one_line(text: str) -> str:
    """Escapes line breaks and other control characters, so that an error stays on its line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def quoted(text: str) -> str:
    """Quotes a text that came, cut short where it is long."""
    shown = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 3] + "..."
    return f"'{one_line(shown)}'"


def came(node: Node, text_allowed: bool = True) -> str:
    """Says what a node is: its text, quoted if it is text, or the size of a list or map.

    Args:
        node: The offending node.
        text_allowed: Whether some text would be right here; if not, a text is called one, because
            `'3'` alone does not show a reader why a number is refused.
    """
    if isinstance(node, Map):
        return "a map" if node.entries else "an empty map"
    if isinstance(node, Items):
        count = len(node.items)
        return f"a list of {count} item{'s' if count > 1 else ''}" if count else "an empty list"
    if isinstance(node.value, str):
        return quoted(node.value) if text_allowed else f"the text {quoted(node.value)}"
    return node.text if node.value is not None else "null"
