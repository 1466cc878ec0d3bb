"""Functions of time: by hand, against numeric integration, and that no answer depends on what was asked before."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.time_functions import (
    Presence,
    Product,
    Repeated,
    Steps,
    alternating,
    during,
    merged,
    product,
    timeline,
)

# Full rate for 10 s, half for 10 s, nothing for 10 s, then double.
STEPS = ((0.0, 1.0), (10.0, 0.5), (20.0, 0.0), (30.0, 2.0))
GRID_S = 0.25


@pytest.mark.parametrize(
    ("time_s", "value", "next_s"),
    [
        (0, 1, 10),
        (9.999, 1, 10),
        (10, 0.5, 20),
        (20, 0, 30),
        (29, 0, 30),
        (30, 2, math.inf),
        (1e9, 2, math.inf),
    ],
)
def test_a_value_holds_from_its_step_on(time_s, value, next_s):
    steps = Steps(STEPS)
    assert (steps.value(time_s), steps.next_change_s(time_s)) == (value, next_s)


@pytest.mark.parametrize(
    ("start_s", "seconds", "end_s"),
    [
        (0, 5, 5),
        (0, 10, 10),  # done just when the rate falls
        (0, 12, 14),  # 10 s at 1, then 2 / 0.5
        (0, 15, 20),  # 10 + 5, done just when all stops
        (0, 16, 30.5),  # nothing from 20 s to 30 s, then 1 / 2
        (25, 4, 32),  # waits, then 4 / 2
        (20, 0, 20),  # no work takes no time, even where nothing goes on
        (40, 3, 41.5),
    ],
)
def test_work_ends_when_the_integral_says_so(start_s, seconds, end_s):
    assert Steps(STEPS).end_s(start_s, seconds) == end_s


def test_work_that_is_never_done_ends_never():
    stops = Steps([(0, 1), (5, 0)])
    assert stops.end_s(0, 5) == 5
    assert stops.end_s(0, 5.1) == math.inf
    assert stops.end_s(6, 1e-9) == math.inf


def test_at_full_rate_work_takes_its_time_to_the_last_bit():
    assert Steps([(0, 1), (100, 0.5)]).end_s(0.1, 0.2) == 0.1 + 0.2


def test_equal_neighbours_and_steps_without_length_are_no_steps():
    assert Steps([(0, 1), (2, 1), (3, 0), (3, 1), (4, 2)]).points == [(0, 1), (4, 2)]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([], "must be at 0 s"),
        ([(1, 1)], "must be at 0 s"),
        ([(0, 1), (3, 0), (2, 1)], "times must not fall"),
        ([(0, -1)], "0 or more"),
        ([(0, math.inf)], "finite"),
    ],
)
def test_steps_that_are_no_function_of_time_are_refused(points, words):
    with pytest.raises(ValueError, match=words):
        Steps(points)


@pytest.mark.parametrize("function", [Steps(STEPS), Repeated(STEPS, 40)])
@pytest.mark.parametrize("time_s", [-1e-9, math.inf, math.nan])
def test_only_times_from_zero_on_can_be_asked_about(function, time_s):
    with pytest.raises(ValueError, match="0 or more and finite"):
        function.value(time_s)


def test_repeated_by_hand():
    repeated = Repeated([(0, 1), (2, 0), (3, 1)], 5)  # nothing from 2 s to 3 s of every 5 s
    assert [repeated.value(time_s) for time_s in (0, 2, 3, 5, 6.9, 7, 8, 12.5)] == [1, 0, 1, 1, 1, 0, 1, 0]
    assert [repeated.next_change_s(time_s) for time_s in (0, 2, 3, 5, 8)] == [2, 3, 7, 7, 12]
    assert repeated.end_s(0, 4) == 5
    assert repeated.end_s(1, 6) == 9  # 1 s, 4 s (to 7 s), 1 s
    changes_as_it_begins = Repeated([(0, 1), (2, 0)], 5)
    assert [changes_as_it_begins.next_change_s(time_s) for time_s in (0, 2, 5, 6)] == [2, 5, 7, 7]


def test_a_step_at_the_end_of_a_period_is_none_and_one_behind_it_is_refused():
    assert Repeated([(0, 1), (5, 0)], 5).piece(7) == (1, math.inf)
    with pytest.raises(ValueError, match="before the period's end"):
        Repeated([(0, 1), (6, 0)], 5)


@pytest.mark.parametrize("period_s", [0.1, 1 / 3, 7.7, 86400.0])
@pytest.mark.parametrize("turn", [0, 1, 10**3, 10**9])
def test_however_late_every_change_comes_after_the_one_before(period_s, turn):
    repeated = Repeated([(0, 1), (period_s / 3, 0.5), (period_s / 1.5, 0)], period_s)
    time_s, values = turn * period_s, []
    for _ in range(300):
        value, until_s = repeated.piece(time_s)
        assert until_s > time_s
        assert repeated.piece(math.nextafter(until_s, 0)) == (value, until_s)
        values.append(value)
        time_s = until_s
    # Rounding may put the start a hair before the turn, but no step is passed over.
    assert set(pairwise(values)) == {(1, 0.5), (0.5, 0), (0, 1)}
    assert time_s == pytest.approx((turn + 100) * period_s, rel=1e-9)


def test_a_product_is_what_all_its_factors_leave():
    both = Product([Steps([(0, 1), (10, 0.5)]), Steps([(0, 1), (4, 0), (6, 0.2)])])
    assert [both.value(time_s) for time_s in (0, 4, 6, 10)] == [1, 0, 0.2, 0.1]
    assert both.end_s(0, 4.8) == 10  # 4 s at 1, 4 s at 0.2
    assert both.end_s(0, 5) == pytest.approx(12)


def test_a_product_with_an_endless_zero_ends_never_though_another_factor_changes_for_ever():
    spells = alternating(np.random.default_rng(0), (1.0, 0.5), (1, 1), first=0)
    stopped = Product([spells, Steps([(0, 1), (5, 0)])])
    assert stopped.end_s(0, 1000) == math.inf
    assert stopped.piece(6) == (0, math.inf)


def test_a_product_of_nothing_is_always_one():
    one = Steps(STEPS)
    assert product([]) is product([None, None]) is None
    assert product([None, one]) is one
    assert product([one, one]).value(10) == 0.25


def integral(function, start_s, end_s):
    """Midpoints of a grid on which all changes lie, and the piece of a cell that is left."""
    cells = int((end_s - start_s) // GRID_S)
    whole = sum(function.value(start_s + (cell + 0.5) * GRID_S) for cell in range(cells)) * GRID_S
    last_s = start_s + cells * GRID_S
    return whole + function.value(last_s) * (end_s - last_s)


on_grid = st.integers(1, 12).map(lambda cells: cells * GRID_S)
shares = st.one_of(st.just(0.0), st.just(1.0), st.floats(0.05, 3))
lengths = st.lists(st.tuples(on_grid, shares), min_size=1, max_size=6)


def function_of(pieces, repeats):
    ends = np.cumsum([length for length, _ in pieces]).tolist()
    points = list(zip([0, *ends[:-1]], [value for _, value in pieces], strict=True))
    return timeline(points, ends[-1] if repeats else None)


@given(pieces=lengths, repeats=st.booleans(), start=st.integers(0, 60), seconds=st.floats(0, 20))
def test_the_end_inverts_the_integral(pieces, repeats, start, seconds):
    function, start_s = function_of(pieces, repeats), start * GRID_S
    end_s = function.end_s(start_s, seconds)
    if math.isinf(end_s):
        assert integral(function, start_s, start_s + 500) < seconds + 1e-9
    else:
        assert integral(function, start_s, end_s) == pytest.approx(seconds, rel=1e-12, abs=1e-9)


@given(one=lengths, other=lengths, start=st.integers(0, 60), seconds=st.floats(0, 20))
def test_the_end_inverts_the_integral_of_a_product(one, other, start, seconds):
    function, start_s = Product([function_of(one, True), function_of(other, False)]), start * GRID_S
    end_s = function.end_s(start_s, seconds)
    if not math.isinf(end_s):
        assert integral(function, start_s, end_s) == pytest.approx(seconds, rel=1e-12, abs=1e-9)


@given(
    pieces=lengths,
    repeats=st.booleans(),
    start=st.floats(0, 30),
    seconds=st.floats(0, 20),
    more=st.floats(0, 20),
)
def test_who_begins_later_or_has_more_to_do_never_ends_earlier(pieces, repeats, start, seconds, more):
    function = function_of(pieces, repeats)
    end_s = function.end_s(start, seconds)
    assert end_s >= start
    assert function.end_s(start + more, seconds) >= end_s or math.isclose(
        function.end_s(start + more, seconds), end_s, rel_tol=1e-12
    )
    assert function.end_s(start, seconds + more) >= end_s


def drawn(seed=3):
    return alternating(np.random.default_rng(seed), (1.0, 0.25), (10, 3), first=0)


def test_drawn_spells_are_the_same_in_whatever_order_they_are_asked_about():
    times = np.random.default_rng(0).uniform(0, 5000, 500)
    forward, shuffled = drawn(), drawn()
    in_order = {time_s: forward.piece(time_s) for time_s in np.sort(times)}
    assert {time_s: shuffled.piece(time_s) for time_s in times} == in_order
    fresh = [(drawn().end_s(time_s, 40), forward.end_s(time_s, 40)) for time_s in times[:20]]
    assert all(one == other for one, other in fresh)


def test_drawn_spells_alternate_and_last_as_long_as_they_are_drawn():
    function, rng, time_s = drawn(), np.random.default_rng(3), 0.0
    for turn in range(50):
        value, until_s = function.piece(time_s)
        assert value == (1.0, 0.25)[turn % 2]
        time_s += rng.exponential((10, 3)[turn % 2])
        assert until_s == time_s


def test_spans_that_overlap_or_touch_are_one():
    assert merged([(5, 6), (0, 2), (2, 3), (1, 1.5), (8, math.inf)]) == [(0, 3), (5, 6), (8, math.inf)]
    assert during([(0, 2), (4, math.inf)], inside=0.0, outside=1.0) == [(0, 1), (0, 0), (2, 1), (4, 0)]


def there(*away):
    return Presence(Steps(during(away, inside=0.0, outside=1.0)))


def test_presence_by_hand():
    presence = there((10, 20), (30, 35))
    assert [presence.is_online(time_s) for time_s in (0, 10, 19, 20, 30, 35)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert [presence.leaves_s(time_s) for time_s in (0, 10, 15, 20, 35)] == [10, 10, 15, 30, math.inf]
    assert [presence.returns_s(time_s) for time_s in (0, 10, 15, 20, 34)] == [0, 20, 20, 20, 35]
    assert presence.absences(0, 100) == [(10, 20), (30, 35)]
    assert presence.absences(12, 32) == [(12, 20), (30, 32)]
    assert presence.absences(20, 30) == []
    assert presence.absences(10, 10) == []


def test_who_is_gone_for_good_never_returns():
    presence = there((5, math.inf))
    assert presence.returns_s(5) == math.inf
    assert presence.absences(0, 9) == [(5, 9)]
    assert presence.leaves_s(7) == 7


def test_absences_of_several_causes_run_together():
    spans = Product([Steps(during([span], 0.0, 1.0)) for span in ((5, 10), (10, 12), (11, 20), (30, 31))])
    assert Presence(spans).absences(0, 40) == [(5, 20), (30, 31)]


def test_absences_that_repeat():
    presence = Presence(Repeated(during([(4, 6)], 0.0, 1.0), 10))
    assert presence.absences(0, 30) == [(4, 6), (14, 16), (24, 26)]
    across = Presence(Repeated(during([(0, 1), (9, 10)], 0.0, 1.0), 10))
    assert across.absences(5, 30) == [(9, 11), (19, 21), (29, 30)]
