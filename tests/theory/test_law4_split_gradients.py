"""Law 4: for one client, split gradients equal unsplit ones for every cut; for many, leg-by-leg backward equals one
autograd graph of the same composite. All in float64."""

import itertools

import pytest
import torch
from plain_gan import (
    PlainComposite,
    WithLabel,
    assert_same_gradients,
    assert_same_state,
    copy_state,
    discriminator_blocks,
    generator_blocks,
)
from torch import nn

from models.architecture import Network, chain_blocks
from models.cgan import cgan28, cgan32
from models.ensemble import Ensemble
from models.layers import Activation, BatchNorm, Convolution, LabelInput, Linear, Reshape

TIGHT = {"rtol": 1e-9, "atol": 1e-12}

SEVEN = (
    (LabelInput(10, (1, 6, 6)), Convolution(3, 3, 1, 1), BatchNorm(), Activation("leaky_relu")),
    (Convolution(4, 3, 1, 1), BatchNorm(), Activation("relu")),
    (Convolution(4, 4, 2, 1), BatchNorm(), Activation("tanh")),
    (Convolution(3, 4, 2, 1, transposed=True), BatchNorm(), Activation("relu")),
    (Reshape((108,)), Linear(12), BatchNorm(), Activation("leaky_relu")),
    (Linear(8), BatchNorm(), Activation("relu")),
    (Linear(1), Activation("sigmoid")),
)
"""Seven blocks; the core is the fourth, so heads and tails may be one to three blocks long."""


def seven_blocks() -> list[nn.Module]:
    return [
        WithLabel(10, (1, 6, 6), nn.Conv2d(3, 3, 3, 1, 1), nn.BatchNorm2d(3), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.Tanh()),
        nn.Sequential(nn.ConvTranspose2d(4, 3, 4, 2, 1), nn.BatchNorm2d(3), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(108, 12), nn.BatchNorm1d(12), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU()),
        nn.Sequential(nn.Linear(8, 1), nn.Sigmoid()),
    ]


PAPER = cgan28(2)
COLOUR = cgan32(2, (3, 32, 32), classes=10)
BLOOD = cgan32(2, (3, 28, 28), classes=12)
CHAINS = {
    "generator": (PAPER.generator, lambda: generator_blocks(2)),
    "discriminator": (PAPER.discriminator, lambda: discriminator_blocks(2)),
    "colour generator": (COLOUR.generator, lambda: generator_blocks(2, channels=3, side=32)),
    "colour discriminator": (COLOUR.discriminator, lambda: discriminator_blocks(2, channels=3, side=32)),
    "twelve classes": (BLOOD.discriminator, lambda: discriminator_blocks(2, channels=3, classes=12)),
    "seven": (Network("discriminator", chain_blocks("D", (2, 6, 6), SEVEN)), seven_blocks),
}


def every_cut(network: Network) -> list[tuple[int, int]]:
    last = len(network.blocks) - 1
    return list(itertools.product(range(1, network.core + 1), range(1, last - network.core + 1)))


CHAIN_AND_CUT = [(chain, cut) for chain, (network, _) in CHAINS.items() for cut in every_cut(network)]


def draw_inputs(network: Network, sizes: dict[int, int], seed: int = 0):
    draw = torch.Generator().manual_seed(seed)
    rows = {
        k: torch.randn(n, *network.input_shape, generator=draw, dtype=torch.float64).requires_grad_()
        for k, n in sizes.items()
    }
    labels = {k: torch.randint(10, (n,), generator=draw) for k, n in sizes.items()}
    pulls = {
        k: torch.randn(n, *network.output_shape, generator=draw, dtype=torch.float64)
        for k, n in sizes.items()
    }
    return rows, labels, pulls


def test_every_cut_is_tried():
    assert [len(every_cut(network)) for network, _ in CHAINS.values()] == [4, 4, 4, 4, 4, 9]


