"""How many clients are there: the numbers behind the figure, and the figure's curves."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from figure_checks import assert_nothing_collides

from analysis.plot_presence import clients_there, presence
from analysis.plot_style import MissingDataError


def run_of(off_s, name="run", elapsed_s=10.0):
    """Two clients and a server; ``off_s``: of each round the seconds that either client is away."""
    rows = [
        {"round": number, "device": device, "elapsed_s": elapsed_s * (number + 1), "off_s": away_s}
        for number, both in enumerate(off_s)
        for device, away_s in zip(("server", "client-0", "client-1"), (0.0, *both), strict=True)
    ]
    return SimpleNamespace(devices=pd.DataFrame(rows), scenario={"name": name}, path=Path(name))


def test_the_mean_number_there_counts_clients_alone():
    table = clients_there(run_of([(0.0, 0.0), (20.0, 5.0)]).devices)
    assert table["end_s"].tolist() == [10.0, 30.0]
    assert table["clients"].tolist() == [2, 2]
    assert table["there"].tolist() == [2.0, pytest.approx(0.75)]


def test_a_round_that_takes_no_time_has_everybody():
    assert clients_there(run_of([(0.0, 0.0)], elapsed_s=0.0).devices)["there"].tolist() == [2.0]


def test_each_run_is_a_step_curve_over_its_rounds():
    (axes,) = presence([run_of([(0.0, 0.0), (20.0, 5.0)], "a"), run_of([(10.0, 0.0)], "b")]).axes
    curves = [patch.get_data() for patch in axes.patches]
    assert [curve.values.tolist() for curve in curves] == [[2.0, pytest.approx(0.75)], [1.0]]
    assert [curve.edges.tolist() for curve in curves] == [[0.0, 10.0, 30.0], [0.0, 10.0]]
    assert axes.get_xlabel() == "Simulated time (s)"
    assert axes.get_ylabel() == "Clients there (number)"
    assert_nothing_collides(axes.figure)


def test_where_nobody_was_away_there_is_nothing_to_show():
    with pytest.raises(MissingDataError, match="nobody was away"):
        presence([run_of([(0.0, 0.0)])])
