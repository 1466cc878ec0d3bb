"""What the page's scripts get: JSON that cannot break out of its element, and the numbers that were measured."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_folders import write_comparison, write_run_folder, write_sweep

from analysis.report.gathering import gather
from analysis.report.page_data import page_data, script_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


def rounded(value: object) -> object:
    """What is promised: gaps for what is not finite, six significant digits."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


@given(VALUES)
def test_any_value_stays_inside_its_script_element_and_reads_back(value: object) -> None:
    text = script_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text, parse_constant=pytest.fail) == rounded(value)


def test_names_that_end_scripts_stay_inside(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    material = gather([write_run_folder(tmp_path / "run")])
    text = script_json(page_data(replace(material, target=hostile), {}))
    assert "</script" not in text
    assert json.loads(text)["target"] == hostile


def test_a_sweeps_curves_settings_and_series(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "sweep", ("exact", "greedy"), (8, 16), (0, 1), failed=(2,))
    data = page_data(gather([sweep]), {})
    assert data["axes"] == [
        {"name": "cuts.selector", "values": ["exact", "greedy"]},
        {"name": "model.width", "values": [8, 16]},
    ]
    assert [run["settings"] for run in data["runs"][::2]] == [
        ["exact", 8],
        ["exact", 16],
        ["greedy", 8],
        ["greedy", 16],
    ]
    # Jobs that differ in the seed alone are one series.
    assert [run["series"] for run in data["runs"]] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [run["finished"] for run in data["runs"]] == [True, True, False, *[True] * 5]
    assert data["runs"][2]["numbers"] == data["runs"][2]["last"] == {}
    assert "2" not in data["curves"]
    course = data["curves"]["5"]
    assert course["round"] == [-1, 0, 1, 2]
    assert course["time"] == sorted(course["time"])
    assert course["values"]["fid"]["glyphs"][-1] == pytest.approx(data["runs"][5]["last"]["fid"]["glyphs"])
    assert data["floors"] == {"fid": {"mnist5k": 1.0, "glyphs": 1.0}}


def test_a_metric_that_was_not_measured_in_a_round_is_a_gap(tmp_path: Path) -> None:
    nan = math.nan
    folder = write_run_folder(tmp_path / "run", fids={"a": [9.0, nan, 3.0], "b": [8.0, 7.0, nan]})
    data = json.loads(script_json(page_data(gather([folder]), {})))
    assert data["curves"]["0"]["values"]["fid"] == {"a": [9.0, None, 3.0], "b": [8.0, 7.0, None]}
    assert data["runs"][0]["last"]["fid"] == {"a": 3.0, "b": None}


def test_runs_that_differ_in_the_seed_alone_are_one_series(tmp_path: Path) -> None:
    folders = [write_run_folder(tmp_path / f"{seed}", seed=seed) for seed in (0, 1)]
    data = page_data(gather(folders), {})
    assert data["axes"] == []
    assert [run["series"] for run in data["runs"]] == [0, 0]


def test_a_comparison_has_one_axis_and_its_times_to_the_target(tmp_path: Path) -> None:
    folder = write_comparison(tmp_path / "c", ("huscf_gan", "huscf_gan/no_kld"), (0, 1))
    facts = json.loads((folder / "comparison.json").read_text())
    data = page_data(gather([folder]), {})
    assert data["axes"] == [{"name": "strategy", "values": ["huscf_gan", "huscf_gan/no_kld"]}]
    for row, run in enumerate(data["runs"]):
        reached = [
            own["values"][row % 2] for own in facts["strategies"][row // 2]["time_to_target_s"].values()
        ]
        assert run["numbers"].get("time_to_target_s") == (None if None in reached else max(reached))
