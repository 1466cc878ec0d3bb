"""Figures of sweeps: what is made of their tables, what may be chosen, and odd sweeps of all kinds."""

import dataclasses
import logging
import re

import numpy as np
import pytest
from figure_checks import (
    assert_axes_of_numbers_have_units,
    assert_legends_hide_no_data,
    assert_nothing_collides,
)
from made_up_sweeps import made_up_sweep
from matplotlib.figure import Figure

from analysis import plot_study
from analysis.plot_study import MOST_ROWS, Choice
from analysis.plot_style import COLUMN_IN, PAGE_IN, ChoiceError, MissingDataError
from analysis.plot_sweep import study_of_sweep
from analysis.plots import STUDY_FIGURES, SWEEP_FIGURES, draw_sweep

LONG = "a value that goes on and on without any end or reason, number "
SWEEPS = {
    "two axes": {},
    "one combination": {"axes": {"mix": ["a"]}, "seeds": (0,), "domains": ("mnist5k",)},
    "sizes": {
        "axes": {
            "devices.clients.0.count": [10, 100, 1000, 100_000],
            "network.model": ["dedicated", "maxmin"],
        }
    },
    "many": {
        "axes": {
            "mix": [f"{n} phones" for n in range(6)],
            "cuts.selector": ["greedy", "exact"],
            "model.width": [8, 16, 32],
        },
        "failed": (3,),
    },
    "long names": {
        "axes": {"a.very.long.axis.of_a_scenario.that_goes.on": [LONG + "1", LONG + "2"], "x": [1, 2, 3]}
    },
    "one failed": {"failed": (0, 1)},
    "without a target": {"target": None},
    "four domains": {"domains": ("mnist5k", "glyphs", "FashionMNIST", "NotMNIST"), "rounds": 1},
}


@pytest.mark.parametrize("case", SWEEPS)
@pytest.mark.parametrize("kind", SWEEP_FIGURES)
def test_figures_of_odd_sweeps_keep_their_room(kind, case):
    study = study_of_sweep(made_up_sweep(**SWEEPS[case]))
    try:
        figure = STUDY_FIGURES[kind](study, Choice())
    except MissingDataError:
        assert (kind, case) in {
            ("heat_map", "one combination"),
            ("time_to_target", "without a target"),
            *(("scaling", one) for one in SWEEPS if one not in ("sizes", "many", "long names")),
        }
        return
    assert figure.get_figwidth() in (COLUMN_IN, PAGE_IN)
    assert figure.get_figheight() < 9.0
    for check in (assert_nothing_collides, assert_legends_hide_no_data, assert_axes_of_numbers_have_units):
        check(figure)


def names_in(figure: Figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_series_is_named_after_the_axes_that_vary():
    sweep = made_up_sweep(axes={"mix": ["slow", "fast"], "rounds": [3], "model.width": [8, 16.5]})
    study = study_of_sweep(sweep)
    assert study.axes == ("mix", "model.width")
    assert list(dict.fromkeys(study.results["series"])) == ["slow, 8", "slow, 16.5", "fast, 8", "fast, 16.5"]
    assert set(study.curves["series"]) == set(study.results["series"])
    figure = plot_study.latency_fid(study)
    assert figure.legends[0].get_title().get_text() == "mix, model.width"
    assert study_of_sweep(made_up_sweep(axes={"mix": ["a"]}, name="alone")).results["series"].unique() == [
        "alone"
    ]


def test_numbers_of_failed_jobs_are_no_numbers():
    study = study_of_sweep(made_up_sweep(failed=(1,)))
    assert study.results["clients"].isna().tolist() == [False, True, *[False] * 6]
    assert len(study.times) == 7


def test_curves_are_means_over_the_seeds_of_a_combination():
    sweep = made_up_sweep()
    figure = plot_study.latency_fid(study_of_sweep(sweep))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["mnist5k", "glyphs"]
    rows = sweep.curves[(sweep.curves["metric"] == "fid") & (sweep.curves["domain"] == "glyphs")]
    first = (
        rows[(rows["mix"] == "slow") & (rows["cuts.selector"] == "greedy")].groupby("round")["value"].mean()
    )
    curve = next(line for line in figure.axes[1].lines if len(line.get_xdata()) > 1)
    np.testing.assert_allclose(curve.get_ydata(), first)


def test_of_too_many_series_the_unbeaten_are_named():
    figure = plot_study.latency_fid(study_of_sweep(made_up_sweep(**SWEEPS["many"])))
    named = [name for name in names_in(figure) if "phones" in name]
    assert len(named) == 14  # each combination is slower and better than the one before: all are on the front
    assert "22 others" in names_in(figure)
    assert figure.legends[0].get_title().get_text().endswith(", of 36")


def test_a_beaten_series_is_among_the_others():
    sweep = made_up_sweep(**SWEEPS["many"])
    worse = sweep.curves["mix"] == "5 phones"
    sweep.curves.loc[worse, "value"] = 500.0
    assert not any("5 phones" in name for name in names_in(plot_study.latency_fid(study_of_sweep(sweep))))


def test_a_heat_map_is_of_the_first_two_axes_and_says_what_it_averages():
    study = study_of_sweep(made_up_sweep(**{**SWEEPS["many"], "failed": ()}))
    axes = plot_study.heat_map(study).axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("mix", "cuts.selector")
    assert axes.get_title(loc="left") == "mean over model.width"
    expected = (
        study.results.groupby(["mix", "cuts.selector"], sort=False)["iteration_latency_s"].mean().to_numpy()
    )
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()).ravel(), expected)
    other = plot_study.heat_map(study, Choice(rows="model.width", columns="mix", value="fid.glyphs")).axes
    assert other[0].get_ylabel() == "model.width\n(as in the scenario)"
    assert "glyphs" in other[1].get_ylabel()


