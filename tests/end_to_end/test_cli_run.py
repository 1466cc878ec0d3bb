"""`hetedge run`, from the scenario to its folder, and how it ends when it cannot go on."""

import errno
import hashlib
import io
import json
import subprocess
import sys

import matplotlib.image
import pandas as pd
import pytest
from tiny_run import HETEDGE, environment, hetedge_process, interrupted_process

from analysis.plots import FIGURES
from analysis.runs import load_run

TABLES = ("metrics", "iterations", "devices", "transfers", "commits", "wallclock")


def digests(folder):
    """The SHA-256 of every file below a folder."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }


def test_the_last_line_printed_is_the_folder(tiny_run):
    assert tiny_run.folder.is_dir()
    assert tiny_run.folder.parent == tiny_run.home / "runs"
    assert tiny_run.folder.name.startswith("tiny-")
    assert len(tiny_run.folder.name) == len("tiny-") + 8


def test_results_go_to_stdout_and_progress_to_stderr(tiny_run):
    assert "FID" in tiny_run.out
    assert "Sent over the network" in tiny_run.out
    assert "round 2/2, iteration 2/2: simulated" in tiny_run.err
    assert "\x1b" not in tiny_run.err + tiny_run.out
    assert "round 2/2" not in tiny_run.out


def test_the_folder_holds_what_was_promised(tiny_run):
    names = {path.name for path in tiny_run.folder.iterdir()}
    assert names == {
        *(f"{table}.parquet" for table in TABLES),
        *("scenario.yaml", "environment.json", "summary.json", "cuts.csv", "run.log", "samples", "figures"),
        "trace.json",
    }


def test_tables_are_readable_without_our_code(tiny_run):
    tables = {name: pd.read_parquet(tiny_run.folder / f"{name}.parquet") for name in TABLES}
    assert all(len(table) for table in tables.values())
    assert list(tables["iterations"]["round"]) == [0, 1]
    fid = tables["metrics"].query("metric == 'fid'")
    assert list(fid["round"]) == [-1, -1, 0, 0, 1, 1]
    assert set(fid["domain"]) == {"bars", "dots"}
    assert set(tables["devices"]["device"]) == {"server", "client-0", "client-1", "client-2", "client-3"}
    assert not set(tables["transfers"]["kind"]) & {"real_sample", "synthetic_sample", "label"}
    cuts = pd.read_csv(tiny_run.folder / "cuts.csv")
    assert list(cuts["domain"]) == ["bars", "bars", "dots", "dots"]
    summary = json.loads((tiny_run.folder / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert len(summary["timeline_sha256"]) == len(summary["weights_sha256"]) == 64
    assert set(summary["metrics"]) >= {"fid", "generation_score", "cas_accuracy"}


def test_pictures_are_there_and_hold_something(tiny_run):
    samples = sorted(path.name for path in (tiny_run.folder / "samples").iterdir())
    assert samples == sorted(
        f"{domain}_round_{number}.png" for domain in ("bars", "dots") for number in (-1, 0, 1)
    )
    figures = {path.name for path in (tiny_run.folder / "figures").iterdir()}
    assert figures == {f"{kind}.{suffix}" for kind in FIGURES for suffix in ("png", "pdf")}
    for path in [*tiny_run.folder.rglob("*.png")]:
        assert matplotlib.image.imread(path).std() > 0.01, path


def test_the_log_is_kept_with_the_run(tiny_run):
    logged = (tiny_run.folder / "run.log").read_text()
    assert "training on cpu with" in logged  # said before there was a folder
    assert "before training" in logged


def test_a_second_run_into_the_same_folder_is_refused_and_changes_nothing(hetedge, tiny_run, monkeypatch):
    before = digests(tiny_run.folder)
    monkeypatch.chdir(tiny_run.home)
    again = hetedge("run", "tiny.yaml")
    assert (again.code, again.out) == (2, "")
    assert (
        f"{tiny_run.folder.relative_to(tiny_run.home)} already holds a run; name another folder with -o"
        in again.err
    )
    named = hetedge("run", "tiny.yaml", "-o", tiny_run.folder)
    assert named.code == 2
    assert f"{tiny_run.folder} already holds a run" in named.err
    assert digests(tiny_run.folder) == before


def test_a_folder_with_anything_in_it_is_refused(hetedge, tiny, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("")
    done = hetedge("run", "tiny.yaml", "-o", folder)
    assert done.code == 2
    assert "mine is not empty (thesis.tex); name another folder with -o" in done.err
    assert hetedge("run", "tiny.yaml", "-o", folder / "thesis.tex").code == 2
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


def test_a_run_without_training_reads_no_data(hetedge, tiny, tmp_path, tiny_run):
    for part in ("bars", "dots"):
        for path in (tmp_path / part).iterdir():
            path.write_bytes(b"not opened")
    done = hetedge(
        "run", "tiny.yaml", "-o", "timed", "--set", "execution.training=false", "--set", "records=summary"
    )
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "timed"
    run = load_run(tmp_path / "timed")
    assert run.summary["weights_sha256"] is None
    assert run.metrics.empty
    assert not run.samples
    assert {path.stem for path in (tmp_path / "timed" / "figures").iterdir()} == {"phases", "devices", "cuts"}
    # The timeline is that of the run that trained: durations depend on sizes, not on values.
    pd.testing.assert_series_equal(run.iterations["end_s"], load_run(tiny_run.folder).iterations["end_s"])


def test_summary_records_say_the_same_in_fewer_rows(hetedge, tiny, tmp_path, tiny_run):
    settings = ("--set", "execution.training=false", "--set", "strategy.steps_per_round=3", "--set")
    for mode in ("full", "summary"):
        assert hetedge("run", "tiny.yaml", "-o", mode, *settings, f"records={mode}").code == 0
    full, summary = (load_run(tmp_path / mode) for mode in ("full", "summary"))
    keys = ["round", "source", "target", "kind"]
    assert len(summary.transfers) < len(full.transfers)
    assert not summary.transfers.duplicated(keys).any()
    totals = full.transfers.groupby(keys)["bytes"].sum()
    pd.testing.assert_series_equal(
        summary.transfers.set_index(keys)["bytes"].sort_index(), totals.sort_index()
    )


def test_overrides_reach_the_run_and_its_resolved_scenario(hetedge, tiny, tmp_path):
    done = hetedge(
        "run", "tiny.yaml", "-o", "set",
        "--set", "execution.training=false", "--set", "strategy.rounds=1", "--set", "devices.clients.1.uplink=1 kB/s",
    )  # fmt: skip
    assert done.code == 0, done.err
    run = load_run(tmp_path / "set")
    assert run.summary["rounds"] == 1
    assert run.scenario["devices"]["clients"][1]["uplink"] == "1 kB/s"
    slow = run.devices.set_index("device")["transfer_s"]
    assert slow["client-1"] > 10 * slow["client-0"]


def test_ctrl_c_keeps_the_finished_rounds(tiny, tmp_path):
    settings = ("--set", "strategy.rounds=100000", "-o", "stopped")
    code, out, err = interrupted_process("run", tiny.name, *settings, folder=tmp_path, when="round 2/")
    assert (code, out) == (130, "")
    assert err.splitlines()[-2:] == ["the rounds that were finished are kept in stopped", "interrupted"]
    run = load_run(tmp_path / "stopped")
    assert run.summary["status"] == "interrupted"
    assert run.summary["rounds"] >= 2
    assert set(run.iterations["round"]) == set(range(run.summary["rounds"]))


def test_training_that_diverges_stops_with_a_plain_line(tiny, tmp_path):
    done = hetedge_process(
        "run", "tiny.yaml", "-o", "far", "--set", "strategy.learning_rate=1e38", folder=tmp_path
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("training diverged in round 0, iteration 0 of the round: ")
    assert last.endswith("a smaller strategy.learning_rate is the usual cure")
    assert load_run(tmp_path / "far").summary["status"] == "stopped"


@pytest.mark.parametrize("part", ["draw", "table"])
def test_a_full_disk_stops_with_a_plain_line(hetedge, tiny, monkeypatch, part):
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "phases.png")

    target = {"draw": "simulator.writing.draw", "table": "analysis.runs.os.fsync"}[part]
    monkeypatch.setattr(target, full)
    done = hetedge("run", "tiny.yaml", "-o", "timed", "--set", "execution.training=false")
    assert (done.code, done.out) == (3, "")
    assert done.lines[-1].endswith(": cannot be written: No space left on device")


def test_our_own_bug_shows_its_traceback(tmp_path):
    code = (
        "import sys, simulator.timing_only as it\n"
        "def broken(*arguments): raise KeyError('ours')\n"
        "it.plan_from_sizes = broken\n"
        "sys.argv = ['hetedge', 'validate', 'quickstart']\n"
        "from simulator.cli import main\n"
        "main()\n"
    )
    env = environment(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.endswith("KeyError: 'ours'\n")


@pytest.mark.parametrize("damage", ["metrics.parquet", "summary.json", "cuts.csv"])
def test_a_damaged_run_folder_cannot_be_plotted(hetedge, tiny_run, tmp_path, damage):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in tiny_run.folder.iterdir():
        if path.is_file():
            content = path.read_bytes()
            (folder / path.name).write_bytes(content[: len(content) // 2] if path.name == damage else content)
    done = hetedge("plot", "phases", folder)
    if damage == "cuts.csv":  # half a CSV can still be a table
        folder.joinpath(damage).unlink()
        done = hetedge("plot", "phases", folder)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"{folder / damage}: ")
    assert len(done.lines) == 1


@pytest.mark.parametrize("what", ["devices", "models"], ids=["more than a buffer", "less"])
def test_a_reader_that_closes_the_pipe_is_no_failure(tmp_path, what):
    command = [*HETEDGE, "list", what]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        process.stdout.close()
        told = io.TextIOWrapper(process.stderr).read()
        assert process.wait(timeout=60) == 0
    assert told == ""
