"""`extends`: merging, dropping another plug-in's options, cycles, places in the right file."""

import pytest

from scenarios.load import ScenarioError, load_scenario

BASE = """\
name: base
devices: {clients: [{profile: paper-1, count: 2}, {profile: paper-2}]}
strategy: {rounds: 7, kld_alpha: 2}
cuts: {selector: genetic, population: 20}
"""


@pytest.fixture
def load_child(folder, kind):
    def load_it(child: str, base: str = BASE, *overrides: str):
        (folder / "lib").mkdir(exist_ok=True)
        (folder / "lib" / "base.yaml").write_text(base)
        (folder / "child.yaml").write_text("extends: lib/base.yaml\n" + child)
        return load_scenario("child.yaml", overrides, kind)

    return load_it


def lines_of(caught) -> list[str]:
    return str(caught.value).split("\n")


def test_maps_merge_and_lists_are_replaced(load_child):
    scenario = load_child("strategy: {rounds: 3}\ndevices: {clients: [{profile: paper-3}]}\n").scenario
    assert (scenario.strategy.rounds, scenario.strategy.kld_alpha) == (3, 2.0)
    assert [client.profile for client in scenario.devices.clients] == ["paper-3"]
    assert scenario.name == "base"


def test_another_plugin_drops_the_inherited_options(load_child):
    assert load_child("cuts: {selector: greedy}\n").scenario.cuts.selector == "greedy"


def test_the_same_plugin_keeps_the_inherited_options(load_child):
    cuts = load_child("cuts: {selector: genetic, generations: 4}\n").scenario.cuts
    assert (cuts.population, cuts.generations) == (20, 4)


def test_a_default_plugin_counts_as_chosen(load_child):
    base = BASE.replace("strategy: {", "network: {jitter: 3 ms}\nstrategy: {")
    assert load_child("network: {model: dedicated, slowdown: 2}\n", base).scenario.network.jitter == 0.003
    assert load_child("network: {model: ideal}\n", base).scenario.network.model == "ideal"


def test_an_inner_choice_drops_its_options_too(load_child):
    base = BASE + "data: {partition: {kind: dirichlet, alpha: 0.1}}\n"
    partition = load_child("data: {partition: {kind: quantity}}\n", base).scenario.data.partition
    assert partition.kind == "quantity"
    partition = load_child(
        "data: {partition: {kind: dirichlet, min_images: 9}}\n", base
    ).scenario.data.partition
    assert (partition.alpha, partition.min_images) == (0.1, 9)


def test_errors_point_into_the_file_where_the_value_stands(load_child):
    with pytest.raises(ScenarioError) as caught:
        load_child("seed: -1\n", BASE.replace("rounds: 7", "rounds: 0, rounds: 1"))
    assert lines_of(caught) == [
        "child.yaml:2:7: seed: -1; allowed: a whole number of at least 0",
        "lib/base.yaml:3:20: strategy.rounds: 0; allowed: a whole number of at least 1",
        "lib/base.yaml:3:23: strategy.rounds: the key was already given at 3:12; allowed: each key once",
    ]


def test_a_value_that_is_replaced_is_not_checked(load_child):
    assert load_child("seed: 4\n", BASE + "seed: -1\n").scenario.seed == 4


def test_paths_count_from_the_file_they_are_written_in(load_child, folder):
    base = BASE.replace("profile: paper-2", "profile: boards/mine.yaml")
    loaded = load_child("data: {domains: [{dataset: {path: letters}}]}\n", base, "devices.server=own.yaml")
    assert loaded.scenario.devices.clients[1].profile == str(folder / "lib" / "boards" / "mine.yaml")
    assert loaded.scenario.data.domains[0].dataset.path == str(folder / "letters")
    assert loaded.scenario.devices.server == str(folder / "own.yaml")


def test_paths_among_the_keys_of_a_mix(load_child, folder):
    base = BASE.replace("[{profile: paper-1, count: 2}, {profile: paper-2}]", "{mix: {a.yaml: 1}, count: 2}")
    loaded = load_child("", base)
    assert list(loaded.scenario.devices.clients.mix) == [str(folder / "lib" / "a.yaml")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "extends: a.yaml\n",
            "a.yaml:1:10: extends: 'a.yaml' leads back to itself (a.yaml -> a.yaml); "
            "allowed: a scenario outside this chain",
        ),
        (
            "extends: b.yaml\n",
            "b.yaml:1:10: extends: './a.yaml' leads back to itself (a.yaml -> b.yaml -> a.yaml); "
            "allowed: a scenario outside this chain",
        ),
        ("extends: [b.yaml]\n", "a.yaml:1:10: extends: a list of 1 item; allowed: one path or library name"),
        ("extends:\n", "a.yaml:1:1: extends: null; allowed: one path or library name"),
        ("extends: c\n", "a.yaml:1:10: extends: 'c': a folder; allowed: the path of a YAML file"),
        (
            "extends: libary/frist\n",
            "a.yaml:1:10: extends: 'libary/frist': no such file and no such scenario of the library; "
            "allowed: a path, or library/first; did you mean 'library/first'?",
        ),
    ],
)
def test_extends_mistakes(folder, kind, monkeypatch, text, line):
    monkeypatch.setattr("scenarios.extends.resolve", _resolve_without_library)
    monkeypatch.setattr("scenarios.locate.library_names", lambda: ("library/first",))
    (folder / "a.yaml").write_text(text)
    (folder / "b.yaml").write_text("extends: ./a.yaml\n")
    (folder / "c").mkdir()
    with pytest.raises(ScenarioError) as caught:
        load_scenario("a.yaml", (), kind)
    assert lines_of(caught) == [line]


def _resolve_without_library(name, folder):
    return folder / name


def test_empty_parent_is_an_error_of_the_parent(load_child):
    with pytest.raises(ScenarioError) as caught:
        load_child("", "")
    assert lines_of(caught) == [
        "lib/base.yaml:1:1: the file is empty; allowed: a map of 'key: value' lines, with at least the key 'devices'"
    ]
