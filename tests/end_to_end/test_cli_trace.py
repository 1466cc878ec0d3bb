"""`trace.json` as the commands leave it, and how a window that cannot be shown is refused."""

import json
import logging

import pytest
from trace_rules import check, load

from analysis.runs import load_run
from analysis.trace import gantt_frame, read_trace
from simulator.event_file import NAME

ELSEWHERE = ("--set", "devices.clients.0.profile=jetson-nano")
UNTRAINED = ("--set", "execution.training=false")


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch):
    """The larger part of so short a command."""
    monkeypatch.setattr("simulator.writing.FIGURES", ())


def test_a_run_that_was_trained_leaves_a_trace(tiny_run):
    trace = load(tiny_run.folder / "trace.json")
    check(trace)
    run = load_run(tiny_run.folder)
    shown = trace["otherData"]["window"]["iterations"]
    assert [one["iteration"] for one in shown] == [0, 1] == run.iterations["iteration"].tolist()
    legs = read_trace(tiny_run.folder)
    sent = legs[legs["kind"] == "transfer"]
    # Two rounds of one iteration: the whole run.
    assert sent["bytes"].sum() == pytest.approx(run.transfers["bytes"].sum(), rel=1e-12)
    assert legs["flops"].sum() == pytest.approx(run.devices["work_flops"].sum(), rel=1e-12)
    losses = [
        [event["args"][f"{name}_loss"] for event in trace["traceEvents"] if event.get("cat") == "iteration"]
        for name in ("discriminator", "generator")
    ]
    assert losses == [run.iterations[f"{name}_loss"].tolist() for name in ("discriminator", "generator")]
    kinds = [event["name"] for event in trace["traceEvents"] if event["ph"] == "i"]
    assert kinds == run.commits["kind"].tolist()


def test_a_retimed_run_leaves_one_of_its_own_times(hetedge, tiny_run, tmp_path):
    done = hetedge("retime", tiny_run.folder, "-o", "other", *ELSEWHERE, "--set", "trace.first_iteration=1")
    assert done.code == 0, done.err
    check(load(tmp_path / "other" / "trace.json"))
    run, rows = load_run(tmp_path / "other"), gantt_frame(tmp_path / "other", 1)
    assert rows["end_s"].max() == pytest.approx(run.iterations["end_s"].iloc[1], abs=2e-9)
    assert set(read_trace(tmp_path / "other")["iteration"]) == {1}


def test_a_run_retimed_on_its_own_fleet_leaves_the_same_bytes(hetedge, tiny_run, tmp_path):
    assert hetedge("retime", tiny_run.folder, "-o", "same").code == 0
    assert (tmp_path / "same" / "trace.json").read_bytes() == (tiny_run.folder / "trace.json").read_bytes()


def test_a_run_without_training_and_with_sums_alone_leaves_one(hetedge, tmp_path):
    done = hetedge(
        "run", "quickstart", "-o", "run", *UNTRAINED, "--set", "records=summary", "--set", "strategy.rounds=1"
    )
    assert done.code == 0, done.err
    trace = load(tmp_path / "run" / "trace.json")
    check(trace)
    assert len(read_trace(tmp_path / "run")) > 100


def test_none_is_left_where_none_is_asked_for_or_the_fleet_is_large(hetedge, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)  # as the command itself does, where nobody else has set it
    one_round = (*UNTRAINED, "--set", "strategy.rounds=1")
    assert hetedge("run", "quickstart", "-o", "none", *one_round, "--set", "trace.iterations=0").code == 0
    assert not (tmp_path / "none" / "trace.json").exists()
    monkeypatch.setattr("scenarios.schema.MOST_TRACED_DEVICES", 8)
    assert hetedge("run", "quickstart", "-o", "large", *one_round).code == 0
    assert not (tmp_path / "large" / "trace.json").exists()
    log = (tmp_path / "large" / "run.log").read_text()
    assert "no trace: there are 9 devices; trace.iterations asks for one" in log
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("none", "large")]
    assert summaries[0]["timeline_sha256"] == summaries[1]["timeline_sha256"]
    assert hetedge("run", "quickstart", "-o", "asked", *one_round, "--set", "trace.iterations=1").code == 0
    check(load(tmp_path / "asked" / "trace.json"))


@pytest.mark.parametrize("command", ["validate", "run"])
@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("trace.first_iteration=30", "trace.first_iteration: 30, and the run has 30 iterations; allowed here: 0 to 29"),
        ("trace.first_iteration=-1", "trace.first_iteration: -1; allowed: a whole number of at least 0"),
        ("trace.iterations=-1", "trace.iterations: -1; allowed: a whole number of at least 0"),
        ("trace.iteratons=1",
         "trace.iteratons: unknown key; allowed: first_iteration, iterations; did you mean 'iterations'?"),
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_is_refused_in_one_line(hetedge, command, given, line):
    rounds = ("--set", "strategy.rounds=3", "--set", "strategy.steps_per_round=10")
    done = hetedge(command, "quickstart", *UNTRAINED, *rounds, "--set", given)
    assert (done.code, done.out) == (2, "")
    (told,) = done.lines
    assert told.endswith(line)


def test_tensorboard_is_an_option_of_the_command(hetedge, tmp_path):
    short = ("--set", "strategy.rounds=1", "--set", "strategy.steps_per_round=2", *UNTRAINED)
    done = hetedge("run", "quickstart", "-o", "run", "--tensorboard", *short)
    assert done.code == 0, done.err
    assert [path.name for path in (tmp_path / "run" / "tensorboard").iterdir()] == [NAME]


def test_tensorboard_without_its_extra_is_refused_before_anything_is_done(hetedge, tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.tensorboard.find_spec", lambda name: None)
    done = hetedge("run", "quickstart", "-o", "run", "--tensorboard")
    assert (done.code, done.out) == (2, "")
    line = "--tensorboard needs TensorBoard, which is not installed: pip install 'hetedge[tracking]'"
    assert done.lines == [line]
    assert not (tmp_path / "run").exists()
