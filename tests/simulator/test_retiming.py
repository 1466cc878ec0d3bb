"""Retiming: a finished run on another fleet is, to the last bit, the run that would have been trained there."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest
from retimed import TinyRuns, copied
from tiny_run import environment

from analysis.digests import timeline_digest
from analysis.runs import RunError, RunFolder, load_run
from scenarios.messages import ScenarioError
from simulator import recorded, registry
from simulator.commits import training_key
from simulator.recorded import NotRecordedError
from simulator.strategies.huscf_gan.options import HuscfGanOptions

SLOW = "devices.clients=[{profile: jetson-nano, uplink: 1 MB/s}, {profile: phone-2019, count: 3, latency: 40 ms}]"
OTHER_FLEETS = {
    "other devices and links": (SLOW,),
    "another order, records in summary": ("devices.order=shuffled", "seed=0", "records=summary"),
    "the authors' formula": (SLOW, "cost_model=paper", "network.model=paper"),
}
TABLES = ("metrics", "iterations", "devices", "transfers", "commits", "cuts")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return TinyRuns(tmp_path_factory.mktemp("retiming"))


@pytest.fixture(scope="module")
def trained(runs):
    return runs.train("trained")


def assert_equal_to_the_last_bit(retimed, fresh):
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(retimed, name), getattr(fresh, name), check_exact=True)
    for file in ("metrics.parquet", "iterations.parquet", "commits.parquet", "cuts.csv"):
        assert (retimed.path / file).read_bytes() == (fresh.path / file).read_bytes(), file
    assert retimed.samples.keys() == fresh.samples.keys()
    assert len(fresh.samples)
    for place, picture in fresh.samples.items():
        assert retimed.samples[place].read_bytes() == picture.read_bytes(), place
    assert retimed.scenario == fresh.scenario
    summary = dict(retimed.summary)
    del summary["retimed_from"]
    assert summary == fresh.summary


@pytest.mark.parametrize("fleet", OTHER_FLEETS)
def test_a_retimed_run_equals_a_fresh_run_of_its_own_scenario(runs, trained, fleet):
    retimed = runs.retime(trained, f"retimed {fleet}", *OTHER_FLEETS[fleet])
    fresh = runs.train(f"fresh {fleet}", scenario=retimed.path / "scenario.yaml")
    assert_equal_to_the_last_bit(retimed, fresh)
    # Not by standing still: the time is another, the training the same.
    assert retimed.summary["timeline_sha256"] != trained.summary["timeline_sha256"]
    assert retimed.summary["weights_sha256"] == trained.summary["weights_sha256"]
    assert retimed.summary["training_key"] == trained.summary["training_key"]


def test_what_was_learned_comes_at_another_time(runs, trained):
    retimed = runs.retime(trained, "later", SLOW)
    learned = ["round", "domain", "metric", "value"]
    pd.testing.assert_frame_equal(retimed.metrics[learned], trained.metrics[learned], check_exact=True)
    after = trained.metrics["round"] >= 0
    assert (retimed.metrics["sim_time_s"][after] > trained.metrics["sim_time_s"][after]).all()
    ends = retimed.iterations["end_s"] + retimed.iterations["aggregation_s"]
    assert retimed.metrics["sim_time_s"].max() == pytest.approx(ends.max(), rel=1e-12)
    losses = ["discriminator_loss", "generator_loss"]
    pd.testing.assert_frame_equal(retimed.iterations[losses], trained.iterations[losses], check_exact=True)


def test_a_retimed_run_says_where_it_comes_from_and_can_be_retimed_again(runs, trained):
    once = runs.retime(trained, "once", SLOW)
    origin = {"folder": "trained", "training_key": trained.summary["training_key"]}
    assert once.summary["retimed_from"] == once.environment["retimed_from"] == origin
    assert once.environment["data_sha256"] == trained.environment["data_sha256"]
    assert once.environment["packages"] == trained.environment["packages"]
    assert "torch" in once.environment["retimed_with"]["packages"]
    tables = {name: getattr(once, name) for name in ("iterations", "devices", "transfers", "commits")}
    assert timeline_digest(tables) == once.summary["timeline_sha256"]
    back = runs.retime(once, "back", f"devices={json.dumps(trained.scenario['devices'])}")
    assert back.summary["timeline_sha256"] == trained.summary["timeline_sha256"]
    assert back.summary["retimed_from"]["folder"] == "once"


def test_the_trained_cuts_are_stated_unless_others_are_given(runs, trained):
    rows = trained.cuts[["g_head", "g_tail", "d_head", "d_tail"]].values.tolist()
    assert trained.scenario["cuts"]["selector"] == "greedy"
    kept = runs.retime(trained, "cuts kept", SLOW)
    assert (kept.scenario["cuts"]["selector"], kept.scenario["cuts"]["per_client"]) == ("fixed", rows)
    # On the same fleet the selector answers the same.
    found = runs.retime(trained, "cuts found", "cuts.selector=greedy")
    assert found.summary["cut_selector"] == "greedy"
    assert found.summary["timeline_sha256"] == trained.summary["timeline_sha256"]
    other = [[2, 2, 2, 2] if row != [2, 2, 2, 2] else [1, 1, 1, 1] for row in rows]
    with pytest.raises(ScenarioError) as caught:
        runs.retime(trained, "other cuts", f"cuts={{selector: fixed, per_client: {other}}}")
    assert str(caught.value).endswith(
        f"cuts: client 0 is cut {other[0]}; allowed: {rows[0]}, as the run was trained"
    )


def test_limits_and_objective_of_the_run_are_kept_and_keep_their_place(runs):
    limited = runs.train("limited", "cuts.limits.latency=1 h", "cuts.objective.server_s=0.5")
    kept = runs.retime(limited, "limited retimed", SLOW)
    assert kept.scenario["cuts"]["limits"]["latency"] == "1 h"
    assert kept.scenario["cuts"]["objective"]["server_s"] == 0.5
    with pytest.raises(ScenarioError) as caught:
        runs.retime(limited, "refused", "devices.clients.0.uplink=1 B/s")
    text = (limited.path / "scenario.yaml").read_text().splitlines()
    line = next(number for number, one in enumerate(text, 1) if "latency: 1 h" in one)
    assert str(caught.value).startswith(f"{limited.path / 'scenario.yaml'}:{line}:")
    assert ": cuts.limits.latency: an iteration takes " in str(caught.value)
    assert not (runs.folder / "refused").exists()


def test_what_the_run_left_to_its_default_is_still_marked_so(runs, trained):
    def marks(run):
        loaded = registry.load(str(run.path / "scenario.yaml"))
        lines = (run.path / "scenario.yaml").read_text().splitlines()
        told = {key: lines[at.line - 1].rpartition(" # ")[2] for key, at in loaded.locations.items()}
        return {key: mark for key, mark in told.items() if mark in ("given", "default")}

    before, after = marks(trained), marks(runs.retime(trained, "marked", SLOW, "records=summary"))
    assert (before["strategy.rounds"], before["seed"], before["records"]) == ("given", "default", "default")
    assert (after["strategy.rounds"], after["seed"], after["records"]) == ("given", "default", "given")
    assert (after["cuts.selector"], after["cuts.per_client.0"]) == ("given", "given")
    assert (after["cuts.limits.latency"], after["cuts.objective.latency_s"]) == ("default", "default")
    assert after["devices.clients.0.uplink"] == "given"


def test_a_run_that_reached_its_target_reaches_it_on_every_fleet(runs):
    stopped = runs.train("target", "strategy.rounds=4", "stop={target: {metric: fid, below: 1e6}}")
    assert (stopped.summary["stopped_by"], stopped.summary["rounds"]) == ("target", 1)
    retimed = runs.retime(stopped, "target retimed", SLOW)
    assert_equal_to_the_last_bit(retimed, runs.train("target fresh", scenario=retimed.path / "scenario.yaml"))
    assert retimed.summary["stopped_by"] == "target"
    # The same round, known beforehand to be the last, is another training.
    for key, override, way in (
        ("strategy.rounds", "strategy.rounds=1", "its number of rounds"),
        ("stop.sim_time", "stop.sim_time=1 ms", "its simulated time"),
    ):
        with pytest.raises(ScenarioError) as caught:
            runs.retime(stopped, "refused", override)
        assert str(caught.value).endswith(
            f"{key}: on this fleet the run would end with round 0 by {way}; allowed: by its target, as the run was "
            "trained (strategy.rounds=4, stop.sim_time=null)"
        )


def test_a_target_reached_in_the_very_last_round_is_what_ends_the_run(runs):
    target = "stop={target: {metric: fid, below: 1e6}}"
    last = runs.train("target at last", "strategy.rounds=1", target)
    assert (last.summary["stopped_by"], last.summary["rounds"]) == ("target", 1)
    assert runs.retime(last, "target at last retimed", SLOW).summary["stopped_by"] == "target"
    with pytest.raises(ScenarioError) as caught:
        runs.retime(last, "refused", "strategy.rounds=2")
    assert str(caught.value).endswith(
        "strategy.rounds: on this fleet the run would end with round 0 by its target; allowed: by its number of "
        "rounds, as the run was trained (strategy.rounds=1, stop.sim_time=null)"
    )


def test_the_suggestion_for_a_target_keeps_the_rounds_it_was_found_within(runs, trained):
    table = trained.metrics
    fids = table[(table["metric"] == "fid") & (table["domain"] == "bars")].set_index("round")["value"]
    side = "below" if fids[1] < fids[0] else "above"
    target = f"stop={{target: {{metric: fid, domain: bars, {side}: {fids[[0, 1]].mean()}}}}}"
    second = runs.train("target in round 1", "strategy.rounds=4", target)
    assert (second.summary["stopped_by"], second.summary["rounds"]) == ("target", 2)
    with pytest.raises(ScenarioError) as caught:
        runs.retime(second, "refused", "stop.sim_time=1 ms")
    assert str(caught.value).endswith(
        "stop.sim_time: on this fleet the run would end with round 0; allowed: an end with round 1, where the training "
        "ended, since no other weights are kept (strategy.rounds=4, stop.sim_time=null)"
    )


def test_a_run_cut_short_by_its_time_can_be_retimed_by_its_rounds(runs):
    stopped = runs.train("short", "strategy.rounds=4", "stop.sim_time=1 ms")
    assert (stopped.summary["stopped_by"], stopped.summary["rounds"]) == ("sim_time", 1)
    assert set(stopped.metrics["metric"]) >= {"fid", "cas_accuracy"}  # the last round, though it came early
    retimed = runs.retime(stopped, "short retimed", SLOW, "stop.sim_time=null", "strategy.rounds=1")
    assert_equal_to_the_last_bit(retimed, runs.train("short fresh", scenario=retimed.path / "scenario.yaml"))
    with pytest.raises(ScenarioError) as caught:
        runs.retime(stopped, "longer", "stop.sim_time=1 h")
    assert str(caught.value).endswith(
        "strategy.rounds: on this fleet the run would go on after round 0; allowed: an end with round 0, where the "
        "training ended, since no other weights are kept (strategy.rounds=1, stop.sim_time=null)"
    )


OTHER_TRAININGS = {
    "seed=1": "seed: 1; allowed: 0",
    "strategy.batch_size=9": "strategy.batch_size: 9; allowed: 8",
    "strategy.learning_rate=0.1": "strategy.learning_rate: 0.1; allowed: 0.0002",
    "strategy.steps_per_round=2": "strategy.steps_per_round: 2; allowed: 1",
    "strategy.clusters=auto": 'strategy.clusters: "auto"; allowed: 2',
    "model.width=4": "model.width: 4; allowed: 2",
    "data.partition={kind: dirichlet}": 'data.partition.kind: "dirichlet"; allowed: "iid"',
    "data.domains.0.dataset=mnist5k": 'data.domains.0.dataset: "mnist5k"; allowed: {"path": ',
    "evaluation.samples=21": "evaluation.samples: 21; allowed: 20",
    "evaluation.cas=null": "evaluation.cas: null; allowed: {",
    "execution.precision=float64": 'execution.precision: "float64"; allowed: "float32"',
    "execution.threads=2": "execution.threads: 2; allowed: 1",
    "execution.training=false": "execution.training: false; allowed: true",
    "stop={target: {metric: fid, below: 1}}": 'stop.target: {"metric": "fid", ',
}


@pytest.mark.parametrize("override", OTHER_TRAININGS)
def test_what_decides_the_weights_must_stay_as_it_was_trained(runs, trained, override):
    with pytest.raises(ScenarioError) as caught:
        runs.retime(trained, "refused", override)
    lines = str(caught.value).splitlines()
    assert any(OTHER_TRAININGS[override] in line for line in lines), lines
    assert all(line.endswith(", as the run was trained") for line in lines)
    assert not (runs.folder / "refused").exists()


def test_all_differences_are_told_at_once(runs, trained):
    with pytest.raises(ScenarioError) as caught:
        runs.retime(trained, "refused", "seed=1", "model.width=4")
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["model.width", "seed"]


def test_other_clients_are_other_trainings(runs, trained):
    def refusal(*overrides):
        with pytest.raises(ScenarioError) as caught:
            runs.retime(trained, "refused", *overrides)
        return str(caught.value)

    three = "devices.clients=[{profile: phone-2024, count: 3}]"
    assert "data.domains: the domains ask for 4 clients; the fleet has 3 devices" in refusal(three)
    dealt = ("data.domains.0.clients=null", "data.domains.1.clients=null")
    assert refusal(three, *dealt).endswith("devices.clients: 3 clients; allowed: 4, as the run was trained")
    assert refusal("data.domains.0.clients=1", "data.domains.1.clients=3").endswith(
        "data.domains: client 1 belongs to dots; allowed: bars, as the run was trained"
    )
    assert runs.retime(trained, "dealt equally", *dealt).summary["status"] == "finished"


def test_other_rounds_are_other_trainings(runs, trained):
    def refusal(*overrides):
        with pytest.raises(ScenarioError) as caught:
            runs.retime(trained, "refused", *overrides)
        return str(caught.value).partition(": ")[2]

    allowed = (
        "allowed: an end with round 1, where the training ended, since no other weights are kept "
        "(strategy.rounds=2, stop.sim_time=null)"
    )
    ends, goes_on = (
        f"on this fleet the run would {what}" for what in ("end with round 0", "go on after round 1")
    )
    assert refusal("stop.sim_time=1 ms") == f"stop.sim_time: {ends}; {allowed}"
    assert refusal("strategy.rounds=1") == f"strategy.rounds: {ends}; {allowed}"
    assert refusal("strategy.rounds=3") == f"strategy.rounds: {goes_on}; {allowed}"
    # A simulated time that changes nothing is no harm, and neither is one that is over in the last round.
    assert runs.retime(trained, "long enough", "stop.sim_time=1 h").summary["stopped_by"] == "rounds"
    between = trained.iterations["end_s"].iloc[-1]
    more = runs.retime(trained, "more", f"stop.sim_time={between} s", "strategy.rounds=7")
    assert (more.summary["stopped_by"], more.summary["rounds"]) == ("sim_time", 2)


def test_cuts_that_do_not_fit_the_new_memory_are_found_in_their_own_file(runs, trained):
    with pytest.raises(ScenarioError) as caught:
        runs.retime(trained, "refused", "devices.clients.1.memory=1100000 B")
    line = str(caught.value)
    # The heading is line 1, client 0 line 2.
    assert line.startswith(f"{trained.path / 'cuts.csv'}:3:1: cuts.per_client.1: cut ")
    assert "client-1 (phone-2024)" in line
    assert "it has 1.1 MB" in line
    assert not (runs.folder / "refused").exists()


def test_a_run_that_did_not_finish_is_refused(runs, trained, tmp_path):
    def interrupt(folder):
        RunFolder(folder).write_json("summary.json", trained.summary | {"status": "interrupted"})

    folder = copied(trained, tmp_path / "half", interrupt)
    with pytest.raises(
        NotRecordedError, match=re.escape("the run did not finish (status: interrupted); allowed:")
    ):
        runs.retime(folder, "refused")


def test_a_run_that_trained_nothing_is_refused(runs):
    timed = runs.train("timed", "execution.training=false")
    with pytest.raises(
        NotRecordedError, match="timing only: nothing was trained, so there is nothing to keep"
    ):
        runs.retime(timed, "refused")


def test_a_run_of_a_version_that_kept_less_is_refused(runs, trained, tmp_path):
    def forget(folder):
        RunFolder(folder).write_table("cuts", trained.cuts.drop(columns="images_sha256"))

    folder = copied(trained, tmp_path / "old", forget)
    with pytest.raises(NotRecordedError, match=r"cuts\.csv has no column 'images_sha256': another"):
        runs.retime(folder, "refused")


def test_a_strategy_in_which_time_decides_is_refused(runs, trained, monkeypatch):
    monkeypatch.setattr(HuscfGanOptions, "is_lossless", lambda _: False)
    with pytest.raises(NotRecordedError, match="the run did not wait for everybody"):
        runs.retime(trained, "refused")


def test_a_run_that_chose_its_cuts_anew_is_refused(runs, trained, tmp_path):
    def chosen_anew(folder):
        text = (folder / "scenario.yaml").read_text(encoding="utf-8")
        assert "  reselect: null" in text
        (folder / "scenario.yaml").write_text(
            text.replace("  reselect: null", "  reselect: {when: every_round}")
        )

    folder = copied(trained, tmp_path / "anew", chosen_anew)
    with pytest.raises(NotRecordedError, match="the run chose its cuts anew"):
        runs.retime(folder, "refused")


def other_images(folder):
    table = load_run(folder).cuts
    table.loc[0, "images_sha256"] = "0" * 64
    RunFolder(folder).write_table("cuts", table)


def fewer_images(folder):
    table = load_run(folder).cuts
    table.loc[:, "images"] = 5
    RunFolder(folder).write_table("cuts", table)


def lost_commit(folder):
    RunFolder(folder).write_table("commits", load_run(folder).commits.iloc[:-1])


def lost_iteration(folder):
    RunFolder(folder).write_table("iterations", load_run(folder).iterations.iloc[:-1])


def lost_metrics(folder):
    table = load_run(folder).metrics
    RunFolder(folder).write_table("metrics", table[(table["round"] != 0) | (table["domain"] != "dots")])


def lost_picture(folder):
    (folder / "samples" / "dots_round_1.png").unlink()


def unreadable_passes(folder):
    table = load_run(folder).commits
    table.loc[1, "passes"] = "[{}]"
    RunFolder(folder).write_table("commits", table)


def other_data(folder):
    run = load_run(folder)
    digests = dict.fromkeys(run.environment["data_sha256"], "0" * 64)
    RunFolder(folder).write_json("environment.json", run.environment | {"data_sha256": digests})


def lost_data(folder):
    RunFolder(folder).write_json("environment.json", load_run(folder).environment | {"data_sha256": {}})


def summary_with(**changed):
    def harm(folder):
        RunFolder(folder).write_json("summary.json", load_run(folder).summary | changed)

    return harm


def no_key(folder):
    summary = dict(load_run(folder).summary)
    del summary["training_key"]
    RunFolder(folder).write_json("summary.json", summary)


def table_with(name, column, row, value):
    def harm(folder):
        table = getattr(load_run(folder), name)
        table.loc[table.index[row], column] = value
        RunFolder(folder).write_table(name, table)

    return harm


def images_as(value):
    def harm(folder):
        table = load_run(folder).cuts
        RunFolder(folder).write_table("cuts", table.assign(images=value))

    return harm


def decision_with(kind, decision):
    """Decide otherwise on the first commit of a kind."""

    def harm(folder):
        table = load_run(folder).commits
        row = table.index[table["kind"] == kind][0]
        table.loc[row, "decision"] = json.dumps(decision)
        RunFolder(folder).write_table("commits", table)

    return harm


def clusters(*members):
    return decision_with("aggregate", {"clusters": members, "stop": False})


def nothing_ends_it(folder):
    """Record a log that knows of no end, under the key of that log."""
    commits = load_run(folder).commits
    commits.loc[commits.index[-1], "info"] = json.dumps({"round": 1, "last": 0})
    RunFolder(folder).write_table("commits", commits)
    loaded = registry.load(str(folder / "scenario.yaml"))
    with pytest.MonkeyPatch.context() as patch:
        key = []
        patch.setattr(recorded, "training_key", lambda *facts: key.append(training_key(*facts)))
        with pytest.raises(RunError):
            recorded.read_recording(load_run(folder), loaded)
    summary_with(training_key=key[0])(folder)


def iterations_swapped(folder):
    table = load_run(folder).iterations
    RunFolder(folder).write_table("iterations", table.iloc[::-1].reset_index(drop=True))


def transfers_swapped(folder):
    table = load_run(folder).transfers
    RunFolder(folder).write_table("transfers", table.iloc[::-1].reset_index(drop=True))


def metrics_twice(folder):
    table = load_run(folder).metrics
    RunFolder(folder).write_table("metrics", pd.concat([table, table.iloc[:1]], ignore_index=True))


def lost_scores(folder):
    table = load_run(folder).metrics
    RunFolder(folder).write_table("metrics", table[table["metric"] != "cas_f1"].reset_index(drop=True))


def scenario_with(old, new):
    def harm(folder):
        file = folder / "scenario.yaml"
        file.write_text(file.read_text().replace(f"{old} #", f"{new} #"))

    return harm


def huge_cut(folder):
    table = load_run(folder).cuts.astype({"g_head": object})
    table.loc[0, "g_head"] = 10**30
    table.to_csv(folder / "cuts.csv", index=False)


def picture_is_a_folder(folder):
    file = folder / "samples" / "dots_round_1.png"
    file.unlink()
    file.mkdir()


def torn_table(folder):
    path = folder / "iterations.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def stopped_in_round_0(folder):
    """Reach a target that was not: the log, without its decisions, is still that of the key."""
    table = load_run(folder).commits
    row = table.index[table["kind"] == "evaluate"][1]
    table.loc[row, "decision"] = json.dumps({"clusters": [], "stop": True})
    RunFolder(folder).write_table("commits", table)


NOT_THE_TIMELINE = "its tables do not give the timeline_sha256 of its summary.json"
NOT_THE_KEY = "its files do not give the training key of its summary.json"


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (other_images, NOT_THE_KEY),
        (lost_commit, NOT_THE_KEY),
        (other_data, NOT_THE_KEY),
        (fewer_images, "cuts.csv does not fit the batches and iterations"),
        (lost_iteration, "iterations.parquet has 1 rows for 2 iterations"),
        (lost_metrics, "it has no metric fid of domain dots in round 0"),
        (lost_scores, "it has no metric cas_f1 of domain bars in round 1"),
        (metrics_twice, "one fid of domain bars in round -1 is too many"),
        (table_with("metrics", "round", 0, 7), "it has no metric fid of domain bars in round -1"),
        (table_with("metrics", "value", 0, float("nan")), "metrics.parquet: a value is no finite number"),
        (table_with("iterations", "generator_loss", 1, float("inf")), "a loss is no finite number"),
        (iterations_swapped, "its rows are not the log's iterations in their order"),
        (table_with("iterations", "end_s", 0, 0.0), NOT_THE_TIMELINE),
        (transfers_swapped, NOT_THE_TIMELINE),
        (summary_with(timeline_sha256="0" * 64), NOT_THE_TIMELINE),
        (no_key, "KeyError: 'training_key'"),
        (summary_with(training_key=5), NOT_THE_KEY),
        (summary_with(weights_sha256="0" * 63), "no digest under weights_sha256"),
        (summary_with(weights_sha256=1), "no digest under weights_sha256"),
        (summary_with(clusters=[[0, 1, 2, 3]]), "the clusters are not those of the last aggregation"),
        (images_as(0), "not every value of images is a whole number"),
        (images_as(40.5), "not every value of images is a whole number"),
        (images_as("many"), "not every value of images is a whole number"),
        (clusters([0, 1], [2]), "(aggregate) cannot have been decided so"),
        (clusters([0, 1], [1, 2, 3]), "(aggregate) cannot have been decided so"),
        (clusters([0, 1, 2, 3], []), "(aggregate) cannot have been decided so"),
        (clusters(["a"], [1, 2, 3]), "(aggregate) cannot have been decided so"),
        (clusters(0, 1, 2, 3), "TypeError"),
        (decision_with("aggregate", None), "(aggregate) cannot have been decided so"),
        (
            decision_with("iteration", {"clusters": [[0]], "stop": False}),
            "(iteration) cannot have been decided so",
        ),
        (
            decision_with("iteration", {"clusters": [], "stop": True}),
            "(iteration) cannot have been decided so",
        ),
        (
            decision_with("aggregate", {"clusters": [[0, 1], [2, 3]], "stop": True}),
            "(aggregate) cannot have been decided so",
        ),
        (scenario_with("rounds: 2", "rounds: 1"), "states strategy.rounds=1, the log ends after 2"),
        (scenario_with("rounds: 2", "rounds: 3"), "states strategy.rounds=3, the log ends after 2"),
        (huge_cut, "cuts.csv: damaged: "),
        (decision_with("evaluate", {"clusters": [], "stop": "no"}), "does not say whether to stop"),
        (nothing_ends_it, "nothing in its last row ends the run"),
        (stopped_in_round_0, "played again, it has another training key"),
        (scenario_with("training: true", "training: false"), "scenario.yaml says that nothing was trained"),
        (picture_is_a_folder, "dots_round_1.png: damaged: cannot be read: Is a directory"),
        (lost_picture, "it has no pictures of domain dots in round 1"),
        (unreadable_passes, "KeyError: 'name'"),
        (lost_data, "KeyError: 'bars'"),
        (torn_table, "iterations.parquet: damaged"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_damaged_folder_is_no_record(runs, trained, tmp_path, harm, words):
    folder = copied(trained, tmp_path / "damaged", harm)
    with pytest.raises(RunError, match=re.escape(words)) as caught:
        runs.retime(folder, "refused", SLOW)
    assert "damaged" in str(caught.value)
    assert not (runs.folder / "refused").exists()


def test_a_picture_of_no_evaluation_is_left_behind(runs, trained, tmp_path):
    stray = "samples/dots_round_99.png"
    folder = copied(trained, tmp_path / "stray", lambda path: (path / stray).write_text("mine"))
    retimed = runs.retime(folder, "without stray", SLOW)
    assert retimed.samples.keys() == trained.samples.keys()


def test_no_torch_is_loaded(trained, tmp_path):
    code = (
        "import sys\n"
        "from simulator import retime\n"
        f"retime({str(trained.path)!r}, 'there', ['records=summary'])\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'torchmetrics', 'mlxtend'}))\n"
    )
    env = environment(tmp_path / "cache")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert {file.name for file in (tmp_path / "there" / "figures").iterdir()} == {
        "latency_fid.png",
        "latency_fid.pdf",
    }