def test_a_combination_that_failed_is_a_hatched_cell():
    axes = plot_study.heat_map(study_of_sweep(made_up_sweep(failed=(2, 3)))).axes[0]
    assert axes.images[0].get_array().mask.tolist() == [[False, True], [False, False]]


def test_scaling_takes_the_clients_where_they_vary_and_leaves_out_the_axis_that_sets_them():
    sweep = made_up_sweep(**SWEEPS["sizes"])
    sweep.results["clients"] = sweep.results["devices.clients.0.count"]
    figure = plot_study.scaling(study_of_sweep(sweep))
    assert figure.axes[0].get_xlabel() == "Clients, N (number)"
    assert [name.partition(" ")[0] for name in names_in(figure)] == ["dedicated", "maxmin", "reference:"]
    by_value = plot_study.scaling(
        study_of_sweep(sweep), Choice(against="devices.clients.0.count", value="simulated_s")
    )
    assert by_value.axes[0].get_ylabel().startswith("Simulated time of the run (")


def test_rows_of_a_target_are_the_fastest_of_too_many():
    sweep = made_up_sweep(**SWEEPS["many"] | {"failed": ()})
    figure = plot_study.time_to_target(study_of_sweep(sweep))
    assert len(figure.axes[0].get_yticklabels()) == MOST_ROWS
    assert figure.legends[0].get_title().get_text().endswith(f"the {MOST_ROWS} fastest of 36")
    means = sweep.results.groupby(["mix", "cuts.selector", "model.width"], sort=False)[
        "time_to_target_s"
    ].mean()
    told = [text.get_text() for text in figure.axes[0].texts]
    assert told[0] != "never"
    assert len(told) == MOST_ROWS
    assert means.isna().sum() > 0  # some never reached it, and are not among the fastest
    assert "never" not in told


def test_rows_of_a_target_are_those_that_most_seeds_reached():
    sweep = made_up_sweep(axes={"mix": [f"m{n}" for n in range(MOST_ROWS + 2)]})
    lucky = (sweep.results["mix"] == "m0") & (sweep.results["seed"] == 1)
    sweep.results["time_to_target_s"] = np.where(lucky, np.nan, 10.0 + sweep.results.index)
    axes = plot_study.time_to_target(study_of_sweep(sweep)).axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown == [f"m{n}" for n in range(1, MOST_ROWS + 1)]  # m0 has the least mean, of one seed


def test_the_quality_of_a_front_is_fid_whatever_else_was_measured():
    sweep = made_up_sweep()
    at = list(sweep.results.columns).index("fid")
    sweep.results.insert(at, "cas_accuracy", 0.5)
    assert "FID" in plot_study.pareto(study_of_sweep(sweep)).axes[0].get_ylabel()
    without = sweep.results[[one for one in sweep.results if not one.startswith("fid")]]
    other = dataclasses.replace(sweep, results=without)
    assert "Accuracy" in plot_study.pareto(study_of_sweep(other)).axes[0].get_ylabel()


def test_true_and_false_are_names_not_sizes():
    study = study_of_sweep(made_up_sweep(axes={"mix": ["a", "b"], "kld": [True, False]}))
    assert study.results["kld"].dtype == bool
    assert "kld" not in study.numbers
    with pytest.raises(MissingDataError, match="nor an axis of numbers was varied"):
        plot_study.scaling(study)
    axes = plot_study.heat_map(study).axes[0]
    assert axes.get_xlabel() == "kld"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["True", "False"]


