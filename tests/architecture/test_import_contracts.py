"""The walls between the rooms: who may import whom, and what must answer without torch."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_run import environment

from scenarios.load import library_names
from simulator.registry import STRATEGIES, load
from simulator.shadowing import ROOMS

ROOT = Path(importlib.import_module("simulator").__file__).parent.parent

LIST_WHAT_IS_LOADED = """
import sys
from simulator.cli import main
sys.argv[0] = "hetedge"
try:
    main()
finally:
    print(sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    """Run the command in a process of its own; return the top-level modules that it has loaded at its end."""
    command = [sys.executable, "-c", LIST_WHAT_IS_LOADED, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].strip("[]").replace("'", "").split(", "))


def test_the_import_contracts_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("run", "--help"),
        ("validate", "quickstart", "--print"),
        ("list", "scenarios"),
        ("schema",),
        ("calibrate", "--help"),
        ("latency", "quickstart", "--json"),
        ("latency", "quickstart", "--engine", "events"),
        ("cuts", "quickstart", "--selector", "greedy"),
        ("explain", "quickstart"),
    ],
    ids=" ".join,
)
def test_commands_that_answer_from_sizes_load_no_torch(tmp_path, arguments):
    loaded = loaded_by(tmp_path, *arguments)
    assert "simulator" in loaded
    assert not loaded & {"torch", "torchmetrics", "mlxtend", "ray"}


def test_the_packages_themselves_load_next_to_nothing(tmp_path):
    """Neither our own modules nor anything heavy comes with `import devices`."""
    code = f"import sys, {', '.join(ROOMS)}; print(*sorted(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert set(ROOMS) <= loaded
    assert not [name for name in loaded if name.startswith(tuple(f"{room}." for room in ROOMS))]
    assert not loaded & {"numpy", "pandas", "matplotlib", "pydantic", "torch", "simpy"}


def test_the_front_doors_open():
    from analysis import load_run
    from simulator import compare, explain, latency, retime, run

    assert [one.__module__ for one in (load_run, compare, explain, latency, retime, run)] == [
        "analysis.runs",
        "simulator.comparison.playing",
        "simulator.explanation.answer",
        "simulator.timing_only",
        "simulator.retiming",
        "simulator.runner",
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_no_submodule_bears_the_name_of_an_exported_function(room):
    package = importlib.import_module(room)
    submodules = {found.name for found in pkgutil.iter_modules(package.__path__)}
    assert not submodules & set(getattr(package, "__all__", ()))


@pytest.mark.parametrize("room", ["simulator", "analysis"])
def test_a_front_door_knows_no_other_name(room):
    with pytest.raises(AttributeError, match=f"module '{room}' has no attribute 'nothing'"):
        importlib.import_module(room).nothing  # noqa: B018 - the access is the test


def test_every_strategy_has_the_same_files():
    folders = [
        path for path in (ROOT / "simulator" / "strategies").iterdir() if (path / "__init__.py").exists()
    ]
    assert sorted(folder.name for folder in folders) == sorted(STRATEGIES)
    for folder in folders:
        files = {path.name for path in folder.glob("*.py")}
        common = {"__init__.py", "learner.py", "options.py", "plan.py", "protocol.py", "reveals.py"}
        assert common <= files, folder.name


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_loads_from_its_own_folder(name):
    strategy = STRATEGIES[name]
    home = f"simulator.strategies.{name}"
    assert strategy.options.__module__ == f"{home}.options"
    assert strategy.load_protocol().__module__ == f"{home}.protocol"
    assert strategy.load_learner().__module__ == f"{home}.learner"


@pytest.mark.parametrize("name", library_names())
def test_every_scenario_of_the_library_is_valid(name):
    assert load(name).scenario.name


def test_no_file_outgrows_its_subject():
    """A file that outgrows 400 lines has two subjects."""
    long = {
        str(path.relative_to(ROOT)): lines
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
