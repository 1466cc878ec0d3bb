"""The jobs of a sweep: which scenario each is, its id, and how wrong combinations are told."""

import fnmatch
import os
import re
import textwrap
from importlib import resources
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenarios import sweep_file
from scenarios.messages import ScenarioError
from scenarios.sweep_reading import read_sweep_file
from simulator import registry
from simulator.sweeping import faults
from simulator.sweeping.jobs import JOB_DIGITS, default_folder, is_column, make_jobs

few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

BASE = """\
name: small
devices:
  server: {profile: paper-server}
  clients: [{profile: paper-1, count: 2}, {profile: paper-2, count: 2}]
cuts: {selector: genetic, population: 20}
strategy: {rounds: 2}
"""


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """Make the jobs of a sweep, written from a text beside its base."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yaml").write_text(BASE)

    def make(text, *overrides, base="b.yaml"):
        (tmp_path / "s.yaml").write_text(f"base: {base}\n{text}\n")
        return make_jobs(read_sweep_file("s.yaml", is_column), overrides)

    return make


@pytest.fixture
def errors(jobs):
    """Make jobs like `jobs` and return the lines of the error that must come."""

    def lines(text, *overrides):
        with pytest.raises(ScenarioError) as caught:
            jobs(text, *overrides)
        return str(caught.value).split("\n")

    return lines


def ids(made):
    return [job.id for job in made]


def test_a_job_is_every_combination_with_every_seed_in_order(jobs):
    made = jobs("axes: {strategy.rounds: [3, 4], cuts.selector: [exact, greedy]}\nseeds: [5, 1]")
    wanted = list(product((3, 4), ("exact", "greedy"), (5, 1)))
    assert [
        (job.loaded.scenario.strategy.rounds, job.loaded.scenario.cuts.selector, job.loaded.scenario.seed)
        for job in made
    ] == wanted
    assert [(*job.values.values(), job.seed) for job in made] == wanted
    assert [tuple(job.labels) for job in made] == [("strategy.rounds", "cuts.selector")] * 8
    assert made[0].title == "strategy.rounds=3, cuts.selector=exact, seed=5"
    assert len(set(ids(made))) == 8
    assert {len(one) for one in ids(made)} == {JOB_DIGITS}


def test_a_job_is_the_scenario_that_set_would_make(jobs, tmp_path):
    made = jobs(
        "set: {strategy.rounds: 3}\naxes: {cuts: {variants: {e: {cuts.selector: exact}}}}\nseeds: 2",
        "model.width=8",
    )
    for seed, job in enumerate(made):
        overrides = ("strategy.rounds=3", "model.width=8", "cuts.selector=exact", f"seed={seed}")
        alone = registry.load("b.yaml", (*overrides, "execution.threads=1"))
        assert job.loaded.scenario == alone.scenario


def test_every_job_has_one_thread_whatever_the_base_says(jobs):
    made = jobs("set: {execution: {threads: 4, precision: float64}}")
    execution = made[0].loaded.scenario.execution
    assert (execution.threads, execution.precision) == (1, "float64")
    assert ids(made) == ids(jobs("set: {execution.precision: float64}"))


@pytest.mark.parametrize(
    ("text", "overrides", "seeds"),
    [
        ("", (), [0]),
        ("set: {seed: 7}", (), [7]),
        ("set: {seed: 7}\nseeds: 2", (), [7, 8]),
        ("seeds: 2", ("seed=3",), [3, 4]),
        ("seeds: [4, 2]", (), [4, 2]),
    ],
)
def test_seeds_count_from_the_bases_own(jobs, text, overrides, seeds):
    made = jobs(text, *overrides)
    assert [job.seed for job in made] == [job.loaded.scenario.seed for job in made] == seeds


def test_another_plug_in_drops_the_files_options_and_keeps_the_sweeps(jobs):
    made = jobs("set: {cuts.relative_gap: 0.5}\naxes: {cuts.selector: [exact]}")
    assert (made[0].loaded.scenario.cuts.selector, made[0].loaded.scenario.cuts.relative_gap) == (
        "exact",
        0.5,
    )
    same = jobs("axes: {cuts.selector: [genetic]}")
    assert same[0].loaded.scenario.cuts.population == 20


def test_a_part_may_be_varied_within_a_whole(jobs):
    made = jobs(
        "axes: {mix: {variants: {a: {devices.clients: [{profile: paper-3, count: 4}]}}},"
        " devices.clients.0.uplink: [1 MB/s, 2 MB/s]}"
    )
    clients = [job.loaded.scenario.devices.clients[0] for job in made]
    assert [(one.profile, one.uplink) for one in clients] == [("paper-3", 1e6), ("paper-3", 2e6)]


def test_the_id_is_of_the_content_alone(jobs, tmp_path, monkeypatch):
    axes = "axes: {strategy.rounds: [3, 4], cuts.selector: [exact, greedy]}\nseeds: 2"
    first = ids(jobs(axes))
    reordered = """\
