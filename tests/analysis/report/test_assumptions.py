"""What nobody stated: defaults as `validate --print` marks them, and numbers that the catalogue calls assumed."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from analysis.report.assumptions import Assumed, assumed_numbers, defaults_of
from devices.profile import catalog_names, load_profile
from scenarios.dump import dump_resolved
from simulator import registry


def leaves(value: object, path: str = "") -> dict[str, object]:
    """Lines of a resolved scenario: single values, and lists or maps that stand on one line."""
    if isinstance(value, dict) and value:
        return {
            key: one
            for name, below in value.items()
            for key, one in leaves(below, f"{path}.{name}".strip(".")).items()
        }
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return {
            key: one for at, below in enumerate(value) for key, one in leaves(below, f"{path}.{at}").items()
        }
    return {path: value}


@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from(["quickstart", "paper/s4_two_domain_non_iid", "paper_small/s7"]),
    st.randoms(use_true_random=False),
)
def test_the_defaults_are_the_lines_that_are_marked(name: str, random) -> None:
    loaded = registry.load(name)
    everything = leaves(YAML(typ="safe", pure=True).load(dump_resolved(loaded.scenario)))
    given_keys = {key for key in everything if random.random() < 0.5}
    found = defaults_of(dump_resolved(loaded.scenario, given_keys))
    assert [key for key, _ in found] == [key for key in everything if key not in given_keys]
    for key, text in found:
        assert YAML(typ="safe", pure=True).load(text) == everything[key]


def test_a_text_without_marks_has_no_defaults() -> None:
    assert defaults_of("") == defaults_of("name: x\ndevices:\n  server: y # given\n") == []


@pytest.mark.parametrize("name", catalog_names())
def test_every_assumed_number_of_a_profile_is_told_with_its_reason(name: str) -> None:
    found = assumed_numbers({"devices": {"server": name, "clients": []}})
    expected = load_profile(name).assumed
    assert {one.number: one.reason for one in found} == {
        key: reason.removeprefix("assumed: ") for key, reason in expected.items()
    }


def test_what_the_scenario_states_is_not_assumed_and_each_profile_comes_once() -> None:
    clients = [
        {"profile": "phone-2024", "count": 1, "uplink": "9 MB/s"},
        {"profile": "phone-2024", "uplink": "8 MB/s", "memory": "1 GiB"},
    ]
    found = assumed_numbers(
        {
            "devices": {"server": {"profile": "server-small"}, "clients": clients},
            "strategy": {"edge": "phone-2024"},
        }
    )
    assert ("phone-2024", "uplink") in {(one.profile, one.number) for one in found}
    found = assumed_numbers({"devices": {"server": {"profile": "server-small"}, "clients": clients}})
    numbers = [one.number for one in found if one.profile == "phone-2024"]
    assert numbers == [key for key in load_profile("phone-2024").assumed if key != "uplink"]
    assert {one.profile for one in found} == {"phone-2024", "server-small"}


def test_profiles_of_a_mix_and_a_file_that_is_gone(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.yaml")
    found = assumed_numbers(
        {"devices": {"server": gone, "clients": {"mix": {"phone-2024": 0.5, "jetson-nano": 0.5}, "count": 2}}}
    )
    assert {one.profile for one in found} == {gone, "phone-2024", "jetson-nano"}
    assert Assumed(gone, "all", "unknown: its file is not where the scenario names it") in found
