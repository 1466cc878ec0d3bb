"""The HuSCF-GAN learner against a plain-PyTorch version of the same composite, and against numbers worked by hand."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from huscf_commits import (
    CUTS,
    EVERYBODY,
    GLOBAL_KLD,
    KL_H_Q,
    KL_Q_H,
    LEARNING_RATE,
    LOST,
    PASSES,
    SHARES,
    SIZES,
    STEPS_PER_ROUND,
    aggregation,
    averaging,
    iteration,
    make_one,
    normalised,
    value_of,
)
from plain_gan import assert_same_but_for_rounding
from tiny_world import assert_identical, domains, make_learner, make_plan

from simulator import feed as feed_module


@pytest.fixture
def made(tmp_path):
    """Make a learner with its plan and the plain version of it, with equal weights but each copy its own."""
    return partial(make_one, tmp_path)


def expected_batches(made, number: int):
    """A fresh draw of each client's own images for the run's iteration ``number``, without replacement."""
    images, labels, latent = {}, {}, {}
    deal, streams = made.plan.setting.deal, made.plan.setting.streams
    for client in EVERYBODY:
        data, own = made.data[deal.domain_of[client]], deal.images[client]
        rows = min(4, len(own))
        picked = own[streams.draw("batch", client, number).choice(len(own), rows, replace=False)]
        assert len(set(picked.tolist())) == rows
        scaled = torch.from_numpy(data.train_images[picked].astype(np.float64)) / 127.5 - 1
        images[client] = scaled.float().double()  # images are scaled in single precision
        labels[client] = torch.from_numpy(data.train_labels[picked])
        noise = streams.draw("noise", client, number).standard_normal((rows, 100))
        latent[client] = torch.from_numpy(noise)
    return images, labels, latent


def assert_equals_plain(made) -> None:
    """Equal weights and statistics in every copy."""
    nets = (made.learner.generator, made.plain.g), (made.learner.discriminator, made.plain.d)
    for ensemble, plain in nets:
        for came, wanted in plain.pairs_with(ensemble):
            assert_same_but_for_rounding(came, wanted, LEARNING_RATE)


def test_whole_iterations_equal_the_plain_composite(made):
    one = made()
    for number in range(3):
        round_, step = divmod(number, STEPS_PER_ROUND)
        assert one.learner.apply(iteration(round_, step)) is None
        images, labels, latent = expected_batches(one, number)
        losses = one.plain.step(images, labels, latent)
        assert one.learner.losses == pytest.approx(losses, rel=1e-6)
    assert_equals_plain(one)


def test_clients_of_different_batch_size_too(made):
    one = made("data.partition={kind: quantity, shares: [1, 19]}")
    assert one.plan.batches == (2, 4, 2, 4)
    one.learner.apply(iteration())
    one.plain.step(*expected_batches(one, 0))
    assert_equals_plain(one)


def test_before_training_losses_are_not_numbers(made):
    assert all(math.isnan(loss) for loss in made().learner.losses)


def test_an_iterations_draws_depend_on_its_number_alone(made):
    once, twice = made(), made()
    once.learner.apply(iteration(1, 0))
    twice.learner.apply(iteration(0, 2))  # both are the third iteration of the run
    assert_identical(once.learner.state(), twice.learner.state())
    other = made()
    other.learner.apply(iteration(1, 1))
    with pytest.raises(AssertionError):
        assert_identical(once.learner.state(), other.learner.state())


@pytest.mark.parametrize("missed", LOST)
def test_who_misses_a_pass_skips_that_step_and_the_server_drops_its_rows(made, missed):
    one = made()
    who = LOST[missed]
    one.learner.apply(iteration(who=who))
    passes = [who.get(name, (EVERYBODY, EVERYBODY)) for name in PASSES]
    losses = one.plain.step(*expected_batches(one, 0), passes)
    assert one.learner.losses == pytest.approx(losses, rel=1e-6)
    assert_equals_plain(one)
    # A full iteration afterwards: each client's optimiser counts its own steps.
    one.learner.apply(iteration(step=1))
    one.plain.step(*expected_batches(one, 1))
    assert_equals_plain(one)


def assert_averaged(one, clusters, cluster_weights, global_weights) -> None:
    """Compare every copy with the average that the cuts and the weights ask for, worked out in plain numbers."""
    own_number, server_number = (100.0, 200.0, 300.0, 400.0), 1000.0
    nets = ((one.learner.generator, slice(0, 2)), (one.learner.discriminator, slice(2, 4)))
    for net, which in nets:
        ends = [cut[which] for cut in CUTS]
        for block in range(5):
            holds = [block < head or block >= 5 - tail for head, tail in ends]
            seen = [own_number[k] if holds[k] else server_number for k in EVERYBODY]
            for members, weights in zip(clusters, cluster_weights, strict=True):
                wanted = sum(w * seen[k] for k, w in zip(members, weights, strict=True))
                for k in members:
                    assert (block in net.own[k]) == holds[k]
                    if holds[k]:
                        assert value_of(net.own[k][block]) == pytest.approx(wanted, rel=1e-12)
            if 0 < block < 4:
                whole = sum(w * number for w, number in zip(global_weights, seen, strict=True))
                wanted = whole if any(holds) else server_number
                assert value_of(net.server[block]) == pytest.approx(wanted, rel=1e-12)
        assert value_of(net.server[2]) == server_number


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0])
def test_a_clustered_round_end_by_hand(made, monkeypatch, alpha):
    one = made("strategy.clusters=2", f"strategy.kld_alpha={alpha}", SHARES)
    assert one.plan.setting.deal.sizes == SIZES
    decision = averaging(one, monkeypatch, round_=0)
    assert decision.clusters == ((0, 3), (1, 2))
    # In (0, 3) client 0 is (h, q) and client 3 (q, q); in (1, 2) client 1 is (h, h) and client 2 (q, h).
    first = normalised([10 * math.exp(-alpha * KL_Q_H / 2), 30 * math.exp(-alpha * KL_H_Q / 2)])
    second = normalised([30 * math.exp(-alpha * KL_Q_H / 2), 10 * math.exp(-alpha * KL_H_Q / 2)])
    over_all = normalised([n * math.exp(-alpha * d) for n, d in zip(SIZES, GLOBAL_KLD, strict=True)])
    assert_averaged(one, [(0, 3), (1, 2)], [first, second], over_all)


def test_the_clusters_and_weights_above_in_numbers(made, monkeypatch):
    # One value followed to the end. In (0, 3): 10 exp(-0.065406) = 9.36687 and 30 exp(-0.071921) = 27.91815,
    # so client 0 weighs 0.251225. The generator's first block of both: 0.251225 x 100 + 0.748775 x 400 = 324.6326.
    one = made("strategy.clusters=2", SHARES)
    averaging(one, monkeypatch, round_=0)
    assert value_of(one.learner.generator.own[0][0]) == pytest.approx(324.6326, abs=2e-3)
    assert value_of(one.learner.generator.own[3][0]) == value_of(one.learner.generator.own[0][0])


def test_auto_finds_the_two_clusters(made, monkeypatch):
    assert averaging(made("strategy.clusters=auto"), monkeypatch, round_=0).clusters == ((0, 3), (1, 2))


def test_warm_up_rounds_take_plain_sizes_and_one_cluster_then_clustering_begins(made, monkeypatch):
    for round_, warm in ((0, True), (1, True), (2, False)):
        one = made("strategy.clusters=2", "strategy.warmup_rounds=2", SHARES)
        decision = averaging(one, monkeypatch, round_)
        if warm:
            assert decision.clusters == (EVERYBODY,)
            plain = [n / 80 for n in SIZES]
            assert_averaged(one, [EVERYBODY], [plain], plain)
        else:
            assert decision.clusters == ((0, 3), (1, 2))


def test_a_singleton_cluster_keeps_its_own_copies(made, monkeypatch):
    one = made("strategy.clusters=4")
    decision = averaging(one, monkeypatch, round_=0)
    assert decision.clusters == ((0,), (1,), (2,), (3,))
    values = [value_of(one.learner.discriminator.own[k][0]) for k in EVERYBODY]
    assert values == [100.0, 200.0, 300.0, 400.0]


def test_clustering_looks_at_the_core_of_the_last_real_pass_before_the_discriminators_step(made):
    one = made()
    one.learner.apply(iteration(0, 0))
    one.plain.step(*expected_batches(one, 0))
    cores = []
    one.plain.d.shared[2].register_forward_hook(lambda module, args, output: cores.append(output.detach()))
    one.learner.apply(iteration(0, 1))
    one.plain.step(*expected_batches(one, 1))
    rows = cores[1].split([4, 4, 4, 4])  # of the three passes, the one on real images
    wanted = torch.stack([own.mean(dim=0) for own in rows]).flatten(2)
    came = one.learner._core_activations(EVERYBODY)
    assert came.shape == (4, 4, 49)
    torch.testing.assert_close(came, wanted, rtol=1e-5, atol=1e-7)


def test_a_round_end_leaves_optimisers_alone(made):
    one = made()
    for step in range(2):
        one.learner.apply(iteration(0, step))

    def moments():
        nets = (one.learner.generator, one.learner.discriminator)
        adams = [adam for net in nets for adam in (net._server_adam, *net._adam)]
        states = [state for adam in adams for state in adam.state.values()]
        return [tensor.clone() for state in states for tensor in state.values()]

    before = moments()
    one.learner.apply(aggregation(0))
    after = moments()
    assert len(before) > 100
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_after_a_round_end_training_goes_on_from_the_averages_with_the_old_moments(made):
    one = made()
    one.learner.apply(iteration(0, 0))
    one.plain.step(*expected_batches(one, 0))
    one.learner.apply(aggregation(0))
    one.plain.take_weights_of(one.learner.generator, one.learner.discriminator)  # weights, not moments
    one.learner.apply(iteration(0, 1))
    one.plain.step(*expected_batches(one, 1))
    assert_equals_plain(one)


def test_common_initialisation_starts_all_copies_alike_and_independent_does_not(tmp_path):
    data = domains()
    for init, alike in (("common", True), ("independent", False)):
        learner = make_learner(make_plan(tmp_path, data, f"strategy.init={init}"), data)
        for net in (learner.generator, learner.discriminator):
            first = [list(own[0].parameters())[1] for own in net.own]
            assert all(torch.equal(first[0], other) for other in first[1:]) == alike
            middle = [own[1].conv.weight for own in net.own if 1 in own] + [net.server[1].conv.weight]
            assert torch.equal(middle[0], middle[-1]) == alike


@pytest.mark.parametrize("client", EVERYBODY)
def test_generated_images_are_the_clients_composite_in_evaluation_mode(made, client):
    one = made()
    one.learner.apply(iteration())
    head, tail = CUTS[client][:2]
    one.plain.take_weights_of(one.learner.generator, one.learner.discriminator)
    labels = np.arange(7) % 10
    came = one.learner.generate(client, labels, np.random.default_rng(3))
    rows = torch.from_numpy(np.random.default_rng(3).standard_normal((7, 100)))
    for block in range(5):
        held = block < head or block >= 5 - tail
        module = (one.plain.g.own[client] if held else one.plain.g.shared)[block].eval()
        rows = module(rows, torch.from_numpy(labels)) if block == 0 else module(rows)
    assert came.dtype == np.float32
    assert came.shape == (7, 1, 28, 28)
    np.testing.assert_allclose(came, rows.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_generation_in_chunks_draws_as_one(made, monkeypatch):
    one = made()
    labels = np.arange(7) % 10
    whole = one.learner.generate(0, labels, np.random.default_rng(3))
    monkeypatch.setattr(feed_module, "GENERATION_CHUNK", 3)
    np.testing.assert_allclose(one.learner.generate(0, labels, np.random.default_rng(3)), whole, rtol=1e-6)


def test_cut_halves_go_to_their_own_network(made):
    one = made()
    held = [sorted(own) for own in one.learner.discriminator.own]
    assert held == [[0, 4], [0, 3, 4], [0, 1, 4], [0, 1, 3, 4]]
    held = [sorted(own) for own in one.learner.generator.own]
    assert held == [[0, 4], [0, 1, 4], [0, 3, 4], [0, 1, 3, 4]]
