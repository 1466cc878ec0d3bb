"""What is wrong with the section on disturbances: each message literally, and where its files are looked for."""

import pytest

SLOW = "s.yaml:4:{}: disturbances.slowdown"
OUTAGE = "s.yaml:4:{}: disturbances.outages"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "disturbances: {slowdwn: {}}\n",
            [
                "s.yaml:4:16: disturbances.slowdwn: unknown key; "
                "allowed: slowdown, bandwidth, bandwidth_trace, outages; did you mean 'slowdown'?"
            ],
        ),
        (
            "disturbances: {slowdown: {mean_every: 5, mean_for: 30 s, factor: 1}}\n",
            [
                f"{SLOW.format(39)}.mean_every: 5 has no unit; write a quantity such as '5 ms'",
                f"{SLOW.format(66)}.factor: 1; allowed: a number of at least 0 and below 1",
            ],
        ),
        (
            "disturbances: {slowdown: {mean_every: 5 min, factor: 0.5}}\n",
            [f"{SLOW.format(26)}.mean_for: missing; required: text such as '30 s'"],
        ),
        (
            "disturbances: {slowdown: {mean_every: 0 s, mean_for: 1 s, factor: 0.5}}\n",
            [f"{SLOW.format(39)}.mean_every: '0 s' is zero; a time must be greater than 0"],
        ),
        (
            "disturbances: {bandwidth_trace: links.csv}\n",
            [
                "s.yaml:4:33: disturbances.bandwidth_trace: the text 'links.csv'; "
                "allowed: a map with the keys file, repeat"
            ],
        ),
        (
            "disturbances: {outages: {what: server, from: 1 s}}\n",
            [f"{OUTAGE.format(25)}: a map; allowed: a list"],
        ),
        (
            "disturbances: {outages: [{what: server, form: 5 s}]}\n",
            [
                f"{OUTAGE.format(26)}.0.from: missing; required: text such as '10 min'",
                f"{OUTAGE.format(41)}.0.form: unknown key; allowed: what, from, until; did you mean 'from'?",
            ],
        ),
        (
            "disturbances: {outages: [{what: 3, from: 5 s, until: 7}]}\n",
            [
                f"{OUTAGE.format(33)}.0.what: 3; allowed: text such as 'client-3'",
                f"{OUTAGE.format(54)}.0.until: 7 has no unit; write a quantity such as '5 ms'",
            ],
        ),
        (
            "disturbances: {outages: [{what: server, from: 5 s, until: 3 s}]}\n",
            [f"{OUTAGE.format(26)}.0: an outage from 5 s until 3 s; until must be later than from"],
        ),
    ],
)
def test_mistakes_in_disturbances(errors, text, lines):
    assert errors(text) == lines


def test_a_trace_counts_from_the_file_that_names_it(load, folder):
    text = "disturbances: {bandwidth_trace: {file: traces/links.csv}}\n"
    file = folder / "traces" / "links.csv"
    assert load(text).scenario.disturbances.bandwidth_trace.file == str(file)


def test_nothing_is_disturbed_unless_a_scenario_says_so(load):
    disturbances = load().scenario.disturbances
    assert disturbances.slowdown is disturbances.bandwidth is disturbances.bandwidth_trace is None
    assert disturbances.outages == ()
