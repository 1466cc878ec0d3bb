"""The setting of a run: fleets meet domains, domains deal images, and every mistake has its place."""

import logging

import numpy as np
import pytest

from scenarios.load import ScenarioError
from simulator import registry
from simulator.kernel.network import Network
from simulator.setting import make_setting, warn_of_oddities


def setting_of(tmp_path, text, *overrides, labels=None):
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return make_setting(registry.load(str(path), overrides), labels)


def refusal(tmp_path, text, labels=None):
    with pytest.raises(ScenarioError) as refused:
        setting_of(tmp_path, text, labels=labels)
    return str(refused.value).removeprefix(f"{tmp_path}/scenario.yaml:")


def test_a_setting_without_files_takes_the_catalogues_sizes(tmp_path):
    setting = setting_of(tmp_path, "devices: {clients: [{profile: paper-1, count: 8}]}\n")
    assert setting.deal.domains == ("mnist5k",)
    assert setting.deal.sizes == (500,) * 8
    assert np.array_equal(np.sort(np.concatenate(setting.deal.images)), np.arange(4000))
    assert isinstance(setting.network, Network)
    assert setting.architecture.width == setting.scenario.model.width == 64


def test_real_labels_replace_the_catalogues(tmp_path):
    text = "devices: {clients: [{profile: paper-1, count: 4}]}\n"
    setting = setting_of(tmp_path, text, labels=[np.arange(40) % 10])
    assert setting.deal.sizes == (10,) * 4


def test_double_precision_doubles_the_bytes(tmp_path):
    text = "devices: {clients: [{profile: paper-1}]}\n"
    single, double = setting_of(tmp_path, text), setting_of(tmp_path, text, "execution.precision=float64")
    for before, after in zip(single.costs.generator.blocks, double.costs.generator.blocks, strict=True):
        assert after.output_bytes == 2 * before.output_bytes
        assert after.forward_flops == before.forward_flops


def test_domains_get_their_clients_in_order(tmp_path):
    text = """
devices: {clients: [{profile: paper-1, count: 6}]}
data: {domains: [{dataset: mnist5k, clients: 2}, {dataset: glyphs, clients: 4}]}
"""
    deal = setting_of(tmp_path, text).deal
    assert deal.domain_of == (0, 0, 1, 1, 1, 1)
    assert deal.clients_of("mnist5k") == (0, 1)
    assert deal.clients_of("glyphs") == (2, 3, 4, 5)
    assert deal.sizes == (2000, 2000, 1000, 1000, 1000, 1000)


@pytest.mark.parametrize(
    ("first", "expected"), [("", (0, 0, 0, 0, 1, 1, 1)), (", clients: 2", (0, 0, 1, 1, 1, 1, 1))]
)
def test_clients_left_out_are_dealt_equally_the_first_getting_one_more(tmp_path, first, expected):
    text = f"""
devices: {{clients: [{{profile: paper-1, count: 7}}]}}
data: {{domains: [{{dataset: mnist5k{first}}}, {{dataset: glyphs}}]}}
"""
    assert setting_of(tmp_path, text).deal.domain_of == expected


@pytest.mark.parametrize(
    ("domains", "came"),
    [
        ("[{dataset: mnist5k, clients: 2}, {dataset: glyphs, clients: 2}]", "the domains ask for 4 clients"),
        ("[{dataset: mnist5k, clients: 6}]", "the domains ask for 6 clients"),
        (
            "[{dataset: mnist5k, clients: 5}, {dataset: glyphs}]",
            "the domains ask for 5 clients and 1 more domains",
        ),
    ],
)
def test_domain_clients_that_do_not_sum_to_the_devices(tmp_path, domains, came):
    text = f"devices: {{clients: [{{profile: paper-1, count: 5}}]}}\ndata:\n  domains: {domains}\n"
    assert refusal(tmp_path, text) == (
        f"3:12: data.domains: {came}; "
        "the fleet has 5 devices; clients must sum to them (leave clients out to deal equally)"
    )


