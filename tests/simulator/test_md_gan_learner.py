"""The MD-GAN learner against plain PyTorch written out here: feedback of many discriminators, and their moves."""

from types import SimpleNamespace

import pytest
import torch
from plain_gan import assert_same_but_for_rounding, assert_same_gradients
from plain_whole import (
    BATCH,
    LEARNING_RATE,
    STEPS_PER_ROUND,
    bce,
    commit,
    drawn,
    held,
    plain_discriminator,
    plain_generator,
    tiny_text,
)
from tiny_world import assert_identical, domains, make_learner, make_plan


@pytest.fixture
def made(tmp_path):
    """Make a learner, and plain copies of its networks."""

    def make(clients: int, *overrides: str, names=("mnist5k",)):
        data = domains()[: len(names)]
        plan = make_plan(tmp_path, data, *overrides, text=tiny_text("md_gan", clients, names))
        learner = make_learner(plan, data)
        return SimpleNamespace(
            plan=plan,
            learner=learner,
            data=data,
            g=plain_generator(learner.generator.blocks),
            ds=[plain_discriminator(one.blocks) for one in learner.discriminators],
        )

    return make


def plain_iteration(one, number: int, batches: int, given, learning_steps: int = 1) -> tuple[float, float]:
    """One iteration as the paper tells it, the generator's losses in one graph.

    ``given`` are the numbers of the batches each worker learns from and judges; feedback is averaged over workers.
    """
    made = []
    for batch in range(batches):
        rng = one.plan.setting.streams.draw("generation", number, batch)
        labels = torch.from_numpy(rng.integers(10, size=BATCH))
        made.append((one.g(torch.from_numpy(rng.standard_normal((BATCH, 100))), labels), labels))
    d_losses, g_losses = [], []
    for worker, (learned, judged) in enumerate(given):
        d = one.ds[worker]
        images, labels, _ = drawn(one.plan, *held(one.plan, one.data, worker), worker, number)
        fakes, fake_labels = made[learned]
        for _ in range(learning_steps):
            d.adam.zero_grad()
            loss = bce(d(fakes.detach(), fake_labels), 0.0) + bce(d(images, labels), 1.0)
            loss.backward()
            d.adam.step()
            d_losses.append(loss.item())
        g_losses.append(bce(d(*made[judged]), 1.0))
    one.g.adam.zero_grad()
    total = torch.stack(g_losses).mean()
    total.backward()
    one.g.adam.step()
    return sum(d_losses) / len(d_losses), total.item()


def assert_equals_plain(one) -> None:
    assert_same_but_for_rounding(one.learner.generator.blocks, one.g, LEARNING_RATE)
    for came, wanted in zip(one.learner.discriminators, one.ds, strict=True):
        assert_same_but_for_rounding(came.blocks, wanted, LEARNING_RATE)


GIVEN = {
    (1, "log"): (2, [(0, 1)]),
    (3, 1): (
        2,
        [(0, 1)] * 3,
    ),  # two distinct batches even for k = 1: the first to learn from, the second to judge
    (3, "log"): (2, [(0, 1), (1, 0), (0, 1)]),  # ceil(ln 3) = 2
    (4, 3): (3, [(0, 1), (1, 2), (2, 0), (0, 1)]),
}
"""By number of workers and ``batches``: how many are made, and the paper's n mod k and (n + 1) mod k."""


@pytest.mark.parametrize(("workers", "batches"), GIVEN)
def test_iterations_equal_plain_pytorch(workers, batches, made):
    count, given = GIVEN[workers, batches]
    one = made(workers, f"strategy.batches={batches}")
    for number in range(3):
        one.learner.apply(commit("iteration", workers, *divmod(number, STEPS_PER_ROUND)))
        assert one.learner.losses == pytest.approx(plain_iteration(one, number, count, given), rel=1e-6)
    assert_equals_plain(one)


def test_feedback_is_averaged_over_all_workers_whichever_batch_they_judged(made):
    # Adam hardly sees the scale of a gradient: it is compared before.
    one = made(3)
    one.learner.apply(commit("iteration", 3))
    plain_iteration(one, 0, *GIVEN[3, "log"])
    assert_same_gradients(one.learner.generator.blocks, one.g, rtol=1e-6, atol=1e-12)


def test_several_learning_steps_share_one_real_and_one_made_batch(made):
    one = made(2, "strategy.discriminator_steps=3")
    one.learner.apply(commit("iteration", 2))
    wanted = plain_iteration(one, 0, 2, [(0, 1)] * 2, learning_steps=3)
    assert one.learner.losses == pytest.approx(wanted, rel=1e-6)
    assert_equals_plain(one)


def test_a_client_with_fewer_images_than_a_batch_judges_whole_batches(made):
    one = made(2, "data.partition={kind: quantity, shares: [1, 19]}")
    assert one.plan.batches == (2, 4)
    one.learner.apply(commit("iteration", 2))
    plain_iteration(one, 0, 2, [(0, 1)] * 2)
    assert_equals_plain(one)


def test_discriminators_move_as_the_plan_says_and_forget_their_optimisers(made):
    one = made(5, names=("mnist5k", "glyphs"))
    given = [(n % 2, (n + 1) % 2) for n in range(5)]
    for number in range(4):
        round_, step = divmod(number, STEPS_PER_ROUND)
        one.learner.apply(commit("iteration", 5, round_, step))
        plain_iteration(one, number, 2, given)
        if step == STEPS_PER_ROUND - 1:
            one.learner.apply(commit("aggregate", 5, round_))
            receivers = one.plan.receivers(round_)
            assert all(not d.adam.state for d in one.learner.discriminators)
            moved = list(one.ds)
            for worker, receiver in enumerate(receivers):
                moved[receiver] = one.ds[worker]
                moved[receiver].reset_adam()
            one.ds = moved
            assert_equals_plain(one)
    assert one.plan.receivers(0) != one.plan.receivers(1)


def test_the_generators_optimiser_is_not_reset(made):
    one = made(3)
    one.learner.apply(commit("iteration", 3))
    one.learner.apply(commit("aggregate", 3))
    assert {float(state["step"]) for state in one.learner.generator.adam.state.values()} == {1.0}


@pytest.mark.parametrize(("workers", "option"), [(3, "false"), (1, "true")])
def test_without_a_swap_or_a_partner_nothing_moves_and_nothing_is_forgotten(workers, option, made):
    one = made(workers, f"strategy.swap={option}")
    one.learner.apply(commit("iteration", workers))
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    one.learner.apply(commit("aggregate", workers))
    assert_identical(one.learner.state(), before)
    assert all(d.adam.state for d in one.learner.discriminators)


def test_every_domain_is_judged_by_the_one_generator(made):
    one = made(2, names=("mnist5k", "glyphs"))
    labels = one.data[0].train_labels[:3]
    streams = one.plan.setting.streams
    noise = torch.from_numpy(streams.draw("test").standard_normal((3, 100)))
    wanted = one.g.eval()(noise, torch.from_numpy(labels)).detach().float()
    for domain in ("mnist5k", "glyphs"):
        came = one.learner.generator_for(domain)(labels, streams.draw("test"))
        torch.testing.assert_close(torch.from_numpy(came), wanted)


def test_an_evaluation_changes_nothing_and_other_commits_are_refused(made):
    one = made(2)
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    one.learner.apply(commit("evaluate", 2))
    assert_identical(one.learner.state(), before)
    with pytest.raises(ValueError, match="kind 'merge'"):
        one.learner.apply(commit("merge", 2))
