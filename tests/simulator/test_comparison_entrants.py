"""Who takes part in a comparison, and what of the scenario goes over to whom."""

import pytest

from scenarios.load import ScenarioError
from simulator import registry
from simulator.comparison.entrants import (
    ComparisonError,
    Entrant,
    entrant_names,
    entrant_overrides,
    errors_at_options,
    own_options,
    parse_entrants,
)
from simulator.strategies.fedgan.options import FedganOptions

BASE = """\
name: base
devices: {clients: [{profile: phone-2024, count: 7}]}
data: {domains: [{dataset: mnist5k, clients: 4}, {dataset: glyphs, clients: 3}]}
strategy: {rounds: 3, local_epochs: 2, batch_size: 16, learning_rate: 1.5e-3, clusters: 2, kld_alpha: 3}
"""


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.yaml"
    path.write_text(BASE)
    return registry.load(str(path))


def scenario_of(base, label, *options, overrides=()):
    (entrant,) = parse_entrants([label])
    own = own_options(options, [entrant])[entrant]
    found = entrant_overrides(base, overrides, entrant, own, steps_per_round=11)
    return registry.load(str(base.path), found).scenario


def test_shared_keys_go_over_and_the_rest_are_defaults(base):
    options = scenario_of(base, "fedgan").strategy
    assert options == FedganOptions(
        rounds=3, local_epochs=2, steps_per_round=11, batch_size=16, learning_rate=1.5e-3
    )


def test_the_scenarios_own_strategy_keeps_all_its_options(base):
    own = scenario_of(base, "huscf_gan").strategy
    assert own == base.scenario.strategy.model_copy(update={"steps_per_round": 11})


@pytest.mark.parametrize(
    ("ablation", "changed"), [("no_clustering", {"clusters": 1}), ("no_kld", {"kld_alpha": 0.0})]
)
def test_an_ablation_changes_one_thing(base, ablation, changed):
    plain, ablated = scenario_of(base, "huscf_gan"), scenario_of(base, f"huscf_gan/{ablation}")
    assert ablated.strategy == plain.strategy.model_copy(update=changed)
    assert ablated.model_copy(update={"strategy": plain.strategy}) == plain


def test_everything_but_the_strategy_stays(base):
    other = scenario_of(base, "fedgan")
    assert other.model_copy(update={"strategy": base.scenario.strategy}) == base.scenario


def test_own_options_win_over_what_goes_over(base):
    options = scenario_of(base, "fedgan", "fedgan.batch_size=4", "fedgan.steps_per_round=5").strategy
    assert (options.batch_size, options.steps_per_round) == (4, 5)


def test_options_of_a_strategy_are_those_of_its_ablations_too():
    plain, ablated = entrants = parse_entrants(["huscf_gan", "huscf_gan/no_kld"])
    own = own_options(["huscf_gan.clusters=3", "huscf_gan/no_kld.rounds=2"], entrants)
    assert own == {
        plain: ["strategy.clusters=3"],
        ablated: ["strategy.clusters=3", "strategy.rounds=2"],
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fedgan", "allowed: STRATEGY.KEY=VALUE"),
        ("fedgan.rounds", "allowed: STRATEGY.KEY=VALUE"),
        ("fedgan.=3", "allowed: STRATEGY.KEY=VALUE"),
        ("fedgn.rounds=3", "did you mean 'fedgan'"),
        ("fedgan.name=md_gan", "'name' would choose another strategy; allowed: an option of fedgan"),
    ],
)
def test_options_of_another_form_are_refused(text, told):
    with pytest.raises(ComparisonError, match=told):
        own_options([text], parse_entrants(["fedgan"]))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("fedgan.bogus=1", "--options fedgan.bogus=1:1:8: strategy.bogus: "),
        ("fedgan.rounds=x", "--options fedgan.rounds=x:1:15: strategy.rounds: "),
    ],
)
def test_an_error_in_an_option_names_the_text_that_the_user_wrote(base, text, place):
    (entrant,) = entrants = parse_entrants(["fedgan"])
    own = own_options([text], entrants)[entrant]
    with pytest.raises(ScenarioError) as error, errors_at_options([text], entrant):
        entrant_overrides(base, [], entrant, own, steps_per_round=11)
    assert str(error.value).startswith(place)


def test_other_errors_keep_their_places(base):
    (entrant,) = parse_entrants(["fedgan"])
    with pytest.raises(ScenarioError) as error, errors_at_options(["fedgan.rounds=2"], entrant):
        registry.load(str(base.path), ["seed=x"])
    assert str(error.value).startswith("--set seed=x:1:6: seed: ")


def test_labels_are_checked():
    assert set(registry.STRATEGIES) <= set(entrant_names())
    for labels, told in (
        (["huscf"], "unknown strategy 'huscf'; .*did you mean 'huscf_gan'"),
        (["huscf_gan/no_kl"], "did you mean 'huscf_gan/no_kld'"),
        (["fedgan/no_kld"], "unknown strategy 'fedgan/no_kld'"),
        (["fedgan", "fedgan"], "'fedgan' is named twice"),
        ([], "no strategy is named"),
    ):
        with pytest.raises(ComparisonError, match=told):
            parse_entrants(labels)


def test_every_entrant_has_a_folder_of_its_own():
    folders = [one.folder(3) for one in parse_entrants(entrant_names())]
    assert len(set(folders)) == len(folders)
    assert Entrant("huscf_gan", "no_kld").folder(3) == "huscf_gan-no_kld-seed3"


def test_households_get_the_domains_shares_by_largest_remainder(base, caplog):
    caplog.set_level("INFO")
    # Seven devices in households of three: 3 households for domains of 4 and 3, quotas 12/7 and 9/7.
    scenario = scenario_of(base, "fsl_gan", "fsl_gan.household_size=3")
    assert [domain.clients for domain in scenario.data.domains] == [2, 1]
    assert "fsl_gan: the domains' clients [4, 3] become [2, 1] households" in caplog.text
    single = scenario_of(base, "fsl_gan", "fsl_gan.household_size=1")
    assert [domain.clients for domain in single.data.domains] == [4, 3]


def test_open_domains_stay_open(base):
    both = ["data.domains=[{dataset: mnist5k}, {dataset: glyphs}]"]
    opened = registry.load(str(base.path), both)
    scenario = scenario_of(opened, "fsl_gan", overrides=both)
    assert [domain.clients for domain in scenario.data.domains] == [None, None]
    half = ["data.domains=[{dataset: mnist5k, clients: 6}, {dataset: glyphs}]"]
    opened = registry.load(str(base.path), half)
    scenario = scenario_of(opened, "fsl_gan", "fsl_gan.household_size=2", overrides=half)
    # Four households; six and one of seven devices: quotas 24/7 and 4/7.
    assert [domain.clients for domain in scenario.data.domains] == [3, 1]


def test_a_domain_without_households_is_refused(base):
    with pytest.raises(ScenarioError, match="one would have none; allowed for fsl_gan"):
        scenario_of(base, "fsl_gan", "fsl_gan.household_size=7")
