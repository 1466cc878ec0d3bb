"""Spells, link traces and outages: what the options allow, and what they make of devices and links."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from devices.condition_error import ConditionError
from devices.disturbances import DisturbanceOptions, LinkTraceOptions, OutageOptions, SpellOptions
from devices.fleet import FleetOptions, build_fleet
from devices.names import Names
from devices.profile import load_profile

SPELLS = {"mean_every": "5 min", "mean_for": "30 s", "factor": 0.3}


@pytest.fixture(scope="module")
def names():
    options = FleetOptions.model_validate({"clients": [{"profile": "paper-1", "count": 4}]})
    fleet = build_fleet(options, np.random.default_rng(0)).with_edges(load_profile("server-small"), 1)
    return Names(fleet, ["cell-0 up"])


def draw(purpose, *numbers):
    return np.random.default_rng([*purpose.encode(), *numbers])


@pytest.mark.parametrize(
    "options",
    [
        {"slowdown": {}},
        {"slowdown": {**SPELLS, "mean_for": 30}},
        {"slowdown": {**SPELLS, "mean_every": "0 s"}},
        {"slowdown": {**SPELLS, "factor": 1}},
        {"slowdown": {**SPELLS, "factor": -0.1}},
        {"bandwidth": {**SPELLS, "factor": "0.3"}},
        {"bandwidth": {**SPELLS, "factor": 1e-30}},
        {"bandwidth_trace": {}},
        {"outages": [{"what": "server"}]},
        {"outages": [{"from": "1 s"}]},
        {"outages": [{"what": "server", "from": 1}]},
        {"outages": [{"what": "", "from": "1 s"}]},
        {"outages": [{"what": "server", "from": "1 s", "until": "1 s"}]},
        {"outages": [{"what": "server", "from_s": "1 s"}]},
        {"slow": None},
    ],
)
def test_options_that_mean_nothing_are_refused(options):
    with pytest.raises(ValidationError):
        DisturbanceOptions.model_validate(options)


def test_a_spell_may_leave_nothing_or_a_millionth():
    for factor in (0.0, 1e-6):
        assert SpellOptions.model_validate({**SPELLS, "factor": factor}).factor == factor


def test_an_outage_ends_after_it_begins():
    with pytest.raises(
        ValidationError, match="an outage from 60 s until 30 s; until must be later than from"
    ):
        OutageOptions.model_validate({"what": "server", "from": "1 min", "until": "30 s"})


def test_options_survive_a_round_trip_through_text():
    options = DisturbanceOptions.model_validate(
        {
            "slowdown": SPELLS,
            "bandwidth": SPELLS,
            "bandwidth_trace": {"file": "a.csv", "repeat": "1 min"},
            "outages": [
                {"what": "link server up", "from": "0 s", "until": "12 min"},
                {"what": "server", "from": "1 h"},
            ],
        }
    )
    assert DisturbanceOptions.model_validate(options.model_dump(mode="json")) == options
    assert DisturbanceOptions.model_validate(options.model_dump()) == options
    assert options.model_dump(mode="json")["outages"][0] == {
        "what": "link server up",
        "from": "0 s",
        "until": "720 s",
    }


def test_spells_last_as_long_and_come_as_often_as_their_means_say():
    spells = SpellOptions.model_validate(SPELLS).of_clients("slowdown", draw)
    gaps, lengths = [], []
    for client in range(40):
        function, time_s = spells(client), 0.0
        for _ in range(50):
            begins_s = function.next_change_s(time_s)
            gaps.append(begins_s - time_s)
            time_s = function.next_change_s(begins_s)
            lengths.append(time_s - begins_s)
            assert function.value(begins_s) == 0.3
    # An exponential time deviates as much as it lasts on average.
    for drawn, mean_s in ((gaps, 300), (lengths, 30)):
        assert abs(np.mean(drawn) - mean_s) < 4 * mean_s / math.sqrt(len(drawn))


def test_kinds_of_spells_and_clients_draw_their_own():
    options = SpellOptions.model_validate(SPELLS)
    firsts = [options.of_clients(kind, draw)(client).piece(0)[1] for kind in ("a", "b") for client in (0, 1)]
    assert len(set(firsts)) == 4


@pytest.fixture
def traced(tmp_path, names):
    def build(*lines, **options):
        (tmp_path / "links.csv").write_text("\n".join(["link,time_s,factor", *lines]))
        return LinkTraceOptions.model_validate({"file": "links.csv", **options}).of_links(names, tmp_path)

    return build


def test_a_trace_of_links(traced):
    links = traced(
        "client-1,10,0.5", "client-1,20,2", "client-2 up,0,0", "cell-0 up,5,0.1", "edge-0 down,1,0"
    )
    assert set(links) == {"client-1 up", "client-1 down", "client-2 up", "cell-0 up", "edge-0 down"}
    for link in ("client-1 up", "client-1 down"):
        assert [links[link].value(time_s) for time_s in (0, 10, 19, 20, 1e6)] == [1, 0.5, 0.5, 2, 2]
    assert links["client-2 up"].piece(0) == (0, math.inf)
    assert [links["cell-0 up"].value(time_s) for time_s in (4, 5)] == [1, 0.1]


def test_a_trace_goes_from_a_millionth_to_a_million(traced):
    link = traced("server up,0,0.000001", "server up,1,0", "server up,2,1e6")["server up"]
    assert [link.value(time_s) for time_s in (0, 1, 2)] == [1e-6, 0, 1e6]


def test_a_trace_of_links_may_repeat(traced):
    link = traced("server up,2,0.5", "server up,4,1", repeat="10 s")["server up"]
    assert [link.value(time_s) for time_s in (0, 2, 4, 12, 14, 33)] == [1, 0.5, 1, 0.5, 1, 0.5]


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["client-9,0,1"], {}, "line 2: no link is named 'client-9'; allowed: cell-0 up, a device (server, "),
        (["client-0,0,x"], {}, "line 2: factor is 'x'; a number of 0 or more"),
        (["client-0,0,inf"], {}, "line 2: factor is 'inf'; a number of 0 or more"),
        (["client-0,0,1e-30"], {}, "line 2: factor is '1e-30'; 0, or a number from 1e-06 to 1000000"),
        (["client-0,0,1", "client-0,1,1e40"], {}, "line 3: factor is '1e40'; 0, or a number from 1e-06 to"),
        (["client-0,-1,1"], {}, "line 2: time_s is '-1'; a number of 0 or more"),
        (
            ["client-0 up,5,1", "client-0 up,5,0"],
            {},
            "line 3: client-0 up at 5 s, after it was at 5 s; the lines",
        ),
        (
            ["client-0 up,5,1", "client-0,4,0"],
            {},
            "line 3: client-0 up at 4 s, after it was at 5 s; the lines of",
        ),
        (
            ["client-0 up,0,1", "client-0 up,0,0"],
            {},
            "line 3: client-0 up at 0 s, after it was at 0 s; the lines",
        ),
        (["client-0,10,1"], {"repeat": "10 s"}, "line 2: time_s is 10; less than 10, when the file repeats"),
    ],
)
def test_a_wrong_line_of_a_trace_is_told(traced, lines, options, message):
    with pytest.raises(ConditionError) as caught:
        traced(*lines, **options)
    assert caught.value.key_path == "disturbances.bandwidth_trace.file"
    assert message in str(caught.value)


def outages(*listed):
    return DisturbanceOptions.model_validate(
        {"outages": [dict(zip(("what", "from", "until"), one, strict=False)) for one in listed]}
    )


def test_outages_of_devices_and_of_links_are_told_apart(names):
    options = outages(("client-1", "10 s", "20 s"), ("link client-1", "5 s", "6 s"), ("server", "1 min"))
    away, links = options.device_outages(names), options.link_outages(names)
    assert set(away) == {1, -1}
    assert set(links) == {"client-1 up", "client-1 down"}
    assert [away[1].value(time_s) for time_s in (9, 10, 19, 20)] == [1, 0, 0, 1]
    assert away[-1].piece(60) == (0, math.inf)
    assert [links["client-1 up"].value(time_s) for time_s in (0, 5, 6)] == [1, 0, 1]


def test_outages_of_the_same_thing_run_together(names):
    options = outages(("edge-0", "15 s", "30 s"), ("edge-0", "10 s", "20 s"), ("edge-0", "30 s", "31 s"))
    assert options.device_outages(names)[4].piece(10) == (0, 31)


@pytest.mark.parametrize(
    ("what", "came"),
    [
        ("clinet-1", "no device is named 'clinet-1'"),
        ("cell-0 up", "no device is named 'cell-0 up'"),
        ("link cell-1 up", "no link is named 'cell-1 up'"),
        ("link", "no device is named 'link'"),
    ],
)
def test_an_outage_of_nothing_names_its_key(names, what, came):
    options = outages(("server", "1 s"), (what, "1 s"))
    with pytest.raises(ConditionError) as caught:
        _ = options.device_outages(names), options.link_outages(names)
    assert caught.value.key_path == "disturbances.outages.1.what"
    assert caught.value.came == came
    assert caught.value.allowed.startswith("allowed: ")
