"""Every scenario of the library can be told in words, and the words say what it holds."""

from pathlib import Path

import pytest

from analysis.report.words import counted, joined, options_text, scenario_words
from scenarios.dump import resolved
from scenarios.load import library_names
from simulator import registry

QUICKSTART = {
    "Devices": "8 clients: 2 raspberry-pi-3b-plus, 2 raspberry-pi-4, 2 jetson-nano and 2 phone-2024; the server",
    "Data": "2 domains: mnist5k on 4 clients and glyphs on 4 clients.",
    "Model": "cgan28 of width 16",
    "Strategy": "huscf_gan, 12 rounds, with",
    "Cuts": "the selector exact for the shortest iteration",
    "Evaluation": "FID and Generation score after every round, on 2,000 images a domain.",
}


@pytest.mark.parametrize("name", library_names())
def test_every_scenario_of_the_library_has_words_for_each_part(name: str) -> None:
    words = dict(scenario_words(resolved(registry.load(name).scenario)))
    assert {"Devices", "Network", "Presence", "Data", "Model", "Strategy"} <= words.keys()
    for text in words.values():
        assert text.endswith(".")
        assert not any(strange in text for strange in ("None", "{", "}", "[", "]", "  ", ".."))


@pytest.mark.parametrize("part", QUICKSTART)
def test_what_the_quickstart_is(part: str) -> None:
    words = dict(scenario_words(resolved(registry.load("quickstart").scenario)))
    assert QUICKSTART[part] in words[part]


@pytest.mark.parametrize(
    ("override", "part", "told"),
    [
        ("strategy.patience={kind: deadline, deadline: 30 s}", "Strategy", "Patience: kind deadline, deadline 30"),
        ("network={model: maxmin}", "Network", "max-min fair"),
        ("availability={model: on_off, mean_on: 1 h, mean_off: 5 min}", "Presence", "come and go: model on_off"),
        ("data.partition={kind: dirichlet, alpha: 0.3}", "Data", "dirichlet), alpha 0.3"),
        ("cuts.objective.energy_j=0.5", "Cuts", "energy j 0.5"),
        ("execution.training=false", "Model", "nothing is trained"),
        ("stop={sim_time: 2 h}", "Evaluation", "may end early: sim time"),
        ("devices.clients={mix: {phone-2024: 0.25, jetson-nano: 0.75}, count: 8}", "Devices",
         "8 clients, mixed of 25 % phone-2024 and 75 % jetson-nano"),
        ("devices.clients.3.uplink=1 MB/s", "Devices", "2 phone-2024, altered"),
    ],
)  # fmt: skip
def test_what_departs_from_it_is_told(override: str, part: str, told: str) -> None:
    scenario = resolved(registry.load("quickstart", [override]).scenario)
    assert told in dict(scenario_words(scenario))[part]


def test_compared_strategies_are_named() -> None:
    scenario = resolved(registry.load("quickstart").scenario)
    assert "2 compared: a and b; 12 rounds each." in dict(scenario_words(scenario, ["a", "b"]))["Strategy"]


def test_a_scenario_of_which_little_is_known_tells_little() -> None:
    assert scenario_words({}) == []


def test_small_words(tmp_path: Path) -> None:
    assert [joined([]), joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [counted(0, "run"), counted(1, "run"), counted(2000, "run")] == ["0 runs", "1 run", "2,000 runs"]
    assert options_text({"a_b": {"c": True, "d": None}, "e": [1, "x"]}) == "a b (c true), e (1; x)"
