"""The learner of Federated Split GANs against plain PyTorch written out here, and its averages."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from plain_gan import (
    assert_same_but_for_rounding,
    copy_state,
    discriminator_blocks,
    generator_blocks,
)
from tiny_world import assert_identical, domains, make_learner, make_plan
from torch import nn
from torch.nn import functional as F

from simulator.commits import Commit

LEARNING_RATE = 0.002
BETAS = (0.5, 0.999)

SCENARIO = f"""\
name: tiny
devices: {{server: paper-server, clients: [{{profile: paper-1, count: DEVICES}}], order: listed}}
data: {{domains: [{{dataset: mnist5k}}]}}
model: {{width: 2}}
strategy: {{name: fsl_gan, steps_per_round: 2, batch_size: 4, household_size: 2, learning_rate: {LEARNING_RATE}}}
execution: {{precision: float64, threads: 1}}
"""


def iteration(households: int, round_: int = 0, step: int = 0) -> Commit:
    return Commit(1, 0.0, "iteration", tuple(range(households)), (), {"round": round_, "step": step})


def aggregation(households: int) -> Commit:
    return Commit(1, 0.0, "aggregate", tuple(range(households)), (), {"round": 0})


def run(blocks: nn.ModuleList, rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    rows = blocks[0](rows, labels)
    for block in blocks[1:]:
        rows = block(rows)
    return rows


def bce(judged: torch.Tensor, target: float) -> torch.Tensor:
    return F.binary_cross_entropy(judged, torch.full_like(judged, target))


@pytest.fixture
def made(tmp_path):
    """Make a learner, and plain copies of its networks."""

    def make(devices: int, *overrides: str):
        data = domains()[:1]
        text = SCENARIO.replace("DEVICES", str(devices))
        plan = make_plan(tmp_path, data, *overrides, text=text)
        learner = make_learner(plan, data)
        generator = nn.ModuleList(generator_blocks(2)).double()
        copy_state(learner.generator.blocks, generator)
        discriminators = [nn.ModuleList(discriminator_blocks(2)).double() for _ in plan.clients]
        for own, plain in zip(learner.discriminators, discriminators, strict=True):
            copy_state(own.blocks, plain)
        return SimpleNamespace(
            plan=plan, learner=learner, data=data[0], generator=generator, discriminators=discriminators
        )

    return make


def drawn_fakes(made, number: int):
    """One batch of noise and uniform labels for everybody, of ``batch_size`` rows."""
    rng = made.plan.setting.streams.draw("generation", number)
    labels = torch.from_numpy(rng.integers(10, size=4))
    return torch.from_numpy(rng.standard_normal((4, 100))), labels


def drawn_real(made, household: int, number: int):
    """A fresh draw of a household's own images, ``min(batch_size, n_k)`` rows, without replacement."""
    own = made.plan.setting.deal.images[household]
    rng = made.plan.setting.streams.draw("batch", household, number)
    picked = own[rng.choice(len(own), min(4, len(own)), replace=False)]
    images = torch.from_numpy(made.data.train_images[picked].astype(np.float64)) / 127.5 - 1
    return images.float().double(), torch.from_numpy(made.data.train_labels[picked])


def adam(module: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), lr=LEARNING_RATE, betas=BETAS)


def plain_steps(made, steps: int) -> list[tuple[float, float]]:
    """Train the plain networks: D on fakes and real images, then G on the sum of all households' losses."""
    g_adam, d_adams, losses = adam(made.generator), [adam(one) for one in made.discriminators], []
    for number in range(steps):
        latent, labels = drawn_fakes(made, number)
        fakes = run(made.generator, latent, labels)
        d_losses, g_losses = [], []
        for household, own in enumerate(made.discriminators):
            images, classes = drawn_real(made, household, number)
            d_adams[household].zero_grad()
            loss = bce(run(own, fakes.detach(), labels), 0.0) + bce(run(own, images, classes), 1.0)
            loss.backward()
            d_adams[household].step()
            d_losses.append(loss.item())
            g_losses.append(bce(run(own, fakes, labels), 1.0))
        g_adam.zero_grad()
        torch.stack(g_losses).sum().backward()
        g_adam.step()
        losses.append((float(np.mean(d_losses)), torch.stack(g_losses).mean().item()))
    return losses


def assert_equals_plain(made) -> None:
    assert_same_but_for_rounding(made.learner.generator.blocks, made.generator, LEARNING_RATE)
    for own, plain in zip(made.learner.discriminators, made.discriminators, strict=True):
        assert_same_but_for_rounding(own.blocks, plain, LEARNING_RATE)


