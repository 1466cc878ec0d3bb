"""`hetedge compare`: runs of several strategies in one folder, reuse, refusals, figures, and what the runs share."""

import importlib
import json
import shutil
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from filelock import FileLock
from PIL import Image
from tiny_run import write_tiny

from analysis import load_run
from analysis.plots import FIGURES
from simulator import compare, loading

SHORT = ("--set", "strategy.steps_per_round=2", "--set", "evaluation.cas=null")
SCHEMA = (
    Path(importlib.import_module("simulator").__file__).parent.parent / "docs/schemas/compare.schema.json"
)
BOTH = "huscf_gan/no_kld,fedgan"


def schema():
    return json.loads(SCHEMA.read_text())


def test_the_schema_is_one_that_lets_no_other_keys_in(compared):
    jsonschema.Draft202012Validator.check_schema(schema())
    answer = {**compared.facts, "folder": str(compared.path)}
    jsonschema.validate(answer, schema())
    first, *others = answer["strategies"]
    for wrong in (
        {**answer, "more": 1},
        {**answer, "strategies": [{**first, "more": 1}, *others]},
        {**answer, "strategies": [{**first, "setup_s": 1.0}, *others]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema())


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """One comparison of two strategies with two seeds, by the library's front door; tests copy or read it."""
    home = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HETEDGE_CACHE", str(home / "cache"))
        patch.delenv("HETEDGE_DATA", raising=False)
        overrides = [text for text in SHORT if text != "--set"]
        return compare(write_tiny(home), BOTH.split(","), 2, home / "out", overrides)


@pytest.fixture
def again(compared, hetedge):
    """Compare by the command in the same place, with further arguments."""
    home = compared.path.parent

    def command(*arguments, strategies=BOTH, seeds=2, out=compared.path):
        shared = ("--strategies", strategies, "--seeds", seeds, "-o", out)
        return hetedge("compare", home / "tiny.yaml", *shared, *SHORT, *arguments)

    return command


def test_the_folder_holds_runs_tables_and_figures(compared):
    names = [f"{one.replace('/', '-')}-seed{seed}" for one in BOTH.split(",") for seed in (0, 1)]
    files = ["compared.yaml", "comparison.csv", "comparison.json", "comparison.md", "figures"]
    held = {path.name for path in compared.path.iterdir()} - {".lock"}
    assert sorted(held) == sorted([*names, *files])
    for name in names:
        assert load_run(compared.path / name).summary["status"] == "finished"
    for name in ("latency_fid", "iteration_latency"):
        with Image.open(compared.path / "figures" / f"{name}.png") as picture:
            assert min(picture.size) > 100
        assert (compared.path / "figures" / f"{name}.pdf").stat().st_size > 1000
    assert json.loads((compared.path / "comparison.json").read_text()) == compared.facts
    assert len(pd.read_csv(compared.path / "comparison.csv")) == 4


def test_runs_of_a_seed_share_data_weights_and_iterations(compared):
    for index, seed in enumerate((0, 1)):
        runs = [own[index] for own in compared.runs.values()]
        assert {run.scenario["seed"] for run in runs} == {seed}
        assert len({tuple(run.cuts["images_sha256"]) for run in runs}) == 1
        assert {len(run.iterations) for run in runs} == {4}
        untrained = [
            run.metrics[(run.metrics["round"] < 0) & (run.metrics["metric"] == "fid")] for run in runs
        ]
        assert len({tuple(table["value"].round(6)) for table in untrained}) == 1
    first, second = (compared.runs["fedgan"][index].cuts["images_sha256"] for index in (0, 1))
    assert list(first) != list(second)


def test_finished_runs_are_used_again(compared, again, caplog):
    caplog.set_level("INFO")
    before = {path: path.stat().st_mtime_ns for path in compared.path.glob("*/summary.json")}
    done = again()
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(compared.path)
    assert caplog.text.count("is there already") == 4
    assert {path: path.stat().st_mtime_ns for path in compared.path.glob("*/summary.json")} == before
    for heading in ("FID at the end", "Simulated time", "Sent over the network", "Who gets what"):
        assert heading in done.out


def test_json_is_all_of_stdout(compared, again):
    done = again("--json", "--target", "fid<0.001", seeds=1)
    answer = json.loads(done.out)
    jsonschema.validate(answer, schema())
    assert answer["folder"] == str(compared.path)
    assert answer["seeds"] == [0]
    assert answer["target"]["bounds"] == {"bars": 0.001, "dots": 0.001}
    reached = [own["time_to_target_s"]["bars"]["mean"] for own in answer["strategies"]]
    assert reached == [None, None]


def test_an_interrupted_comparison_goes_on(compared, again, tmp_path, caplog):
    caplog.set_level("INFO")
    out = shutil.copytree(compared.path, tmp_path / "halfway")
    (out / "unfinished").mkdir()
    (out / "fedgan-seed0").rename(out / "unfinished" / "fedgan-seed0")
    (out / "unfinished" / "fedgan-seed0" / "summary.json").unlink()
    done = again(strategies="fedgan", out=out)
    assert done.code == 0, done.err
    assert "was not finished: it is run again" in caplog.text
    assert caplog.text.count("is there already") == 1
    assert not (out / "unfinished").exists()
    weights = [load_run(one / "fedgan-seed0").summary["weights_sha256"] for one in (out, compared.path)]
    assert weights[0] == weights[1]


def test_what_else_is_in_a_runs_place_is_refused(compared, again, tmp_path):
    out = shutil.copytree(compared.path, tmp_path / "other")
    shutil.rmtree(out / "fedgan-seed1")
    shutil.copytree(out / "fedgan-seed0", out / "fedgan-seed1")
    done = again(out=out)
    assert (done.code, done.out) == (2, "")
    assert done.lines[-1].startswith(f"{out / 'fedgan-seed1'} is a run of another scenario; allowed: ")
    summary = out / "fedgan-seed0" / "summary.json"
    summary.write_text(summary.read_text().replace('"status": "finished"', '"status": "stopped"'))
    assert "fedgan-seed0 is a run that did not finish" in again(out=out).err
    summary.unlink()
    assert "fedgan-seed0 is no run that could be used again" in again(out=out).err


def test_a_folder_of_another_comparison_or_of_a_run_is_refused(compared, again, tmp_path):
    done = again("--set", "seed=7")
    assert (done.code, done.lines[-1]) == (
        2,
        f"{compared.path} holds a comparison on another scenario; name another folder with -o",
    )
    done = again(out=compared.path / "fedgan-seed0")
    assert (done.code, "already holds a run" in done.err) == (2, True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    assert "is not empty (letter.txt)" in again(out=tmp_path / "full").err


def test_without_training_time_alone_is_compared(hetedge, tiny, tmp_path):
    """Iterations are the scenario's own in number, although MD-GAN's natural round has one epoch, not three."""
    done = hetedge(
        "compare", tiny, "--strategies", "huscf_gan/homogeneous_cuts,md_gan", "--timing-only",
        "--set", "strategy.steps_per_round=null", "--set", "strategy.local_epochs=3",
        "--set", "strategy.batch_size=8192", "--options", "md_gan.batches=1",
    )  # fmt: skip
    assert done.code == 0, done.err
    folder = tmp_path / done.out.splitlines()[-1]
    assert folder.parent == tmp_path / "runs"
    assert folder.name.startswith("compare-tiny-")
    assert [path.name for path in sorted((folder / "figures").iterdir())] == [
        "iteration_latency.pdf",
        "iteration_latency.png",
    ]
    facts = json.loads((folder / "comparison.json").read_text())
    jsonschema.validate({**facts, "folder": str(folder)}, schema())
    assert facts["target"] is None
    cuts = pd.read_csv(folder / "huscf_gan-homogeneous_cuts-seed0" / "cuts.csv")
    assert len(cuts[["g_head", "g_tail", "d_head", "d_tail"]].drop_duplicates()) == 1
    for own in facts["strategies"]:
        run = load_run(folder / f"{own['strategy'].replace('/', '-')}-seed0")
        assert own["iteration_latency_s"]["mean"] == pytest.approx(run.summary["iteration_latency_s"])
        assert run.summary["rounds"] == 2
        # Of a path's images 60,000 are assumed: 30,000 for each client.
        assert run.summary["iterations"] == 2 * 3 * -(-30_000 // 8192)
    assert run.scenario["strategy"]["batches"] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--strategies", "huscf"), "unknown strategy 'huscf'; allowed: huscf_gan, "),
        (("--strategies", "fedgan,fedgan"), "strategy 'fedgan' is named twice; allowed: each once"),
        (("--strategies", ""), "unknown strategy ''; allowed: huscf_gan, "),
        ((), "hetedge compare: missing option '--strategies'"),
        (("--strategies", "fedgan", "--seeds", "0"), "hetedge compare: invalid value for '--seeds'"),
        (("--strategies", "fedgan", "--target", "fid"), "target 'fid'; allowed: METRIC<VALUE"),
        (("--strategies", "fedgan", "--target", "bleu>3"), "target 'bleu>3': 'bleu' is not measured; "),
        (
            ("--strategies", "fedgan", "--timing-only", "--target", "fid<3"),
            "target 'fid<3': nothing is measured",
        ),
        (("--strategies", "fedgan", "--options", "md_gan.batches=1"), "options: 'md_gan.batches=1': unknown"),
        (
            ("--strategies", "fedgan", "--options", "fedgan.bogus=1"),
            "--options fedgan.bogus=1:1:8: strategy.bogus",
        ),
        (
            ("--strategies", "fedgan", "--options", "fedgan.name=md_gan"),
            "options: 'fedgan.name=md_gan': 'name' would choose another strategy",
        ),
    ],
)
def test_wrong_comparisons_are_one_plain_line(hetedge, tiny, arguments, told, tmp_path):
    done = hetedge("compare", tiny, *arguments)
    assert (done.code, done.out, len(done.lines)) == (2, "", 1), done.err
    assert done.err.startswith(told)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [("run",), ("compare", "--strategies", "fedgan")])
