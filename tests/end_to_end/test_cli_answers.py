"""The commands that answer from sizes alone, and their JSON."""

import importlib
import json
from pathlib import Path

import jsonschema
import pytest

from analysis.plots import FIGURES
from analysis.readable import duration_text
from devices.profile import catalog_names
from models.catalog import DATASETS
from simulator import explain, latency
from simulator.cuts.selectors import SELECTORS
from simulator.listing import LISTINGS
from simulator.registry import load

SCHEMAS = Path(importlib.import_module("simulator").__file__).parent.parent / "docs" / "schemas"


def check(answer: object, schema: str) -> None:
    """Check a JSON answer against its committed schema."""
    jsonschema.validate(answer, json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))


@pytest.mark.parametrize("schema", ["latency", "cuts", "explain"])
def test_the_schemas_are_schemas(schema):
    text = json.loads((SCHEMAS / f"{schema}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(text)


@pytest.mark.parametrize("engine", ["formula", "events"])
def test_latency_as_json(hetedge, engine):
    done = hetedge("latency", "quickstart", "--json", "--engine", engine)
    assert (done.code, done.err) == (0, "")
    answer = json.loads(done.out)
    check(answer, "latency")
    assert answer == latency("quickstart", engine=engine)
    assert list(answer) == [
        "scenario",
        "iteration_latency_s",
        "round_latency_s",
        "setup_s",
        "phases",
        "clients",
        "cuts",
    ]
    for client in answer["clients"]:
        parts = client["compute_s"] + client["transfer_s"] + client["wait_s"]
        assert parts == pytest.approx(answer["iteration_latency_s"], rel=1e-9)
    phases = answer["phases"]
    assert [one["start_s"] for one in phases] == [0.0, *(one["end_s"] for one in phases[:-1])]
    assert phases[-1]["end_s"] == pytest.approx(answer["iteration_latency_s"], rel=1e-9)
    assert len(answer["clients"]) == len(answer["cuts"]) == 8


PAPER_FLEET = """\
devices:
  server: paper-server
  clients: [{profile: paper-1, count: 12}, {profile: paper-2, count: 12}, {profile: paper-3, count: 12},
            {profile: paper-4, count: 11}, {profile: paper-5, count: 11}, {profile: paper-6, count: 11},
            {profile: paper-7, count: 11}]
network: {model: paper}
cost_model: paper
"""


@pytest.mark.parametrize("engine", ["formula", "events"])
@pytest.mark.parametrize(
    ("cuts", "latency_s"),
    [
        ("{selector: fixed, every_client: [1, 1, 1, 1]}", 14.02090305447619),
        ("{selector: fixed, every_client: [2, 2, 2, 2]}", 195.53144378133334),
        ("{selector: exact}", 7.0024593),
    ],
)
def test_the_authors_formula_by_command(hetedge, tmp_path, engine, cuts, latency_s):
    (tmp_path / "paper80.yaml").write_text(PAPER_FLEET + f"cuts: {cuts}\n")
    done = hetedge("latency", tmp_path / "paper80.yaml", "--json", "--engine", engine)
    assert (done.code, done.err) == (0, "")
    answer = json.loads(done.out)
    check(answer, "latency")
    assert answer["iteration_latency_s"] == pytest.approx(latency_s, rel=1e-8)
    assert [phase["name"] for phase in answer["phases"]] == [
        "generator_forward",
        "discriminator_forward",
        "discriminator_backward",
        "generator_backward",
    ]


def test_latency_of_a_strategy_that_cuts_nothing_and_has_a_setup(hetedge):
    central = ("--set", "strategy={name: centralized}")
    done = hetedge("latency", "quickstart", "--json", *central)
    assert (done.code, done.err) == (0, "")
    answer = json.loads(done.out)
    check(answer, "latency")
    assert answer["cuts"] == []
    assert answer["setup_s"] > 0
    told = hetedge("latency", "quickstart", *central).out
    assert f"a round, after a setup of {duration_text(answer['setup_s'])}" in told
    assert "setup" not in hetedge("latency", "quickstart").out
    several = hetedge("latency", "quickstart", "paper/s1_single_iid", *central).out.splitlines()
    assert several[0].split() == ["scenario", "iteration", "round", "setup", "slowest", "client"]
    assert several[1].endswith(" -")  # clients only wait


def test_latency_of_several_scenarios_is_a_list(hetedge):
    done = hetedge("latency", "quickstart", "quickstart", "--json", "--set", "cuts.selector=greedy")
    answers = json.loads(done.out)
    check(answers, "latency")
    assert len(answers) == 2
    assert answers[0] == answers[1]


def test_latency_as_text_names_each_kind_of_client(hetedge):
    done = hetedge("latency", "quickstart")
    assert done.code == 0
    assert done.out.startswith("quickstart: ")
    for profile in ("raspberry-pi-3b-plus", "raspberry-pi-4", "jetson-nano", "phone-2024"):
        assert profile in done.out


def test_a_library_user_is_told_of_an_unknown_engine():
    with pytest.raises(
        ValueError, match="unknown engine 'event'; allowed: formula, events, arrays; did you mean 'events'"
    ):
        latency("quickstart", engine="event")


def test_cuts_as_json(hetedge):
    done = hetedge("cuts", "quickstart", "--json")
    assert (done.code, done.err) == (0, "")
    answers = json.loads(done.out)
    check(answers, "cuts")
    assert [one["selector"] for one in answers] == [
        "exact",
        "genetic",
        "local_search",
        "greedy",
        "random",
        "homogeneous",
    ]
    assert answers[0]["optimality_gap"] == 0.0
    assert answers[0]["iteration_latency_s"] == min(one["iteration_latency_s"] for one in answers)


def test_cuts_of_named_selectors(hetedge):
    done = hetedge("cuts", "quickstart", "--selector", "greedy", "--json")
    assert [one["selector"] for one in json.loads(done.out)] == ["greedy"]
    text = hetedge("cuts", "quickstart", "--selector", "greedy", "--selector", "genetic").out
    assert text.index("greedy") < text.index("genetic")
    assert "unknown" in text
    assert "optimal" in hetedge("cuts", "quickstart", "--selector", "exact").out
    stated = "cuts={selector: fixed, every_client: [1, 1, 1, 1]}"
    done = hetedge("cuts", "quickstart", "--selector", "fixed", "--json", "--set", stated)
    assert json.loads(done.out)[0]["cuts"] == [[1, 1, 1, 1]] * 8


FORMULA = ("--set", "cost_model=paper", "--set", "network.model=paper", "--set", "model.width=64")
IDEAL = ("--set", "network.model=ideal")


@pytest.mark.parametrize("options", [(), FORMULA, IDEAL, ("--client", "client-5")], ids=" ".join)
def test_explain_as_json(hetedge, options):
    done = hetedge("explain", "quickstart", "--json", *options)
    assert (done.code, done.err) == (0, "")
    answer = json.loads(done.out)
    check(answer, "explain")
    overrides = [text for text in options if "=" in text]
    client = options[1] if "--client" in options else None
    assert answer == explain("quickstart", overrides, client)
    assert sum(leg["seconds"] for leg in answer["critical_path"]) == pytest.approx(
        answer["iteration_latency_s"], rel=1e-9
    )
    own = answer["client"]
    parts = own["compute_s"] + own["transfer_s"] + own["server_s"] + own["wait_s"]
    assert parts == pytest.approx(answer["iteration_latency_s"], rel=1e-9)


def test_explain_as_text_tells_path_client_and_what_would_help(hetedge):
    text = hetedge("explain", "quickstart", "--client", "3").out
    parts = ("quickstart: ", "\nThe critical path", "\nclient-3 (phone-2024), cut ", "\nWhat would help")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "2x faster" in text


def test_explain_stays_short_for_a_large_fleet(hetedge, tmp_path):
    (tmp_path / "large.yaml").write_text(
        "devices: {clients: [{profile: paper-1, count: 300}, {profile: paper-7, count: 300}]}\n"
        "cuts: {selector: fixed, every_client: [1, 1, 1, 1]}\n"
    )
    done = hetedge("explain", "large.yaml")
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) < 120


def test_json_that_does_not_fit_its_schema_is_noticed(hetedge):
    answer = json.loads(hetedge("latency", "quickstart", "--json").out)
    answer["clients"][0]["wait_s"] = -1.0
    with pytest.raises(jsonschema.ValidationError):
        check(answer, "latency")


def test_validate_says_valid_and_writes_nothing(hetedge, tmp_path, tiny):
    before = sorted(tmp_path.rglob("*"))
    done = hetedge("validate", "tiny.yaml")
    assert (done.code, done.out) == (0, "tiny.yaml: valid\n")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_validate_prints_is_the_same_scenario(hetedge, tmp_path):
    printed = hetedge("validate", "quickstart", "--print").out
    rounds = load("quickstart").scenario.strategy.rounds
    assert f"rounds: {rounds} # given" in printed
    assert "kld_alpha: 1.0 # default" in printed
    assert "# assumed numbers of the profiles in use:" in printed
    again = tmp_path / "again.yaml"
    again.write_text(printed)
    assert latency(again) == latency("quickstart")


@pytest.mark.parametrize("what", LISTINGS)
def test_list(hetedge, what):
    done = hetedge("list", what)
    assert (done.code, done.err) == (0, "")
    heading, *rows = done.out.splitlines()
    assert heading.startswith("name")
    assert len(rows) >= 1
    names = [row.split()[0] for row in rows]
    known = {
        "devices": catalog_names(),
        "datasets": DATASETS,
        "models": ["cgan28", "cgan32"],
        "selectors": SELECTORS,
    }
    assert names == list(known.get(what, names))


def test_help_names_every_command_and_listing(hetedge):
    done = hetedge("--help")
    assert done.code == 0
    assert done.err == ""
    for command in (
        "run",
        "compare",
        "latency",
        "cuts",
        "explain",
        "plot",
        "validate",
        "list",
        "schema",
        "calibrate",
    ):
        assert f"\n  {command} " in done.out
        assert hetedge(command, "--help").code == 0
    told = " ".join(hetedge("list", "--help").out.split())
    assert ", ".join(LISTINGS) in told


def test_plot_draws_into_the_only_runs_folder(hetedge, tiny_run, tmp_path):
    done = hetedge("plot", "phases", tiny_run.folder, "-o", tmp_path / "drawn")
    assert done.out.splitlines() == [str(tmp_path / "drawn" / name) for name in ("phases.png", "phases.pdf")]
    assert (tmp_path / "drawn" / "phases.png").stat().st_size > 10_000


def test_plot_all_of_several_runs(hetedge, tiny_run, tmp_path):
    done = hetedge("plot", "all", tiny_run.folder, tiny_run.folder)
    assert done.code == 0, done.err
    drawn = {path.stem.removesuffix("-1").removesuffix("-2") for path in (tmp_path / "figures").iterdir()}
    assert drawn == set(FIGURES)
