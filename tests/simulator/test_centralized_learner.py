"""Centralised training against plain PyTorch, what it pools, what it sends, and what must fit the server."""

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
from simulator.commits import NullLearner
from simulator.ledger import ledger
from simulator.strategies.centralized.reveals import REVEALS

NAMES = ("mnist5k", "glyphs")


@pytest.fixture
def made(tmp_path):
    """Make a learner, and plain copies of its networks."""

    def make(clients: int, *overrides: str, names=NAMES):
        data = domains()[: len(names)]
        plan = make_plan(tmp_path, data, *overrides, text=tiny_text("centralized", clients, names))
        learner = make_learner(plan, data)
        plain = [
            (plain_generator(g.blocks), plain_discriminator(d.blocks))
            for g, d in zip(learner.generators, learner.discriminators, strict=True)
        ]
        return SimpleNamespace(plan=plan, learner=learner, plain=plain, data=data)

    return make


def pool_of(one, clients):
    """All images of clients, one client after the other, and their labels."""
    parts = [held(one.plan, one.data, client) for client in clients]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def check_against_plain(one, pools) -> None:
    """Train four iterations on either side; ``pools`` are the clients each GAN learns from."""
    held_by = [pool_of(one, clients) for clients in pools]
    for number in range(4):
        one.learner.apply(commit("iteration", 4, *divmod(number, STEPS_PER_ROUND)))
        losses = [
            gan_step(*plain, *drawn(one.plan, *images_and_labels, pool, number))
            for pool, (plain, images_and_labels) in enumerate(zip(one.plain, held_by, strict=True))
        ]
        wanted = [sum(loss) / len(losses) for loss in zip(*losses, strict=True)]
        assert one.learner.losses == pytest.approx(wanted, rel=1e-6)
    pairs = zip(one.learner.generators, one.learner.discriminators, one.plain, strict=True)
    for g, d, (plain_g, plain_d) in pairs:
        assert_same_but_for_rounding(g.blocks, plain_g, LEARNING_RATE)
        assert_same_but_for_rounding(d.blocks, plain_d, LEARNING_RATE)


def test_one_gan_on_all_images_equals_plain_pytorch(made):
    check_against_plain(made(4), [(0, 1, 2, 3)])


def test_a_gan_for_every_domain_equals_plain_pytorch_on_its_images(made):
    check_against_plain(made(4, "strategy.generators=per_domain"), [(0, 1), (2, 3)])


def test_a_pool_smaller_than_a_batch_is_learned_from_whole(made):
    # Two domains of 40 images; 64 rows are wanted of each.
    one = made(2, "strategy.batch_size=64", "strategy.generators=per_domain")
    assert one.plan.rows == (40, 40)
    assert made(2, "strategy.batch_size=64").plan.rows == (64,)


def test_a_single_clients_images_train_the_same_gan_on_the_client_and_on_the_server(made, tmp_path):
    data = domains()[:1]
    states = []
    for name in ("centralized", "fedgan"):
        plan = make_plan(tmp_path, data, text=tiny_text(name, 1, NAMES[:1]))
        learner = make_learner(plan, data)
        play_run(plan, learner)
        renamed = {key.replace("client-0", "gan-0"): tensor for key, tensor in learner.state().items()}
        states.append(renamed)
    # FedGAN averages its one client with itself, which rounds.
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[0].items():
        torch.testing.assert_close(tensor, states[1][name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("init", "alike"), [("common", True), ("independent", False)])
def test_with_common_weights_all_gans_begin_alike(init, alike, made):
    one = made(2, "strategy.generators=per_domain", f"strategy.init={init}")
    first, second = (g.copy_of_state() for g in one.learner.generators)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items()) == alike


@pytest.mark.parametrize(("generators", "judged"), [("one", (0, 0)), ("per_domain", (0, 1))])
def test_a_domain_is_judged_by_its_own_gan_or_by_the_one_for_all(generators, judged, made):
    one = made(4, f"strategy.generators={generators}")
    labels = one.data[0].train_labels[:3]
    streams = one.plan.setting.streams
    noise = torch.from_numpy(streams.draw("test").standard_normal((3, 100)))
    for domain, number in zip(NAMES, judged, strict=True):
        came = one.learner.generator_for(domain)(labels, streams.draw("test"))
        wanted = one.plain[number][0].eval()(noise, torch.from_numpy(labels)).detach().float()
        torch.testing.assert_close(torch.from_numpy(came), wanted)


def test_the_end_of_a_round_and_an_evaluation_change_nothing_and_other_commits_are_refused(made):
    one = made(2)
    one.learner.apply(commit("iteration", 2))
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    for kind in ("aggregate", "evaluate"):
        assert one.learner.apply(commit(kind, 2)) is None
    assert_identical(one.learner.state(), before)
    with pytest.raises(ValueError, match="kind 'merge'"):
        one.learner.apply(commit("merge", 2))


def test_the_ledger_holds_every_image_once_whatever_the_number_of_rounds(made):
    one = made(4, "strategy.rounds=3", "data.partition={kind: quantity, shares: [1, 3]}")
    transfers = play_run(one.plan, NullLearner()).tables["transfers"]
    lines = ledger(transfers, REVEALS)
    assert {str(line.disclosure.kind): line.n_bytes for line in lines} == {
        "real_sample": 80 * 28 * 28,  # bytes as they lie in the data sets
        "label": 80 * 8,
    }
    own = transfers[transfers["kind"] == "real_sample"].set_index("source")["bytes"]
    assert own.to_dict() == {f"client-{k}": images * 784 for k, images in enumerate((10, 30, 10, 30))}
    assert (transfers["round"] == 0).all()


def test_training_begins_when_the_slowest_upload_is_there(made):
    one = made(2, "devices.clients=[{profile: paper-1, uplink: 1 kB/s}, {profile: paper-2}]")
    tables = play_run(one.plan, NullLearner()).tables
    upload_s = 40 * (784 + 8) / 1e3
    assert one.plan.setup_seconds() == pytest.approx(upload_s, rel=1e-9)
    assert tables["iterations"]["start_s"].iloc[0] == pytest.approx(upload_s, rel=1e-9)


@pytest.mark.parametrize(("generators", "gans"), [("one", 1), ("per_domain", 2)])
def test_memory_is_the_servers_alone(generators, gans, made):
    plan = made(4, f"strategy.generators={generators}").plan
    nets = plan.setting.architecture
    g, d = (network_costs(net, 8) for net in (nets.generator, nets.discriminator))
    weights = sum(4 * one.parameter_bytes + 2 * one.statistics_bytes for one in (*g, *d))
    activations = BATCH * (segment_saved_bytes(g) + segment_saved_bytes(d))
    assert plan.server_memory_bytes() == gans * weights + activations
    assert plan.memory_bytes() == (0, 0, 0, 0)


def test_a_server_too_small_is_named(made):
    small = "devices.server={profile: paper-server, memory: 1 MB}"
    with pytest.raises(ScenarioError, match=r"devices\.server: a whole GAN in training needs .* on server"):
        made(2, small)
    with pytest.raises(ScenarioError, match=r"2 whole GANs in training need"):
        made(2, small, "strategy.generators=per_domain")
