"""What the documents tell users to type works: scenarios are valid, commands and their options exist."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(importlib.import_module("simulator").__file__).parent.parent
DOCUMENTS = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ hetedge (.+)$", re.MULTILINE)
FIRST_SCENARIO, PROFILES = "two.yaml", ("board.yaml", "this-machine.yaml")
"""What the documents call their first scenario, and the profiles they show."""
TABLES = {
    "device,from_s,until_s": "online.csv",
    "link,time_s,factor": "bandwidth.csv",
    "source,target,rate,latency,loss": "lab.csv",
}
"""Tables that the documents show, by their first line: what scenarios beside them call the file."""


def blocks(document, languages):
    """The fenced blocks of some languages, in order."""
    found = FENCE.findall(document.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def commands():
    """Every command that a document shows, with its document."""
    return [
        (document.name, re.split(r"\s[|>#]", line)[0].strip())
        for document in DOCUMENTS
        for text in blocks(document, ("", "bash", "console", "text"))
        for line in COMMAND.findall(text.replace("\\\n", " "))
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_scenarios_are_valid(hetedge, tmp_path, document):
    shown = blocks(document, ("yaml",))
    scenarios = [text for text in shown if re.search(r"^(devices|extends):", text, re.MULTILINE)]
    for text in shown:
        if re.search(r"^kind:", text, re.MULTILINE):
            for name in PROFILES:
                (tmp_path / name).write_text(text)
    for text in blocks(document, ("",)):
        name = TABLES.get(text.partition("\n")[0])
        if name is not None:
            (tmp_path / name).write_text(text)
    for number, text in enumerate(scenarios):
        path = tmp_path / (f"{number}.yaml" if number else FIRST_SCENARIO)
        path.write_text(text)
        done = hetedge("validate", path.name)
        assert done.code == 0, done.err


@pytest.mark.parametrize(("document", "line"), commands())
def test_commands_and_their_options_exist(hetedge, document, line):
    name, *arguments = shlex.split(line)
    told = hetedge(name, "--help")
    assert told.code == 0, f"{document}: hetedge {line}"
    for argument in arguments:
        if argument.startswith("-"):
            assert re.search(rf"(?:^|[ ,]){re.escape(argument)}\b", told.out), f"{document}: hetedge {line}"


def test_there_are_commands_to_check():
    assert len(commands()) >= 5
