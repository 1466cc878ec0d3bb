"""`hetedge retime`, from one run folder to another, and how it refuses."""

import json
import shutil

import pandas as pd
import pytest

from analysis.runs import load_run

SLOW = ("--set", "devices.clients.0.profile=jetson-nano", "--set", "devices.clients.1.uplink=1 MB/s")


@pytest.fixture
def retime(hetedge, tiny_run, monkeypatch):
    """Retime the tiny run where it lies, without figures: the larger part of so short a command."""
    monkeypatch.chdir(tiny_run.home)
    monkeypatch.setattr("simulator.retiming.FIGURES_DRAWN", ())

    def command(*arguments):
        return hetedge("retime", tiny_run.folder.relative_to(tiny_run.home), *arguments)

    return command


def test_the_last_line_printed_is_a_folder_named_by_the_new_scenario(retime, tiny_run):
    done = retime(*SLOW)
    assert done.code == 0, done.err
    folder = tiny_run.home / done.out.splitlines()[-1]
    assert folder.parent == tiny_run.home / "runs"
    assert folder.name.startswith("tiny-")
    assert folder != tiny_run.folder
    assert "Retimed: weights and metrics are those of " + tiny_run.folder.name in done.out
    assert "Ended with its last round (strategy.rounds)" in done.out
    files = {path.name for path in tiny_run.folder.iterdir()} - {"figures"}
    assert {path.name for path in folder.iterdir()} == files
    again = retime(*SLOW)
    assert (again.code, again.out) == (2, "")
    assert (
        again.lines[-1]
        == f"{folder.relative_to(tiny_run.home)} already holds a run; name another folder with -o"
    )
    shutil.rmtree(folder)


def test_a_folder_of_ones_own(retime, tiny_run, tmp_path):
    assert retime(*SLOW, "-o", tmp_path / "mine").out.splitlines()[-1] == str(tmp_path / "mine")
    run = load_run(tmp_path / "mine")
    assert [device["profile"] for device in run.scenario["devices"]["clients"]] == [
        "jetson-nano",
        "phone-2024",
    ]
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.tex").write_text("")
    done = retime(*SLOW, "-o", taken)
    assert (done.code, done.out) == (2, "")
    assert done.lines[-1] == f"{taken} is not empty (thesis.tex); name another folder with -o"
    # The run it came from is no free folder either.
    assert retime(*SLOW, "-o", tiny_run.folder).code == 2


def test_figures_of_both_fleets_can_be_joined(retime, hetedge, tiny_run, tmp_path):
    retime(*SLOW, "-o", tmp_path / "slow", "--set", "name=slow")
    done = hetedge("plot", "latency_fid", tiny_run.folder, tmp_path / "slow", "-o", tmp_path / "both")
    assert done.code == 0, done.err
    assert (tmp_path / "both" / "latency_fid.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--set", "strategy.batch_size=9"),
            "--set strategy.batch_size=9:1:21: strategy.batch_size: 9; allowed: 8, as the run was trained",
        ),
        (
            ("--set", "devices.clients.0.profil=x"),
            "--set devices.clients.0.profil=x:1:19: devices.clients.0.profil: unknown key; ",
        ),
        (("--set", "seed"), "--set seed:1:5: no '=' in it; allowed: key.path=value"),
        (("--sett", "a=1"), "hetedge retime: no such option: --sett"),
    ],
)
def test_wrong_input_is_one_plain_line(retime, tmp_path, arguments, line):
    done = retime(*arguments, "-o", tmp_path / "new")
    assert (done.code, done.out, len(done.lines)) == (2, "", 1), done.err
    assert done.err.startswith(line)
    assert not (tmp_path / "new").exists()


def test_what_is_no_run_folder(hetedge, tmp_path):
    assert hetedge("retime", "nowhere").lines == ["nowhere: no such folder; allowed: the folder of a run"]
    done = hetedge("retime", tmp_path)
    assert (done.code, done.lines) == (
        2,
        [f"{tmp_path}: holds no scenario.yaml; allowed: the folder of a run"],
    )
    assert hetedge("retime").lines == ["hetedge retime: missing argument 'DIR'; see 'hetedge retime --help'"]


def test_a_run_that_did_not_finish_is_wrong_input_and_a_damaged_one_stops(hetedge, tiny_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(tiny_run.folder, folder)
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"status": "stopped"}))
    done = hetedge("retime", folder)
    assert (done.code, done.out) == (2, "")
    assert done.lines == [
        f"{folder}: the run did not finish (status: stopped); allowed: the folder of a finished run"
    ]
    (folder / "summary.json").write_text(json.dumps(summary | {"training_key": "0" * 64}))
    done = hetedge("retime", folder)
    assert (done.code, done.out) == (3, "")
    assert done.lines == [f"{folder}: damaged: its files do not give the training key of its summary.json"]
    (folder / "summary.json").unlink()  # as where the run was killed
    done = hetedge("retime", folder)
    assert (done.code, done.out) == (2, "")
    assert done.lines == [
        f"{folder}: the run did not finish (no summary.json); allowed: the folder of a finished run"
    ]
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "metrics.parquet").unlink()
    done = hetedge("retime", folder)
    assert done.code == 3
    assert done.err.startswith(f"{folder / 'metrics.parquet'}: cannot be read: ")


def test_metrics_keep_their_values_on_the_command_line_too(retime, tiny_run, tmp_path):
    retime(*SLOW, "-o", tmp_path / "new")
    before, after = (pd.read_parquet(one / "metrics.parquet") for one in (tiny_run.folder, tmp_path / "new"))
    assert after["value"].tolist() == before["value"].tolist()
    assert after["sim_time_s"].max() > before["sim_time_s"].max()
