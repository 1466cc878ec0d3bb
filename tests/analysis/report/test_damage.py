"""Whatever is wrong in a folder's files, the report tells it with the file's name, or is made all the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_folders import write_comparison, write_run_folder, write_sweep

from analysis.report.page import build_report
from analysis.runs import RunError
from analysis.sweeps import parquet_bytes

JUNK = (3, ["x"])
NOT_UTF8 = b"\xff\xfe\x00broken"
RUN_TEXTS = ("scenario.yaml", "environment.json", "summary.json")
RUN_TABLES = ("metrics.parquet", "iterations.parquet", "devices.parquet", "transfers.parquet", "commits.parquet",
              "wallclock.parquet", "cuts.csv")  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each kind, small."""
    home = tmp_path_factory.mktemp("folders")
    return {
        "run": write_run_folder(home / "run", pictures=False),
        "comparison": write_comparison(home / "comparison", ("fedgan",), (0,)),
        "sweep": write_sweep(home / "sweep", ("exact", "greedy"), (8,), (0,), rounds=2, pictures=False),
    }


def files_of(kind: str) -> list[str]:
    """The files that a report of a folder reads."""
    if kind == "run":
        return [*RUN_TEXTS, *RUN_TABLES]
    if kind == "comparison":
        return ["comparison.json", "compared.yaml", *(f"fedgan-seed0/{name}" for name in RUN_TEXTS)]
    run = "runs/0000a1b2c3d4"
    return [
        "sweep.json",
        "sweep.yaml",
        "results.parquet",
        "curves.parquet",
        *(f"{run}/{name}" for name in RUN_TEXTS),
    ]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in ("run", "comparison", "sweep")
                                            for name in files_of(kind)])  # fmt: skip
def test_a_file_that_is_no_text_of_its_kind_is_named(kind: str, name: str, folders: dict[str, Path]) -> None:
    file = folders[kind] / name
    content = file.read_bytes()
    try:
        file.write_bytes(NOT_UTF8)
        with pytest.raises(RunError, match=f"{file.name}: (damaged|cannot be read)"):
            build_report([folders[kind]])
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize("text", ["a: [1", "- 1\n", "x: 1\n x: 2\n"])
def test_a_first_scenario_of_a_sweep_that_is_no_yaml_is_named(text: str, folders: dict[str, Path]) -> None:
    file = folders["sweep"] / "runs" / "0000a1b2c3d4" / "scenario.yaml"
    content = file.read_text()
    try:
        file.write_text(text)
        with pytest.raises(RunError, match=r"scenario\.yaml: damaged"):
            build_report([folders["sweep"]])
    finally:
        file.write_text(content)


def spoilt(value: object) -> Iterator[object]:
    """The value with junk in place of each of its parts in turn, and without each of its keys."""
    keys = list(value) if isinstance(value, dict) else list(range(min(len(value), 1)))
    for key in keys:
        copy = json.loads(json.dumps(value))
        for junk in JUNK:
            copy[key] = junk
            yield json.loads(json.dumps(copy))
        if isinstance(value, dict):
            del copy[key]
            yield copy
        if isinstance(value[key], dict | list):
            for below in spoilt(value[key]):
                yield (value | {key: below}) if isinstance(value, dict) else [below, *value[1:]]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("run", "summary.json"), ("run", "environment.json"),
                                            ("comparison", "comparison.json"), ("sweep", "sweep.json")])  # fmt: skip
def test_any_part_of_another_shape_is_told_or_does_no_harm(
    kind: str, name: str, folders: dict[str, Path]
) -> None:
    file = folders[kind] / name
    content = file.read_text()
    told = 0
    try:
        for facts in spoilt(json.loads(content)):
            file.write_text(json.dumps(facts))
            try:
                build_report([folders[kind]])
            except RunError as error:
                assert str(folders[kind]) in str(error)  # noqa: PT017 - either is right
                told += 1
    finally:
        file.write_text(content)
    assert told > 0


@pytest.mark.parametrize(("name", "facts", "told"), [
    ("environment.json", {"packages": [1]}, "environment.json: damaged"),
    ("summary.json", {"ledger": 3}, "summary.json: damaged"),
    ("summary.json", {"ledger": [{"kind": "a", "bytes": 1, "private": True, "sender": "client", "receiver": "server",
                                   "whole_network": False, "images_made": False, "within_household": False}]},
     "summary.json: damaged: it has no 'reveals'"),
])  # fmt: skip
def test_what_is_lacking_is_said(name: str, facts: dict, told: str, folders: dict[str, Path]) -> None:
    file = folders["run"] / name
    content = file.read_text()
    try:
        file.write_text(json.dumps(json.loads(content) | facts))
        with pytest.raises(RunError, match=told):
            build_report([folders["run"]])
    finally:
        file.write_text(content)


@pytest.mark.parametrize("section", ["devices", "network", "data", "model", "strategy", "cuts", "evaluation"])
@pytest.mark.parametrize("junk", ["3", "[1]", "x", "{clients: 3, domains: [3], rounds: x, metrics: 3}"])
def test_a_scenario_of_another_shape_is_told_or_does_no_harm(
    section: str, junk: str, folders: dict[str, Path]
) -> None:
    file = folders["run"] / "scenario.yaml"
    content = file.read_text()
    kept, skipping = [], False
    for line in content.split("\n"):
        skipping = line.startswith(f"{section}:") or (skipping and line.startswith((" ", "-")))
        kept += [] if skipping else [line]
    try:
        file.write_text("\n".join([*kept, f"{section}: {junk}", ""]))
        build_report([folders["run"]])
    except RunError as error:
        assert "scenario.yaml: damaged" in str(error) or "summary.json" in str(error)  # noqa: PT017
    finally:
        file.write_text(content)


@pytest.mark.parametrize("table", ["results.parquet", "curves.parquet"])
def test_a_table_whose_columns_hold_something_else_is_told_or_does_no_harm(
    table: str, folders: dict[str, Path]
) -> None:
    file = folders["sweep"] / table
    content, frame = file.read_bytes(), pd.read_parquet(file)
    try:
        for name in frame.columns:
            for other in (
                frame.drop(columns=name),
                frame.assign(**{name: "x"}),
                frame.assign(**{name: np.nan}),
            ):
                file.write_bytes(parquet_bytes(other))
                try:
                    build_report([folders["sweep"]])
                except RunError as error:
                    assert table in str(error) or "runs" in str(error)  # noqa: PT017 - either is right
    finally:
        file.write_bytes(content)
