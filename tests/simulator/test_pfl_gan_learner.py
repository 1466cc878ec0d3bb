"""The learner after PFL-GAN against plain PyTorch, and what a round sends and asks of memory."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from plain_gan import assert_same_but_for_rounding
from plain_whole import (
    BATCH,
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
from simulator import registry
from simulator.feed import Feed
from simulator.ledger import ledger
from simulator.planning import make_plan as plan_of
from simulator.setting import make_setting
from simulator.strategies.pfl_gan.reveals import REVEALS
from simulator.strategies.pfl_gan.similarity import divergences, latent_gaussians, mixture_weights

PERSONAL_STEPS = 3
SMALL = (
    "strategy.similarity_samples=20",
    "strategy.latent_dimensions=3",
    f"strategy.personal_steps={PERSONAL_STEPS}",
)


@pytest.fixture
def made(tmp_path):
    """Make a learner, and plain copies of all its networks."""

    def make(clients: int, *overrides: str, names=("mnist5k",)):
        data = domains()[: len(names)]
        text = tiny_text("pfl_gan", clients, names)
        plan = make_plan(tmp_path, data, *SMALL, *overrides, text=text)
        learner = make_learner(plan, data)
        return SimpleNamespace(
            plan=plan,
            learner=learner,
            data=data,
            generators=[plain_generator(one.blocks) for one in learner.generators],
            discriminators=[plain_discriminator(one.blocks) for one in learner.discriminators],
            personal=[plain_discriminator(one.blocks) for one in learner.personal_discriminators],
        )

    return make


def drawn_fakes(one, purpose: str, number: int, client: int, rows: int = BATCH):
    """Noise and uniform labels of a keyed draw; labels come first."""
    rng = one.plan.setting.streams.draw(purpose, number, client)
    labels = torch.from_numpy(rng.integers(10, size=rows))
    return torch.from_numpy(rng.standard_normal((rows, 100))), labels


def play_plain_steps(one, client: int, steps: int) -> list[tuple[float, float]]:
    return [
        gan_step(
            one.generators[client],
            one.discriminators[client],
            *drawn(one.plan, *held(one.plan, one.data, client), client, number),
        )
        for number in range(steps)
    ]


def assert_equals_plain(one) -> None:
    for own, plain in (
        (one.learner.generators, one.generators),
        (one.learner.discriminators, one.discriminators),
        (one.learner.personal_discriminators, one.personal),
    ):
        for network, twin in zip(own, plain, strict=True):
            assert_same_but_for_rounding(network.blocks, twin.blocks, LEARNING_RATE)


def test_a_single_client_trains_as_plain_pytorch_does_and_meets_nobody(made):
    one = made(1)
    losses = []
    for number in range(4):
        round_, step = divmod(number, STEPS_PER_ROUND)
        one.learner.apply(commit("iteration", 1, round_, step))
        losses.append(one.learner.losses)
        if step == STEPS_PER_ROUND - 1:
            one.learner.apply(commit("aggregate", 1, round_))
    assert np.array(losses) == pytest.approx(np.array(play_plain_steps(one, 0, 4)), rel=1e-6)
    assert one.learner.personal_discriminators == []
    assert_equals_plain(one)


def personalise_plainly(one, weights, round_: int) -> None:
    """Train everybody's personal generator on the others' samples; all start from what was uploaded."""
    uploaded = [plain_generator(own.blocks).eval() for own in one.generators]
    for client, generator in enumerate(one.generators):
        generator.reset_adam()
        for number in range(round_ * PERSONAL_STEPS, (round_ + 1) * PERSONAL_STEPS):
            noise, labels = drawn_fakes(one, "mixture", number, client)
            draw = one.plan.setting.streams.draw("mixture.source", number, client)
            sources = draw.choice(len(weights), BATCH, p=weights[client])
            with torch.no_grad():
                rows = [uploaded[k](noise[[n]], labels[[n]]) for n, k in enumerate(sources)]
            latent, _ = drawn_fakes(one, "personal", number, client)
            gan_step(generator, one.personal[client], torch.cat(rows), labels, latent)


def test_personal_generators_equal_plain_training_on_the_mixture(made):
    one = made(3)
    for number in range(STEPS_PER_ROUND):
        one.learner.apply(commit("iteration", 3, 0, number))
    for client in range(3):
        play_plain_steps(one, client, STEPS_PER_ROUND)
    weights = one.learner.weights(0)
    one.learner.apply(commit("aggregate", 3, 0))
    personalise_plainly(one, weights, 0)
    assert_equals_plain(one)


def test_the_servers_discriminators_are_kept_and_its_optimiser_of_the_generator_is_not(made):
    one = made(2)
    for round_ in range(
        2
    ):  # no local steps in between: the second round starts from the first one's generators
        weights = one.learner.weights(round_)
        np.testing.assert_array_equal(weights, [[0, 1], [1, 0]])
        one.learner.apply(commit("aggregate", 2, round_))
        personalise_plainly(one, weights, round_)
    assert_equals_plain(one)


def test_clients_go_on_with_their_own_discriminator_and_both_optimisers(made):
    one = made(2)
    one.learner.apply(commit("iteration", 2))
    before = [network.copy_of_state() for network in one.learner.discriminators]
    one.learner.apply(commit("aggregate", 2))
    for network, was in zip(one.learner.discriminators, before, strict=True):
        assert_identical(network.state(), was)
    for network in (*one.learner.generators, *one.learner.discriminators):
        assert {float(state["step"]) for state in network.adam.state.values()} == {1.0}


def test_weights_follow_the_likeness_of_samples(made):
    one = made(4)
    for client, twin in ((2, 0), (3, 1)):
        one.learner.generators[client].load(one.learner.generators[twin].state())
    for own in one.learner.generators[1].blocks.parameters():
        own.data *= 1.7
    one.learner.generators[3].load(one.learner.generators[1].state())
    weights = one.learner.weights(0)
    assert [int(row.argmax()) for row in weights] == [2, 3, 0, 1]
    assert (weights.max(axis=1) > 0.9).all()


def test_weights_are_those_of_every_generators_samples_in_evaluation_mode(made):
    one = made(3)
    samples = []
    for client, generator in enumerate(one.generators):
        noise, labels = drawn_fakes(one, "similarity", 5, client, rows=20)
        with torch.no_grad():
            samples.append(generator.eval()(noise, labels).flatten(1).float().numpy())
    wanted = mixture_weights(divergences(latent_gaussians(np.stack(samples), 3)), 1.0)
    np.testing.assert_allclose(one.learner.weights(5), wanted, rtol=1e-4, atol=1e-9)


def test_the_servers_discriminators_begin_with_the_common_weights(made):
    one = made(2)  # clients begin with weights of their own
    first, second = one.learner.personal_discriminators
    assert_identical(first.state(), second.state())
    common = made(2, "strategy.init=common").learner
    assert_identical(first.state(), common.discriminators[0].state())


def test_a_domain_is_judged_by_its_first_clients_personal_generator(made):
    one = made(4, names=("mnist5k", "glyphs"))
    one.learner.apply(commit("aggregate", 4))
    labels = one.data[0].train_labels[:3]
    streams = one.plan.setting.streams
    noise = torch.from_numpy(streams.draw("test").standard_normal((3, 100)))
    for domain, client in (("mnist5k", 0), ("glyphs", 2)):
        came = one.learner.generator_for(domain)(labels, streams.draw("test"))
        wanted = one.learner.generators[client].evaluate(noise, torch.from_numpy(labels))
        torch.testing.assert_close(torch.from_numpy(came), wanted.float())


def test_other_commits_are_refused(made):
    with pytest.raises(ValueError, match="kind 'merge'"):
        made(2).learner.apply(commit("merge", 2))


def test_the_ledger_of_a_round_holds_a_generator_each_way(made):
    one = made(3, "strategy.rounds=1")
    lines = ledger(play_run(one.plan, one.learner).tables["transfers"], REVEALS)
    costs = network_costs(one.plan.setting.architecture.generator, 8)
    sums = {
        "parameters": 3 * sum(cost.parameter_bytes for cost in costs),
        "statistics": 3 * sum(cost.statistics_bytes for cost in costs),
    }
    ways = (("client", "server"), ("server", "client"))
    came = {
        (str(li.disclosure.kind), li.disclosure.sender, li.disclosure.receiver): li.n_bytes for li in lines
    }
    assert came == {(kind, *way): n_bytes for kind, n_bytes in sums.items() for way in ways}


def test_a_single_client_sends_nothing(made):
    one = made(1, "strategy.rounds=2")
    played = play_run(one.plan, one.learner)
    assert played.tables["transfers"].empty
    assert [entry.commit.kind for entry in played.entries].count("aggregate") == 2


def test_the_server_works_between_uploads_and_downloads(made):
    one = made(2, "strategy.rounds=1")
    tables = play_run(one.plan, one.learner).tables
    transfers = tables["transfers"]
    uploaded_s = transfers.loc[transfers["target"] == "server", "end_s"].max()
    down_s = transfers.loc[transfers["source"] == "server", "start_s"].min()
    server = tables["devices"].set_index("device").loc["server"]
    assert server["work_flops"] == pytest.approx(sum(leg.flops for leg in one.plan.server_legs))
    assert down_s - uploaded_s == pytest.approx(server["compute_s"], rel=1e-9)


def test_devices_too_small_are_named(made):
    with pytest.raises(
        ScenarioError, match=r"devices\.clients: a whole GAN in training needs .* on client-1"
    ):
        made(2, "devices.clients=[{profile: paper-1}, {profile: paper-1, memory: 100 kB}]")
    with pytest.raises(ScenarioError, match=r"devices\.server: personalisation needs .* on server"):
        made(2, "devices.server={profile: paper-server, memory: 1 MB}")


@pytest.mark.parametrize("clients", [2, 5])
def test_the_server_holds_all_generators_twice_discriminators_samples_and_one_gan_in_training(made, clients):
    """Discriminators have Adam's two moments; in training both networks have gradients too, and activations."""
    costs = made(2).plan.setting.costs
    g, d = costs.generator.blocks, costs.discriminator.blocks
    held_of_each = 2 * sum(cost.parameter_bytes + cost.statistics_bytes for cost in g)
    held_of_each += sum(3 * cost.parameter_bytes + cost.statistics_bytes for cost in d)
    held_of_each += 20 * 784 * 8
    training = sum(4 * cost.parameter_bytes + 2 * cost.statistics_bytes for cost in (*g, *d))
    training += BATCH * (segment_saved_bytes(g) + segment_saved_bytes(d))
    needed = int(clients * held_of_each + training)

    def server(memory: int) -> str:
        return f"devices.server={{profile: paper-server, memory: {memory} B}}"

    made(clients, server(needed))
    with pytest.raises(ScenarioError, match=rf"personalisation needs {needed / 1e6:.4g} MB on server"):
        made(clients, server(needed - 1))


