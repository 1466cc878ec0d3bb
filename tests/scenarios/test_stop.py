"""When a run ends early: the bounds of a target, and targets that no evaluation could reach."""

import pytest

from scenarios.load import load_scenario
from scenarios.messages import ScenarioError
from scenarios.schema import scenario_type
from scenarios.stop import TargetOptions

METRICS = ("fid", "generation_score")
CAS = ("cas_accuracy", "cas_f1")


@pytest.fixture
def read(folder, sections):
    """Load two clients, each of a domain of its own, with more lines."""
    kind = scenario_type(sections, METRICS, CAS)
    domains = "data: {domains: [{dataset: mnist5k}, {dataset: glyphs}]}\n"

    def scenario(text):
        whole = "devices: {clients: [{profile: paper-1, count: 2}]}\n" + domains + text
        (folder / "s.yaml").write_text(whole)
        return load_scenario("s.yaml", (), kind).scenario

    return scenario


@pytest.mark.parametrize(
    ("bound", "value", "reached"),
    [
        ({"below": 20}, 19.9, True),
        ({"below": 20}, 20.0, False),
        ({"below": 20}, 20.1, False),
        ({"below": -1}, 0.0, False),
        ({"above": 0.5}, 0.6, True),
        ({"above": 0.5}, 0.5, False),
        ({"above": 0}, -0.1, False),
    ],
)
def test_a_bound_itself_does_not_count(bound, value, reached):
    target = TargetOptions(metric="fid", **bound)
    assert target.is_reached({"a": {"fid": value}}) is reached


def test_every_domain_must_reach_it_unless_one_is_named():
    measured = {"a": {"fid": 10.0, "other": 99.0}, "b": {"fid": 30.0}}
    assert not TargetOptions(metric="fid", below=20).is_reached(measured)
    assert TargetOptions(metric="fid", below=31).is_reached(measured)
    assert TargetOptions(metric="fid", below=20, domain="a").is_reached(measured)
    assert not TargetOptions(metric="fid", below=20, domain="b").is_reached(measured)


def test_a_metric_that_was_not_measured_this_time_reaches_nothing():
    target = TargetOptions(metric="cas_f1", above=0.0)
    assert not target.is_reached({"a": {"fid": 1.0}})
    assert not target.is_reached({"a": {"cas_f1": 1.0}, "b": {"fid": 1.0}})


def test_left_out_it_is_null_and_given_it_is_in_seconds(read):
    assert read("").stop is None
    stop = read("stop: {sim_time: 2 h, target: {metric: fid, below: 20}}\n").stop
    assert (stop.sim_time, stop.target.below, stop.target.above, stop.target.domain) == (
        7200.0,
        20,
        None,
        None,
    )
    assert stop.model_dump(mode="json")["sim_time"] == "2 h"
    assert read("stop: {}\n").stop.model_dump() == {"sim_time": None, "target": None}


@pytest.mark.parametrize(
    "text",
    [
        "stop: {target: {metric: cas_f1, above: 0.5}}\nevaluation: {cas: {every: 2}}\n",
        "stop: {target: {metric: generation_score, above: 5}}\nevaluation: {metrics: [{name: generation_score}]}\n",
        "stop: {target: {metric: fid, below: 5, domain: glyphs}}\n",
    ],
)
def test_what_can_be_measured_can_be_waited_for(read, text):
    assert read(text).stop.target is not None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "stop: {sim_time: 0 s}\n",
            "s.yaml:3:18: stop.sim_time: '0 s' is zero; a time must be greater than 0",
        ),
        (
            "stop: {sim_time: -1 s}\n",
            "s.yaml:3:18: stop.sim_time: '-1 s' is negative; a time must be greater than 0",
        ),
        (
            "stop: {target: {metric: fid, below: .nan}}\n",
            "s.yaml:3:37: stop.target.below: .nan is not finite; allowed: a finite number",
        ),
        (
            "stop: {target: {metric: fid}}\n",
            "s.yaml:3:16: stop.target: neither below nor above; "
            "allowed: exactly one of them, such as {metric: fid, below: 20}",
        ),
        (
            "stop: {target: {metric: fid, below: 1, above: 0}}\n",
            "s.yaml:3:16: stop.target: both below and above; "
            "allowed: exactly one of them, such as {metric: fid, below: 20}",
        ),
        (
            "stop: {target: {metric: FID, below: 1}}\n",
            "s.yaml:3:25: stop.target.metric: 'FID'; allowed: fid, generation_score, cas_accuracy, cas_f1; "
            "did you mean 'fid'?",
        ),
        (
            "stop: {target: {metric: generation_score, above: 1}}\nevaluation: {metrics: [fid]}\n",
            "s.yaml:3:25: stop.target.metric: 'generation_score' is not among evaluation.metrics; allowed: fid",
        ),
        (
            "stop: {target: {metric: cas_f1, above: 1}}\n",
            "s.yaml:3:25: stop.target.metric: 'cas_f1' needs evaluation.cas, which is not given; "
            "allowed: fid, generation_score",
        ),
        (
            "stop: {target: {metric: cas_f1, above: 1}}\nevaluation: {cas: {every: last}}\n",
            "s.yaml:3:25: stop.target.metric: 'cas_f1' is measured after the last round alone "
            "(evaluation.cas.every); allowed: fid, generation_score",
        ),
        (
            "stop: {target: {metric: cas_fl, above: 1}}\nevaluation: {cas: {every: 1}}\n",
            "s.yaml:3:25: stop.target.metric: 'cas_fl'; allowed: fid, generation_score, cas_accuracy, cas_f1; "
            "did you mean 'cas_f1'?",
        ),
        (
            "stop: {target: {metric: fid, below: 1, domain: glyph}}\n",
            "s.yaml:3:48: stop.target.domain: no domain is named 'glyph'; allowed: mnist5k, glyphs; "
            "did you mean 'glyphs'?",
        ),
    ],
)
def test_a_target_that_cannot_be_is_refused(read, text, line):
    with pytest.raises(ScenarioError) as caught:
        read(text)
    assert str(caught.value) == line


def test_a_null_of_a_resolved_scenario_can_be_set_below(load):
    assert load("stop: null\n", "stop.sim_time=5 min").scenario.stop.sim_time == 300.0
    assert load("", "stop.sim_time=5 min").scenario.stop.sim_time == 300.0
