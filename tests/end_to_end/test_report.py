"""The command `report`: what it writes, refuses, and with which exit code."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_folders import write_run_folder, write_sweep


def test_a_report_of_a_run_that_was_really_played(hetedge: Callable, tiny_run, tmp_path: Path) -> None:
    done = hetedge("report", tiny_run.folder, "-o", "out.html")
    assert (done.code, done.out) == (0, "out.html\n")
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "<h1>tiny</h1>" in page
    assert "hetedge run scenario.yaml" in page
    assert "2 domains: bars on 2 clients and dots on 2 clients." in page
    assert page.count('"src":"data:image/png;base64,') == len(list((tiny_run.folder / "samples").iterdir()))


def test_several_runs_without_a_place_go_into_the_working_folder(hetedge: Callable, tmp_path: Path) -> None:
    folders = [write_run_folder(tmp_path / f"w{width}", width=width) for width in (8, 16)]
    assert hetedge("report", *folders).out == "report.html\n"
    assert hetedge("report", write_sweep(tmp_path / "sweep", ("exact",), (8,), (0,))).code == 0
    assert "<h1>made-up-sweep</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("folders", "out", "code", "words"),
    [
        (["nowhere"], "out.html", 2, "nowhere: no such folder; allowed: the folder of a run, of a comparison or"),
        (["."], "out.html", 2, "neither a run nor a comparison nor a finished sweep"),
        (["run", "run"], "out.html", 2, "named more than once"),
        (["run"], "mine.html", 2, "mine.html is not a report of hetedge and is not overwritten; name another file"),
        (["run"], "run", 2, "run is a folder"),
        (["run"], "", 2, "an empty path"),
        (["damaged"], "out.html", 3, "metrics.parquet: damaged"),
        ([], "out.html", 2, "missing argument"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line_with_its_exit_code(
    folders: list[str], out: str, code: int, words: str, hetedge: Callable, tmp_path: Path
) -> None:
    write_run_folder(tmp_path / "run", pictures=False)
    write_run_folder(tmp_path / "damaged", pictures=False)
    (tmp_path / "damaged" / "metrics.parquet").write_bytes(b"PAR1")
    (tmp_path / "mine.html").write_text("mine")
    done = hetedge("report", *folders, "-o", out)
    assert (done.code, done.out, len(done.lines)) == (code, "", 1)
    assert words in done.err
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert not (tmp_path / "out.html").exists()
