"""What makes a sweep again from its page alone: the command, and the files that it reads side by side."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from analysis.report.reading import read_text, shaped_by
from analysis.runs import RunError
from analysis.sweeps import SWEEP_FILE
from scenarios.locate import SUFFIXES, library_root, resolve

SWEEP_YAML = "sweep.yaml"


@dataclass(frozen=True)
class Reproduction:
    """How a sweep is made again.

    Attributes:
        command: with the names that ``texts`` have.
        texts: files to be saved side by side, by name.
        lacking: what is not among them, a sentence each.
    """

    command: str
    texts: Mapping[str, str]
    lacking: tuple[str, ...] = ()


def reproduction(folder: Path, facts: Mapping[str, Any]) -> Reproduction:
    """Tell how a sweep is made again.

    The sweep's own file comes from its folder. The base that it names by path, and what that extends, are read from
    where the command names the sweep's file, as long as the same file is still there.

    Args:
        folder: the sweep's.
        facts: its ``sweep.json``.

    Raises:
        RunError: One of the files is damaged.
    """
    command = str(facts.get("command", f"hetedge sweep {SWEEP_YAML}"))
    text = read_text(folder / SWEEP_YAML) if (folder / SWEEP_YAML).is_file() else None
    with shaped_by(folder / SWEEP_FILE):
        words = shlex.split(command)
    asked = Path(resolve(words[2], Path())) if words[:2] == ["hetedge", "sweep"] and len(words) > 2 else None
    if asked is None or text is None or _is_ours(asked):
        return Reproduction(command, {} if text is None else {SWEEP_YAML: text})
    name = asked.name if asked.suffix in SUFFIXES else f"{asked.name}.yaml"
    files = _Chain(name, text)
    files.follow(folder / SWEEP_YAML, asked)
    return Reproduction(shlex.join([*words[:2], name, *words[3:]]), files.texts, tuple(files.lacking))


def _is_ours(file: Path) -> bool:
    """Whether a file came with the package: then its name is enough."""
    return file.is_relative_to(library_root())


class _Chain:
    """A sweep's file, its base, what that extends and so on, as files side by side."""

    def __init__(self, name: str, text: str) -> None:
        self.texts = {name: text}
        self.lacking: list[str] = []
        self._last = name

    def follow(self, kept: Path, asked: Path) -> None:
        """Take in what the sweep's file names, file by file.

        Args:
            kept: the copy of the sweep's file in its folder.
            asked: the file itself, where the command names it.
        """
        key, damaged, file = "base", kept, asked
        while (named := _named(self.texts[self._last], key, damaged)) is not None:
            file, own = resolve(named, file.parent), file
            if _is_ours(file):
                return
            if key == "base" and not _same(own, self.texts[self._last]):
                self._miss(named, f"{own} is not there any more as the sweep had it")
                return
            try:
                text = read_text(file)
            except RunError as error:
                self._miss(named, str(error))
                return
            self._take(key, named, file, text)
            key, damaged = "extends", file

    def _miss(self, named: str, why: str) -> None:
        self.lacking.append(f"The file {named}, which {self._last} builds on, is not in this page: {why}.")

    def _take(self, key: str, named: str, file: Path, text: str) -> None:
        """Keep a file under a name that is free, and have the one before name it so."""
        stem, suffix = file.stem, file.suffix if file.suffix in SUFFIXES else f"{file.suffix}.yaml"
        name = free_name(stem, suffix, self.texts)
        if name != named:
            renamed = _renamed(self.texts[self._last], key, named, name)
            if renamed is None:
                self.lacking.append(f"In {self._last}, write {name} in place of {named} after {key}.")
            else:
                self.texts[self._last] = renamed
        self.texts[name] = text
        self._last = name


def free_name(stem: str, suffix: str, taken: Mapping[str, str]) -> str:
    """A file's name that is not taken, on file systems that do not tell capitals either: numbered where need be."""
    lower = {one.lower() for one in taken}
    name, number = f"{stem}{suffix}", 2
    while name.lower() in lower:
        name, number = f"{stem}-{number}{suffix}", number + 1
    return name


def _same(file: Path, text: str) -> bool:
    try:
        return read_text(file) == text
    except RunError:
        return False


def _named(text: str, key: str, file: Path) -> str | None:
    """What a YAML text has under a key of its top."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except (ValueError, YAMLError) as error:
        raise RunError(f"{file}: damaged: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RunError(f"{file}: damaged: it holds {type(content).__name__}, not a mapping")
    named = content.get(key)
    return named if isinstance(named, str) and named else None


def _renamed(text: str, key: str, old: str, new: str) -> str | None:
    """The text with another value under a key, all else as it was; None where the value is written in an odd way."""
    line, column = YAML(typ="rt", pure=True).load(text).lc.value(key)
    lines = text.split("\n")
    before, rest = lines[line][:column], lines[line][column:]
    for written in (old, f'"{old}"', f"'{old}'"):
        if rest.startswith(written):
            lines[line] = f"{before}'{new}'{rest[len(written) :]}"
            return "\n".join(lines)
    return None
