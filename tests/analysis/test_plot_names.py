"""Names cut to their room: those that differ still do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analysis.plot_labels import name_rows, short_names
from analysis.plot_style import style

LONG = "a value that goes on and on without any end or reason"


@given(st.lists(st.text("ab ,-", min_size=1, max_size=40), max_size=8), st.integers(12, 30))
def test_names_that_differ_still_do_and_have_their_room(names, most):
    short = short_names(names, most)
    assert len(set(short)) == len(set(names))
    assert [short[names.index(name)] for name in names] == short
    assert max(map(len, short), default=0) <= most


def test_names_with_room_are_left_as_they_are():
    assert short_names(["slow, 8", "slow, 16", LONG], 60) == ["slow, 8", "slow, 16", LONG]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        ([f"{LONG}, {n}, {LONG}" for n in (1, 20)], ["…, 1, …", "…, 20, …"]),
        ([f"{LONG} {n} {LONG}, x" for n in ("slow", "fast")], ["…slow…, x", "…fast…, x"]),
        ([f"{LONG} {n} {LONG}" for n in ("b, c", "d")], ["…b, c…", "…d…"]),
        (
            [f"{n}{LONG}{m}{LONG}{n}" for n in "ab" for m in "cd"],
            ["aa val…easona #1", "aa val…easona #2", "ba val…easonb #3", "ba val…easonb #4"],
        ),
    ],
)
def test_what_tells_names_apart_is_kept(names, short):
    assert short_names(names, 16) == short


def test_rows_of_a_narrow_figure_have_names_of_their_own():
    with style():
        axes = Figure(figsize=(3.5, 2.0)).add_subplot()
    name_rows(axes, [f"{LONG}, {n}, {LONG}" for n in range(4)], [1, 2, 30, 4])
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "…, 0, …",
        "…, 1, … (2)",
        "…, 2, … (30)",
        "…, 3, … (4)",
    ]
