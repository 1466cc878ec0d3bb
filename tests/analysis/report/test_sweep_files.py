"""The files of a sweep's page make the sweep again, saved side by side anywhere."""

import json
import shlex
from pathlib import Path

import pytest
from made_up_folders import write_sweep

from analysis.report.gathering import gather
from analysis.report.page import build_report
from analysis.report.sweep_files import reproduction
from scenarios.extends import read_chain
from scenarios.sweep_reading import read_sweep_file

BASE = "extends: {above}\nmodel: {{width: 9}}\n"
AXES = "axes:\n  model.width: [8, 16]\nseeds: 1\n"


def asked_of(home: Path, sweep: str, base: str, above: str = "quickstart") -> tuple[Path, Path]:
    """Write a sweep of one's own and the folder that it left; return the folder and the sweep's file."""
    file = home / "own" / "small.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(sweep)
    under = file.parent / base
    under.parent.mkdir(parents=True, exist_ok=True)
    under.write_text(BASE.format(above=above))
    folder = write_sweep(home / "sweep", ("exact",), (8,), (0,), pictures=False)
    (folder / "sweep.yaml").write_text(sweep)
    facts = json.loads((folder / "sweep.json").read_text())
    command = shlex.join(["hetedge", "sweep", str(file), "--set", "strategy.rounds=2"])
    (folder / "sweep.json").write_text(json.dumps(facts | {"command": command, "base": base}))
    return folder, file


def saved(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("base", "written"),
    [
        ("tiny.yaml", "tiny.yaml"),
        ("../common/small.yaml", "../common/small.yaml"),
        ("below/odd name", "'below/odd name'  # ours"),
        ("../x/y.yml", '"../x/y.yml"'),
    ],
)
def test_a_base_and_what_it_extends_come_along_under_names_that_work_side_by_side(
    base: str, written: str, tmp_path: Path
) -> None:
    sweep = f"# what for\nbase: {written}\n{AXES}"
    folder, file = asked_of(tmp_path, sweep, base, above="up/tiny.yaml")
    top = (file.parent / base).parent / "up" / "tiny.yaml"
    top.parent.mkdir()
    top.write_text("extends: quickstart\nstrategy: {rounds: 7}\n")
    material = gather([folder])
    words = shlex.split(material.command)
    assert words == ["hetedge", "sweep", "small.yaml", "--set", "strategy.rounds=2"]
    assert material.lacking == ()
    home = saved(tmp_path / "elsewhere", material.texts)
    top.unlink(), (file.parent / base).unlink(), file.unlink()
    read = read_sweep_file(str(home / words[2]), lambda name: False)
    problems: list = []
    _, tree = read_chain(read.base, None, problems, read.asked)
    assert problems == []
    assert tree.entries["model"].value.entries["width"].value.value == 9
    assert tree.entries["strategy"].value.entries["rounds"].value.value == 7
    assert "# what for" in material.texts["small.yaml"]


def test_names_of_the_library_need_no_files(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", ("exact",), (8,), (0,), pictures=False)
    facts = json.loads((folder / "sweep.json").read_text())
    own = reproduction(folder, facts | {"command": "hetedge sweep sweeps/device_mix"})
    assert (own.command, list(own.texts), own.lacking) == (
        "hetedge sweep sweeps/device_mix",
        ["sweep.yaml"],
        (),
    )
    own = reproduction(folder, facts | {"command": "hetedge sweep somewhere/mine.yaml"})
    assert (own.command, list(own.texts), own.lacking) == ("hetedge sweep mine.yaml", ["mine.yaml"], ())


@pytest.mark.parametrize("gone", ["sweep", "base", "changed"])
def test_a_base_that_is_not_there_any_more_is_told_in_words(gone: str, tmp_path: Path) -> None:
    folder, file = asked_of(tmp_path, f"base: tiny.yaml\n{AXES}", "tiny.yaml")
    {
        "sweep": file.unlink,
        "base": (file.parent / "tiny.yaml").unlink,
        "changed": lambda: file.write_text("base: other.yaml\n"),
    }[gone]()
    material = gather([folder])
    assert "tiny.yaml" not in material.texts
    (told,) = material.lacking
    assert told.startswith("The file tiny.yaml, which small.yaml builds on, is not in this page: ")
    assert told in build_report([folder])


def test_files_of_profiles_are_told_in_words(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", ("exact",), (8,), (0,), pictures=False)
    file = folder / "runs" / "0000a1b2c3d4" / "scenario.yaml"
    text = file.read_text()
    assert "profile: raspberry-pi-4" in text
    file.write_text(text.replace("profile: raspberry-pi-4", "profile: /boards/mine.yaml", 1))
    (told,) = gather([folder]).lacking
    assert told.endswith("are not in this page: /boards/mine.yaml.")
