"""The numbers at the head of the page, the table of runs, the ledger and the environment are those of the folders."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_folders import write_comparison, write_run_folder, write_sweep

from analysis.report.gathering import gather
from analysis.report.headline import cards, entries_table, mean_last, quality
from analysis.report.records import environment, ledgers
from analysis.runs import RunError


def test_one_run_is_told_by_its_own_numbers(tmp_path: Path) -> None:
    material = gather([write_run_folder(tmp_path / "run", iteration_s=2.0, rounds=3, energy_j=50.0)])
    found = {card.title: card.value for card in cards(material)}
    assert found == {
        "Iteration": "2.00 s",
        "Round": "5.00 s",
        "Simulated time": "15.0 s",
        "Bytes sent": "12.0 MB",
        "Clients' energy": "600 J",
        "Cut selector": "exact",
    }


def test_what_is_unknown_is_left_out_and_nothing_is_cut_where_there_is_no_selector(tmp_path: Path) -> None:
    material = gather([write_run_folder(tmp_path / "run", selector=None, energy_j=math.nan)])
    assert [card.title for card in cards(material)] == ["Iteration", "Round", "Simulated time", "Bytes sent"]


def test_quality_has_before_first_last_floor_and_ratio(tmp_path: Path) -> None:
    own = quality(
        gather(
            [write_run_folder(tmp_path / "run", fids={"a": [90.0, 40.0, 20.0], "b": [80.0, math.nan, 10.0]})]
        )
    )
    assert own is not None
    assert own.columns == ["untrained", "first round", "last round", "floor", "last/floor"]
    assert own.rows[:2] == [
        ("FID", "a", ["90.0", "40.0", "20.0", "1.00", "20.0x"]),
        ("FID", "b", ["80.0", "-", "10.0", "1.00", "10.0x"]),
    ]


def test_a_sweep_is_told_by_its_best_runs(tmp_path: Path) -> None:
    material = gather([write_sweep(tmp_path / "s", ("exact", "greedy"), (8, 16), (0, 1), failed=(2,))])
    found = {card.title: card for card in cards(material)}
    finished = [entry for entry in material.entries if entry.finished]
    best = min(finished, key=lambda entry: sum(entry.last["fid"].values()))
    settings = [str(value) for value in best.settings.values()]
    assert found["Runs"].note == "7 trained, 1 failed"
    assert found["Best FID"].note == f"mean over domains; {', '.join(settings)}, seed {best.seed}"
    assert float(found["Best FID"].value) == pytest.approx(sum(best.last["fid"].values()) / 2, rel=5e-3)
    assert found["Least bytes sent"].note == "alike in all"
    assert "Soonest at fid<40" in found or not any("time_to_target_s" in entry.numbers for entry in finished)


def test_the_table_has_a_row_for_each_entry_and_gaps_for_what_failed(tmp_path: Path) -> None:
    material = gather([write_sweep(tmp_path / "s", ("exact", "greedy"), (8, 16), (0,), failed=(2,))])
    table = entries_table(material)
    titles = [column.title for column in table.columns]
    assert titles[:4] == ["Run", "cuts.selector", "model.width", "Seed"]
    assert {"FID", "FID mnist5k", "FID glyphs", "Generation score"} <= set(titles)
    assert [[cell.text for cell in row[:4]] for row in table.rows] == [
        ["0000a1b2c3d4", "exact", "8", "0"],
        ["0001a1b2c3d4", "exact", "16", "0"],
        ["0002a1b2c3d4", "greedy", "8", "0"],
        ["0003a1b2c3d4", "greedy", "16", "0"],
    ]
    assert {cell.text for cell in table.rows[2][4:]} == {"-"}
    assert {cell.order for cell in table.rows[2][4:]} == {None}
    place = titles.index("FID")
    for row, entry in zip(table.rows, material.entries, strict=True):
        if entry.finished:
            assert row[place].order == pytest.approx(sum(entry.last["fid"].values()) / 2)
            assert [row[place + at].order for at in (1, 2)] == [
                entry.last["fid"][name] for name in ("mnist5k", "glyphs")
            ]


def test_a_mean_over_domains_is_that_of_the_runs_own_domains_and_of_all_of_them(tmp_path: Path) -> None:
    one = write_run_folder(tmp_path / "one", name="one", fids={"a": [9.0, 4.0], "b": [9.0, 6.0]})
    two = write_run_folder(tmp_path / "two", name="two", fids={"c": [9.0, 8.0]})
    gap = write_run_folder(tmp_path / "gap", name="gap", fids={"a": [9.0, 4.0], "b": [9.0, math.nan]})
    entries = gather([one, two, gap]).entries
    assert [mean_last(entry, "fid") for entry in entries] == [5.0, 8.0, None]
    assert [mean_last(entry, "unknown") for entry in entries] == [None] * 3


def test_alike_ledgers_are_told_once_with_the_sizes_of_the_first(tmp_path: Path) -> None:
    folder = write_comparison(tmp_path / "c", ("huscf_gan", "fedgan", "md_gan"), (0, 1))
    for seed in (0, 1):
        summary = folder / f"md_gan-seed{seed}" / "summary.json"
        facts = json.loads(summary.read_text())
        facts["ledger"] = facts["ledger"][:1]
        summary.write_text(json.dumps(facts))
    entries = gather([folder]).entries
    found = ledgers(entries, [entry.strategy for entry in entries])
    assert [label for label, _ in found] == ["huscf_gan, fedgan", "md_gan"]
    line = found[0][1][0]
    assert (line.way, line.kind, line.size, line.private) == (
        "client → server",
        "activation",
        "4.00 MB",
        True,
    )


def test_environments_that_differ_are_all_told(tmp_path: Path) -> None:
    folders = [write_run_folder(tmp_path / name, width=width) for name, width in (("a", 8), ("b", 16))]
    file = folders[1] / "environment.json"
    facts = json.loads(file.read_text())
    facts["threads"] = 2
    facts["packages"]["torch"] = "9.9"
    file.write_text(json.dumps(facts))
    found = environment(gather(folders).entries)
    assert found is not None
    assert dict(found.facts)["threads"] == "1, 2"
    assert dict(found.packages)["torch"] == "2.13.0, 9.9"
    file.write_text("[]")
    broken = replace(gather([folders[0]]).entries[0], folder=folders[1])
    with pytest.raises(RunError, match=r"environment\.json: damaged"):
        environment([broken])
