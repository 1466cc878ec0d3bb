"""Quality against simulated time: means and bands over seeds, floors, scales, and series without names."""

import numpy as np
import pandas as pd
import pytest
from figure_checks import (
    assert_axes_of_numbers_have_units,
    assert_legends_hide_no_data,
    assert_nothing_collides,
)
from matplotlib.figure import Figure

from analysis.figures.latency_fid import latency_fid
from analysis.plot_style import GREY, LIGHT, style


def frame_of(series, floor=None, rounds=(-1, 0, 1)):
    """``series``: name -> (seconds a round, values of each seed)."""
    rows = [
        {"series": name, "seed": seed, "round": round_, "sim_time_s": (round_ + 1) * round_s, "value": value}
        for name, (round_s, seeds) in series.items()
        for seed, values in enumerate(seeds)
        for round_, value in zip(rounds, values, strict=False)
    ]
    frame = pd.DataFrame(rows)
    return frame if floor is None else frame.assign(floor=[floor[name] for name in frame["series"]])


def drawn(frame, width_in=3.5, **options):
    with style():
        axes = Figure(figsize=(width_in, 2.5)).add_subplot()
    assert latency_fid(frame, axes, **options) is axes
    for check in (assert_nothing_collides, assert_legends_hide_no_data, assert_axes_of_numbers_have_units):
        check(axes.figure)
    return axes


def curves(axes):
    return [line for line in axes.lines if len(line.get_xdata()) > 1 and line.get_linewidth() > 1.0]


def legend(axes):
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_a_curve_is_the_mean_and_its_band_the_range_of_the_rounds_that_all_seeds_have():
    seeds = ([100.0, 60.0, 20.0], [120.0, 80.0], [170.0, 64.0])
    axes = drawn(frame_of({"a": (10.0, seeds)}))
    (curve,) = curves(axes)
    expected = [[0.0, np.mean([100, 120, 170])], [10.0, np.mean([60, 80, 64])]]
    np.testing.assert_allclose(curve.get_xydata(), expected)
    band = axes.collections[0].get_paths()[0].vertices
    for time_s, values in ((0.0, (100, 170)), (10.0, (60, 80))):
        at = band[band[:, 0] == time_s, 1]
        assert (at.min(), at.max()) == values
    assert "mean and range of 3 seeds" in legend(axes)


def test_the_legend_tells_how_many_seeds_series_have_where_they_differ():
    two, three = ([100.0, 60.0], [120.0, 80.0]), ([90.0, 50.0],) * 3
    both = frame_of({"a": (10.0, two), "b": (10.0, three)})
    assert "mean and range of 2 to 3 seeds" in legend(drawn(both))
    assert "mean and range of 1 to 2 seeds" in legend(
        drawn(frame_of({"a": (10.0, two), "c": (10.0, two[:1])}))
    )
    assert "mean and range of 2 seeds" in legend(drawn(both, grey={"b"}))


def test_one_seed_has_no_band_and_points_that_are_marked():
    axes = drawn(frame_of({"a": (10.0, ([100.0, 60.0],))}))
    assert not axes.collections
    assert curves(axes)[0].get_marker() == "o"
    assert legend(axes) == ["a", "untrained"]


def test_series_differ_in_more_than_their_colour():
    axes = drawn(frame_of({name: (10.0, ([100.0, 60.0],)) for name in "abcd"}))
    dashes = [str(line._dash_pattern) for line in curves(axes)]
    assert len(set(dashes)) == 4
    assert len({line.get_color() for line in curves(axes)}) == 4


def test_ends_are_named_with_the_last_value():
    axes = drawn(
        frame_of({"mnist": (10.0, ([100.0, 61.5],)), "glyphs": (10.0, ([90.0, 61.4],))}), name_ends=True
    )
    assert [text.get_text() for text in axes.texts] == ["mnist 61.5", "glyphs 61.4"]
    assert legend(axes) == ["untrained"]


