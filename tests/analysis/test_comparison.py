"""What several strategies' runs say of each other: numbers of made-up runs, tables, figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import line, made_up

from analysis.comparison import (
    Target,
    TargetError,
    check_target,
    compare_runs,
    exposed,
    parse_target,
    seed_table,
    spread,
)
from analysis.comparison_text import comparison_markdown, comparison_text
from analysis.plot_comparison import draw_comparison, fid_by_strategy, latency_by_strategy
from analysis.plot_style import MissingDataError
from analysis.summary import summarize


def two_strategies():
    return {
        "huscf_gan": [
            made_up("huscf_gan", {"a": [90, 40, 20], "b": [80, 50, 30]}, seed=0, energy_j=10.0),
            made_up("huscf_gan", {"a": [90, 60, 10], "b": [80, 70, 40]}, seed=1, energy_j=14.0),
        ],
        "fedgan": [
            made_up(
                "fedgan",
                {"a": [90, 30, 35], "b": [80, 20, 25]},
                seed,
                iteration_s=20.0,
                ledger=[line("parameters", whole_network=True)],
            )
            for seed in (0, 1)
        ],
    }


def test_times_share_the_rounds_end_and_leave_out_what_comes_before():
    one = made_up("centralized", {"a": [9, 8, 7]}, setup_s=100.0)
    (facts,) = compare_runs({"centralized": [one]})["strategies"]
    means = {key: facts[key]["mean"] for key in facts if key.endswith("_s") and key != "time_to_target_s"}
    assert means == pytest.approx(
        {
            "iteration_latency_s": 2.0,
            "aggregation_s": 1.0,
            "round_latency_s": 5.0,
            "amortised_iteration_latency_s": 2.5,
            "setup_s": 100.0,
            "simulated_s": 110.0,
        }
    )
    assert facts["rounds"]["mean"] == 2
    assert facts["iterations"]["mean"] == 4


def test_quality_bytes_and_energy_are_means_over_seeds():
    huscf, fedgan = compare_runs(two_strategies())["strategies"]
    assert huscf["quality"]["fid"]["a"] == {"mean": 15.0, "half_range": 5.0, "n": 2, "values": [20.0, 10.0]}
    assert huscf["bytes_per_round"]["mean"] == 4e6
    assert {kind: own["mean"] for kind, own in huscf["bytes_per_round_by_kind"].items()} == {
        "parameters": 3e6,
        "gradient": 1e6,
    }
    assert huscf["total_bytes"]["mean"] == 8e6
    assert (huscf["energy_j"]["mean"], huscf["energy_j"]["half_range"]) == (12.0, 2.0)
    assert fedgan["energy_j"] == {"mean": None, "half_range": None, "n": 0, "values": [None, None]}


def test_the_bound_is_the_best_fid_that_every_run_reaches():
    facts = compare_runs(two_strategies())
    # Domain a: best of the four runs 20, 10, 30, 30; domain b: 30, 40, 20, 20.
    assert facts["target"] == {
        "metric": "fid",
        "above": False,
        "bounds": {"a": 30.0, "b": 40.0},
        "given": False,
    }
    huscf, fedgan = facts["strategies"]
    assert huscf["time_to_target_s"]["a"]["values"] == [10.0, 10.0]
    assert huscf["time_to_target_s"]["b"]["values"] == [10.0, 10.0]
    assert fedgan["time_to_target_s"]["a"]["values"] == [41.0, 41.0]
    assert all(one["n"] == 2 for own in facts["strategies"] for one in own["time_to_target_s"].values())


def test_a_given_bound_may_never_be_reached_and_is_not_met_by_itself():
    huscf, fedgan = compare_runs(two_strategies(), Target("fid", 20.0))["strategies"]
    assert huscf["time_to_target_s"]["a"]["values"] == [None, 10.0]
    assert fedgan["time_to_target_s"]["b"] == {"mean": None, "half_range": None, "n": 0, "values": [None] * 2}
    text = comparison_text({"scenario": "s", **compare_runs(two_strategies(), Target("fid", 20.0))})
    assert "10.0 s (1 of 2 seeds)" in text
    assert "never" in text


def test_larger_may_be_better():
    above = compare_runs(two_strategies(), Target("fid", 60.0, above=True))["strategies"][0]
    assert above["time_to_target_s"]["b"]["values"] == [None, 5.0]


def test_the_untrained_generator_reaches_nothing():
    runs = {"fedgan": [made_up("fedgan", {"a": [5, 60, 50]})]}
    (facts,) = compare_runs(runs)["strategies"]
    assert facts["time_to_target_s"]["a"]["values"] == [10.0]


@pytest.mark.parametrize(
    ("text", "target"),
    [("fid<20", Target("fid", 20.0)), (" cas_accuracy > 0.5 ", Target("cas_accuracy", 0.5, above=True))],
)
def test_a_target_is_read(text, target):
    assert parse_target(text) == target
    assert parse_target(target.text) == target


@pytest.mark.parametrize("text", ["fid", "fid=3", "<3", "fid<x", "fid<nan", "fid<inf", "fid<2<1"])
def test_a_target_that_is_none_is_refused(text):
    with pytest.raises(TargetError, match="such as fid<20"):
        parse_target(text)


def test_a_target_must_be_measured():
    check_target(Target("cas_accuracy", 0.5), ["fid"], cas=True)
    with pytest.raises(TargetError, match="'cas_accuracy' is not measured; allowed: fid"):
        check_target(Target("cas_accuracy", 0.5), ["fid"], cas=False)


def test_who_gets_what():
    ledger = [
        line("real_sample"),
        line("label"),
        line("label", "server", "client", private=False),
        line("synthetic_sample", "server", "client"),
        line("parameters"),
        line("parameters", "client", "edge", whole_network=True),
    ]
    assert exposed(ledger) == {
        "raw_images": ["client -> server"],
        "labels": ["client -> server"],
        "synthetic_images": ["server -> client"],
        "whole_networks": ["client -> edge"],
    }


def test_what_stays_in_a_household_and_where_images_are_made_is_told():
    at_home = {"sender": "client", "receiver": "client", "within_household": True}
    ledger = [
        line("real_sample", **at_home),
        line("label", **at_home),
        line("synthetic_sample", **at_home),
        line("parameters", whole_network=True, images_made=True),
    ]
    assert exposed(ledger) == {
        "raw_images": ["within the household"],
        "labels": ["within the household"],
        "synthetic_images": ["within the household", "made on the server"],
        "whole_networks": ["client -> server"],
    }


@pytest.fixture
def at_home():
    """A round sends 3 MB of parameters and 1 MB of gradients; 2 MB and 1 MB of them over a LAN, in two rounds."""
    ledger = [
        line("parameters", n_bytes=2e6),
        line("parameters", "client", "client", n_bytes=4e6, within_household=True),
        line("gradient", "client", "client", n_bytes=2e6, within_household=True),
    ]
    return {"fsl_gan": [made_up("fsl_gan", {"a": [9, 8, 7]}, ledger=ledger)]}


def test_bytes_within_a_household_are_not_those_of_the_network(at_home):
    (facts,) = compare_runs(at_home)["strategies"]
    means = {key: own["mean"] for key, own in facts.items() if "bytes" in key and "by_kind" not in key}
    assert means == {
        "total_bytes": 8e6,
        "network_bytes": 2e6,
        "bytes_per_round": 1e6,
        "household_bytes": 6e6,
        "household_bytes_per_round": 3e6,
    }
    # Gradients never leave the household, so they have no column.
    assert {kind: own["mean"] for kind, own in facts["bytes_per_round_by_kind"].items()} == {
        "parameters": 1e6
    }


@pytest.mark.parametrize("render", [comparison_text, comparison_markdown])
def test_bytes_within_households_have_a_column_of_their_own(at_home, render):
    text = render({"scenario": "made-up", **compare_runs(at_home)})
    (heading,) = (
        row for row in text.splitlines() if "a round" in row and "in all" in row and "energy" in row
    )
    assert "within households" in heading
    assert "not counted before" in text
    assert "3.00 MB" in text
    assert "8.00 MB" not in text
    assert "within the household: words on gradient" in text
    assert "within households" not in render({"scenario": "made-up", **compare_runs(two_strategies())})


def test_a_spread_of_nothing_known_is_unknown():
    assert spread([None, None]) == {"mean": None, "half_range": None, "n": 0, "values": [None, None]}


def test_a_comparison_is_json_and_a_table_with_a_row_for_each_seed():
    facts = compare_runs(two_strategies())
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    table = seed_table(facts)
    assert table[["strategy", "seed"]].to_numpy().tolist() == [
        ["huscf_gan", 0],
        ["huscf_gan", 1],
        ["fedgan", 0],
        ["fedgan", 1],
    ]
    assert table["quality.fid.a"].tolist() == [20.0, 10.0, 35.0, 35.0]
    assert table["energy_j"].isna().tolist() == [False, False, True, True]


@pytest.mark.parametrize("render", [comparison_text, comparison_markdown])
def test_the_tables_say_what_the_numbers_say(render):
    text = render({"scenario": "made-up", **compare_runs(two_strategies())})
    assert "made-up: 2 strategies, 2 seeds (0, 1); mean ± half the range" in text
    for cell in ("15.0 ± 5.00", "20.5 s", "unknown", "12.0 J", "client -> server", "words on parameters"):
        assert cell in text, cell


def test_markdown_tables_have_as_many_cells_as_their_heading():
    text = comparison_markdown({"scenario": "made-up", **compare_runs(two_strategies())})
    for table in text.split("\n\n"):
        rows = [row for row in table.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


@pytest.mark.parametrize(("difference_s", "told"), [(4e-11, "  5.00 s  "), (0.04, "  5.04 s ± 40.0 ms  ")])
def test_a_half_range_of_rounding_is_none(difference_s, told):
    runs = [made_up("fedgan", {"a": [9, 8]}, iteration_s=2.0 + more) for more in (0.0, difference_s)]
    text = comparison_text({"scenario": "s", **compare_runs({"fedgan": runs})})
    # A round is two iterations and a second.
    times = text.partition("Simulated time\n")[2].splitlines()[1]
    assert told in times


def test_one_strategy_is_not_several():
    facts = {"scenario": "s", **compare_runs({"fedgan": [made_up("fedgan", {"a": [9, 8]}, seed=4)]})}
    assert comparison_text(facts).splitlines()[0] == "s: 1 strategy, seed 4"


def test_strategies_with_the_same_words_share_them():
    runs = {name: [made_up(name, {"a": [9, 8]}, ledger=[line("gradient")])] for name in ("one", "two")}
    text = comparison_text({"scenario": "made-up", **compare_runs(runs)})
    assert "one, two\n" in text
    assert text.count("words on gradient") == 1


def test_a_timing_only_comparison_has_no_quality():
    run = made_up("fedgan", {"a": [9, 8]})
    run.metrics = run.metrics[:0]
    run.summary = summarize(run) | {"ledger": [], "energy_j": None}
    facts = compare_runs({"fedgan": [run]})
    assert facts["target"] is None
    assert facts["strategies"][0]["quality"] == {}
    assert "FID" not in comparison_text({"scenario": "made-up", **facts})
    with pytest.raises(MissingDataError, match="nothing was trained"):
        fid_by_strategy({"fedgan": [run]})


def test_the_curves_are_means_over_the_rounds_that_all_seeds_have():
    runs = two_strategies()
    runs["huscf_gan"][1] = made_up("huscf_gan", {"a": [90, 60], "b": [80, 70]}, seed=1)
    figure = fid_by_strategy(runs)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    curve, *_ = figure.axes[0].lines
    np.testing.assert_allclose(curve.get_xydata(), [[0, 90], [5, 50]])
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (40, 90)
    assert figure.axes[0].get_xscale() == "linear"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    # The made-up floor is more than ten times below every curve: a line there would squeeze them together.
    assert names == ["huscf_gan", "fedgan", "mean and range of 2 seeds", "untrained"]
    assert figure.axes[0].get_title(loc="right") == "floor 1.00, far below"


def test_a_floor_that_is_near_is_a_line_with_an_entry_in_the_legend():
    runs = {name: [made_up(name, {"a": [90, 9]})] for name in ("huscf_gan", "fedgan")}  # its floor is 1
    figure = fid_by_strategy(runs)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["huscf_gan", "fedgan", "untrained", "floor: held-out real images"]
    assert figure.axes[0].lines[-1].get_ydata()[0] == 1.0
    assert not figure.axes[0].get_title(loc="right")


def test_times_far_apart_get_a_logarithmic_axis_without_the_untrained_point():
    runs = {
        "huscf_gan": [made_up("huscf_gan", {"a": [90, 40, 20]})],
        "centralized": [made_up("centralized", {"a": [90, 30, 10]}, iteration_s=0.01, aggregation_s=0.0)],
    }
    (axes,) = fid_by_strategy(runs).axes
    assert axes.get_xscale() == "log"
    curves = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] > 0]
    assert [line.get_ydata().tolist() for line in curves] == [[40, 20], [30, 10]]
    low, high = axes.get_xlim()
    times = np.concatenate([line.get_xdata() for line in curves])
    assert low <= times.min()
    assert times.max() <= high


def test_curves_that_lie_on_each_other_differ_in_their_dashes():
    run = made_up("huscf_gan", {"a": [90, 40, 20]})
    (axes,) = fid_by_strategy({"huscf_gan": [run], "huscf_gan/no_kld": [run]}).axes
    curves = [one for one in axes.lines if len(one.get_xdata()) == 3]
    assert curves[0].get_linestyle() != curves[1].get_linestyle()


@pytest.mark.parametrize(("names", "reference"), [(("fedgan", "huscf_gan"), 1), (("md_gan", "fedgan"), 0)])
def test_bars_begin_at_the_reference(names, reference):
    runs = {
        name: [made_up(name, {"a": [9, 8]}, iteration_s=seconds, aggregation_s=0.0)]
        for name, seconds in zip(names, (30.0, 3.0), strict=True)
    }
    (axes,) = latency_by_strategy(compare_runs(runs)).axes
    widths = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    ratios = [30.0, 3.0] / np.array([30.0, 3.0][reference])
    for (start, end), ratio in zip(widths, ratios, strict=True):
        assert sorted((start, end)) == pytest.approx(sorted((1.0, ratio)))
    assert names[reference] in axes.get_xlabel()
    assert "30.0 s" in axes.get_yticklabels()[0].get_text()


def test_figures_are_written_and_missing_ones_logged(tmp_path: Path, caplog):
    runs = two_strategies()
    written = draw_comparison(runs, compare_runs(runs), tmp_path / "figures")
    assert sorted(path.name for path in written) == [
        "iteration_latency.pdf",
        "iteration_latency.png",
        "latency_fid.pdf",
        "latency_fid.png",
    ]
    for own in runs.values():
        for run in own:
            run.metrics = run.metrics[:0]
    written = draw_comparison(runs, compare_runs(runs), tmp_path / "without")
    assert {path.stem for path in written} == {"iteration_latency"}
    assert "figure latency_fid of the comparison skipped: metric 'fid' has no value" in caplog.text