def test_made_images_have_labels_of_the_clients_own_domain(tmp_path, monkeypatch):
    """Client 0's domain has ten classes, client 1's three."""
    many, few = domains()
    few = dataclasses.replace(
        few, train_labels=few.train_labels % 3, test_labels=few.test_labels % 3, classes=3
    )
    data = [many, few]
    path = tmp_path / "tiny.yaml"
    path.write_text(tiny_text("pfl_gan", 2, ("mnist5k", "glyphs")))
    loaded = registry.load(str(path), SMALL)
    labels, forms = [one.train_labels for one in data], [one.form for one in data]
    plan = plan_of(make_setting(loaded, labels, forms=forms))
    learner = make_learner(plan, data)
    seen = {0: set(), 1: set()}
    fakes = Feed.fakes

    def watched(feed, purpose, step, size, *more, **options):
        noise, drawn_labels = fakes(feed, purpose, step, size, *more, **options)
        seen[more[0]] |= set(drawn_labels.tolist())
        return noise, drawn_labels

    monkeypatch.setattr(Feed, "fakes", watched)
    learner.apply(commit("aggregate", 2))
    assert seen == {0: set(range(10)), 1: {0, 1, 2}}


def test_a_latent_space_larger_than_an_image_is_refused(made):
    with pytest.raises(
        ScenarioError, match=r"strategy\.latent_dimensions: 785 dimensions; allowed: 1 to 784"
    ):
        made(2, "strategy.latent_dimensions=785")