def test_fewer_than_two_images_a_client(tmp_path):
    text = "devices: {clients: [{profile: paper-1, count: 4}]}\ndata:\n  partition: {kind: iid}\n"
    message = refusal(tmp_path, text, labels=[np.arange(7) % 10])
    assert message.startswith("3:14: data.partition: ")
    assert "; " in message


@pytest.mark.parametrize(
    ("options", "key", "column"),
    [
        ("{kind: quantity, shares: [1, 2]}", "shares", 39),
        ("{kind: quantity, shares: [1, 1, 1, 1e-9]}", "shares", 39),
        ("{kind: quantity, min_images: 500}", "min_images", 43),
        ("{kind: dirichlet, min_images: 500}", "min_images", 44),
        ("{kind: dirichlet, alpha: 0.01, min_images: 240, max_tries: 2}", "alpha", 39),
        ("{kind: label_exclusion, excluded_labels: {10: 1}}", "excluded_labels", 55),
        ("{kind: label_exclusion, excluded_labels: {9: 1}}", "excluded_labels", 55),
    ],
)
def test_a_partition_that_cannot_be_is_blamed_at_its_key(tmp_path, options, key, column):
    text = f"devices: {{clients: [{{profile: paper-1, count: 4}}]}}\ndata:\n  partition: {options}\n"
    message = refusal(tmp_path, text, labels=[np.arange(1000 if key != "excluded_labels" else 16) % 10])
    assert message.startswith(f"3:{column}: data.partition.{key}: "), message
    assert "; " in message


def test_a_key_left_to_its_default_is_blamed_by_name(tmp_path):
    text = "devices: {clients: [{profile: paper-1, count: 4}]}\ndata:\n  partition: {kind: quantity}\n"
    message = refusal(tmp_path, text, labels=[np.arange(7) % 10])
    assert message.startswith("3:14: data.partition.min_images: ")


def test_an_override_without_effect_is_blamed_at_its_key(tmp_path):
    text = "devices:\n  clients:\n    - {profile: paper-1}\n    - {profile: no-such.yaml}\n"
    assert refusal(tmp_path, text).startswith("4:17: devices.clients.1.profile: ")


def test_the_deal_depends_on_the_seed_and_not_on_the_fleet(tmp_path):
    text = "devices: {clients: [{profile: KIND, count: 4}]}\nseed: SEED\n"
    deals = {
        (kind, seed): setting_of(tmp_path, text.replace("KIND", kind).replace("SEED", seed)).deal.images
        for kind in ("paper-1", "paper-2")
        for seed in ("0", "1")
    }
    same = [np.array_equal(*pair) for pair in zip(deals["paper-1", "0"], deals["paper-2", "0"], strict=True)]
    other = [np.array_equal(*pair) for pair in zip(deals["paper-1", "0"], deals["paper-1", "1"], strict=True)]
    assert all(same)
    assert not any(other)


def test_domains_are_dealt_independently_of_each_other(tmp_path):
    text = "devices: {clients: [{profile: paper-1, count: 4}]}\ndata: {domains: [DOMAINS]}\n"
    alone = setting_of(tmp_path, text.replace("DOMAINS", "{dataset: mnist5k, clients: 4}"))
    text = text.replace("count: 4", "count: 8")
    both = "{dataset: mnist5k, clients: 4}, {dataset: glyphs, clients: 4}"
    together = setting_of(tmp_path, text.replace("DOMAINS", both))
    for mine, theirs in zip(alone.deal.images, together.deal.images[:4], strict=True):
        assert np.array_equal(mine, theirs)
    # Two domains of one size are not dealt alike.
    assert not np.array_equal(together.deal.images[0], together.deal.images[4])


