"""The `stop` section through the command: why a run ended, and targets that cannot be."""

import json

import pytest

from analysis.runs import load_run

QUICK = ("--set", "strategy.rounds=3", "--set", "evaluation.every_rounds=2")


@pytest.fixture
def run(hetedge, tiny, tmp_path, monkeypatch):
    """Run the tiny scenario without figures, the larger part of so short a run; return what was said and done."""
    monkeypatch.setattr("simulator.writing.FIGURES", {})

    def command(name, *overrides):
        settings = [part for one in overrides for part in ("--set", one)]
        done = hetedge("run", "tiny.yaml", "-o", name, *QUICK, *settings)
        assert done.code == 0, done.err
        return done, load_run(tmp_path / name)

    return command


def infos(run):
    evaluated = run.commits[run.commits["kind"] == "evaluate"]
    return [json.loads(info) for info in evaluated["info"]]


def test_a_run_ends_with_its_rounds_its_time_or_its_target(run):
    done, whole = run("whole")
    assert whole.summary["stopped_by"] == "rounds"
    assert "Ended with its last round (strategy.rounds)" in done.out
    round_s = whole.summary["simulated_s"] / 3

    done, timed = run("timed", f"stop.sim_time={1.5 * round_s} s")
    assert (timed.summary["stopped_by"], timed.summary["rounds"]) == ("sim_time", 2)
    assert "Ended with the round in which its simulated time was over (stop.sim_time)" in done.out
    assert infos(timed) == [{"round": -1, "last": 0}, {"round": 1, "last": 1}]

    # The first round is not evaluated by its number: it is where the run ends.
    _, early = run("early", f"stop.sim_time={0.5 * round_s} s")
    assert (early.summary["stopped_by"], early.summary["rounds"]) == ("sim_time", 1)
    assert set(early.metrics["metric"][early.metrics["round"] == 0]) >= {"fid", "cas_accuracy"}
    assert set(early.samples) == {(round_, domain) for round_ in (-1, 0) for domain in ("bars", "dots")}

    done, reached = run("reached", "stop={target: {metric: fid, below: 1e6}}")
    assert (reached.summary["stopped_by"], reached.summary["rounds"]) == ("target", 2)
    assert "Ended where its target was reached (stop.target)" in done.out
    assert infos(reached) == [{"round": -1, "last": 0}, {"round": 1, "last": 0}]
    assert json.loads(reached.commits["decision"].iloc[-1]) == {"clusters": [], "stop": True}
    assert set(reached.metrics["metric"][reached.metrics["round"] == 1]) >= {"fid", "cas_accuracy"}

    _, missed = run("missed", "stop={target: {metric: fid, below: 1e-6}}")
    assert missed.summary["stopped_by"] == "rounds"
    for learned in ("weights_sha256", "timeline_sha256", "training_key"):
        assert missed.summary[learned] == whole.summary[learned]


def test_time_alone_obeys_the_simulated_time_too(run):
    _, whole = run("whole", "execution.training=false")
    limit = f"stop.sim_time={whole.summary['simulated_s'] / 2} s"
    _, stopped = run("stopped", "execution.training=false", limit)
    assert (stopped.summary["stopped_by"], stopped.summary["rounds"]) == ("sim_time", 2)
    ends = whole.iterations["end_s"].tolist()
    assert stopped.iterations["end_s"].tolist() == ends[:2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "{sim_time: 0 h}",
            "stop.yaml:2:18: stop.sim_time: '0 h' is zero; a time must be greater than 0",
        ),
        ("{sim_time: 2}", "stop.yaml:2:18: stop.sim_time: 2 has no unit; write a quantity such as '5 ms'"),
        (
            "{target: {metric: fdi, below: 20}}",
            "stop.yaml:2:25: stop.target.metric: 'fdi'; allowed: fid, generation_score, cas_accuracy, "
            "cas_precision, cas_recall, cas_f1, cas_fpr; did you mean 'fid'?",
        ),
        (
            "{target: {metric: cas_accuracy, above: 0.5}}",
            "stop.yaml:2:25: stop.target.metric: 'cas_accuracy' needs evaluation.cas, which is not given; "
            "allowed: fid, generation_score",
        ),
        (
            "{target: {metric: fid, below: 20, domain: mnist}}",
            "stop.yaml:2:49: stop.target.domain: no domain is named 'mnist'; allowed: mnist5k; "
            "did you mean 'mnist5k'?",
        ),
        (
            "{after: 2 h}",
            "stop.yaml:2:8: stop.after: unknown key; allowed: sim_time, target",
        ),
    ],
)
@pytest.mark.parametrize("command", ["validate", "run", "latency"])
def test_wrong_stops_are_refused_by_every_command(hetedge, tmp_path, command, text, line):
    (tmp_path / "stop.yaml").write_text(
        f"devices: {{clients: [{{profile: paper-1, count: 2}}]}}\nstop: {text}\n"
    )
    done = hetedge(command, "stop.yaml")
    assert (done.code, done.out, done.lines) == (2, "", [line])


@pytest.mark.parametrize("name", ["resume", "verify"])
def test_a_planned_command_is_refused_as_such(hetedge, name):
    done = hetedge(name, "x", "--workers", "4")
    assert (done.code, done.out, len(done.lines)) == (2, "", 1)
    assert done.err.startswith(
        f"hetedge: command '{name}' is planned but not built yet; allowed: run, latency, "
    )
    assert done.lines[0].endswith("; see 'hetedge --help'")


def test_a_slip_of_a_command_is_told_the_nearest(hetedge):
    done = hetedge("lateny", "quickstart")
    assert (done.code, done.out) == (2, "")
    assert done.lines == ["hetedge: no such command 'lateny'. Did you mean 'latency'?; see 'hetedge --help'"]
