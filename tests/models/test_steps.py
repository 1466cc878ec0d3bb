"""One iteration, pass by pass, on the ensemble alone; the whole of it is compared in the learner's tests."""

import math

import pytest
import torch
from plain_gan import PlainGan, assert_same_but_for_rounding

from models.cgan import cgan28
from models.ensemble import Ensemble
from models.steps import Batch, Present, gan_iteration

G_CUTS = [(1, 1), (2, 1), (1, 2)]
D_CUTS = [(2, 2), (1, 1), (1, 2)]
ALL = Present((0, 1, 2), (0, 1, 2))
LEARNING_RATE = 0.002


def make_pair():
    nets = cgan28(2)
    pair = [
        Ensemble(net, cuts, [1, 2, 3], 4, LEARNING_RATE, dtype=torch.float64)
        for net, cuts in ((nets.generator, G_CUTS), (nets.discriminator, D_CUTS))
    ]
    plain = PlainGan(2, G_CUTS, D_CUTS, LEARNING_RATE)
    plain.take_weights_of(*pair)
    return *pair, plain


def make_batches(seed=0):
    draw = torch.Generator().manual_seed(seed)
    sizes = (3, 4, 2)
    return {
        k: Batch(
            images=torch.rand(n, 1, 28, 28, generator=draw, dtype=torch.float64) * 2 - 1,
            labels=torch.randint(10, (n,), generator=draw),
            latent=torch.randn(n, 100, generator=draw, dtype=torch.float64),
        )
        for k, n in enumerate(sizes)
    }


def play_plain(plain, batches, passes=None):
    return plain.step(
        {k: batch.images for k, batch in batches.items()},
        {k: batch.labels for k, batch in batches.items()},
        {k: batch.latent for k, batch in batches.items()},
        passes,
    )


def assert_all_same(plain, generator, discriminator):
    for came, wanted in (*plain.g.pairs_with(generator), *plain.d.pairs_with(discriminator)):
        assert_same_but_for_rounding(came, wanted, LEARNING_RATE)


def test_three_iterations_equal_the_plain_composite():
    generator, discriminator, plain = make_pair()
    for seed in range(3):
        batches = make_batches(seed)
        result = gan_iteration(generator, discriminator, batches, (ALL,) * 4)
        d_loss, g_loss = play_plain(plain, batches)
        assert result.discriminator_loss == pytest.approx(d_loss, rel=1e-9)
        assert result.generator_loss == pytest.approx(g_loss, rel=1e-9)
    assert_all_same(plain, generator, discriminator)


def test_each_pass_updates_statistics_once_generator_one_discriminator_three():
    generator, discriminator, _ = make_pair()
    gan_iteration(generator, discriminator, make_batches(), (ALL,) * 4)
    assert int(generator.server[2].norm.num_batches_tracked) == 1
    assert int(discriminator.server[2].norm.num_batches_tracked) == 3
    assert int(discriminator.own[0][0].norm.num_batches_tracked) == 3


def test_the_generator_learns_from_the_discriminator_as_it_is_after_its_step():
    generator, discriminator, plain = make_pair()
    batches = make_batches()
    result = gan_iteration(generator, discriminator, batches, (ALL,) * 4)
    labels = {k: batch.labels for k, batch in batches.items()}
    with torch.no_grad():
        fakes = plain.g.forward({k: batch.latent for k, batch in batches.items()}, labels)
        stale = sum(float(-out.log().mean()) for out in plain.d.forward(fakes, labels).values()) / 3
    assert math.isfinite(result.generator_loss)
    assert abs(result.generator_loss - stale) > 1e-6


def test_the_real_pass_is_the_one_before_the_discriminators_step():
    generator, discriminator, plain = make_pair()
    batches = make_batches()
    cores = []
    plain.d.shared[2].register_forward_hook(lambda module, args, output: cores.append(output.detach()))
    result = gan_iteration(generator, discriminator, batches, (ALL,) * 4)
    play_plain(plain, batches)
    assert len(cores) == 3  # on fakes, on reals, for the generator
    sizes = [len(batches[k].labels) for k in range(3)]
    for k, rows in enumerate(cores[1].split(sizes)):
        torch.testing.assert_close(result.core_means[k], rows.mean(dim=0))


LOST = {
    "fake backward": (ALL, Present((0, 1, 2), (0, 2)), ALL, ALL),
    "real backward": (ALL, ALL, Present((0, 1, 2), (0, 2)), ALL),
    "real altogether": (ALL, ALL, Present((0, 2), (0, 2)), ALL),
    "serve backward": (ALL, ALL, ALL, Present((0, 1, 2), (0, 2))),
    "serve altogether": (ALL, ALL, ALL, Present((0, 2), (0, 2))),
    "generator backward": (Present((0, 1, 2), (0, 2)), ALL, ALL, ALL),
    "everything but making": (ALL, *[Present((0, 2), (0, 2))] * 3),
}
"""What client 1 misses."""


@pytest.mark.parametrize("missed", LOST)
def test_a_client_that_misses_a_pass_skips_that_step_and_the_server_drops_its_loss_rows(missed):
    generator, discriminator, plain = make_pair()
    batches = make_batches()
    passes = LOST[missed]
    before = {net: {n: t.clone() for n, t in net.state().items()} for net in (generator, discriminator)}
    result = gan_iteration(generator, discriminator, batches, passes)
    losses = play_plain(plain, batches, [(one.forward, one.backward) for one in passes])
    assert (result.discriminator_loss, result.generator_loss) == pytest.approx(losses, rel=1e-9)
    assert_all_same(plain, generator, discriminator)

    def stepped(net):
        return {
            name.split(".")[0]
            for name, tensor in net.state().items()
            if name.endswith("weight") and not torch.equal(tensor, before[net][name])
        }

    everyone = {"server", "client-0", "client-1", "client-2"}
    misses_d = missed.startswith(("fake", "real", "everything"))
    misses_g = missed.startswith(("serve", "generator", "everything"))
    assert stepped(discriminator) == everyone - ({"client-1"} if misses_d else set())
    assert stepped(generator) == everyone - ({"client-1"} if misses_g else set())


def test_a_skipped_step_is_not_made_up_for_later_and_step_counts_are_each_clients_own():
    generator, discriminator, plain = make_pair()
    lost = LOST["real backward"]
    for seed, passes in enumerate([lost, (ALL,) * 4]):
        batches = make_batches(seed)
        gan_iteration(generator, discriminator, batches, passes)
        play_plain(plain, batches, [(one.forward, one.backward) for one in passes])
    # Client 1's second batch is its first step: Adam's bias correction must count its own steps.
    assert_all_same(plain, generator, discriminator)


def test_the_pass_that_serves_the_generator_computes_no_gradient_of_the_discriminator(monkeypatch):
    generator, discriminator, _ = make_pair()
    parameters = [p for module in discriminator.modules() for p in module.parameters()]
    at_its_step = []
    take_step = discriminator.step

    def noting_step(clients):
        at_its_step.extend(None if p.grad is None else p.grad.clone() for p in parameters)
        take_step(clients)

    monkeypatch.setattr(discriminator, "step", noting_step)
    gan_iteration(generator, discriminator, make_batches(), (ALL,) * 4)
    assert len(at_its_step) == len(parameters)
    for parameter, then in zip(parameters, at_its_step, strict=True):
        assert (parameter.grad is None) == (then is None)
        assert then is None or torch.equal(parameter.grad, then)
