"""Names and paths of scenario files."""

import pytest

from scenarios.load import ScenarioError, library_names, load_scenario
from scenarios.locate import library_root


@pytest.fixture
def library(tmp_path_factory, monkeypatch):
    root = tmp_path_factory.mktemp("library")
    monkeypatch.setattr("scenarios.locate.library_root", lambda: root)
    (root / "paper").mkdir()
    (root / "sweeps").mkdir()
    text = "devices: {clients: [{profile: paper-1}]}\n"
    (root / "quickstart.yaml").write_text(text)
    (root / "paper" / "s1_single_iid.yaml").write_text("extends: quickstart\nseed: 5\n")
    (root / "sweeps" / "widths.yaml").write_text("grid: {}\n")
    return root


def error_of(name, kind) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(name, (), kind)
    return str(caught.value)


def test_the_library_lies_in_the_package():
    assert (library_root() / "load.py").is_file()


def test_library_names_leave_out_sweeps(library):
    assert library_names() == ("paper/s1_single_iid", "quickstart")


def test_library_scenarios_load_by_name_and_extend_by_name(library, folder, kind):
    loaded = load_scenario("paper/s1_single_iid", (), kind)
    assert (loaded.scenario.seed, loaded.scenario.name) == (5, "s1_single_iid")
    assert loaded.path == library / "paper" / "s1_single_iid.yaml"
    assert loaded.base_dir == library / "paper"


def test_a_library_name_wins_and_a_path_means_the_file(library, folder, kind):
    (folder / "quickstart").write_text("devices: {clients: [{profile: paper-1}]}\nseed: 9\n")
    assert load_scenario("quickstart", (), kind).scenario.seed == 0
    assert load_scenario("./quickstart", (), kind).scenario.seed == 9


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "quickstrat",
            "quickstrat:1:1: no such file and no such scenario of the library; "
            "allowed: a path, or paper/s1_single_iid, quickstart; did you mean 'quickstart'?",
        ),
        (
            "dir/quickstart.yaml",
            "dir/quickstart.yaml:1:1: no such file and no such scenario of the library; "
            "allowed: a path, or paper/s1_single_iid, quickstart; did you mean 'quickstart'?",
        ),
        (
            "nowhere.yaml",
            "nowhere.yaml:1:1: no such file and no such scenario of the library; "
            "allowed: a path, or paper/s1_single_iid, quickstart",
        ),
        ("folder.yaml", "folder.yaml:1:1: a folder; allowed: the path of a YAML file"),
        (
            "x" * 300 + ".yaml",
            "x" * 300 + ".yaml:1:1: the file cannot be read (file name too long); "
            "allowed: the path of a readable YAML file",
        ),
    ],
)
def test_missing_files(library, folder, kind, name, line):
    (folder / "folder.yaml").mkdir()
    assert error_of(name, kind) == line


def test_errors_in_a_library_file_show_its_path(library, folder, kind):
    (library / "quickstart.yaml").write_text("seed: 1\n")
    assert error_of("quickstart", kind).startswith(f"{library}/quickstart.yaml:1:1: devices: missing; ")
