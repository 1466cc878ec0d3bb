"""The study's scenarios as the library has them, answered without opening a data file."""

import logging
from collections import Counter

import pytest

from scenarios.load import library_names
from simulator import registry
from simulator.setting import Setting, make_setting
from simulator.timing_only import latency

FULL = [name for name in library_names() if name.startswith("paper/")]
SMALL = [name for name in library_names() if name.startswith("paper_small/")]

MNISTS = ("MNIST", "FashionMNIST", "KMNIST", "NotMNIST")
RULES = {
    "paper/s1_single_iid": ("paper_s1", MNISTS[:1]),
    "paper/s2_single_non_iid": ("paper_s2", MNISTS[:1]),
    "paper/s3_two_domain_iid": ("paper_s3", MNISTS[:2]),
    "paper/s4_two_domain_non_iid": ("paper_s4", MNISTS[:2]),
    "paper/s5_two_domain_highly_non_iid": ("paper_s5", MNISTS[:2]),
    "paper/s6_four_domain_iid": ("paper_s6", MNISTS),
    "paper/s7_four_domain_non_iid": ("paper_s4", MNISTS),
    "paper/cifar_svhn": ("paper_s3", ("CIFAR10", "SVHN")),
    "paper/blood_derma": ("paper_s3", ("BloodMNIST", "DermaMNIST")),
}


@pytest.fixture(autouse=True)
def _no_data(monkeypatch):
    monkeypatch.delenv("HETEDGE_DATA", raising=False)


def setting_of(name: str) -> Setting:
    return make_setting(registry.load(name))


def profiles(setting: Setting) -> list[str]:
    return [device.profile.name for device in setting.fleet.clients]


def test_the_whole_list_is_there():
    assert set(FULL) == set(RULES)
    assert [f"paper_small/s{number}" for number in range(1, 8)] == SMALL


@pytest.mark.parametrize("name", FULL)
def test_the_fleet_is_eighty_clients_dealt_in_turn(name):
    setting = setting_of(name)
    assert profiles(setting) == [f"paper-{client % 7 + 1}" for client in range(80)]
    assert setting.fleet.server.profile.name == "paper-server"
    assert set(Counter(setting.deal.domain_of).values()) == {80 // len(setting.deal.domains)}


@pytest.mark.parametrize("name", FULL)
def test_rule_domains_clusters_and_training_are_the_studys(name):
    setting = setting_of(name)
    scenario, (rule, domains) = setting.scenario, RULES[name]
    assert (scenario.data.partition.kind, setting.deal.domains) == (rule, domains)
    strategy = scenario.strategy
    told = (strategy.rounds, strategy.local_epochs, strategy.batch_size, strategy.learning_rate)
    assert told == (50, 5, 64, 2e-4)
    assert strategy.clusters == len(domains)
    assert scenario.model.width == 64
    evaluation = scenario.evaluation
    assert (evaluation.samples, evaluation.cas.samples, evaluation.cas.epochs) == (4992, 29952, 15)


@pytest.mark.parametrize(
    "name", ["paper/s1_single_iid", "paper/s3_two_domain_iid", "paper/s6_four_domain_iid"]
)
def test_an_iid_client_holds_750_images(name):
    assert set(setting_of(name).deal.sizes) == {60_000 // 80}


def test_the_authors_formula_is_reached_by_the_two_overrides_of_the_comment():
    answer = latency("paper/s1_single_iid", ["cost_model=paper", "network.model=paper"])
    assert answer["iteration_latency_s"] == pytest.approx(7.0024593, abs=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_a_small_scenario_keeps_rule_domains_and_images_of_a_client(name):
    setting = setting_of(name)
    full = next(one for one in RULES if one.startswith(f"paper/{name[-2:]}_"))
    assert (setting.scenario.data.partition.kind, setting.deal.domains) == RULES[full]
    assert setting.scenario.strategy.clusters == len(setting.deal.domains)
    assert max(setting.deal.sizes) == 750
    assert setting.scenario.data.partition.images_in_all == 750 * len(setting.deal.sizes)


@pytest.mark.parametrize("name", SMALL)
def test_every_domain_of_a_small_scenario_sees_every_profile_equally_often(name):
    setting = setting_of(name)
    dealt = profiles(setting)
    for domain in setting.deal.domains:
        counts = Counter(dealt[client] for client in setting.deal.clients_of(domain))
        assert set(counts) == {f"paper-{number}" for number in range(1, 8)}
        assert len(set(counts.values())) == 1


@pytest.mark.parametrize("name", ["paper/cifar_svhn", "paper/blood_derma", "paper_small/s7"])
def test_latency_answers_without_data(name, caplog):
    caplog.set_level(logging.WARNING)
    assert latency(name)["iteration_latency_s"] > 0
    assert not caplog.messages
