"""Which folders are told of, and which are refused with a line."""

import json
from pathlib import Path

import pandas as pd
import pytest
from made_up_folders import write_comparison, write_run_folder, write_sweep

from analysis.report.gathering import gather
from analysis.report.material import ReportError
from analysis.report.of_runs import MOST_AXES, differing
from analysis.report.page_data import series_of
from analysis.runs import RunError
from analysis.sweeps import parquet_bytes


def test_each_kind_of_folder_is_known(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run")
    sweep, comparison = (
        write_sweep(tmp_path / "sweep", ("exact",), (8, 16), (0,)),
        write_comparison(tmp_path / "c"),
    )
    kinds = [gather(folders).kind for folders in ([run], [run, sweep], [comparison], [sweep])]
    assert kinds == ["run", "runs", "comparison", "sweep"]


def test_among_several_folders_a_sweep_and_a_comparison_stand_for_their_runs(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run", name="alone", width=64)
    sweep = write_sweep(tmp_path / "sweep", ("exact",), (8, 16), (0,), failed=(1,))
    comparison = write_comparison(tmp_path / "c", ("fedgan",), (0, 1))
    material = gather([run, sweep, comparison])
    folders = [entry.folder for entry in material.entries]
    assert folders == [
        run,
        sweep / "runs" / "0000a1b2c3d4",
        comparison / "fedgan-seed0",
        comparison / "fedgan-seed1",
    ]
    settings = {
        axis.name: [entry.settings[axis.name] for entry in material.entries] for axis in material.axes
    }
    assert settings["model.width"] == [64, 8, 16, 16]
    assert settings["strategy.name"] == ["huscf_gan", "huscf_gan", "fedgan", "fedgan"]


@pytest.mark.parametrize("what", ["nothing", "missing", "empty", "twice"])
def test_what_cannot_be_told_of_is_refused(what: str, tmp_path: Path) -> None:
    run = write_run_folder(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    folders = {
        "nothing": [],
        "missing": [tmp_path / "missing"],
        "empty": [tmp_path / "empty"],
        "twice": [run, run],
    }
    words = {
        "nothing": "no folder",
        "missing": "no such folder",
        "empty": "neither a run",
        "twice": "more than once",
    }
    with pytest.raises(ReportError, match=words[what]):
        gather(folders[what])


@pytest.mark.parametrize("broken", ["comparison.json", "sweep.json", "summary.json", "metrics.parquet"])
def test_damaged_folders_are_named(broken: str, tmp_path: Path) -> None:
    folders = {"comparison.json": write_comparison, "sweep.json": write_sweep}
    folder = folders.get(broken, write_run_folder)(tmp_path / "folder")
    (folder / broken).write_text("{broken")
    with pytest.raises(RunError, match=broken):
        gather([folder])


@pytest.mark.parametrize("lacking", ["strategies", "seeds", "scenario", "target"])
def test_a_comparison_without_its_facts_is_damaged(lacking: str, tmp_path: Path) -> None:
    file = write_comparison(tmp_path / "c") / "comparison.json"
    facts = json.loads(file.read_text())
    del facts[lacking]
    file.write_text(json.dumps(facts))
    with pytest.raises(RunError, match=r"comparison\.json: damaged"):
        gather([tmp_path / "c"])


def test_the_keys_in_which_scenarios_differ_are_found_strategy_first_and_not_too_many() -> None:
    base = {
        "name": "a",
        "seed": 0,
        "model": {"width": 8},
        "strategy": {"name": "x", "rounds": 3},
        "list": [1, {"k": None}],
    }
    other = {
        "name": "b",
        "seed": 1,
        "model": {"width": 16},
        "strategy": {"name": "y", "rounds": 3},
        "list": [1, {"k": 2.5}],
    }
    axes = differing([base, other])
    assert [(axis.name, axis.values) for axis in axes] == [
        ("strategy.name", ("x", "y")),
        ("model.width", (8, 16)),
        ("list.1.k", ("none", 2.5)),
    ]
    assert differing([base]) == differing([base, {**base, "seed": 5}]) == ()


def test_runs_that_differ_in_more_keys_than_there_are_axes_are_no_seeds_of_each_other(tmp_path: Path) -> None:
    text = (write_run_folder(tmp_path / "first") / "scenario.yaml").read_text()
    folders = [tmp_path / "first"]
    # Two differ from the first in all of the keys, from each other in the last of them alone.
    for number, last in enumerate((1, 2)):
        keys = "".join(f"  k{key}: 5\n" for key in range(MOST_AXES)) + f"  k-last: {last}\n"
        own = f"{text.replace('seed: 0', f'seed: {number}')}\nextra:\n{keys}"
        folders.append(write_run_folder(tmp_path / f"{number}", scenario=own))
    material = gather(folders)
    assert len(material.axes) == MOST_AXES
    assert material.more_keys == ("extra.k-last",)
    assert series_of(material) == [0, 1, 2]


def test_runs_that_agree_in_all_and_the_seed_too_are_no_seeds_of_each_other(tmp_path: Path) -> None:
    folders = [
        write_run_folder(tmp_path / f"{number}", seed=seed) for number, seed in enumerate((0, 0, 1, 2, 1))
    ]
    assert series_of(gather(folders)) == [0, 1, 0, 0, 1]


def test_files_of_runs_whose_names_look_alike_as_files_are_numbered(tmp_path: Path) -> None:
    names = ("a b", "a-b", "A-B")
    material = gather([write_run_folder(tmp_path / f"{at}", name=name) for at, name in enumerate(names)])
    assert list(material.texts) == ["a-b.yaml", "a-b-2.yaml", "A-B-3.yaml"]
    assert [text.split("name: ")[1].split(" #")[0] for text in material.texts.values()] == list(names)
    assert material.command.split("\n") == [f"hetedge run {file}" for file in material.texts]


def test_the_bound_of_a_target_stands_in_the_command_to_its_last_digit(tmp_path: Path) -> None:
    file = write_comparison(tmp_path / "c", ("fedgan",), (0,)) / "comparison.json"
    facts = json.loads(file.read_text())
    bound = 20.123456789
    facts["target"] = {
        "metric": "fid",
        "above": False,
        "given": True,
        "bounds": {"mnist5k": bound, "glyphs": bound},
    }
    file.write_text(json.dumps(facts))
    assert f"'fid<{bound!r}'" in gather([tmp_path / "c"]).command


def test_truths_are_an_axis_of_two_words_in_the_order_of_the_sweep(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "s", ("exact",), (2, 1), (0,), pictures=False)
    facts = json.loads((folder / "sweep.json").read_text())
    facts["axes"][1]["labels"] = [True, False]
    (folder / "sweep.json").write_text(json.dumps(facts))
    for name in ("results", "curves"):
        file = folder / f"{name}.parquet"
        table = pd.read_parquet(file)
        table["model.width"] = table["model.width"] == 2
        file.write_bytes(parquet_bytes(table))
    axis = gather([folder]).axes[1]
    assert axis.values == ("true", "false")


def test_commands_make_the_same_again(tmp_path: Path) -> None:
    run = gather([write_run_folder(tmp_path / "run")])
    assert run.command == "hetedge run scenario.yaml"
    assert run.texts == {"scenario.yaml": (tmp_path / "run" / "scenario.yaml").read_text()}
    comparison = gather([write_comparison(tmp_path / "c", ("huscf_gan", "fedgan"), (0, 1))])
    assert comparison.command == "hetedge compare compared.yaml --strategies huscf_gan,fedgan --seeds 2"
    assert (
        comparison.texts["fedgan-seed1.yaml"]
        == (tmp_path / "c" / "fedgan-seed1" / "scenario.yaml").read_text()
    )
    assert gather([write_sweep(tmp_path / "s", ("exact",), (8,), (0,))]).command == "hetedge sweep sweep.yaml"
