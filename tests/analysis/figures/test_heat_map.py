"""The heat map: what cells hold, what is hatched, and numbers that can be read."""

import itertools

import numpy as np
import pandas as pd
import pytest
from figure_checks import assert_axes_of_numbers_have_units, assert_nothing_collides, lightness
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.figures.heat_map import COLOURS, cell_means, heat_map
from analysis.plot_style import style


def drawn(frame, size=(3.5, 2.4), value="iteration_latency_s"):
    with style():
        axes = Figure(figsize=size).add_subplot()
    assert heat_map(frame, axes, rows="mix", columns="width", value=value) is axes
    assert_nothing_collides(axes.figure)
    assert_axes_of_numbers_have_units(axes.figure)
    return axes


def grid(values, columns=None):
    """A frame of ``values`` [rows, columns]."""
    columns = columns or [8 * (number + 1) for number in range(np.shape(values)[1])]
    facts = [
        (f"mix {row}", columns[column], value)
        for row, line in enumerate(values)
        for column, value in enumerate(line)
    ]
    return pd.DataFrame(facts, columns=["mix", "width", "iteration_latency_s"])


def test_a_cell_is_the_mean_of_its_rows_in_the_unit_of_the_colour_bar():
    frame = pd.concat([grid([[60.0, 600.0]]), grid([[180.0, 600.0]])])
    axes = drawn(frame)
    assert axes.images[0].get_array().tolist() == [[2.0, 10.0]]
    assert [text.get_text() for text in axes.texts] == ["2.00", "10.0"]
    assert axes.figure.axes[1].get_ylabel().replace("\n", " ") == "Mean latency of an iteration (min)"
    assert axes.get_xlabel() == "width\n(as in the scenario)"
    assert axes.get_ylabel() == "mix"


def test_numbers_are_sorted_and_texts_keep_their_order():
    frame = pd.DataFrame(
        {"mix": ["b", "a", "b"], "width": [32, 8, 16], "iteration_latency_s": [1.0, 2.0, 3.0]}
    )
    cells = cell_means(frame, "mix", "width", "iteration_latency_s")
    assert cells.columns.tolist() == [8, 16, 32]
    assert cells.index.tolist() == ["b", "a"]
    assert cells.loc["b"].tolist()[1:] == [3.0, 1.0]


def test_a_cell_without_a_value_shows_the_hatched_ground():
    axes = drawn(grid([[1.0, np.nan], [2.0, 3.0]]))
    assert axes.images[0].get_array().mask.tolist() == [[False, True], [False, False]]
    assert axes.patch.get_hatch()
    assert [text.get_text() for text in axes.texts] == ["1.00", "", "2.00", "3.00"]
    with pytest.raises(ValueError, match="no cell has a finite iteration_latency_s"):
        heat_map(
            grid([[np.nan]]), Figure().add_subplot(), rows="mix", columns="width", value="iteration_latency_s"
        )


@pytest.mark.parametrize(("largest", "logarithmic"), [(30.0, False), (31.0, True)])
def test_colours_are_logarithmic_from_a_ratio_of_thirty(largest, logarithmic):
    image = drawn(grid([[1.0, largest]])).images[0]
    assert isinstance(image.norm, LogNorm) == logarithmic


def test_every_number_stands_out_from_its_cell():
    axes = drawn(grid([np.linspace(1.0, 2.0, 12)]), size=(7.0, 2.4))
    image = axes.images[0]
    for text, value in zip(axes.texts, np.asarray(image.get_array()).ravel(), strict=True):
        ground = lightness(image.cmap(image.norm(value)))
        assert abs(lightness(text.get_color()) - ground) > 30, value


def test_the_map_rises_in_lightness_alone():
    light = [lightness(colour) for colour in colormaps[COLOURS](np.linspace(0.0, 1.0, 64))]
    assert (np.diff(light) > 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (16, 12), (40, 60)])
def test_names_keep_clear_of_each_other(shape):
    values = np.arange(np.prod(shape)).reshape(shape) + 1.0
    names = [f"column number {number}" for number in range(shape[1])]
    axes = drawn(grid(values, names), size=(7.0, 4.0))
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    starts = [box.x1 for box in boxes]
    assert all(after - before > 8 for before, after in itertools.pairwise(starts))
    assert bool(axes.texts) == (shape != (40, 60))


def test_a_single_value_is_drawn_whatever_it_is():
    for value in (0.0, 5.0, -3.0):
        assert drawn(grid([[value]])).images[0].get_array().tolist() == [[value]]


def half_known(names=("a", "b"), unknown=1):
    """Two runs a cell; of the first ``unknown`` cells of the first row one has no value."""
    first = grid([[600.0] * len(names), [1200.0] * len(names)], list(names))
    second = first.assign(iteration_latency_s=np.where(first.index < unknown, np.nan, 600.0))
    return pd.concat([first, second])


def test_a_mean_over_some_runs_alone_says_over_how_many():
    axes = drawn(half_known())
    assert [text.get_text() for text in axes.texts] == ["10.0 (1/2)", "10.0", "15.0", "15.0"]
    assert axes.get_title(loc="left") == "(1/2): 1 of 2 runs has a value"
    assert "runs" not in drawn(half_known(unknown=0)).get_title(loc="left")


def test_in_narrow_cells_the_count_stands_below_the_number():
    axes = drawn(half_known([f"c{number}" for number in range(5)]))
    assert axes.texts[0].get_text() == "10.0\n(1/2)"


def test_where_there_is_no_room_half_of_the_cell_is_hatched():
    axes = drawn(half_known([f"c{number}" for number in range(40)], unknown=2))
    halves = [patch.get_xy()[:3].mean(axis=0).round() for patch in axes.patches]
    assert [place.tolist() for place in halves] == [[0.0, 0.0], [1.0, 0.0]]
    assert all(patch.get_hatch() for patch in axes.patches)
    assert axes.get_title(loc="left") == "half hatched: not all runs have a value"
