"""The FedGAN learner against plain PyTorch, its averages against sums written out here, and what it sends."""

from types import SimpleNamespace

import pytest
import torch
from plain_gan import assert_same_but_for_rounding
from plain_whole import (
    LEARNING_RATE,
    STEPS_PER_ROUND,
    commit,
    drawn,
    gan_step,
    held,
    plain_discriminator,
    plain_generator,
    tiny_text,
)
from tiny_world import assert_identical, domains, make_learner, make_plan, play_run

from models.cost import network_costs, segment_saved_bytes
from scenarios.load import ScenarioError
from simulator.ledger import ledger
from simulator.strategies.fedgan.reveals import REVEALS


@pytest.fixture
def made(tmp_path):
    """Make a learner, and plain copies of all its networks."""

    def make(clients: int, *overrides: str, names=("mnist5k",)):
        data = domains()[: len(names)]
        plan = make_plan(tmp_path, data, *overrides, text=tiny_text("fedgan", clients, names))
        learner = make_learner(plan, data)
        plain = [
            (plain_generator(g.blocks), plain_discriminator(d.blocks))
            for g, d in zip(learner.generators, learner.discriminators, strict=True)
        ]
        return SimpleNamespace(plan=plan, learner=learner, plain=plain, data=data)

    return make


def assert_equals_plain(one) -> None:
    pairs = zip(one.learner.generators, one.learner.discriminators, one.plain, strict=True)
    for g, d, (plain_g, plain_d) in pairs:
        assert_same_but_for_rounding(g.blocks, plain_g.blocks, LEARNING_RATE)
        assert_same_but_for_rounding(d.blocks, plain_d.blocks, LEARNING_RATE)


def test_a_single_client_trains_as_plain_pytorch_does(made):
    one = made(1)
    for number in range(4):
        one.learner.apply(commit("iteration", 1, *divmod(number, STEPS_PER_ROUND)))
        batch = drawn(one.plan, *held(one.plan, one.data, 0), 0, number)
        assert one.learner.losses == pytest.approx(gan_step(*one.plain[0], *batch), rel=1e-6)
    assert_equals_plain(one)


def test_the_average_of_a_single_client_is_itself(made):
    one = made(1)
    one.learner.apply(commit("iteration", 1))
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    one.learner.apply(commit("aggregate", 1))
    for name, tensor in one.learner.state().items():
        torch.testing.assert_close(tensor, before[name], rtol=1e-14, atol=0)


def test_clients_train_by_themselves_on_their_own_images(made):
    one = made(4, names=("mnist5k", "glyphs"))
    one.learner.apply(commit("iteration", 4))
    losses = [
        gan_step(*one.plain[client], *drawn(one.plan, *held(one.plan, one.data, client), client, 0))
        for client in range(4)
    ]
    assert one.learner.losses == pytest.approx([sum(loss) / 4 for loss in zip(*losses, strict=True)])
    assert_equals_plain(one)


def test_both_networks_are_averaged_by_the_numbers_of_images(made):
    one = made(2, "data.partition={kind: quantity, shares: [1, 3]}")
    one.learner.apply(commit("iteration", 2))
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    assert one.plan.setting.deal.sizes == (10, 30)
    one.learner.apply(commit("aggregate", 2))
    after = one.learner.state()
    for name in (name for name in after if ".client-0." in name):
        other = name.replace("client-0", "client-1")
        assert torch.equal(after[name], after[other])
        if after[name].dtype.is_floating_point:
            wanted = 0.25 * before[name] + 0.75 * before[other]
            torch.testing.assert_close(after[name], wanted, rtol=1e-12, atol=1e-15)
    assert {name.split(".")[0] for name in after} == {"generator", "discriminator"}


def test_optimisers_keep_what_they_have_gathered(made):
    one = made(2)
    one.learner.apply(commit("iteration", 2))
    one.learner.apply(commit("aggregate", 2))
    steps = [float(state["step"]) for g in one.learner.generators for state in g.adam.state.values()]
    assert steps
    assert set(steps) == {1.0}