@pytest.mark.parametrize("devices", [1, 2, 5])
def test_whole_iterations_equal_plain_training(made, devices):
    """One household with all data (of one device, or of two), and three households."""
    one = made(devices)
    households = len(one.plan.clients)
    assert households == -(-devices // 2)
    losses = []
    for number in range(4):
        round_, step = divmod(number, 2)
        assert one.learner.apply(iteration(households, round_, step)) is None
        losses.append(one.learner.losses)
    assert np.array(losses) == pytest.approx(np.array(plain_steps(one, 4)), rel=1e-6)
    assert_equals_plain(one)


def test_a_household_with_fewer_images_than_a_batch_still_gets_all_fakes(made):
    one = made(4, "data.partition={kind: quantity, shares: [1, 19]}")
    assert one.plan.batches == (2, 4)
    one.learner.apply(iteration(2))
    assert one.learner.losses == pytest.approx(plain_steps(one, 1)[0], rel=1e-6)
    assert_equals_plain(one)


def test_three_parts_with_an_optimiser_each_learn_what_the_whole_does(made):
    """What the devices really do: activations and gradients cut from their graphs at every boundary."""
    one = made(1)
    (whole,) = one.discriminators
    parts = [whole[:2], whole[2:4], whole[4:]]
    adams, g_adam = [adam(part) for part in parts], adam(one.generator)

    def through(rows, labels, target):
        """Pass a batch along the chain and its gradient back; return the gradient of the rows."""
        given, made_of = [], []
        for index, part in enumerate(parts):
            rows = rows.detach().requires_grad_()
            given.append(rows)
            rows = run(part, rows, labels) if index == 0 else nn.Sequential(*part)(rows)
            made_of.append(rows)
        bce(rows, target).backward()
        for before, after in ((1, 2), (0, 1)):
            made_of[before].backward(given[after].grad)
        return given[0].grad

    for number in range(3):
        latent, labels = drawn_fakes(one, number)
        fakes = run(one.generator, latent, labels)
        images, classes = drawn_real(one, 0, number)
        for each in adams:
            each.zero_grad()
        through(fakes, labels, 0.0)
        through(images, classes, 1.0)
        for each in adams:
            each.step()
        gradient = through(fakes, labels, 1.0)
        g_adam.zero_grad()
        fakes.backward(gradient)
        g_adam.step()
        one.learner.apply(iteration(1, *divmod(number, 2)))
    assert_equals_plain(one)


def test_discriminators_are_averaged_unweighted_and_the_generator_stays(made):
    one = made(6, "strategy.init=independent", "data.partition={kind: quantity, shares: [1, 4, 15]}")
    assert len(set(one.plan.setting.deal.sizes)) == 3
    one.learner.apply(iteration(3))
    states = [own.copy_of_state() for own in one.learner.discriminators]
    generator = one.learner.generator.copy_of_state()
    assert one.learner.apply(aggregation(3)) is None
    for own in one.learner.discriminators:
        for name, came in own.state().items():
            wanted = torch.stack([state[name] for state in states]).double().mean(dim=0).to(came.dtype)
            torch.testing.assert_close(came, wanted, rtol=1e-12, atol=1e-15)
    assert not torch.equal(states[0]["1.conv.weight"], states[1]["1.conv.weight"])
    assert_identical(one.learner.generator.state(), generator)


def test_optimisers_keep_what_they_have_gathered(made):
    one = made(3)
    for number in range(2):
        one.learner.apply(iteration(2, 0, number))
    before = [own.adam.state_dict()["state"][0]["exp_avg"].clone() for own in one.learner.discriminators]
    one.learner.apply(aggregation(2))
    after = [own.adam.state_dict()["state"][0]["exp_avg"] for own in one.learner.discriminators]
    for was, came in zip(before, after, strict=True):
        assert torch.equal(was, came)
        assert bool(was.any())


def test_who_holds_which_part_decides_nothing_that_is_learned(made):
    one = made(4)
    other = made(4, "strategy.parts=[1, 1, 3]", "strategy.selection=fastest", "strategy.placement=multi")
    assert one.plan.households != other.plan.households
    for learner in (one.learner, other.learner):
        learner.apply(iteration(2))
        learner.apply(aggregation(2))
    assert_identical(other.learner.state(), one.learner.state())


def test_all_domains_are_judged_by_the_one_generator(made):
    one = made(3)
    labels = np.arange(6) % 10
    rng = np.random.default_rng(0)
    images = one.learner.generator_for("mnist5k")(labels, rng)
    latent = torch.from_numpy(np.random.default_rng(0).standard_normal((6, 100)))
    one.generator.eval()
    wanted = run(one.generator, latent, torch.from_numpy(labels)).detach().numpy()
    assert images == pytest.approx(wanted, abs=1e-6)


def test_an_unknown_commit_is_refused(made):
    with pytest.raises(ValueError, match="of kind 'dispatch', which FSL-GAN does not know"):
        made(1).learner.apply(Commit(3, 0.0, "dispatch", (0,)))
