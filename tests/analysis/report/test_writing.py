"""The file: whole or not at all, never over something else, and nothing in it that would ask a network."""

import base64
import hashlib
import os
import re
from pathlib import Path

import pytest
from made_up_folders import SCENARIO, write_run_folder

from analysis.report import build_report, write_report
from analysis.report.material import ReportError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_folder(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    return build_report([run])


def test_a_report_is_written_and_replaced_but_nothing_else_is(run: Path, page: str, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert write_report([run], out) == out
    assert out.read_text(encoding="utf-8") == page
    out.write_text(page.replace("made-up", "older"), encoding="utf-8")
    write_report([run], out)
    assert out.read_text(encoding="utf-8") == page
    out.write_text("<html>my own page</html>")
    with pytest.raises(ReportError, match="not a report of hetedge and is not overwritten"):
        write_report([run], out)
    assert out.read_text() == "<html>my own page</html>"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.html"]


@pytest.mark.parametrize(
    ("place", "words"), [(".", "is a folder"), ("nowhere/report.html", "there is no folder")]
)
def test_places_that_cannot_hold_it_are_refused(place: str, words: str, run: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=words):
        write_report([run], tmp_path / place)


def test_an_interrupted_write_leaves_the_old_report(
    run: Path, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = write_report([run], tmp_path / "report.html")

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="No space left on device"):
        write_report([run], out)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert out.read_text(encoding="utf-8") == page


def test_only_the_scripts_of_the_page_may_run(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    rules = policy[1].replace("&#39;", "'")
    assert rules.startswith("default-src 'none'")
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    assert re.findall(r"'sha256-([^']+)'", rules) == digests
    assert len(digests) == 2
    assert "unsafe-eval" not in rules
    assert "script-src 'unsafe-inline'" not in rules


def test_nothing_refers_to_an_address(page: str) -> None:
    body = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r'(?:src|href|url|action)\s*[=(]\s*["\']?(?!data:|#)[\w/.:]+', body) == []
    assert "@import" not in body


def test_equal_folders_give_equal_pages(run: Path, page: str) -> None:
    assert build_report([run]) == page


def test_whatever_a_scenario_says_is_text(tmp_path: Path) -> None:
    hostile = "</title><script>alert(1)</script>"
    scenario = SCENARIO.format(
        name=f'"{hostile}"', seed=0, strategy=f'"{hostile}"', selector="exact", width=1, rounds=3
    )
    page = build_report([write_run_folder(tmp_path / "run", scenario=scenario)])
    assert hostile not in page
    assert page.count("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
