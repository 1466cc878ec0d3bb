"""What disturbed a run, in numbers and in words, from a device table written by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.disturbances import disturbance_lines, summarize_disturbances

COLUMNS = [
    "round",
    "device",
    "profile",
    "off_s",
    "elapsed_s",
    "lost_bytes",
    "work_flops",
    "lost_flops",
    "energy_j",
]
QUIET = [
    (0, "server", "paper-server", 0.0, 100.0, 0.0, 4e9, 0.0, 500.0),
    (0, "client-0", "paper-1", 0.0, 100.0, 0.0, 1e9, 0.0, 100.0),
    (0, "client-1", "paper-2", 0.0, 100.0, 0.0, 1e9, 0.0, 50.0),
]
DISTURBED = [
    (0, "server", "paper-server", 10.0, 100.0, 0.0, 4e9, 0.0, 500.0),
    (0, "client-0", "paper-1", 20.0, 100.0, 2e6, 1e9, 0.0, 100.0),
    (0, "client-1", "paper-2", 5.0, 100.0, 0.0, 1e9, 3e8, 50.0),
    (1, "server", "paper-server", 0.0, 100.0, 1e6, 4e9, 0.0, 500.0),
    (1, "client-0", "paper-1", 0.0, 100.0, 0.0, 1e9, 0.0, 100.0),
    (1, "client-1", "paper-2", 35.0, 100.0, 0.0, 1e9, 3e8, 50.0),
]


def facts(rows):
    return summarize_disturbances(pd.DataFrame(rows, columns=COLUMNS))


def text(rows, energy_j=300.0):
    return disturbance_lines(facts(rows) | {"energy_j": energy_j, "total_bytes": 30e6})


def test_the_numbers_by_hand():
    assert facts(DISTURBED) == {
        "clients_away": 2,
        "away_s": 60.0,
        "away_share": 0.15,
        "longest_away": {"device": "client-1", "profile": "paper-2", "off_s": 40.0},
        "lost_flops": 6e8,
        "lost_bytes": 3e6,
        "work_flops": 12e9,
        "server_energy_j": 1000.0,
    }


def test_the_words_line_by_line():
    assert text(DISTURBED) == [
        "Away        2 clients, for 15 % of all clients' time; longest client-1 (paper-2) for 40.0 s",
        "Lost work   600 MFLOP, 5.0 % of what was computed",
        "Lost bytes  3.00 MB, 10 % of what was sent",
        "Energy      300 J of all clients, 1.00 kJ of the server",
    ]


def test_an_undisturbed_run_says_nothing_of_it():
    assert text(QUIET) == []
    assert facts(QUIET)["longest_away"] is None
    assert disturbance_lines({"total_bytes": 1.0, "energy_j": 3.0}) == []  # the summary of an older run


@pytest.mark.parametrize(
    "what", [{"off_s": [0.0, 1.0, 0.0]}, {"lost_flops": [1e9, 0, 0]}, {"lost_bytes": [0, 1e6, 0]}]
)
def test_only_what_occurred_is_told(what):
    changed = pd.DataFrame(QUIET, columns=COLUMNS).assign(**what)
    lines = disturbance_lines(summarize_disturbances(changed) | {"energy_j": None, "total_bytes": 30e6})
    assert len(lines) == 2
    assert lines[1].endswith("500 J of the server")


def test_energy_that_nobody_states_is_not_told():
    unknown = [(*row[:-1], np.nan) for row in DISTURBED]
    assert facts(unknown)["server_energy_j"] is None
    assert not any(line.startswith("Energy") for line in text(unknown, energy_j=None))


def test_json_holds_them_also_where_nothing_was_played():
    for rows in (DISTURBED, QUIET, []):
        assert json.loads(json.dumps(facts(rows), allow_nan=False)) == facts(rows)
