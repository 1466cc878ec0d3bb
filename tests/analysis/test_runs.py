"""The run folder: round trip, plain pandas, equal bytes, atomic files, and errors that name the file."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from recorded_rounds import recorder, tables, write_run

from analysis.runs import RunError, RunFolder, load_run, table_file
from analysis.tables import CUTS, TABLE_NAMES, UNCUT, check_table, make_table


@pytest.mark.parametrize("mode", ["full", "summary"])
def test_a_run_reads_back_as_it_was_written(tmp_path, mode):
    run = load_run(write_run(tmp_path / "runs" / "a", mode).path)
    for name, table in tables(mode).items():
        pd.testing.assert_frame_equal(getattr(run, name), table, check_exact=True)
    assert run.scenario == {"name": "two-domain", "seed": 3}
    assert run.environment == {"python": "3.11"}
    assert run.summary == {"rounds": 1}
    assert list(run.samples) == [(-1, "mnist5k"), (0, "my_round_2")]
    assert all(path.read_bytes() == b"png" for path in run.samples.values())


def test_an_empty_table_reads_back_with_its_types(tmp_path):
    folder = write_run(tmp_path / "a")
    empty = recorder().tables() | {"cuts": make_table(CUTS, {name: [] for name in CUTS})}
    folder.write_tables(empty)
    run = load_run(folder.path)
    for name in TABLE_NAMES:
        pd.testing.assert_frame_equal(getattr(run, name), empty[name])


def test_a_strategy_without_cuts_has_no_cut_columns_and_a_cut_has_them_all(tmp_path):
    folder = write_run(tmp_path / "a")
    uncut = make_table(UNCUT, {"client": ["client-0"], "profile": ["paper-1"], "domain": ["NA"]})
    folder.write_table("cuts", uncut.assign(memory_bytes=[3]))
    pd.testing.assert_frame_equal(load_run(folder.path).cuts[list(UNCUT)], uncut)
    for column in set(CUTS) - set(UNCUT):
        with pytest.raises(ValueError, match="the table cuts has no column"):
            check_table("cuts", uncut.assign(**{column: [1]}))


def test_plain_pandas_reads_the_tables(tmp_path):
    path = write_run(tmp_path / "a").path
    devices = pd.read_parquet(path / "devices.parquet")
    assert list(devices["device"]) == ["server", "client-0", "client-1"]
    assert devices["wait_s"].tolist() == [3.0, 5.0, 3.0]
    assert pd.read_csv(path / "cuts.csv")["g_tail"].tolist() == [2]


def test_equal_content_gives_equal_bytes(tmp_path):
    first, second = write_run(tmp_path / "a").path, write_run(tmp_path / "b").path
    names = sorted(str(file.relative_to(first)) for file in first.rglob("*") if file.is_file())
    assert names == sorted(
        [table_file(name) for name in TABLE_NAMES]
        + ["scenario.yaml", "environment.json", "summary.json"]
        + ["samples/mnist5k_round_-1.png", "samples/my_round_2_round_0.png"]
    )
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_folder_that_holds_a_run_is_refused(tmp_path):
    write_run(tmp_path / "a")
    with pytest.raises(FileExistsError, match=r"a already holds a run; name another folder with -o"):
        RunFolder.create(tmp_path / "a")


def test_a_folder_that_holds_anything_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"is not empty \(notes.txt\); .* -o"):
        RunFolder.create(tmp_path)
    with pytest.raises(FileExistsError, match=r"notes.txt is a file; .* -o"):
        RunFolder.create(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_taken(tmp_path):
    assert RunFolder.create(tmp_path).path == tmp_path


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="file is a file; name another folder with -o"):
        RunFolder.create(tmp_path / "file" / "run")


def test_a_name_that_no_folder_can_have_is_refused(tmp_path):
    with pytest.raises(FileExistsError, match="name another folder with -o"):
        RunFolder.check(tmp_path / ("x" * 300))


def test_checking_a_path_makes_nothing(tmp_path):
    RunFolder.check(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path / "a")
    folder.write_text("scenario.yaml", "old")

    def full_disk(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("analysis.runs.os.replace", full_disk)
    with pytest.raises(RunError, match=r"scenario.yaml: cannot be written: No space left on device"):
        folder.write_text("scenario.yaml", "new")
    assert [file.name for file in folder.path.iterdir()] == ["scenario.yaml"]
    assert (folder.path / "scenario.yaml").read_text() == "old"


def test_a_table_with_other_columns_is_not_written(tmp_path):
    folder = RunFolder.create(tmp_path / "a")
    metrics = tables()["metrics"]
    with pytest.raises(ValueError, match="the table metrics has no column 'value'"):
        folder.write_table("metrics", metrics.drop(columns="value"))
    with pytest.raises(ValueError, match="has int64 in column 'value'; it must be float64"):
        folder.write_table("metrics", metrics.astype({"value": "int64"}))
    with pytest.raises(TypeError, match="column 'value' is bool"):
        folder.write_table("metrics", metrics.astype({"value": bool}))
    with pytest.raises(ValueError, match="no table is called 'metric'; allowed: metrics, "):
        folder.write_table("metric", metrics)
    assert list(folder.path.iterdir()) == []


def test_nan_has_no_place_in_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        RunFolder.create(tmp_path / "a").write_json("summary.json", {"fid": float("nan")})


FILES = ["scenario.yaml", "environment.json", "summary.json", *map(table_file, TABLE_NAMES)]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path, name):
    path = write_run(tmp_path / "a").path
    (path / name).unlink()
    with pytest.raises(RunError, match=f"{name}: cannot be read: No such file"):
        load_run(path)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"", lambda c: b"\xff\x00{" + c])
def test_a_damaged_file_is_named(tmp_path, name, damage):
    path = write_run(tmp_path / "a").path
    content = (path / name).read_bytes()
    (path / name).write_bytes(damage(content))
    if name == "scenario.yaml" and damage(content) == content[: len(content) // 2]:
        (path / name).write_bytes(b"name: [two")
    with pytest.raises(RunError, match=f"{name}: damaged: ") as caught:
        load_run(path)
    assert "\n" not in str(caught.value)


def test_a_single_flipped_bit_in_a_table_is_found(tmp_path):
    path = write_run(tmp_path / "a").path / "transfers.parquet"
    content = bytearray(path.read_bytes())
    start = content.index(b"\x28\xb5\x2f\xfd") + 8  # inside the first compressed page
    content[start] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(RunError, match=r"transfers.parquet: damaged: "):
        load_run(path.parent)


def test_a_table_of_another_kind_is_named(tmp_path):
    path = write_run(tmp_path / "a").path
    (path / "metrics.parquet").write_bytes((path / "devices.parquet").read_bytes())
    with pytest.raises(RunError, match=r"metrics.parquet: damaged: the table metrics has no column"):
        load_run(path)


def test_a_folder_that_is_no_run_is_an_error(tmp_path):
    with pytest.raises(RunError, match="nowhere: no such run folder"):
        load_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match="not a run folder: it has neither"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("devices", ["off_s", "lost_bytes", "lost_flops", "energy_j", "memory_bytes"]),
        ("transfers", ["lost_bytes"]),
    ],
)
@pytest.mark.parametrize("mode", ["full", "summary"])
def test_a_table_of_an_older_version_is_told_as_that(tmp_path, name, columns, mode):
    path = write_run(tmp_path / "a", mode).path / f"{name}.parquet"
    pd.read_parquet(path).drop(columns=columns).to_parquet(path)
    lacking = ", ".join(sorted(columns))
    with pytest.raises(RunError) as caught:
        load_run(path.parent)
    assert str(caught.value) == f"{path}: it has no {lacking}: another version of hetedge wrote this run"


def test_a_table_that_lacks_more_than_older_versions_did_is_damaged(tmp_path):
    path = write_run(tmp_path / "a").path / "devices.parquet"
    pd.read_parquet(path).drop(columns=["off_s", "wait_s"]).to_parquet(path)
    with pytest.raises(RunError, match=r"devices.parquet: damaged: the table devices has no column 'wait_s'"):
        load_run(path.parent)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads as Linux tells them")
def test_reading_and_writing_leave_no_thread_behind(tmp_path):
    """One that is still there when the process ends aborts it, now and then."""
    write_run(tmp_path / "run")
    code = (
        "import os, sys; from analysis.runs import RunFolder, load_run; "
        "before = len(os.listdir('/proc/self/task')); run = load_run(sys.argv[1]); "
        "RunFolder(run.path).write_table('devices', run.devices); "
        "sys.exit(len(os.listdir('/proc/self/task')) - before)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False).returncode == 0
