"""One iteration, pass by pass, on the ensemble alone; the whole of it is compared in the learner's tests."""

import math

import numpy as np
import pytest
import torch
from plain_gan import PlainGan, assert_same_but_for_rounding, assert_same_gradients
from torch.nn import functional as F

from models.cgan import cgan28
from models.ensemble import Ensemble
from models.steps import Batch, Present, Skips, gan_iteration

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


NOBODY = Present((), ())


def summed_loss(judged, clients, target):
    """The clients' losses, one autograd graph; the rows of all others are simply left out."""
    losses = [F.binary_cross_entropy(judged[k], torch.full_like(judged[k], target)) for k in clients]
    return torch.stack(losses).sum()


def assert_gradients_of_one_graph(passes, seed=0) -> None:
    """Play an iteration, and compare every gradient that somebody steps by with those of one graph per network."""
    generator, discriminator, plain = make_pair()
    batches = make_batches(seed)
    result = gan_iteration(generator, discriminator, batches, passes)
    made, fake, real, serve = passes
    labels = {k: batch.labels for k, batch in batches.items()}
    fakes = plain.g.forward({k: batches[k].latent for k in made.forward}, labels)

    judged = plain.d.forward({k: fakes[k].detach() for k in fake.forward}, labels)
    seen = plain.d.forward({k: batches[k].images for k in real.forward}, labels)
    losses = [
        summed_loss(*one) for one in ((judged, fake.backward, 0.0), (seen, real.backward, 1.0)) if one[1]
    ]
    if losses:
        torch.stack(losses).sum().backward()
    assert_holders_have_the_same(plain.d, discriminator, set(fake.backward) & set(real.backward))

    plain.d.take_weights_of(discriminator)  # stepped, to the last bit: this is not about Adam
    returning = set(made.backward) & set(serve.backward)
    served = plain.d.forward(
        {k: fakes[k] if k in returning else fakes[k].detach() for k in serve.forward}, labels
    )
    if returning:
        summed_loss(served, serve.backward, 1.0).backward()
    assert_holders_have_the_same(plain.g, generator, returning)
    assert set(result.core_means) == set(real.forward)
    assert math.isnan(result.discriminator_loss) == (not fake.backward or not real.backward)
    assert math.isnan(result.generator_loss) == (not serve.backward)