def test_series_whose_names_differ_in_the_middle_alone_stay_apart():
    long = "a-value-that-goes-on-and-on-without-any-reason"
    values = [f"{long} {n} {long}" for n in range(3)]
    study = study_of_sweep(made_up_sweep(axes={"mix": values}))
    for kind in ("latency_fid", "pareto"):
        names = [name for name in names_in(STUDY_FIGURES[kind](study, Choice())) if "…" in name]
        assert names == [f"…{n}…" for n in range(3)], kind
    rows = plot_study.time_to_target(study).axes[0].get_yticklabels()
    assert [label.get_text() for label in rows] == [f"…{n}…" for n in range(3)]


def test_figures_over_several_domains_say_so():
    def labels(sweep):
        study = study_of_sweep(sweep)
        by_value = [
            plot_study.pareto(study).axes[0].get_ylabel(),
            plot_study.heat_map(study, Choice(value="fid")).axes[1].get_ylabel(),
        ]
        by_domain = plot_study.heat_map(study, Choice(value="fid.mnist5k")).axes[1].get_ylabel()
        assert by_domain.startswith("mnist5k:")
        reached = plot_study.time_to_target(study).axes[0].get_xlabel()
        return [" ".join(one.split()) for one in (*by_value, reached)]

    mean = "Mean over 2 domains: FID (features of the domain's own classifier, not Inception)"
    assert labels(made_up_sweep()) == [mean, mean, "Simulated time to fid<40 in every domain (min)"]
    alone = labels(made_up_sweep(domains=("mnist5k",)))
    assert not any("domains" in one or "every" in one for one in alone)


@pytest.mark.parametrize(
    ("kind", "choice", "message"),
    [
        (
            "heat_map",
            {"rows": "mixx"},
            "unknown --rows 'mixx'; allowed: mix, cuts.selector; did you mean 'mix'?",
        ),
        (
            "heat_map",
            {"columns": "selector"},
            "unknown --columns 'selector'; allowed: mix, cuts.selector; did you mean",
        ),
        (
            "heat_map",
            {"rows": "mix", "columns": "mix"},
            "--rows and --columns: both are 'mix'; allowed: two axes of",
        ),
        ("heat_map", {"value": "fid.glyph"}, "unknown --value 'fid.glyph'; .*; did you mean 'fid.glyphs'?"),
        ("latency_fid", {"value": "fidd"}, "unknown metric 'fidd'; allowed: fid; did you mean 'fid'?"),
        (
            "pareto",
            {"value": "total_bytes"},
            "unknown metric 'total_bytes'; allowed: fid, fid.mnist5k, fid.glyphs",
        ),
        (
            "pareto",
            {"against": "simulated"},
            "unknown --against 'simulated'; .*; did you mean 'simulated_s'?",
        ),
        ("scaling", {"against": "client"}, "unknown --against 'client'; .*; did you mean 'clients'?"),
        ("scaling", {"value": "job"}, "unknown --value 'job'; allowed: "),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest_name(kind, choice, message):
    with pytest.raises(ChoiceError, match="^" + message.replace("?", r"\?").replace("(", r"\(")):
        STUDY_FIGURES[kind](study_of_sweep(made_up_sweep()), Choice(**choice))


def test_draw_sweep_writes_what_fits_and_logs_the_rest(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        written = draw_sweep(made_up_sweep(trained=False, axes={"mix": ["a", "b"]}), tmp_path / "figures")
    assert [path.name for path in written] == ["time_to_target.png", "time_to_target.pdf"]
    skipped = re.findall(r"figure (\w+) of made-up skipped: ", caplog.text)
    assert skipped == ["latency_fid", "pareto", "heat_map", "scaling"]
    assert "nothing was trained" in caplog.text


def test_kinds_that_do_not_know_what_was_chosen_are_skipped_and_logged(tmp_path, caplog):
    sweep = made_up_sweep(axes=SWEEPS["sizes"]["axes"])
    with caplog.at_level(logging.WARNING):
        written = draw_sweep(sweep, tmp_path / "figures", choice=Choice(value="total_bytes"))
    assert {path.stem for path in written} == {"heat_map", "time_to_target", "scaling"}
    skipped = re.findall(r"figure (\w+) of made-up skipped: unknown metric 'total_bytes'", caplog.text)
    assert skipped == ["latency_fid", "pareto"]


def test_what_no_kind_knows_is_refused_and_leaves_nothing(tmp_path):
    for choice in (Choice(value="fidd"), Choice(value="fid", rows="mixx")):
        with pytest.raises(ChoiceError, match=r"^unknown "):
            draw_sweep(made_up_sweep(), tmp_path / "figures", choice=choice)
    assert not (tmp_path / "figures").exists()