def test_with_common_weights_all_begin_alike_and_with_independent_ones_not(made):
    for init, alike in (("common", True), ("independent", False)):
        own = made(2, f"strategy.init={init}").learner.generators
        pairs = zip(own[0].blocks.parameters(), own[1].blocks.parameters(), strict=True)
        assert all(torch.equal(first, second) for first, second in pairs) == alike


def test_a_domain_is_judged_by_its_first_clients_generator(made):
    one = made(4, names=("mnist5k", "glyphs"))
    labels = one.data[0].train_labels[:3]
    streams = one.plan.setting.streams
    noise = torch.from_numpy(streams.draw("test").standard_normal((3, 100)))
    for domain, client in (("mnist5k", 0), ("glyphs", 2)):
        came = one.learner.generator_for(domain)(labels, streams.draw("test"))
        wanted = one.plain[client][0].eval()(noise, torch.from_numpy(labels))
        torch.testing.assert_close(torch.from_numpy(came), wanted.detach().float())


def test_an_evaluation_changes_nothing_and_other_commits_are_refused(made):
    one = made(2)
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    one.learner.apply(commit("evaluate", 2))
    assert_identical(one.learner.state(), before)
    with pytest.raises(ValueError, match="kind 'merge'"):
        one.learner.apply(commit("merge", 2))


def test_the_ledger_of_a_round_holds_both_networks_each_way(made):
    one = made(3, "strategy.rounds=1")
    lines = ledger(play_run(one.plan, one.learner).tables["transfers"], REVEALS)
    nets = one.plan.setting.architecture
    costs = [cost for net in (nets.generator, nets.discriminator) for cost in network_costs(net, 8)]
    sums = {
        "parameters": 3 * sum(cost.parameter_bytes for cost in costs),
        "statistics": 3 * sum(cost.statistics_bytes for cost in costs),
    }
    ways = (("client", "server"), ("server", "client"))
    came = {
        (str(li.disclosure.kind), li.disclosure.sender, li.disclosure.receiver): li.n_bytes for li in lines
    }
    assert came == {(kind, *way): n_bytes for kind, n_bytes in sums.items() for way in ways}


def test_memory_is_that_of_both_networks_in_training(made):
    plan = made(2, "data.partition={kind: quantity, shares: [1, 19]}").plan
    assert plan.batches == (2, 4)
    nets = plan.setting.architecture
    costs = [network_costs(net, 8) for net in (nets.generator, nets.discriminator)]
    weights = sum(4 * one.parameter_bytes + 2 * one.statistics_bytes for net in costs for one in net)
    activations = sum(segment_saved_bytes(net) for net in costs)
    assert plan.memory_bytes() == (weights + 2 * activations, weights + 4 * activations)


def test_a_device_too_small_for_a_whole_gan_is_named(made):
    with pytest.raises(
        ScenarioError, match=r"devices\.clients: a whole GAN in training needs .* on client-1"
    ):
        made(2, "devices.clients=[{profile: paper-1}, {profile: paper-1, memory: 100 kB}]")


def test_a_server_too_small_for_an_average_is_named(made):
    """It adds up what comes, one message at a time: twice both networks."""
    nets = made(2).plan.setting.architecture
    costs = [cost for net in (nets.generator, nets.discriminator) for cost in network_costs(net, 8)]
    needed = 2 * sum(cost.parameter_bytes + cost.statistics_bytes for cost in costs)

    def server(memory: int) -> str:
        return f"devices.server={{profile: paper-server, memory: {memory} B}}"

    assert made(2, server(needed)).plan.server_memory_bytes() == needed
    came = rf"devices\.server: an average of both networks needs {needed / 1e6:.4g} MB on server"
    with pytest.raises(ScenarioError, match=came):
        made(2, server(needed - 1))
