"""An iteration device by device: lanes, the critical path as a line, and which devices are shown."""

import itertools

import numpy as np
import pandas as pd
import pytest
from figure_checks import (
    assert_axes_of_numbers_have_units,
    assert_legends_hide_no_data,
    assert_nothing_collides,
)
from matplotlib.figure import Figure

from analysis.figures.gantt import _LANES, critical_line, gantt, lanes_of, shown_devices
from analysis.plot_style import style

COLUMNS = ["device", "kind", "what", "start_s", "end_s", "on_critical_path"]


def iteration(*extra):
    """client-0 computes and sends to the server, which computes; client-1 waits after a shorter computation."""
    rows = [
        ("server", "transfer", "receive activation from client-0", 12.0, 15.0, True),
        ("server", "compute", "G core", 15.0, 16.0, True),
        ("client-0", "compute", "G head", 10.0, 12.0, True),
        ("client-0", "transfer", "send activation to server", 12.0, 15.0, True),
        ("client-1", "compute", "G head", 10.0, 11.0, False),
        ("client-1", "wait", "wait", 11.0, 16.0, False),
        *extra,
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def drawn(frame, size=(7.0, 2.0), **options):
    with style():
        axes = Figure(figsize=size).add_subplot()
    assert gantt(frame, axes, **options) is axes
    for check in (assert_nothing_collides, assert_legends_hide_no_data, assert_axes_of_numbers_have_units):
        check(axes.figure)
    return axes


def test_every_leg_is_a_bar_in_its_lane_from_the_iterations_beginning():
    axes = drawn(iteration())
    assert axes.get_xlabel() == "Time since the iteration began (s)"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["server", "client-0", "client-1"]
    bars = set()
    for collection in axes.collections:
        for path in collection.get_paths():
            (left, low), (right, high) = path.vertices.min(axis=0), path.vertices.max(axis=0)
            row = round((low + high) / 2)
            lane = next(
                name for name, (top, _, _) in _LANES.items() if top == pytest.approx(low - row, abs=1e-9)
            )
            bars.add((row, lane, left, right))
    assert bars == {
        (0, "receive", 2.0, 5.0),
        (0, "compute", 5.0, 6.0),
        (1, "compute", 0.0, 2.0),
        (1, "send", 2.0, 5.0),
        (2, "compute", 0.0, 1.0),
        (2, "wait", 1.0, 6.0),
    }


def test_lanes_of_a_row_do_not_touch_and_stay_in_it():
    edges = sorted((top, top + height) for name, (top, height, _) in _LANES.items() if name != "wait")
    assert all(before[1] < after[0] for before, after in itertools.pairwise(edges))
    assert edges[0][0] > -0.5
    assert edges[-1][1] < 0.5


def test_the_critical_path_goes_without_a_gap_from_the_beginning_to_the_end():
    table = iteration()
    table = table.assign(lane=lanes_of(table))
    x, y = critical_line(table, ["server", "client-0", "client-1"])
    assert x.tolist() == [10.0, 12.0, 12.0, 15.0, 15.0, 16.0]
    middle = {lane: top + height / 2 for lane, (top, height, _) in _LANES.items()}
    rows = [1 + middle["compute"]] * 2 + [1 + middle["send"]] * 2 + [middle["compute"]] * 2
    assert y.tolist() == pytest.approx(rows)


def test_a_leg_that_reaches_into_the_next_piece_does_not_turn_the_line_back():
    table = iteration(("client-1", "compute", "late", 11.5, 13.0, True))
    x, _ = critical_line(table.assign(lane=lanes_of(table)), ["server", "client-0", "client-1"])
    assert (np.diff(x) >= 0).all()


def test_of_many_devices_those_on_the_path_and_then_the_busiest_are_shown():
    more = [(f"client-{n}", "compute", "x", 10.0, 10.0 + 0.1 * n, n == 3) for n in range(2, 40)]
    table = iteration(*more)
    shown = shown_devices(table.assign(lane=lanes_of(table)), 5)
    assert shown == ["server", "client-0", "client-3", "client-38", "client-39"]
    axes = drawn(table, size=(7.0, 3.0), most_rows=5)
    assert axes.get_title(loc="left") == "5 of 41 devices: those on the critical path, then the busiest"


def test_a_path_through_hidden_devices_is_broken_not_misplaced():
    table = iteration()
    _, y = critical_line(table.assign(lane=lanes_of(table)), ["server"])
    assert np.isnan(y).tolist() == [True] * 4 + [False] * 2


def test_what_it_cannot_show_is_refused():
    with pytest.raises(ValueError, match="kind 'rest'; allowed: compute, transfer, wait"):
        gantt(iteration(("client-1", "rest", "", 0.0, 1.0, False)), Figure().add_subplot())
    with pytest.raises(ValueError, match="has no row"):
        gantt(iteration().iloc[:0], Figure().add_subplot())