def assert_holders_have_the_same(plain, ensemble, clients) -> None:
    """Compare the gradients of the server's blocks, and of the own blocks of the clients that step."""
    for block, module in ensemble.server.items():
        assert_same_gradients(module, plain.shared[block], rtol=1e-8, atol=1e-13)
    for k in clients:
        for block, module in ensemble.own[k].items():
            assert_same_gradients(module, plain.own[k][block], rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("missed", LOST)
def test_gradients_are_those_of_one_graph_without_the_losses_of_the_lost(missed):
    assert_gradients_of_one_graph(LOST[missed])


def drawn_passes(seed: int) -> tuple[Present, ...]:
    """Passes of anybody, or nobody, as far as they can have been."""
    rng = np.random.default_rng(seed)

    def some_of(clients):
        return tuple(k for k in clients if rng.random() < 0.6)

    made = some_of((0, 1, 2))
    forward = (made, some_of(made), some_of((0, 1, 2)), some_of(made))
    return tuple(Present(who, some_of(who)) for who in forward)


@pytest.mark.parametrize("seed", range(12))
def test_gradients_are_those_of_one_graph_whoever_was_there(seed):
    assert_gradients_of_one_graph(drawn_passes(seed), seed)


def test_the_drawn_passes_hold_every_case():
    drawn = [drawn_passes(seed) for seed in range(12)]
    for number in range(4):
        assert any(not passes[number].forward for passes in drawn)
        assert any(passes[number].forward and not passes[number].backward for passes in drawn)
        assert any(passes[number].backward for passes in drawn)


def snapshot(*nets):
    return [{name: tensor.clone() for name, tensor in net.state().items()} for net in nets]


def moved(net, before):
    """Whose weights have changed since."""
    return {
        name.split(".")[0]
        for name, tensor in net.state().items()
        if name.endswith("weight") and not torch.equal(tensor, before[name])
    }


def steps_of(adam) -> set[float]:
    return {float(state["step"]) for state in adam.state.values()}


def test_an_iteration_without_anybody_changes_nothing():
    generator, discriminator, _ = make_pair()
    gan_iteration(generator, discriminator, make_batches(), (ALL,) * 4)
    before = snapshot(generator, discriminator)
    result = gan_iteration(generator, discriminator, make_batches(1), (NOBODY,) * 4)
    assert snapshot(generator, discriminator)[0].keys() == before[0].keys()
    for net, states in zip((generator, discriminator), before, strict=True):
        assert all(torch.equal(tensor, states[name]) for name, tensor in net.state().items())
        assert steps_of(net._server_adam) == {1.0}
    assert math.isnan(result.discriminator_loss)
    assert math.isnan(result.generator_loss)
    assert result.core_means == {}


def test_a_pass_that_all_leave_moves_statistics_and_no_weight():
    generator, discriminator, _ = make_pair()
    before = snapshot(generator, discriminator)
    gone = Present((0, 1, 2), ())
    result = gan_iteration(generator, discriminator, make_batches(), (gone,) * 4)
    assert moved(generator, before[0]) == moved(discriminator, before[1]) == set()
    assert int(discriminator.server[2].norm.num_batches_tracked) == 3
    assert set(result.core_means) == {0, 1, 2}


def test_the_server_steps_on_what_came_back_though_no_client_did_from_both_passes():
    generator, discriminator, _ = make_pair()
    before = snapshot(generator, discriminator)
    passes = (ALL, Present((0, 1, 2), (0,)), Present((0, 1, 2), (1,)), NOBODY)
    result = gan_iteration(generator, discriminator, make_batches(), passes)
    assert moved(discriminator, before[1]) == {"server"}
    assert moved(generator, before[0]) == set()
    assert math.isfinite(result.discriminator_loss)
    assert math.isnan(result.generator_loss)


def test_who_leaves_before_its_own_step_counts_on_the_server_and_does_not_step():
    whole, skipped = make_pair(), make_pair()
    gan_iteration(*whole[:2], make_batches(), (ALL,) * 4)
    before = snapshot(*skipped[:2])
    gan_iteration(*skipped[:2], make_batches(), (ALL,) * 4, Skips(discriminator=(1,), generator=(0, 2)))
    generator, discriminator = skipped[:2]
    assert moved(discriminator, before[1]) == {"server", "client-0", "client-2"}
    assert moved(generator, before[0]) == {"server", "client-1"}
    for holder in ("server", "client-0", "client-2"):
        for name, tensor in discriminator.state().items():
            if name.startswith(holder) and "norm" not in name:
                assert torch.equal(tensor, whole[1].state()[name])  # as if nobody had left
    assert steps_of(discriminator._adam[1]) == set()
    gan_iteration(generator, discriminator, make_batches(1), (ALL,) * 4)
    assert [steps_of(adam) for adam in discriminator._adam] == [{2.0}, {1.0}, {2.0}]
    assert [steps_of(adam) for adam in generator._adam] == [{1.0}, {2.0}, {1.0}]


def test_passes_that_cannot_have_been_are_refused():
    generator, discriminator, _ = make_pair()
    some = Present((0, 2), (0, 2))
    with pytest.raises(ValueError, match=r"pass 3: \[1\] came back without having been in it"):
        gan_iteration(generator, discriminator, make_batches(), (ALL, ALL, Present((0,), (0, 1)), ALL))
    for passes in ((some, ALL, ALL, some), (some, some, ALL, ALL)):
        with pytest.raises(ValueError, match=r"\[1\] judge images that were not made in pass 1"):
            gan_iteration(generator, discriminator, make_batches(), passes)
