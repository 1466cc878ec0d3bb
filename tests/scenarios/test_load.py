"""What a loaded scenario knows beside its values."""

import subprocess
import sys

import pytest

from scenarios.load import load_scenario


def test_given_paths_and_places(load):
    loaded = load("strategy: {rounds: 3}\n", "seed=4")
    assert loaded.given == {
        "devices",
        "devices.clients",
        "devices.clients.0",
        "devices.clients.0.profile",
        "devices.clients.0.count",
        "strategy",
        "strategy.rounds",
        "seed",
    }
    assert str(loaded.locations["strategy.rounds"]) == "s.yaml:4:20"
    assert str(loaded.locations["seed"]) == "--set seed=4:1:6"
    assert str(loaded.locations[""]) == "s.yaml:1:1"


@pytest.mark.parametrize(
    ("key_path", "place"),
    [
        ("devices.clients.0.count", "s.yaml:3:33"),
        ("devices.clients.0.memory", "s.yaml:3:7"),
        ("devices.clients.7", "s.yaml:3:5"),
        ("data.domains.0.clients", "s.yaml:1:1"),
    ],
)
def test_error_at_the_nearest_given_place(load, key_path, place):
    error = load().error(key_path, "3 clients", "allowed: 2 clients")
    assert str(error) == f"{place}: {key_path}: 3 clients; allowed: 2 clients"


def test_name_is_that_of_the_file(load, folder, kind):
    assert load().scenario.name == "s"
    (folder / ".my study!2.yaml").write_text((folder / "s.yaml").read_text())
    assert load_scenario(".my study!2.yaml", (), kind).scenario.name == "my-study-2"


def test_path_and_base_dir(load, folder):
    loaded = load()
    assert loaded.path.resolve() == folder / "s.yaml"
    assert loaded.base_dir.resolve() == folder


def test_loading_needs_neither_torch_nor_simpy():
    code = "import sys, scenarios.load, scenarios.dump; print({'torch', 'simpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
