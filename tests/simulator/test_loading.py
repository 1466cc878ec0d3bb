"""Data of a scenario: errors at the scenario's key, and fetching before anything heavy is imported."""

import subprocess
import sys

import pytest

from scenarios.messages import ScenarioError
from simulator import loading, registry
from simulator.loading import check_images_are_dealt, fetch_missing, load_data

SCENARIO = """\
devices: {clients: [{profile: paper-1, count: 2}]}
data: {domains: [{dataset: glyphs}, {dataset: KMNIST}]}
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("HETEDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HETEDGE_OFFLINE", "1")
    monkeypatch.delenv("HETEDGE_DATA", raising=False)
    file = tmp_path / "s.yaml"
    file.write_text(SCENARIO)
    return str(file)


@pytest.mark.parametrize("load", [load_data, fetch_missing])
def test_missing_data_is_an_error_at_the_key_that_names_them(path, load):
    with pytest.raises(
        ScenarioError, match=r"s\.yaml:2:47: data\.domains\.1\.dataset: data set 'KMNIST' needs"
    ):
        load(registry.load(path))


@pytest.mark.parametrize("check", [load_data, fetch_missing, check_images_are_dealt])
def test_images_that_are_only_assumed_cannot_be_trained_on(path, check):
    scenario = registry.load(path, ["data.partition.kind=assumed"])
    with pytest.raises(
        ScenarioError, match=r"data\.partition\.kind: 'assumed', which deals no images.*iid, label"
    ):
        check(scenario)


def test_assumed_images_are_enough_where_nothing_is_trained(path):
    check_images_are_dealt(registry.load(path, ["data.partition.kind=assumed", "execution.training=false"]))


def test_a_scenario_that_does_not_train_fetches_nothing(path):
    fetch_missing(registry.load(path, ["execution.training=false"]))


def test_only_what_has_to_be_fetched_is_asked_for(path, monkeypatch):
    asked = []
    monkeypatch.setattr(loading, "fetch_if_missing", lambda name, root: asked.append((name, root)))
    fetch_missing(registry.load(path))
    assert asked == [("KMNIST", None)]


def test_files_that_are_there_are_not_opened(path, tmp_path, monkeypatch):
    (tmp_path / "data" / "KMNIST").mkdir(parents=True)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "data" / "KMNIST" / name).write_bytes(b"not opened")
    monkeypatch.setenv("HETEDGE_DATA", str(tmp_path / "data"))
    fetch_missing(registry.load(path))


def test_neither_torch_nor_the_network_is_imported_by_what_finds_files():
    code = "import sys, simulator.listing; print({'torch', 'requests', 'pooch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