def test_a_wrong_folder_is_refused_before_data_are_fetched(hetedge, tiny, tmp_path, monkeypatch, command):
    monkeypatch.setattr(loading, "fetch_missing", _must_not_fetch)
    (tmp_path / "letter.txt").write_text("dear")
    name, *more = command
    done = hetedge(name, tiny, *more, "-o", tmp_path)
    assert (done.code, done.out, len(done.lines)) == (2, "", 1)
    assert " is not empty (" in done.err


@pytest.mark.parametrize("target", ["fid", "bleu>3"])
def test_a_wrong_target_is_refused_before_data_are_fetched(hetedge, tiny, monkeypatch, target):
    monkeypatch.setattr(loading, "fetch_missing", _must_not_fetch)
    done = hetedge("compare", tiny, "--strategies", "fedgan", "--target", target)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"target '{target}'")


def _must_not_fetch(_loaded):
    raise AssertionError("data were to be fetched")


def test_a_strategy_that_does_not_fit_is_refused_before_anything_is_trained(hetedge, tiny, tmp_path):
    small = ("--set", "devices.clients.0.memory=1 kB")
    done = hetedge("compare", tiny, "--strategies", "fedgan", *small)
    assert (done.code, done.out) == (2, "")
    assert "client-0" in done.lines[-1]
    assert not (tmp_path / "runs").exists()


