"""`hetedge plot`: figures of runs, comparisons and sweeps, and what is refused."""

import json
import shutil

import pytest
from made_up_sweeps import made_up_sweep, write_sweep

from analysis import load_run
from analysis.comparison import compare_runs
from analysis.plots import KINDS


@pytest.fixture
def sweep(tmp_path):
    return write_sweep(made_up_sweep(), tmp_path / "sweep")


@pytest.fixture
def comparison(tmp_path, tiny_run):
    """The tiny run twice, as if it were two strategies' runs."""
    folder = tmp_path / "compared"
    for name in ("huscf_gan", "huscf_gan-no_kld"):
        shutil.copytree(tiny_run.folder, folder / f"{name}-seed0")
    run = load_run(tiny_run.folder)
    facts = compare_runs({"huscf_gan": [run], "huscf_gan/no_kld": [run]})
    (folder / "comparison.json").write_text(json.dumps({"scenario": "tiny", **facts}))
    return folder


def stems(folder):
    return {path.stem for path in folder.iterdir()}


def test_all_of_a_sweep_goes_into_its_figures(hetedge, sweep, caplog):
    done = hetedge("plot", "all", sweep)
    assert done.code == 0, done.err
    assert stems(sweep / "figures") == set(KINDS["sweep"]) - {"scaling"}
    assert len(done.out.splitlines()) == 2 * len(stems(sweep / "figures"))
    assert "figure scaling of made-up skipped: neither the number of clients nor" in caplog.text


def test_all_of_a_comparison_is_drawn_from_its_runs(hetedge, comparison, tmp_path):
    done = hetedge("plot", "all", comparison, "-o", tmp_path / "drawn")
    assert done.code == 0, done.err
    assert stems(tmp_path / "drawn") == set(KINDS["comparison"])


@pytest.mark.parametrize("kind", ["stragglers", "utilisation", "energy", "bytes_by_kind", "gantt"])
def test_a_figure_of_a_run_is_drawn_on_request(hetedge, tiny_run, tmp_path, kind):
    done = hetedge("plot", kind, tiny_run.folder, "-o", tmp_path / "drawn")
    assert (done.code, stems(tmp_path / "drawn")) == (0, {kind}), done.err
    assert (tmp_path / "drawn" / f"{kind}.png").stat().st_size > 5_000


def test_another_iteration_of_the_trace_is_another_picture(hetedge, tiny_run, tmp_path):
    pictures = []
    for number in (0, 1):
        done = hetedge("plot", "gantt", tiny_run.folder, "--iteration", number, "-o", tmp_path / str(number))
        assert done.code == 0, done.err
        pictures.append((tmp_path / str(number) / "gantt.png").read_bytes())
    done = hetedge("plot", "gantt", tiny_run.folder, "--iteration", 7)
    assert (done.code, done.out) == (2, "")
    assert "no iteration 7: it shows the iterations 0 to 1" in done.err


def test_a_run_without_a_trace_has_no_gantt(hetedge, tiny_run, tmp_path, caplog):
    shutil.copytree(tiny_run.folder, tmp_path / "run")
    (tmp_path / "run" / "trace.json").unlink()
    done = hetedge("plot", "gantt", tmp_path / "run", "-o", tmp_path / "drawn")
    assert (done.code, done.out) == (0, "")
    assert "figure gantt of tiny skipped: it has no trace.json" in caplog.text


def test_several_sweeps_go_into_folders_of_their_own(hetedge, sweep, tmp_path):
    write_sweep(made_up_sweep(name="other"), tmp_path / "other")
    done = hetedge("plot", "pareto", sweep, tmp_path / "other", "-o", tmp_path / "drawn")
    assert done.code == 0, done.err
    assert {path.parent.name for path in (tmp_path / "drawn").rglob("pareto.png")} == {"sweep", "other"}


