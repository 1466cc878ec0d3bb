"""Which runs are shown in detail, how much of them fits, and what their timelines tell."""

import base64
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from made_up_folders import DOMAINS, picture, write_run_folder, write_sweep

from analysis.report import details, timeline
from analysis.report.details import all_details, detailed_rows, details_of
from analysis.report.gathering import gather
from analysis.report.timeline import timeline_of
from analysis.runs import RunError, load_run


def test_few_runs_are_all_shown_in_detail(tmp_path: Path) -> None:
    material = gather([write_sweep(tmp_path / "s", ("exact", "greedy"), (8, 16), (0, 1), failed=(3,))])
    assert detailed_rows(material) == [0, 1, 2, 4, 5, 6, 7]


def test_of_many_runs_those_that_no_other_beats_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    material = gather(
        [write_sweep(tmp_path / "s", ("exact", "greedy", "fixed"), (8, 16), (0, 1), pictures=False)]
    )
    monkeypatch.setattr(details, "MOST_DETAILED", 5)
    monkeypatch.setattr(details, "FEW_DETAILED", 6)

    def cost(row: int) -> tuple[float, float]:
        entry = material.entries[row]
        return sum(entry.last["fid"].values()) / 2, entry.numbers["simulated_s"]

    rows = range(len(material.entries))
    unbeaten = [
        row for row in rows
        if not any(all(a <= b for a, b in zip(cost(other), cost(row), strict=True)) and other != row for other in rows)
    ]  # fmt: skip
    assert 1 < len(unbeaten) < 6
    rest = sorted((row for row in rows if row not in unbeaten), key=lambda row: cost(row)[0])
    assert detailed_rows(material) == sorted([*unbeaten, *rest][:6])


def test_pictures_keep_to_their_bytes_and_never_lose_the_last_round(tmp_path: Path) -> None:
    run = load_run(write_run_folder(tmp_path / "run", fids={domain: [9.0] * 9 for domain in DOMAINS}))
    size = max(path.stat().st_size for path in run.samples.values())
    whole = details_of(run, 1_000_000)
    assert [one["round"] for one in whole["samples"]["glyphs"]] == list(range(-1, 8))
    assert whole["skipped"] == 0
    for rounds in (1, 2, 4):
        budget = rounds * 2 * size
        found = details_of(run, budget)
        for domain in DOMAINS:
            shown = [one["round"] for one in found["samples"][domain]]
            assert shown[-1] == 7
            assert len({b - a for a, b in pairwise(shown)}) <= 1
            assert found["skipped"] == 9 - len(shown)
        kept = [one["src"] for own in found["samples"].values() for one in own]
        assert sum(len(base64.b64decode(src.partition(",")[2])) for src in kept) <= budget
    assert [len(own) for own in details_of(run, 0)["samples"].values()] == [1, 1]
    only_last = details_of(run, 1_000_000, every_round=False)
    assert [one["round"] for one in only_last["samples"]["glyphs"]] == [7]


def test_pictures_are_those_of_the_folder(tmp_path: Path) -> None:
    found = all_details(gather([write_run_folder(tmp_path / "run", seed=3)]))
    src = found[0]["samples"]["mnist5k"][-1]["src"]
    assert base64.b64decode(src.removeprefix("data:image/png;base64,")) == picture(3000 + 3)


def test_devices_add_up_to_the_run_and_many_are_told_by_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = load_run(write_run_folder(tmp_path / "run", iteration_s=2.0))
    own = details_of(run, 0)
    assert [one["name"] for one in own["devices"]] == ["server", *(f"client-{i}" for i in range(4))]
    assert all(sum(one["times"]) == pytest.approx(3 * 5.0) for one in own["devices"])
    monkeypatch.setattr(details, "MOST_ROWS", 3)
    grouped = details_of(run, 0)
    assert grouped["by_profile"]
    assert [one["name"] for one in grouped["devices"]] == [
        "1 server-small",
        "2 raspberry-pi-4",
        "2 phone-2024",
    ]
    assert all(sum(one["times"]) == pytest.approx(3 * 5.0) for one in grouped["devices"])


def test_phases_sum_to_an_iteration_with_its_share_of_the_rounds_end(tmp_path: Path) -> None:
    own = details_of(load_run(write_run_folder(tmp_path / "run", iteration_s=2.0)), 0)
    assert sum(one["seconds"] for one in own["phases"]) == pytest.approx(2.0 + 1.0 / 2)


FRAME = pd.DataFrame(
    [("server", "wait", "wait", 5.0, 6.0, False), ("client-0", "compute", "G head", 5.0, 5.5, True),
     ("client-0", "transfer", "send activation to server", 5.5, 6.0, True)],
    columns=["device", "kind", "what", "start_s", "end_s", "on_critical_path"],
)  # fmt: skip


def test_a_timeline_counts_from_the_beginning_of_its_iteration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timeline_of(tmp_path) is None
    (tmp_path / "trace.json").write_text("{}")
    monkeypatch.setattr(timeline, "gantt_frame", lambda _: FRAME)
    assert timeline_of(tmp_path) == {
        "devices": ["server", "client-0"],
        "whats": ["wait", "G head", "send activation to server"],
        "start_s": 5.0,
        "bars": [[0, 0, 0, 0.0, 1.0, False], [1, 2, 1, 0.0, 0.5, True], [1, 1, 2, 0.5, 1.0, True]],
    }
    monkeypatch.setattr(timeline, "MOST_BARS", 2)
    assert "3 bars are too many" in timeline_of(tmp_path)["why_not"]


def test_a_trace_that_cannot_be_drawn_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trace.json").write_text("{}")

    def refuse(_: Path) -> pd.DataFrame:
        raise RunError("trace.json: it shows no iteration")

    monkeypatch.setattr(timeline, "gantt_frame", refuse)
    assert timeline_of(tmp_path) == {"why_not": "trace.json: it shows no iteration"}
