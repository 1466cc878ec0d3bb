"""`--set`: values, list items, mistakes, and the place inside the argument."""

import pytest


def test_values_are_yaml(load):
    text = "data: {domains: [{dataset: mnist5k}, {dataset: glyphs}]}\n"
    scenario = load(
        text,
        "seed=4",
        "strategy.kld_alpha=1e-3",
        "execution.training=false",
        "evaluation.metrics=[fid]",
        "evaluation.cas={samples: 10}",
        "network.jitter=3 ms",
        "devices.clients.0.uplink=5 MB/s",
        "data.domains.1.clients=1",
        "name=a=b".replace("=b", "-b"),
    ).scenario
    assert scenario.seed == 4
    assert scenario.strategy.kld_alpha == 1e-3
    assert scenario.execution.training is False
    assert scenario.evaluation.metrics == ("fid",)
    assert scenario.evaluation.cas.samples == 10
    assert scenario.network.jitter == 0.003
    assert scenario.devices.clients[0].uplink == 5e6
    assert [domain.clients for domain in scenario.data.domains] == [None, 1]
    assert scenario.name == "a-b"


def test_the_last_one_wins(load):
    assert load("seed: 1\n", "seed=2", "seed=3").scenario.seed == 3


def test_a_map_replaces(load):
    strategy = load("strategy: {rounds: 3, kld_alpha: 2}\n", "strategy={rounds: 4}").scenario.strategy
    assert (strategy.rounds, strategy.kld_alpha) == (4, 1.0)


@pytest.mark.parametrize(
    "overrides", [("cuts.selector=greedy",), ("cuts.selector=genetic", "cuts.population=9"),
                  ("cuts.population=9", "cuts.selector=genetic")],
)  # fmt: skip
def test_another_plugin_drops_the_options_of_the_file_only(load, overrides):
    cuts = load("cuts: {per_client: [[1, 1, 1, 1]]}\n", *overrides).scenario.cuts
    assert cuts.selector == overrides[0].partition("=")[2] or cuts.population == 9


def test_the_same_plugin_keeps_the_options(load):
    cuts = load("cuts: {per_client: [[1, 1, 1, 1]]}\n", "cuts.selector=fixed").scenario.cuts
    assert cuts.per_client == ((1, 1, 1, 1),)


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("seed", "--set seed:1:5: no '=' in it; allowed: key.path=value"),
        ("=3", "--set =3:1:1: an empty key; allowed: key.path=value"),
        ("strategy..rounds=3", "--set strategy..rounds=3:1:10: an empty key; allowed: key.path=value"),
        ("strategy.rounds=x",
         "--set strategy.rounds=x:1:17: strategy.rounds: the text 'x'; allowed: a whole number of at least 1"),
        ("strategy.rounds=",
         "--set strategy.rounds=:1:17: strategy.rounds: null; allowed: a whole number of at least 1"),
        ("strategy.rounds='3'",
         "--set strategy.rounds='3':1:17: strategy.rounds: the text '3'; allowed: a whole number of at least 1"),
        ("strategy.ruonds=3",
         "--set strategy.ruonds=3:1:10: strategy.ruonds: unknown key; "
         "allowed: name, rounds, batch_size, clusters, kld_alpha, patience; did you mean 'rounds'?"),
        ("modle.width=3",
         "--set modle.width=3:1:1: modle: unknown key; allowed: name, seed, devices, network, availability, "
         "disturbances, data, model, cost_model, cuts, strategy, stop, evaluation, execution, records, trace, extends; "
         "did you mean 'model'?"),
        ("cuts={selector: gredy}",
         "--set cuts={selector: gredy}:1:17: cuts.selector: 'gredy'; "
         "allowed: fixed, greedy, genetic; did you mean 'greedy'?"),
        ("network.model=maxmin",
         "--set network.model=maxmin:1:15: network.model: 'maxmin'; allowed: ideal, dedicated"),
        ("seed=[1",
         "--set seed=[1:1:8: not YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence; "
         "allowed: YAML 1.2"),
        ("model={width: 1, width: 2}",
         "--set model={width: 1, width: 2}:1:18: model.width: the key was already given at 1:8; "
         "allowed: each key once"),
        ("devices.clients.3.count=3",
         "--set devices.clients.3.count=3:1:17: devices.clients: there is no item '3' in a list of 1 item; "
         "allowed: the index 0"),
        ("devices.clients.-1.count=3",
         "--set devices.clients.-1.count=3:1:17: devices.clients: there is no item '-1' in a list of 1 item; "
         "allowed: the index 0"),
        ("devices.clients.profile=x",
         "--set devices.clients.profile=x:1:17: devices.clients: there is no item 'profile' in a list of 1 item; "
         "allowed: the index 0"),
        ("devices.clients.0.count=0",
         "--set devices.clients.0.count=0:1:25: devices.clients.0.count: 0; "
         "allowed: a whole number from 1 to 10000000"),
        ("devices.clients.0.profile.x=1",
         "--set devices.clients.0.profile.x=1:1:27: devices.clients.0.profile: 'paper-1' has no key 'x'; "
         "allowed: devices.clients.0.profile=VALUE, a new value for all of it"),
        ("data.domains.0.clients=4",
         "--set data.domains.0.clients=4:1:14: data.domains: no list is given here, so there is no item 0; "
         "allowed: data.domains=[...]"),
        ("extends=other.yaml",
         "--set extends=other.yaml:1:1: extends: cannot be set from the command line; "
         "allowed: extends in the scenario file"),
        ("seed=1\n2: 3",
         "--set seed=1\\n2: 3:2:2: not YAML: mapping values are not allowed here; allowed: YAML 1.2"),
    ],
)  # fmt: skip
def test_mistakes(errors, argument, line):
    assert errors("", argument) == [line]


def test_all_arguments_are_reported_together(errors):
    assert [line.partition(": ")[0] for line in errors("seed: -1\n", "a=1", "execution.threads=0", "b")] == [
        "--set a=1:1:1",
        "--set b:1:2",
        "--set execution.threads=0:1:19",
        "s.yaml:4:7",
    ]