def test_what_a_figure_shows_can_be_chosen(hetedge, sweep, tmp_path):
    default = hetedge("plot", "heat_map", sweep, "-o", tmp_path / "a")
    chosen = ("--rows", "cuts.selector", "--columns", "mix", "--value", "fid.glyphs")
    other = hetedge("plot", "heat_map", sweep, *chosen, "-o", tmp_path / "b")
    assert (default.code, other.code) == (0, 0), other.err
    assert (tmp_path / "a" / "heat_map.png").read_bytes() != (tmp_path / "b" / "heat_map.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("paretto", "sweep"), "unknown figure 'paretto'; allowed: all, "),
        (
            ("heat_map", "sweep", "--rows", "mixx"),
            "unknown --rows 'mixx'; allowed: mix, cuts.selector; did you mean 'mix'?",
        ),
        (
            ("latency_fid", "sweep", "--value", "fidd"),
            "unknown metric 'fidd'; allowed: fid; did you mean 'fid'?",
        ),
        (("pareto", "sweep", "--against", "bytes"), "unknown --against 'bytes'; allowed: "),
        (
            ("gantt", "sweep"),
            "sweep: is the folder of a sweep; it has no figure 'gantt'; allowed: the folder of a run",
        ),
        (
            ("heat_map", "compared"),
            "compared: is the folder of a comparison; it has no figure 'heat_map'; allowed: ",
        ),
        (
            ("latency_fid", "sweep", "compared"),
            "folders of different things: sweep of a sweep, compared of a comparison",
        ),
        (
            ("pareto", "."),
            ".: holds no comparison.json or sweep.json; allowed: the folder of a comparison or a sweep",
        ),
        (
            ("heat_map", "sweep", "--against", "clients"),
            "--against: the figure 'heat_map' of a sweep takes no such option; "
            "allowed: --columns, --rows, --value",
        ),
        (
            ("phases", "compared", "--value", "fid"),
            "--value: the figure 'phases' of a comparison takes no such option; allowed: none",
        ),
        (("all", "sweep", "--iteration", 0), "take no such option; allowed: --value, --against, --columns"),
        (("all", "sweep", "--value", "fidd"), "unknown --value 'fidd'; allowed: "),
        (("pareto", "nowhere"), "nowhere: no such folder; allowed: the folder of a comparison or a sweep"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(hetedge, sweep, comparison, arguments, said):
    done = hetedge("plot", *arguments, "-o", "drawn")
    assert (done.code, done.out, len(done.lines)) == (2, "", 1), done.err
    assert said in done.err
    assert not list(sweep.parent.glob("drawn/*"))


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (("phases", "--value", "foo"), "none"),
        (("energy", "--iteration", 99), "none"),
        (("gantt", "--rows", "mix"), "--iteration"),
        (("all", "--iteration", 0), "none"),
    ],
)
def test_an_option_that_a_figure_of_a_run_does_not_take_is_refused(
    hetedge, tiny_run, tmp_path, arguments, allowed
):
    done = hetedge("plot", arguments[0], tiny_run.folder, *arguments[1:], "-o", tmp_path / "drawn")
    assert (done.code, done.out, len(done.lines)) == (2, "", 1), done.err
    assert done.lines[0].endswith(f"no such option; allowed: {allowed}")
    assert not (tmp_path / "drawn").exists()


def test_all_takes_the_options_of_its_kinds(hetedge, sweep, tmp_path):
    done = hetedge("plot", "all", sweep, "--value", "total_bytes", "-o", tmp_path / "drawn")
    assert done.code == 0, done.err
    assert stems(tmp_path / "drawn") == {"heat_map", "time_to_target"}


@pytest.mark.parametrize("file", ["sweep.json", "results.parquet", "curves.parquet"])
def test_a_damaged_sweep_is_named(hetedge, sweep, file):
    (sweep / file).write_bytes(b"{}")
    done = hetedge("plot", "pareto", sweep)
    assert (done.code, done.out) == (3, "")
    assert file in done.err


def test_a_comparison_without_one_of_its_runs_is_named(hetedge, comparison):
    shutil.rmtree(comparison / "huscf_gan-no_kld-seed0")
    done = hetedge("plot", "pareto", comparison)
    assert (done.code, done.out) == (3, "")
    assert "huscf_gan-no_kld-seed0: no such run folder" in done.err
