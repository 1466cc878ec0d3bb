"""The timeline digest sees every simulated fact to the last bit, and nothing else."""

import math

import numpy as np
import pytest
from recorded_rounds import tables, write_run

from analysis.digests import timeline_digest
from analysis.runs import load_run


def digest_with(name, column, change):
    changed = tables()
    changed[name] = changed[name].assign(**{column: change(changed[name][column])})
    return timeline_digest(changed)


def test_equal_runs_have_equal_digests_also_when_read_back(tmp_path):
    run = load_run(write_run(tmp_path / "a").path)
    read = {name: getattr(run, name) for name in ("iterations", "devices", "transfers", "commits")}
    assert timeline_digest(read) == timeline_digest(tables()) == timeline_digest(tables())
    assert len(timeline_digest(read)) == 64


def next_float(series):
    values = series.to_numpy(copy=True)
    values[0] = np.nextafter(values[0], math.inf)
    return values


@pytest.mark.parametrize(
    ("name", "column", "change"),
    [
        ("iterations", "end_s", next_float),
        ("iterations", "forward_s", next_float),
        ("devices", "wait_s", next_float),
        ("transfers", "bytes", next_float),
        ("transfers", "start_s", lambda s: -s),
        ("transfers", "kind", lambda s: s.replace("gradient", "parameters")),
        ("transfers", "source", lambda s: s.iloc[::-1].to_numpy()),
        ("commits", "info", lambda s: s.str.replace("1", "2")),
    ],
)
def test_a_changed_fact_changes_the_digest(name, column, change):
    assert digest_with(name, column, change) != timeline_digest(tables())


@pytest.mark.parametrize(
    ("name", "column", "change"),
    [
        ("iterations", "generator_loss", lambda s: s + 1.0),
        ("iterations", "discriminator_loss", lambda s: s * math.nan),
        ("commits", "decision", lambda s: s + " "),
        ("metrics", "value", lambda s: s + 1.0),
        ("wallclock", "seconds", lambda s: s + 1.0),
    ],
)
def test_learned_values_and_real_time_do_not_change_the_digest(name, column, change):
    assert digest_with(name, column, change) == timeline_digest(tables())


def test_texts_are_not_confused_by_where_they_end():
    first, second = tables(), tables()
    first["commits"] = first["commits"].assign(kind=["ab"], passes=["c"])
    second["commits"] = second["commits"].assign(kind=["a"], passes=["bc"])
    assert timeline_digest(first) != timeline_digest(second)


def test_a_missing_table_is_an_error():
    incomplete = tables()
    del incomplete["commits"]
    with pytest.raises(KeyError, match="commits"):
        timeline_digest(incomplete)
