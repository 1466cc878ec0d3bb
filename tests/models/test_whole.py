"""A GAN on one device against plain PyTorch, written out with torch.nn alone."""

import pytest
import torch
from plain_gan import (
    assert_same_but_for_rounding,
    assert_same_gradients,
    copy_state,
    discriminator_blocks,
    generator_blocks,
)
from torch import nn
from torch.nn import functional as F

from models.cgan import cgan28
from models.steps import Batch, DivergedError
from models.whole import WholeNetwork, discriminator_step, feedback, gan_step, generator_step

WIDTH, LEARNING_RATE = 2, 0.002


class Plain(nn.Module):
    """Blocks of torch.nn, one after the other, with an optimiser of their own."""

    def __init__(self, blocks, twin):
        super().__init__()
        self.blocks = nn.ModuleList(blocks).double()
        copy_state(twin.blocks, self.blocks)
        self.adam = torch.optim.Adam(self.parameters(), lr=LEARNING_RATE, betas=(0.5, 0.999))

    def forward(self, rows, labels):
        rows = self.blocks[0](rows, labels)
        for block in self.blocks[1:]:
            rows = block(rows)
        return rows


def make_networks():
    nets = cgan28(WIDTH)
    ours = [
        WholeNetwork(net, key, LEARNING_RATE, dtype=torch.float64)
        for key, net in enumerate((nets.generator, nets.discriminator))
    ]
    plain = [
        Plain(blocks(WIDTH), twin)
        for blocks, twin in zip((generator_blocks, discriminator_blocks), ours, strict=True)
    ]
    return *ours, *plain


def make_batch(seed, rows=4):
    draw = torch.Generator().manual_seed(seed)
    return Batch(
        images=torch.rand(rows, 1, 28, 28, generator=draw, dtype=torch.float64) * 2 - 1,
        labels=torch.randint(10, (rows,), generator=draw),
        latent=torch.randn(rows, 100, generator=draw, dtype=torch.float64),
    )


def bce(judged, target):
    return F.binary_cross_entropy(judged, torch.full_like(judged, target))


def plain_step(g, d, batch):
    fakes = g(batch.latent, batch.labels)
    d.adam.zero_grad()
    d_loss = bce(d(fakes.detach(), batch.labels), 0.0) + bce(d(batch.images, batch.labels), 1.0)
    d_loss.backward()
    d.adam.step()
    g.adam.zero_grad()
    g_loss = bce(d(fakes, batch.labels), 1.0)
    g_loss.backward()
    g.adam.step()
    return d_loss.item(), g_loss.item()


def test_iterations_equal_plain_training():
    g, d, plain_g, plain_d = make_networks()
    for seed in range(4):
        batch = make_batch(seed)
        losses, wanted = gan_step(g, d, batch), plain_step(plain_g, plain_d, batch)
        assert losses == pytest.approx(wanted, rel=1e-7)
    assert_same_but_for_rounding(g.blocks, plain_g.blocks, LEARNING_RATE)
    assert_same_but_for_rounding(d.blocks, plain_d.blocks, LEARNING_RATE)


def test_gradients_of_one_step_equal_plain_ones():
    g, d, plain_g, plain_d = make_networks()
    batch = make_batch(0)
    discriminator_step(d, real=[(batch.images, batch.labels)], fake=[])
    bce(plain_d(batch.images, batch.labels), 1.0).backward()
    assert_same_gradients(d.blocks, plain_d.blocks, rtol=1e-9, atol=1e-14)
    copy_state(d.blocks, plain_d.blocks)
    generator_step(g, d, (g(batch.latent, batch.labels), batch.labels))
    plain_g.zero_grad()
    bce(plain_d(plain_g(batch.latent, batch.labels), batch.labels), 1.0).backward()
    assert_same_gradients(g.blocks, plain_g.blocks, rtol=1e-8, atol=1e-13)


def test_feedback_is_the_gradient_at_the_images_and_leaves_the_judge_as_it_was():
    _, d, _, plain_d = make_networks()
    batch = make_batch(3)
    gradient, loss = feedback(d, (batch.images, batch.labels))
    images = batch.images.clone().requires_grad_()
    wanted = bce(plain_d(images, batch.labels), 1.0)
    wanted.backward()
    torch.testing.assert_close(gradient, images.grad, rtol=1e-9, atol=1e-14)
    assert loss == pytest.approx(wanted.item(), rel=1e-12)
    assert all(p.grad is None and p.requires_grad for p in d.blocks.parameters())


def test_evaluation_uses_running_statistics_and_changes_nothing():
    g, _, plain_g, _ = make_networks()
    batch = make_batch(1)
    before = g.copy_of_state()
    images = g.evaluate(batch.latent, batch.labels)
    plain_g.eval()
    torch.testing.assert_close(images, plain_g(batch.latent, batch.labels))
    assert all(torch.equal(tensor, before[name]) for name, tensor in g.state().items())
    assert g.blocks.training


def test_a_reset_optimiser_has_no_memory_and_keeps_the_weights():
    g, d, *_ = make_networks()
    gan_step(g, d, make_batch(0))
    before = d.copy_of_state()
    d.reset_optimiser()
    assert not d.adam.state
    assert all(torch.equal(tensor, before[name]) for name, tensor in d.state().items())


def test_a_judgement_that_is_no_number_is_told():
    g, d, *_ = make_networks()
    with torch.no_grad():
        next(d.blocks.parameters()).fill_(float("nan"))
    with pytest.raises(DivergedError, match="not a number"):
        gan_step(g, d, make_batch(0))


def test_statistics_are_all_that_is_no_parameter():
    network = WholeNetwork(cgan28(2).generator, 1, 0.01)
    names = {name for name, _ in network.blocks.named_parameters()}
    assert network.statistics == set(network.state()) - names
    assert all("running" in name or name.endswith("num_batches_tracked") for name in network.statistics)


def test_a_network_with_a_weight_or_a_statistic_that_is_no_number_is_not_finite():
    for part in ("parameters", "buffers"):
        network = WholeNetwork(cgan28(2).generator, 1, 0.01)
        assert network.is_finite()
        with torch.no_grad():
            next(getattr(network.blocks, part)()).view(-1)[0] = float("nan")
        assert not network.is_finite()