# the same, in another order
strategy: {rounds: 2}   # as before
cuts:
  population: 20
  selector: genetic
devices:
  clients:
    - {count: 2, profile: paper-1}
    - {profile: paper-2, count: 2}
  server: {profile: paper-server}
name: small
"""
    (tmp_path / "b.yaml").write_text(reordered)
    assert ids(make_jobs(read_sweep_file("s.yaml"))) == first
    assert ids(make_jobs(read_sweep_file(str(tmp_path / "s.yaml")))) == first
    monkeypatch.chdir("/")
    assert ids(make_jobs(read_sweep_file(os.path.relpath(tmp_path / "s.yaml")))) == first
    (tmp_path / "s.yaml").write_text(
        "seeds: [0, 1] # a comment\naxes:\n  strategy.rounds: {range: [3, 4], step: 1}\n"
        "  c: {variants: {x: {cuts.selector: exact}, y: {cuts.selector: greedy}}}\nbase: ./b.yaml\nname: other\n"
    )
    assert ids(make_jobs(read_sweep_file(str(tmp_path / "s.yaml")))) == first


CHANGES = {
    "name": "other",
    "seed": 1,
    "devices.server.profile": "server-small",
    "devices.clients.1.count": 3,
    "devices.order": "listed",
    "network.model": "ideal",
    "availability.model": "diurnal",
    "disturbances.slowdown": "{mean_every: 1 h, mean_for: 1 min, factor: 0.5}",
    "data.partition.kind": "shards",
    "model.width": 8,
    "cost_model": "paper",
    "cuts.population": 21,
    "strategy.kld_alpha": 0.25,
    "strategy.learning_rate": 0.25,
    "stop.sim_time": "1 h",
    "evaluation.samples": 3,
    "execution.precision": "float64",
    "records": "summary",
    "trace.iterations": 1,
}


@pytest.mark.parametrize("key", sorted(CHANGES))
def test_the_id_changes_with_every_value(jobs, key):
    assert jobs(f"set: {{{key}: {CHANGES[key]}}}")[0].id != jobs("")[0].id


@few
@given(st.permutations(["model.width", "strategy.kld_alpha", "cuts.population", "records", "seed"]))
def test_the_id_does_not_depend_on_the_order_of_what_is_set(jobs, keys):
    made = jobs(f"set: {{{', '.join(f'{key}: {CHANGES[key]}' for key in keys)}}}")
    assert ids(made) == ids(jobs(f"set: {{{', '.join(f'{key}: {CHANGES[key]}' for key in sorted(keys))}}}"))


def test_relative_paths_count_from_the_file_they_are_written_in(tmp_path, monkeypatch):
    for name in ("sweeps", "bases", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "bases" / "b.yaml").write_text(BASE.replace("paper-server}", "./server.yaml}"))
    (tmp_path / "sweeps" / "s.yaml").write_text(
        "base: ../bases/b.yaml\n"
        "axes: {m: {variants: {a: {data.domains: [{dataset: {path: ./images, format: idx}}]}}}}\n"
    )
    profile = (Path(str(resources.files("devices"))) / "catalog" / "server-small.yaml").read_text()
    (tmp_path / "bases" / "server.yaml").write_text(profile)
    monkeypatch.chdir(tmp_path / "elsewhere")
    (job,) = make_jobs(read_sweep_file("../sweeps/s.yaml"))
    scenario = job.loaded.scenario
    assert scenario.devices.server.profile == str(tmp_path / "bases" / "server.yaml")
    assert scenario.data.domains[0].dataset.path == str(tmp_path / "sweeps" / "images")
    monkeypatch.chdir(tmp_path)
    assert ids(make_jobs(read_sweep_file(str(tmp_path / "sweeps" / "s.yaml")))) == [job.id]


def test_the_default_folder_is_of_the_jobs(jobs):
    one, two = jobs("seeds: 1"), jobs("seeds: 2")
    assert default_folder("n", one) == default_folder("n", jobs("seeds: [0]"))
    assert default_folder("n", one) != default_folder("n", two)
    assert re.fullmatch(r"runs/sweep-n-[0-9a-f]{8}", str(default_folder("n", one)))


@pytest.mark.parametrize(
    "name", ["job", "seed", "fid", "fid.glyphs", "cas_accuracy", "rounds", "metric", "value"]
)
def test_columns_are_reserved(name):
    assert is_column(name)


@pytest.mark.parametrize("name", ["mix", "cuts.selector", "strategy.rounds", "fidelity", "seed.x"])
def test_other_names_are_free(name):
    assert not is_column(name)


SELECTORS = "allowed: exact, genetic, local_search, greedy, random, homogeneous, fixed"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(
            "axes: {cuts.selector: [exct, genetic, greddy]}",
            [
                f"s.yaml:2:24: cuts.selector: 'exct'; {SELECTORS}; did you mean 'exact'?",
                f"s.yaml:2:39: cuts.selector: 'greddy'; {SELECTORS}; did you mean 'greedy'?",
            ],
            id="values of an axis",
        ),
        pytest.param(
            "axes: {model.width: [0, 8], strategy.rounds: [1, x]}\nset: {cost_model: exat}",
            [
                "s.yaml:2:22: model.width: 0; allowed: a whole number from 1 to 512",
                "s.yaml:2:50: strategy.rounds: the text 'x'; allowed: a whole number from 1 to 1000000",
                "s.yaml:3:19: cost_model: 'exat'; allowed: exact, paper; did you mean 'exact'?",
            ],
            id="several axes and set",
        ),
        pytest.param(
            "set: {cuts.population: 30}\naxes: {cuts.selector: [genetic, exact]}",
            ["s.yaml:2:12: cuts.population: unknown key; * (in the combination cuts.selector=exact)"],
            id="set that fits some of them",
        ),
        pytest.param(
            "axes: {strategy.name: [huscf_gan, fedgan], strategy.kld_alpha: [0, 1]}",
            [
                "s.yaml:2:53: strategy.kld_alpha: unknown key; * (in the combination strategy.name=fedgan, *=0)"
            ],
            id="two axes that do not fit",
        ),
        pytest.param(
            "axes: {devices.clients.7.count: [1, 2]}",
            [
                "s.yaml:2:24: devices.clients: there is no item '7' in a list of 2 items; allowed: an index from 0 to 1"
            ],
            id="an item that is not there",
        ),
        pytest.param(
            "axes: {m: {variants: {a: {data.domains: [{dataset: mnist5k, clients: 4}]},"
            " b: {data.domains: [{dataset: mnist5k, clients: 5}]}}}}",
            ["s.yaml:2:94: data.domains: the domains ask for 5 clients; the fleet has 4 devices; *"],
            id="a fleet that does not fit",
        ),
        pytest.param(
            "axes: {devices.server: [server-small, ./none.yaml]}",
            ["s.yaml:2:39: devices.server: *none.yaml*"],
            id="a file that is not there",
        ),
        pytest.param(
            "axes: {strategy.kld_alpha: [1, 1.0, 2]}",
            [
                "s.yaml:2:7: axes: (strategy.kld_alpha=1, seed=0) and (strategy.kld_alpha=1.0, seed=0) are the same "
                "scenario; allowed: combinations that differ"
            ],
            id="twice the same",
        ),
        pytest.param(
            "axes: {devices.clients: [5]}", ["s.yaml:2:26: devices.clients: 5; *"], id="not even a map"
        ),
    ],
)
def test_wrong_combinations_are_told_at_their_places(errors, text, lines):
    found = errors(text)
    assert len(found) == len(lines), found
    for one, line in zip(found, lines, strict=True):
        assert fnmatch.fnmatchcase(one, line.replace("[", "[[]")), one


def test_faults_of_the_base_stand_in_the_base(jobs, tmp_path):
    (tmp_path / "c.yaml").write_text(BASE.replace("genetic", "gentic").replace("rounds", "round"))
    with pytest.raises(ScenarioError) as caught:
        jobs("axes: {model.width: [8, 16]}\nseeds: 2", base="c.yaml")
    found = str(caught.value).split("\n")
    assert [line.split(" ")[0] for line in found] == ["c.yaml:5:18:", "c.yaml:6:12:"]
    assert all("in the combination" not in line for line in found)


def test_a_base_may_lack_what_the_axes_give(jobs, tmp_path):
    (tmp_path / "c.yaml").write_text("name: c\nstrategy: {rounds: 1}\n")
    made = jobs(
        "axes: {m: {variants: {a: {devices.clients: [{profile: paper-1, count: 2}]}}}}", base="c.yaml"
    )
    assert made[0].loaded.scenario.devices.clients[0].count == 2


def test_seeds_that_no_column_holds_are_refused(errors):
    assert errors(f"set: {{seed: {2**63 - 1}}}\nseeds: 2") == [
        f"s.yaml:3:8: seeds: 2 from the base's own on, {2**63 - 1}; allowed: up to {2**63 - 1}"
    ]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "model.width=3",
            "1:1: model.width: axis 'model.width' of the sweep sets 'model.width'; allowed: another",
        ),
        (
            "cuts.selector.x=3",
            "1:1: cuts.selector.x: axis 'm' of the sweep sets 'cuts.selector'; allowed: another key",
        ),
        ("seed=3", "1:1: seed: 'seeds' of the sweep sets 'seed'; allowed: another key"),
        ("strategy.rounds", "1:16: no '=' in it; allowed: key.path=value"),
        (
            "strategy.rounds=x",
            "1:17: strategy.rounds: the text 'x'; allowed: a whole number from 1 to 1000000",
        ),
    ],
)
def test_set_must_leave_alone_what_the_sweep_varies(errors, override, line):
    text = "axes: {model.width: [8], m: {variants: {a: {cuts.selector: exact}}}}\nseeds: [1]"
    (found,) = errors(text, override)
    assert found.startswith(f"--set {override}:{line}")


def test_set_may_replace_what_the_sweep_sets_and_the_whole_of_what_it_varies(jobs):
    (job,) = jobs(
        "set: {strategy.rounds: 3}\naxes: {model.width: [8]}", "strategy.rounds=4", "model={width: 4}"
    )
    assert (job.loaded.scenario.strategy.rounds, job.loaded.scenario.model.width) == (4, 8)


def test_after_many_wrong_combinations_no_more_are_tried(errors, monkeypatch):
    assert len(errors("axes: {model.width: {range: [1000, 2000], step: 1}}")) == faults.MOST_TOLD
    monkeypatch.setattr(faults, "MOST_WRONG", 3)
    first_wrong = "axes: {strategy.rounds: [0, 1], model.width: [1, 2, 3, 4, 0]}"
    assert errors(first_wrong) == [
        "s.yaml:2:26: strategy.rounds: 0; allowed: a whole number from 1 to 1000000"
    ]


def test_the_example_of_the_documentation_is_a_sweep(jobs, tmp_path):
    """The one in the module's docstring, with its abbreviated fleets written out."""
    text = textwrap.dedent(sweep_file.__doc__.partition("::\n")[2])
    text = text.replace("[...]", "[{profile: raspberry-pi-4, count: 8}]", 1)
    text = text.replace("[...]", "[{profile: phone-2024, count: 8}]", 1)
    (tmp_path / "doc.yaml").write_text(text)
    file = read_sweep_file("doc.yaml", is_column)
    made = make_jobs(file)
    assert len(made) == file.job_count == 1 * 2 * 5 * 4 * 2 * 2
    assert {job.labels["mix"] for job in made} == {"boards"}


def test_a_job_is_another_when_a_file_that_its_scenario_names_has_changed(tmp_path):
    """Its path is the same; what would come out of it is not."""
    profile = Path(str(resources.files("devices"))) / "catalog" / "phone-2024.yaml"
    (tmp_path / "mine.yaml").write_text(profile.read_text())
    (tmp_path / "base.yaml").write_text("devices: {clients: [{profile: mine.yaml, count: 2}]}\n")
    (tmp_path / "sweep.yaml").write_text("base: base.yaml\nseeds: 2\n")
    before = [job.id for job in make_jobs(read_sweep_file(str(tmp_path / "sweep.yaml")))]
    assert [job.id for job in make_jobs(read_sweep_file(str(tmp_path / "sweep.yaml")))] == before
    (tmp_path / "mine.yaml").write_text(profile.read_text() + "\n# another\n")
    assert not set(before) & {job.id for job in make_jobs(read_sweep_file(str(tmp_path / "sweep.yaml")))}