@pytest.mark.parametrize(("chain", "cut"), CHAIN_AND_CUT)
def test_one_clients_split_gradients_equal_the_unsplit_ones(chain, cut):
    network, make_blocks = CHAINS[chain]
    ensemble = Ensemble(network, [cut], [3], 4, 0.1, dtype=torch.float64)
    whole = [block.double() for block in make_blocks()]
    holders = [
        (ensemble.own[0] if b < cut[0] or b >= len(whole) - cut[1] else ensemble.server)[b]
        for b in range(len(whole))
    ]
    for holder, block in zip(holders, whole, strict=True):
        copy_state(holder, block)
    rows, labels, pulls = draw_inputs(network, {0: 5})

    plain_rows = rows[0].detach().clone().requires_grad_()
    wanted = nn.Sequential(*whole[1:])(whole[0](plain_rows, labels[0]))
    wanted.backward(pulls[0])

    tape = ensemble.forward({0: (rows[0], labels[0])})
    came = tape.backward(pulls)
    torch.testing.assert_close(tape.outputs[0], wanted, **TIGHT)
    torch.testing.assert_close(came[0], plain_rows.grad, **TIGHT)
    for holder, block in zip(holders, whole, strict=True):
        assert_same_gradients(holder, block, **TIGHT)
        assert_same_state(holder, block, **TIGHT)


MIXED = {
    "generator": [(1, 1), (2, 1), (1, 2), (2, 2)],
    "discriminator": [(2, 2), (1, 2), (2, 1), (1, 1), (2, 2)],
    "colour generator": [(1, 1), (2, 1), (1, 2), (2, 2)],
    "colour discriminator": [(2, 2), (1, 2), (2, 1), (1, 1)],
    "twelve classes": [(2, 2), (1, 2), (2, 1), (1, 1)],
    "seven": [(1, 1), (3, 3), (2, 1), (1, 3), (3, 2)],
}


@pytest.mark.parametrize("chain", CHAINS)
def test_many_clients_gradients_and_statistics_equal_those_of_one_graph(chain):
    network, make_blocks = CHAINS[chain]
    cuts = MIXED[chain]
    ensemble = Ensemble(network, cuts, range(1, len(cuts) + 1), 99, 0.1, dtype=torch.float64)
    plain = PlainComposite(make_blocks, cuts)
    plain.take_weights_of(ensemble)
    rows, labels, pulls = draw_inputs(network, {k: 2 + k for k in range(len(cuts))})
    plain_rows = {k: x.detach().clone().requires_grad_() for k, x in rows.items()}

    outputs = plain.forward(plain_rows, labels)
    sum((outputs[k] * pulls[k]).sum() for k in outputs).backward()

    tape = ensemble.forward({k: (rows[k], labels[k]) for k in rows})
    came = tape.backward(pulls)
    for k in rows:
        torch.testing.assert_close(tape.outputs[k], outputs[k], **TIGHT)
        torch.testing.assert_close(came[k], plain_rows[k].grad, **TIGHT)
    for mine, theirs in plain.pairs_with(ensemble):
        assert_same_gradients(mine, theirs, **TIGHT)
        assert_same_state(mine, theirs, **TIGHT)


@pytest.mark.parametrize("chain", CHAINS)
def test_where_some_do_not_come_back_only_their_loss_rows_are_gone(chain):
    network, make_blocks = CHAINS[chain]
    cuts = MIXED[chain]
    back = [0, 2, 3]
    ensemble = Ensemble(network, cuts, range(1, len(cuts) + 1), 99, 0.1, dtype=torch.float64)
    plain = PlainComposite(make_blocks, cuts)
    plain.take_weights_of(ensemble)
    rows, labels, pulls = draw_inputs(network, dict.fromkeys(range(len(cuts)), 3))

    outputs = plain.forward({k: x.detach() for k, x in rows.items()}, labels)
    sum((outputs[k] * pulls[k]).sum() for k in back).backward()

    tape = ensemble.forward({k: (rows[k], labels[k]) for k in rows})
    came = tape.backward({k: pulls[k] for k in back})
    assert sorted(came) == back
    for (holder, block), module in plain.copies().items():
        if holder in (-1, *back):
            mine = (ensemble.server if holder < 0 else ensemble.own[holder])[block]
            assert_same_gradients(mine, module, **TIGHT)
    lost = [k for k in range(len(cuts)) if k not in back]
    assert all(p.grad is None for k in lost for block in ensemble.own[k].values() for p in block.parameters())


def test_two_clients_of_one_cut_are_not_one_client_with_both_batches():
    # Guards the tests above: with several clients a held block has its own statistics, so the cut itself matters.
    network, _ = CHAINS["generator"]
    rows, labels, _ = draw_inputs(network, {0: 3, 1: 3})
    outputs = []
    for cuts in ([(1, 1)] * 2, [(2, 2)] * 2):
        ensemble = Ensemble(network, cuts, [7, 7], 7, 0.1, dtype=torch.float64)
        outputs.append(ensemble.forward({k: (rows[k], labels[k]) for k in rows}).outputs[0].detach())
    assert float((outputs[0] - outputs[1]).abs().max()) > 1e-3