def test_runs_without_cuts_are_drawn_and_retimed(compared, hetedge, tmp_path, caplog):
    folder = compared.path / "fedgan-seed0"
    drawn = hetedge("plot", "cuts", folder, "-o", tmp_path / "figures")
    assert (drawn.code, drawn.out) == (0, "")
    assert {path.stem for path in (folder / "figures").iterdir()} == set(FIGURES) - {"cuts"}
    assert "figure cuts of tiny skipped: its strategy cuts no network" in caplog.text
    retimed = hetedge("retime", folder, "-o", tmp_path / "retimed", "--set", "network.model=ideal")
    assert retimed.code == 0, retimed.err
    old, new = load_run(folder), load_run(tmp_path / "retimed")
    assert new.summary["weights_sha256"] == old.summary["weights_sha256"]
    assert new.summary["simulated_s"] < old.summary["simulated_s"]
    assert new.summary["ledger"] == old.summary["ledger"]


@pytest.mark.parametrize("changed", ["data_sha256", "device", "threads", "packages"])
def test_a_run_on_other_grounds_is_not_used_again(compared, again, tmp_path, changed):
    out = shutil.copytree(compared.path, tmp_path / "copy")
    file = out / "fedgan-seed1" / "environment.json"
    facts = json.loads(file.read_text())
    facts[changed] = facts[changed] | {"torch": "0.1"} if changed == "packages" else "other"
    file.write_text(json.dumps(facts))
    answer = again(out=out)
    assert answer.code == 2
    assert f"{'torch' if changed == 'packages' else changed} was " in answer.err


def test_a_folder_in_which_another_comparison_writes_is_refused(compared, again):
    with FileLock(compared.path / ".lock"):
        answer = again()
    assert answer.code == 2
    assert "another comparison is writing" in answer.err