@pytest.mark.parametrize(("slow_s", "scale"), [(299.0, "linear"), (301.0, "log")])
def test_the_time_axis_is_logarithmic_from_a_ratio_of_thirty(slow_s, scale):
    axes = drawn(frame_of({"fast": (10.0, ([100.0, 60.0, 40.0],)), "slow": (slow_s, ([100.0, 50.0, 30.0],))}))
    assert axes.get_xscale() == scale
    assert ("untrained" in legend(axes)) == (scale == "linear")
    low, high = axes.get_xlim()
    assert low <= min(t for line in curves(axes) for t in line.get_xdata() if t > 0)
    assert all(line.get_xdata()[-1] <= high for line in curves(axes))


def test_floors_of_their_own_have_their_series_colour_and_a_shared_one_is_grey():
    series = {"a": (10.0, ([100.0, 60.0],)), "b": (10.0, ([100.0, 50.0],))}
    floors = [
        [(line.get_ydata()[0], line.get_color()) for line in axes.lines if line.get_linewidth() < 1.0]
        for axes in (
            drawn(frame_of(series, {"a": 9.0, "b": 8.0})),
            drawn(frame_of(series, {"a": 9.0, "b": 9.0})),
        )
    ]
    colours = [line.get_color() for line in curves(drawn(frame_of(series)))]
    assert floors[0] == [(9.0, colours[0]), (8.0, colours[1])]
    assert floors[1] == [(9.0, GREY)]


def test_a_shared_floor_far_below_is_told_in_words():
    series = {"a": (10.0, ([100.0, 60.0],)), "b": (10.0, ([100.0, 50.0],))}
    near, far = (drawn(frame_of(series, {"a": floor, "b": floor})) for floor in (5.0, 4.9))
    assert far.get_title(loc="right") == "floor 4.90, far below"
    assert far.get_ylim()[0] > 40
    assert near.get_ylim()[0] < 5.0
    assert not near.get_title(loc="right")
    assert "floor: held-out real images" in legend(near)
    assert "floor: held-out real images" not in legend(far)


def test_series_without_names_are_light_and_counted():
    axes = drawn(frame_of({name: (10.0, ([100.0, 60.0],)) for name in "abc"}), grey={"b", "c"})
    assert legend(axes) == ["a", "2 others", "untrained"]
    assert [line.get_color() for line in axes.lines].count(LIGHT) == 2


def test_a_score_has_a_linear_axis_and_shows_zero():
    frame = frame_of({"a": (10.0, ([0.0, 3.0, 6.0],))})
    axes = drawn(frame, log_value=False, value_label="Generation score (1 to 10)")
    assert axes.get_yscale() == "linear"
    assert curves(axes)[0].get_ydata().tolist() == [0.0, 3.0, 6.0]
    assert curves(drawn(frame))[0].get_ydata().tolist() == [3.0, 6.0]  # what a logarithmic axis cannot show


@pytest.mark.parametrize("values", [[1.0, np.nan], [5.0], [1e-3, 1e6], [7.0, 7.0, 7.0]])
def test_odd_values_are_drawn(values):
    drawn(
        frame_of({"a": (1e-4, (values,)), "a name that goes on for longer than it should": (1e-4, (values,))})
    )


def test_what_cannot_be_drawn_is_refused():
    axes = Figure().add_subplot()
    with pytest.raises(
        ValueError, match="no column 'series'; needed: series, seed, round, sim_time_s, value"
    ):
        latency_fid(pd.DataFrame({"value": [1.0]}), axes)
    with pytest.raises(ValueError, match="no value can be drawn"):
        latency_fid(frame_of({"a": (1.0, ([np.nan, 0.0],))}), axes)


def test_in_a_notebook_the_legend_stands_above_the_axes():
    grid = Figure(figsize=(7, 3)).subplots(1, 2)
    latency_fid(frame_of({"a": (10.0, ([100.0, 60.0],))}), grid[1])
    assert [text.get_text() for text in grid[1].get_legend().get_texts()] == ["a", "untrained"]
    assert_legends_hide_no_data(grid[1].figure)
