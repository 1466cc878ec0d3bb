"""How columns of numbers are labelled: names, units, and the numbers in them."""

import numpy as np
import pytest

from analysis.plot_quantities import FID_LABEL, is_metric, larger_is_better, metric_label, quantity


@pytest.mark.parametrize(
    ("column", "values", "label", "text"),
    [
        ("iteration_latency_s", [0.05, np.nan], "Mean latency of an iteration (ms)", "50.0"),
        ("simulated_s", [90.0, 7199.0], "Simulated time of the run (min)", "1.50"),
        ("total_bytes", [5e6, 2e9], "Bytes sent (GB)", "0.00500"),
        ("energy_j", [0.0005], "Energy of the clients (mJ)", "0.500"),
        ("clients", [12.0], "Clients (number)", "12.0"),
        ("model.width", [16.0, 8.0], "model.width (as in the scenario)", "16.0"),
        ("fid", [23.44], FID_LABEL, "23.4"),
    ],
)
def test_a_column_has_a_name_and_the_unit_that_fits_its_largest_value(column, values, label, text):
    shown = quantity(column, values)
    assert shown.label == label
    assert shown.text(values[0]) == text


def test_columns_without_a_finite_value_have_a_label_too():
    assert quantity("total_bytes", [np.nan]).label == "Bytes sent (B)"
    assert quantity("simulated_s", []).label == "Simulated time of the run (s)"


def test_a_metric_of_one_domain_says_whose_it_is():
    assert metric_label("fid.glyphs") == f"glyphs:\n{FID_LABEL}"
    assert metric_label("my_own") == "my_own (as measured)"


def test_of_metrics_some_are_better_when_larger():
    larger = {
        "generation_score.glyphs": True,
        "cas_accuracy": True,
        "fid": False,
        "cas_fpr": False,
        "simulated_s": False,
    }
    assert {name: larger_is_better(name) for name in larger} == larger
    assert [is_metric(one) for one in ("fid.glyphs", "fid", "total_bytes", "fidelity")] == [
        True,
        True,
        False,
        False,
    ]
