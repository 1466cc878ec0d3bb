"""Reading a device profile from YAML text, with errors that name the line.

A number is written plainly (``clock: 480 MHz``) or together with where it comes from
(``clock: {value: 480 MHz, source: "data sheet"}``). Every number of the built-in catalogue has a source: a
citation, or a text starting with "assumed" that gives the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node

from devices.hardware import SI_FIELDS, HardwareOptions

DeviceKind = Literal["microcontroller", "board", "phone", "laptop", "computer", "gpu", "server", "reference"]
"""Class of device; `computer` is any other than the kinds beside it, `reference` a made-up device of a publication."""


class ProfileFile(HardwareOptions):
    """The content of a profile file after its sources have been taken out."""

    name: str | None = Field(None, min_length=1, description="Left out = the file's name without .yaml.")
    description: str = Field("", description="One sentence on what the device is.")
    kind: DeviceKind = Field(description="Class of device.")


def parse_profile_text(text: str, label: str) -> tuple[ProfileFile, dict[str, str]]:
    """Read one profile.

    Args:
        text: YAML 1.2 text.
        label: What errors call the file.

    Returns:
        The validated content, and ``{YAML key: source}`` with an entry for each number that was given.

    Raises:
        ValueError: The text is no profile. The message reads ``LABEL:LINE:COL: key: what came; what is
            allowed``.
    """
    content = _load_mapping(text, label)
    try:
        plain, sources = _take_out_sources(content)
        profile = ProfileFile.model_validate(plain)
    except ValidationError as error:
        first, *others = error.errors()
        more = f" ({len(others)} more after this one)" if others else ""
        loc = first["loc"]
        raise ValueError(f"{_place(text, label, loc)}: {_explain(first)}{more}") from None
    except _SourceError as error:
        raise ValueError(f"{_place(text, label, (error.key,))}: {error.key}: {error}") from None
    given = {key for key in SI_FIELDS if getattr(profile, key) is not None}
    return profile, {key: sources.get(key, f"given in {label} without a source") for key in sorted(given)}


class _SourceError(ValueError):
    """A {value, source} mapping of the wrong shape under one key."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _load_mapping(text: str, label: str) -> dict[str, Any]:
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ValueError(
            f"{label}:{line}:{column}: {_first_line(error.problem)}; a profile is a YAML 1.2 mapping"
        ) from None
    except YAMLError as error:
        raise ValueError(f"{label}:1:1: {_first_line(error)}; a profile is a YAML 1.2 mapping") from None
    if not isinstance(content, dict):
        came = "an empty file" if content is None else f"a {type(content).__name__}"
        raise ValueError(
            f"{label}:1:1: {came}; a profile is a mapping with the keys kind, uplink, downlink, ..."
        )
    return content


def _first_line(problem: object) -> str:
    return str(problem).strip().partition("\n")[0]


def _take_out_sources(content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    plain: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key, entry in content.items():
        if key in SI_FIELDS and isinstance(entry, dict):
            plain[key], sources[key] = _sourced(key, entry)
        else:
            plain[str(key)] = entry
    return plain, sources


def _sourced(key: str, entry: Mapping[str, Any]) -> tuple[object, str]:
    source = entry.get("source")
    if set(entry) != {"value", "source"} or not isinstance(source, str) or not source.strip():
        keys = ", ".join(map(str, entry)) or "none"
        raise _SourceError(
            key, f"a mapping with the keys {keys}; write the value itself or {{value: ..., source: text}}"
        )
    return entry["value"], source


def _explain(error: ErrorDetails) -> str:
    key, kind, came = ".".join(map(str, error["loc"])), error["type"], error["input"]
    if kind == "value_error":
        return f"{key}: {error['ctx']['error']}"
    if kind == "missing":
        return f"{key}: missing; a profile needs it"
    if kind == "extra_forbidden":
        allowed = list(ProfileFile.model_fields)
        near = get_close_matches(key, allowed, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        return f"{key}: unknown key; {guess}allowed: {', '.join(allowed)}"
    return f"{key}: {came!r}; {error['msg'][0].lower()}{error['msg'][1:]}"


def _place(text: str, label: str, loc: Sequence[int | str]) -> str:
    """Return ``LABEL:LINE:COL`` of the key at ``loc``, or of the whole mapping where the key is missing."""
    root: Node = YAML(typ="safe", pure=True).compose(text)
    mark = root.start_mark
    if isinstance(root, MappingNode):
        marks = {key.value: key.start_mark for key, _ in root.value}
        mark = marks.get(loc[0], mark) if loc else mark
    return f"{label}:{mark.line + 1}:{mark.column + 1}"
