"""The built wheel works without the checkout."""

import importlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tiny_run import environment, write_tiny

from devices.profile import catalog_names
from scenarios.load import library_names
from simulator.shadowing import ROOMS

pytestmark = pytest.mark.slow

ROOT = Path(importlib.import_module("simulator").__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what is in the checkout, so that nothing is written there."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    # Without isolation the build takes setuptools from this environment and fetches nothing.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = target.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone into a folder; what it needs comes from this environment."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", folder, wheel]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if ".dist-info/" not in name}
    kinds = ("*.py", "*.yaml", "*.csv", "*.schema.json", "*.css", "*.j2", "*.js", "py.typed")
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for kind in kinds
        for path in (ROOT / room).rglob(kind)
    }
    assert packed == ours
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_a_run_from_the_wheel_outside_the_checkout(installed, tmp_path):
    # PYTHONPATH goes before the editable install, so the rooms come from the wheel.
    env = environment(tmp_path / "cache", PYTHONPATH=str(installed))
    command = [sys.executable, installed / "bin" / "hetedge"]

    def hetedge(*arguments: str) -> str:
        done = subprocess.run([*command, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = [sys.executable, "-c", "import simulator; print(simulator.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(installed)

    assert hetedge("validate", "quickstart") == f"{installed / 'scenarios' / 'quickstart.yaml'}: valid\n"
    listed = {line.split()[0] for line in hetedge("list", "devices").splitlines()[1:]}
    assert listed == set(catalog_names())
    listed = {line.split()[0] for line in hetedge("list", "scenarios").splitlines()[1:]}
    assert listed == set(library_names())
    write_tiny(tmp_path)
    folder = tmp_path / hetedge("run", "tiny.yaml").splitlines()[-1]
    assert (folder / "figures" / "latency_fid.png").stat().st_size > 10_000
