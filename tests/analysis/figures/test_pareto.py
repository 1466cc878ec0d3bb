"""The Pareto front: against a search over all pairs, and what a figure makes of it."""

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

from analysis.figures.pareto import MOST_NAMED, best_series, pareto, pareto_front
from analysis.plot_style import style

NUMBERS = st.integers(0, 6).map(float)
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=14)


def drawn(frame, width_in=3.5, **options):
    with style():
        axes = Figure(figsize=(width_in, 3.0)).add_subplot()
    assert pareto(frame, axes, **options) is axes
    for check in (assert_nothing_collides, assert_legends_hide_no_data, assert_axes_of_numbers_have_units):
        check(axes.figure)
    return axes


def table(*rows, value="fid"):
    return pd.DataFrame(rows, columns=["series", "seed", "simulated_s", value])


def legend(axes):
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


def points(axes):
    """Place and mark of every mark that is drawn."""
    marks = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    return [(*line.get_xydata()[0], line.get_marker()) for line in marks]


@given(POINTS, st.booleans())
def test_the_front_is_what_no_other_point_beats(pairs, larger_is_better):
    costs, values = np.array(pairs).T
    sign = -1.0 if larger_is_better else 1.0
    expected = [
        not any(
            c <= cost and sign * v <= sign * value and (c < cost or sign * v < sign * value) for c, v in pairs
        )
        for cost, value in pairs
    ]
    assert pareto_front(costs, values, larger_is_better).tolist() == expected


@given(POINTS)
def test_a_front_is_never_empty_and_worsens_as_it_gets_cheaper(pairs):
    costs, values = np.array(pairs).T
    front = pareto_front(costs, values)
    assert front.any()
    order = np.argsort(costs[front], kind="stable")
    assert (np.diff(values[front][order]) <= 0).all()


@given(st.integers(1, 60), st.integers(2, 14))
def test_of_a_long_front_both_ends_are_named(count, most):
    names, costs = (
        [str(index) for index in range(count)],
        np.random.default_rng(count).permutation(count) * 1.0,
    )
    chosen = best_series(names, [True] * count, costs, most)
    assert len(chosen) == min(count, most)
    assert {names[int(costs.argmin())], names[int(costs.argmax())]} <= set(chosen)
    assert chosen == sorted(chosen, key=int)


def test_points_are_means_with_the_range_of_their_seeds():
    axes = drawn(table(("a", 0, 60.0, 40.0), ("a", 1, 120.0, 50.0), ("b", 0, 240.0, 20.0)))
    assert axes.get_xlabel() == "Simulated time of the run (min)"
    assert [(x, y) for x, y, _ in points(axes)] == [(1.5, 45.0), (4.0, 20.0)]
    ranges = [line.get_xydata().tolist() for line in axes.lines if len(line.get_xdata()) == 2]
    assert [[1.0, 45.0], [2.0, 45.0]] in ranges
    assert [[1.5, 40.0], [1.5, 50.0]] in ranges
    assert legend(axes) == ["a", "b", "Pareto front", "range of the seeds"]


def test_the_front_is_drawn_in_steps_through_the_unbeaten():
    axes = drawn(table(("a", 0, 10.0, 40.0), ("beaten", 0, 20.0, 50.0), ("b", 0, 30.0, 20.0)))
    (front,) = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert front.get_xydata().tolist() == [[10.0, 40.0], [30.0, 20.0]]


def test_a_score_is_better_where_it_is_larger():
    rows = table(("a", 0, 10.0, 4.0), ("b", 0, 30.0, 2.0), value="generation_score")
    axes = drawn(rows, value="generation_score", larger_is_better=True)
    assert "Pareto front" not in legend(axes)  # a alone is on it
    assert "Generation score" in axes.get_ylabel()


def test_of_many_series_those_on_the_front_are_named():
    front = [(f"front {index}", 0, 10.0 + index, 40.0 - index) for index in range(20)]
    behind = [(f"behind {index}", 0, 50.0, 60.0 + index) for index in range(10)]
    axes = drawn(table(*front, *behind), width_in=7.0)
    named = [name for name in legend(axes) if name.startswith("front")]
    assert len(named) == MOST_NAMED
    assert {"front 0", "front 19"} <= set(named)
    assert f"{30 - MOST_NAMED} others" in legend(axes)
    assert len(points(axes)) == 30


def test_named_points_differ_in_their_marks_and_those_in_one_place_in_their_sizes():
    axes = drawn(table(*((name, 0, 10.0, 40.0) for name in "abcdefg")))
    marks = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    assert len({line.get_marker() for line in marks}) == 7
    sizes = [line.get_markersize() for line in marks]
    assert sizes == sorted(set(sizes), reverse=True)


def sizes_of(axes):
    return [line.get_markersize() for line in axes.lines if line.get_marker() not in ("None", "", None)]


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_marks_that_nearly_lie_on_each_other_differ_in_their_sizes(scale):
    """On the page, whatever the numbers: the axis is two inches or so long, 2 pt are a hundredth of it."""

    def sizes(apart):
        places = (("a", 1.0, 40.0), ("twin", 1.0 + apart, 40.0), ("c", 2.0, 20.0))
        return sizes_of(drawn(table(*((name, 0, scale * cost, fid) for name, cost, fid in places))))

    assert sizes(0.001) == [8.5, 5.0, 5.0]
    assert sizes(0.1) == [5.0, 5.0, 5.0]


def test_a_front_of_one_place_is_no_line():
    rows = (("a", 0, 10.0, 40.0), ("twin", 0, 10.0, 40.0), ("beaten", 0, 20.0, 50.0))
    axes = drawn(table(*rows))
    assert "Pareto front" not in legend(axes)
    assert not [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert "Pareto front" in legend(drawn(table(*rows, ("c", 0, 30.0, 10.0))))


@pytest.mark.parametrize("spread", [1.0, 29.0, 1e9])
def test_axes_hold_all_points_whatever_their_range(spread):
    axes = drawn(table(("a", 0, 1.0, 1.0), ("b", 0, spread, 1.0 * spread)))
    for x, y, _ in points(axes):
        assert axes.get_xlim()[0] <= x <= axes.get_xlim()[1]
        assert axes.get_ylim()[0] <= y <= axes.get_ylim()[1]
    assert axes.get_xscale() == ("log" if spread > 30 else "linear")


def test_rows_without_a_number_are_left_out_and_none_is_refused():
    axes = drawn(table(("a", 0, 10.0, 40.0), ("a", 1, 90.0, np.nan), ("b", 0, np.nan, 3.0)))
    assert [(x, y) for x, y, _ in points(axes)] == [(10.0, 40.0)]
    with pytest.raises(ValueError, match="no row has both simulated_s and fid"):
        pareto(table(("a", 0, 1.0, np.nan)), Figure().add_subplot())
    with pytest.raises(ValueError, match="no column 'total_bytes'"):
        pareto(table(("a", 0, 1.0, 2.0)), Figure().add_subplot(), cost="total_bytes")