def test_a_path_is_assumed_as_large_as_mnist_and_says_so(tmp_path, caplog):
    text = (
        "devices: {clients: [{profile: paper-1, count: 6}]}\ndata: {domains: [{dataset: {path: digits}}]}\n"
    )
    with caplog.at_level(logging.WARNING):
        setting = setting_of(tmp_path, text)
    assert setting.deal.domains == ("digits",)
    assert setting.deal.sizes == (10_000,) * 6
    assert caplog.messages == [
        "domain digits: no data file is opened; 60000 images of 1 x 28 x 28 in 10 classes are assumed"
    ]


LOPSIDED = """
devices: {clients: [{profile: paper-1, count: 2}, {profile: paper-2, count: 2}], order: ORDER}
data: {domains: [{dataset: mnist5k, clients: 2}, {dataset: glyphs, clients: 2}]}
"""


def test_a_domain_on_one_profile_is_warned_of(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        warn_of_oddities(setting_of(tmp_path, LOPSIDED.replace("ORDER", "listed")))
    assert [message[:46] for message in caplog.messages] == [
        "domain mnist5k sits on one profile (paper-1): ",
        "domain glyphs sits on one profile (paper-2): i",
    ]


@pytest.mark.parametrize(
    "text",
    [
        LOPSIDED.replace("ORDER", "interleaved"),
        LOPSIDED.replace("ORDER", "listed").replace("paper-2", "paper-1"),
    ],
)
def test_mixed_domains_and_uniform_fleets_are_not(tmp_path, caplog, text):
    with caplog.at_level(logging.WARNING):
        warn_of_oddities(setting_of(tmp_path, text))
    assert caplog.messages == []


@pytest.mark.parametrize(("training", "warnings"), [("false", 1), ("true", 0)])
def test_a_target_that_nothing_measures_is_warned_of(tmp_path, caplog, training, warnings):
    text = LOPSIDED.replace("ORDER", "interleaved")
    text += f"stop: {{target: {{metric: fid, below: 20}}}}\nexecution: {{training: {training}}}\n"
    with caplog.at_level(logging.WARNING):
        warn_of_oddities(setting_of(tmp_path, text))
    wanted = "stop.target is never reached: execution.training is false, so nothing is measured"
    assert caplog.messages == [wanted] * warnings


HIERARCHY = "devices: {clients: [{profile: paper-1, count: 6}]}\nstrategy: {name: hfl_gan, OPTIONS}\n"


@pytest.mark.parametrize(
    ("options", "edges", "profile"),
    [("rounds: 1", 3, "server-small"), ("edges: 6, edge: laptop", 6, "laptop")],
)
def test_a_strategy_with_edge_servers_finds_them_in_its_fleet(tmp_path, options, edges, profile):
    setting = setting_of(tmp_path, HIERARCHY.replace("OPTIONS", options))
    assert [edge.name for edge in setting.fleet.edges] == [f"edge-{number}" for number in range(edges)]
    assert {edge.profile.name for edge in setting.fleet.edges} == {profile}
    assert len(setting.fleet.clients) == len(setting.deal.sizes) == 6


def test_a_profile_of_edge_servers_may_be_a_file_beside_the_scenario(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "kind: server\ndescription: own\nmeasured_flops_per_s: {value: 1 TFLOP/s, source: assumed}\n"
        "uplink: {value: 1 GB/s, source: assumed}\ndownlink: {value: 1 GB/s, source: assumed}\n"
    )
    setting = setting_of(tmp_path, HIERARCHY.replace("OPTIONS", "edge: ./own.yaml"))
    assert {edge.profile.name for edge in setting.fleet.edges} == {"own"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("edges: 7", "2:34: strategy.edges: 7 edge servers; allowed: 1 to 6, as many as there are clients"),
        ("edge: ./none.yaml", "2:33: strategy.edge: "),
        (
            "edge: server-smal",
            "2:33: strategy.edge: no profile is named 'server-smal'; did you mean 'server-small'",
        ),
    ],
)
def test_wrong_edge_servers_are_blamed_on_the_strategys_keys(tmp_path, options, message):
    assert refusal(tmp_path, HIERARCHY.replace("OPTIONS", options)).startswith(message)
