"""Growth of a cost: the exponent that is told, the reference slope, and axes that hold all points."""

import numpy as np
import pandas as pd
import pytest
from figure_checks import (
    assert_axes_of_numbers_have_units,
    assert_legends_hide_no_data,
    assert_nothing_collides,
)
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analysis.figures.pareto import MOST_NAMED
from analysis.figures.scaling import exponent, scaling
from analysis.plot_style import style


def drawn(frame, width_in=3.5, **options):
    with style():
        axes = Figure(figsize=(width_in, 2.8)).add_subplot()
    assert scaling(frame, axes, **options) is axes
    for check in (assert_nothing_collides, assert_legends_hide_no_data, assert_axes_of_numbers_have_units):
        check(axes.figure)
    return axes


def grown(power, sizes=(10, 100, 1000), series="a", seeds=(0,)):
    facts = [(series, seed, size, 0.5 * size**power * (1 + seed)) for size in sizes for seed in seeds]
    return pd.DataFrame(facts, columns=["series", "seed", "clients", "iteration_latency_s"])


def legend(axes):
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


@given(st.floats(-3, 3), st.floats(1e-3, 1e3))
def test_a_power_is_found_again(power, factor):
    sizes = np.array([1.0, 7.0, 30.0, 400.0])
    assert exponent(sizes, factor * sizes**power) == pytest.approx(power, abs=1e-9)


def test_growth_is_told_from_three_sizes_on():
    assert legend(drawn(grown(1.25)))[0] == "a (grows as N^1.25)"
    assert legend(drawn(grown(1.25, sizes=(10, 100))))[0] == "a"


def test_a_point_is_the_mean_over_seeds_and_both_axes_are_logarithmic():
    axes = drawn(grown(1.0, seeds=(0, 1)))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    curve = axes.lines[0].get_xydata()
    np.testing.assert_allclose(curve * [1, 60], [[n, 0.75 * n] for n in (10, 100, 1000)])  # in minutes
    assert axes.get_xlabel() == "Clients, N (number)"  # the legend tells powers of N
    assert axes.get_ylabel() == "Mean latency of an iteration (min)"


@pytest.mark.parametrize(
    ("slope", "told"), [(1.0, "in proportion to N"), (0.0, "stays the same"), (2.0, "as N^2")]
)
def test_the_reference_has_its_slope_and_begins_with_the_first_series(slope, told):
    axes = drawn(grown(1.5, sizes=(10, 40, 160)), slope=slope)
    (x0, y0), (x1, y1) = axes.lines[-1].get_xydata()
    assert np.log(y1 / y0) / np.log(x1 / x0) == pytest.approx(slope)
    assert [x0, y0] == axes.lines[0].get_xydata()[0].tolist()
    assert legend(axes)[-1] == f"reference: {told}"


@pytest.mark.parametrize("sizes", [(8, 16), (8, 12, 16), (1, 2, 4), (7, 8), (3, 300), (10, 10_000_000)])
def test_whole_sizes_have_whole_ticks(sizes):
    axes = drawn(grown(1.0, sizes=sizes))
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert len(ticks) >= 2
    assert all(tick == round(tick) for tick in ticks), ticks
    between = [tick for tick in drawn(grown(1.0, sizes=(0.5, 0.9))).get_xticks() if tick % 1.0]
    assert len(between) >= 2  # of others there are any


def test_rows_that_no_logarithm_has_are_left_out():
    frame = pd.concat([grown(1.0), pd.DataFrame([("a", 0, 5, 0.0), ("a", 0, 0, 3.0), ("a", 0, 7, np.nan)],
                                                columns=grown(1.0).columns)])  # fmt: skip
    assert drawn(frame).lines[0].get_xdata().tolist() == [10.0, 100.0, 1000.0]
    with pytest.raises(ValueError, match="no row has both clients and iteration_latency_s above 0"):
        scaling(frame.iloc[-3:], Figure().add_subplot())


def test_one_size_has_no_reference():
    assert legend(drawn(grown(1.0, sizes=(10,)))) == ["a"]


def test_of_many_series_the_cheapest_and_the_dearest_are_among_the_named():
    frame = pd.concat([grown(0.1 * index, series=f"s{index}") for index in range(30)])
    told = [name.partition(" ")[0] for name in legend(drawn(frame, 7.0))]
    assert {"s0", "s29"} <= set(told)
    assert len([name for name in told if name.startswith("s")]) == MOST_NAMED
    assert f"{30 - MOST_NAMED} others" in legend(drawn(frame, 7.0))
