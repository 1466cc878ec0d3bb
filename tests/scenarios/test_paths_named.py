"""The files that a resolved scenario names: each of them, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.dump import resolved
from scenarios.load import load_scenario
from scenarios.paths import files_named
from scenarios.schema import PATHS
from simulator.registry import registered_scenario

TEXT = """\
name: paths
devices:
  server: ./server.yaml
  clients: [{profile: paper-1, count: 1}, {profile: other/board.yaml, count: 1}]
availability: {model: trace, file: trace.csv}
disturbances: {bandwidth_trace: {file: bandwidth.csv}}
network: {model: maxmin, topology: {kind: file, path: graph.csv}}
data: {domains: [{dataset: {path: images, format: idx}, clients: 1}, {dataset: glyphs, clients: 1}]}
"""


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Return the files that a scenario names, as paths relative to its folder, in their order."""

    def files(text):
        (tmp_path / "s.yaml").write_text(text)
        monkeypatch.chdir(tmp_path.parent)
        scenario = load_scenario(str(tmp_path / "s.yaml"), (), registered_scenario()).scenario
        found = list(files_named(resolved(scenario)))
        assert all(Path(one).is_absolute() for one in found)
        return [str(Path(one).relative_to(tmp_path)) for one in found]

    return files


def test_every_path_of_a_scenario_is_named(named):
    expected = ["server.yaml", "other/board.yaml", "trace.csv", "bandwidth.csv", "graph.csv", "images"]
    assert sorted(named(TEXT)) == sorted(expected)


def test_a_mix_names_files_in_its_keys(named):
    text = "devices: {server: {profile: ./s.yaml}, clients: {mix: {paper-1: 0.5, ./b.yaml: 0.5}, count: 2}}\n"
    assert sorted(named(text)) == ["b.yaml", "s.yaml"]


def test_names_of_the_catalogue_are_no_files(named):
    assert named("devices: {clients: [{profile: paper-1, count: 2}]}\n") == []


def test_a_file_is_named_as_often_as_it_is_used(named):
    text = "devices: {clients: [{profile: ./b.yaml, count: 1}, {profile: ./b.yaml, count: 1}]}\n"
    assert named(text) == ["b.yaml", "b.yaml"]


def put(pattern, value):
    """Content that has a value at a key path of `PATHS`."""
    content = value
    for key in reversed(pattern.split(".")):
        content = [content] if key == "*" else {value: 0.5} if key == "<key>" else {key: content}
    return content


@given(st.sampled_from(sorted(PATHS)), st.sampled_from(["/a/b.yaml", "/a b/c'd.yaml", "/é/x.yml"]))
def test_a_path_is_found_wherever_one_may_stand(pattern, path):
    assert list(files_named(put(pattern, path))) == [path]


@given(st.sampled_from([key for key, always in PATHS.items() if not always]))
def test_a_name_is_no_path_where_both_may_stand(pattern):
    assert list(files_named(put(pattern, "paper-1"))) == []


@pytest.mark.parametrize(
    "content", [{}, [], None, 1, {"name": "/a/b.yaml"}, {"data": [{"file": "/a/b.yaml"}]}]
)
def test_nothing_else_is_a_path(content):
    assert list(files_named(content)) == []
