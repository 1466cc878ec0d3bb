"""When clients are online, by each model."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from devices.availability import (
    AVAILABILITIES,
    AlwaysAvailable,
    DiurnalAvailable,
    OnOffAvailable,
    TraceAvailable,
)
from devices.condition_error import ConditionError
from devices.fleet import FleetOptions, build_fleet
from devices.names import Names
from devices.time_functions import Presence

DAY_S = 86400.0


def names(count=4):
    options = FleetOptions.model_validate({"clients": [{"profile": "paper-1", "count": count}]})
    return Names(build_fleet(options, np.random.default_rng(0)))


def draw(purpose, *numbers):
    return np.random.default_rng([*purpose.encode(), *numbers])


def presences(options, count=4, base_dir=None):
    of_client = options.online(names(count), draw, base_dir)
    return [Presence(of_client(client)) for client in range(count)]


def away_s(presence, until_s):
    return sum(end_s - start_s for start_s, end_s in presence.absences(0, until_s))


def test_every_model_bears_its_name_and_says_what_a_client_keeps():
    for name, options in AVAILABILITIES.items():
        assert options.model_fields["model"].default == name
        assert options.model_fields["rejoin"].default == "kept"


def test_always_is_the_default_and_takes_no_options_of_its_own():
    assert AlwaysAvailable().model == "always"
    assert AlwaysAvailable().online(names(), draw) is None
    with pytest.raises(ValidationError):
        AlwaysAvailable.model_validate({"model": "always", "rate": 1})
    with pytest.raises(ValidationError):
        AlwaysAvailable.model_validate({"model": "diurnal"})


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (OnOffAvailable, {"mean_on": 600}),
        (OnOffAvailable, {"mean_off": "0 s"}),
        (OnOffAvailable, {"starts": "offline"}),
        (OnOffAvailable, {"rejoin": "lost"}),
        (DiurnalAvailable, {"period": "0 h"}),
        (DiurnalAvailable, {"online_share": 0}),
        (DiurnalAvailable, {"online_share": 1}),
        (DiurnalAvailable, {"spread": 1.1}),
        (TraceAvailable, {}),
        (TraceAvailable, {"file": ""}),
        (TraceAvailable, {"file": "a.csv", "repeat": True}),
        (TraceAvailable, {"file": "a.csv", "others": "sometimes"}),
    ],
)
def test_options_that_mean_nothing_are_refused(model, options):
    with pytest.raises(ValidationError):
        model.model_validate(options)


def test_on_off_is_away_as_long_as_its_means_say():
    on_s, off_s, until_s, count = 600.0, 120.0, 5e5, 60
    fleet = presences(OnOffAvailable(mean_on="10 min", mean_off="2 min"), count)
    share = off_s / (on_s + off_s)
    # The memory of a process that alternates so fades within tau; all are online at first.
    tau_s = on_s * off_s / (on_s + off_s)
    expected_s = share * (until_s - tau_s * (1 - math.exp(-until_s / tau_s)))
    deviation_s = math.sqrt(2 * share * (1 - share) * tau_s * until_s / count)
    mean_s = np.mean([away_s(presence, until_s) for presence in fleet])
    assert abs(mean_s - expected_s) < 4 * deviation_s
    assert deviation_s < 0.02 * expected_s


def test_on_off_begins_online_or_as_at_any_later_moment():
    options = {"mean_on": "1 min", "mean_off": "3 min"}
    count = 2000
    online = presences(OnOffAvailable.model_validate(options), count)
    assert all(presence.is_online(0) for presence in online)
    settled = presences(OnOffAvailable.model_validate({**options, "starts": "stationary"}), count)
    there = sum(presence.is_online(0) for presence in settled)
    assert abs(there - count / 4) < 4 * math.sqrt(count * 0.25 * 0.75)


def test_clients_come_and_go_each_by_itself():
    first, second, *_ = (presence.absences(0, 1e4) for presence in presences(OnOffAvailable()))
    assert first != second


def test_diurnal_without_spread_by_hand():
    one, other, *_ = presences(DiurnalAvailable(online_share=0.25, spread=0.0))
    expected = [(0.25 * DAY_S, DAY_S), (1.25 * DAY_S, 2 * DAY_S)]
    assert one.absences(0, 2 * DAY_S) == other.absences(0, 2 * DAY_S) == expected


@pytest.mark.parametrize("spread", [0.2, 1.0])
def test_diurnal_clients_begin_somewhere_in_their_day(spread):
    share, count = 0.4, 200
    begun = [spread * draw("availability.diurnal", client).random() * DAY_S for client in range(count)]
    for presence, into_day_s in zip(
        presences(DiurnalAvailable(online_share=share, spread=spread), count), begun, strict=True
    ):
        online = into_day_s < share * DAY_S
        assert presence.is_online(0) == online
        change_s = presence.leaves_s(0) if online else presence.returns_s(0)
        assert change_s == pytest.approx(((share if online else 1) * DAY_S) - into_day_s)
        assert away_s(presence, 3 * DAY_S) == pytest.approx(3 * (1 - share) * DAY_S)


TRACE = "device,from_s,until_s\nclient-0,0,10\n1,5,20\nclient-0,15,30\n0,30,31\nclient-1,18,inf\n"


@pytest.fixture
def traced(tmp_path):
    def build(text, count=2, **options):
        (tmp_path / "online.csv").write_text(text)
        model = TraceAvailable.model_validate({"file": "online.csv", **options})
        return presences(model, count, tmp_path)

    return build


def test_a_trace_says_when_clients_are_online(traced):
    first, second = traced(TRACE)
    assert first.absences(0, 100) == [(10, 15), (31, 100)]
    assert second.absences(0, 100) == [(0, 5)]
    assert first.returns_s(31) == math.inf


def test_a_trace_may_repeat(traced):
    text = "device,from_s,until_s\n0,0,10\n0,15,20\n1,0,20\n"
    first, second = traced(text, repeat="20 s")
    assert first.absences(0, 50) == [(10, 15), (30, 35)]
    assert second.absences(0, 50) == []
    assert second.leaves_s(0) == math.inf


def test_clients_that_a_trace_does_not_name(traced, tmp_path):
    *_, never = traced(TRACE, 3, others="never")
    assert never.absences(0, 10) == [(0, 10)]
    options = TraceAvailable.model_validate({"file": "online.csv", "others": "always"})
    assert options.online(names(3), draw, tmp_path)(2) is None
    with pytest.raises(ConditionError, match="does not name client-2; name every client, or say others:"):
        traced(TRACE, 3)


@pytest.mark.parametrize(
    ("line", "options", "message"),
    [
        ("5,0,1", {}, "line 2: no client is named '5'; allowed: client-0 to client-1, or 0 to 1"),
        ("server,0,1", {}, "line 2: no client is named 'server'; allowed"),
        ("0,2,2", {}, "line 2: from 2 until 2; an end after the start"),
        ("0,2,1", {}, "line 2: from 2 until 1; an end after the start"),
        ("0,-2,1", {}, "line 2: from_s is '-2'; a number of 0 or more"),
        ("0,inf,inf", {}, "line 2: from_s is 'inf'; a number of 0 or more"),
        ("0,0,21", {"repeat": "20 s"}, "line 2: until_s is 21; at most 20, when the file repeats"),
        ("0,0,inf", {"repeat": "20 s"}, "line 2: until_s is 'inf'; a number of 0 or more"),
    ],
)
def test_a_wrong_line_of_a_trace_is_told(traced, line, options, message):
    with pytest.raises(ConditionError) as caught:
        traced(f"device,from_s,until_s\n{line}\n", **options)
    assert caught.value.key_path == "availability.file"
    assert message in str(caught.value)
