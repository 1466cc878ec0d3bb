"""The HuSCF-GAN learner where not everybody is there: who is averaged, who comes back with nothing, and new cuts."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from huscf_commits import (
    CUTS,
    EVERYBODY,
    KL_H_Q,
    KL_Q_H,
    LOST,
    PASSES,
    SHARES,
    SIZES,
    H,
    Q,
    aggregation,
    averaging,
    iteration,
    kl,
    make_one,
    mix,
    normalised,
    value_of,
)
from tiny_world import assert_identical, make_learner, make_plan

from simulator.commits import Commit


@pytest.fixture
def made(tmp_path):
    """Make a learner with its plan, each copy with weights of its own."""
    return partial(make_one, tmp_path)


def test_aggregating_who_has_shown_no_real_images_in_the_round_is_an_error(made):
    one = made()
    with pytest.raises(RuntimeError, match=r"clients \[0, 1, 2, 3\] were in no pass on real images"):
        one.learner.apply(aggregation(0))
    one.learner.apply(iteration(who={"discriminator_real": ((0, 2, 3), (0, 2, 3))}))
    with pytest.raises(RuntimeError, match=r"clients \[1\] were in no pass on real images"):
        one.learner.apply(aggregation(0))
    one.learner.apply(aggregation(0, (0, 2, 3)))
    with pytest.raises(RuntimeError, match="since the last aggregation"):
        one.learner.apply(aggregation(1, (0, 2, 3)))  # what the round before has shown is over


def test_in_a_warm_up_round_nobody_need_have_shown_anything(made):
    one = made("strategy.warmup_rounds=1")
    assert one.learner.apply(aggregation(0, (1, 3))).clusters == ((1, 3),)


def test_to_aggregate_nobody_is_an_error(made):
    with pytest.raises(ValueError, match="aggregates nobody"):
        made().learner.apply(aggregation(0, ()))


def test_the_latest_real_batch_of_each_client_counts(made):
    """Client 1 misses the second iteration: its core means are those of the first, all others' of the second."""
    once, twice = made(), made()
    once.learner.apply(iteration(0, 0))
    first = once.learner._core_activations(EVERYBODY)
    some = dict.fromkeys(PASSES, ((0, 2, 3), (0, 2, 3)))
    once.learner.apply(iteration(0, 1, who=some))
    second = once.learner._core_activations(EVERYBODY)
    assert [torch.equal(first[k], second[k]) for k in EVERYBODY] == [False, True, False, False]
    twice.learner.apply(iteration(0, 0))
    twice.learner.apply(iteration(0, 1, who=some))
    assert torch.equal(twice.learner._core_activations((3, 1)), second[[3, 1]])


def test_who_leaves_before_its_own_step_is_told_by_the_commit(made):
    one, whole = made(), made()
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    one.learner.apply(iteration(skips_d=[1], skips_g=[0, 2]))
    whole.learner.apply(iteration())
    came, wanted = one.learner.state(), whole.learner.state()

    def moved(network):
        names = (name for name in came if name.startswith(network) and name.endswith("weight"))
        return {name.split(".")[1] for name in names if not torch.equal(came[name], before[name])}

    assert moved("discriminator") == {"server", "client-0", "client-2", "client-3"}
    assert moved("generator") == {"server", "client-1", "client-3"}
    # What the server and the others learn of D is as if nobody had left.
    for name in (name for name in came if name.startswith("discriminator.server") and "norm" not in name):
        assert torch.equal(came[name], wanted[name])


def test_passes_nobody_came_back_from_have_no_loss_and_an_iteration_of_nobody_changes_nothing(made):
    one = made()
    one.learner.apply(iteration(who={"discriminator_for_generator": (EVERYBODY, ())}))
    assert math.isfinite(one.learner.losses[0])
    assert math.isnan(one.learner.losses[1])
    before = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    one.learner.apply(iteration(step=1, who=dict.fromkeys(PASSES, ((), ()))))
    assert all(map(math.isnan, one.learner.losses))
    assert_identical(one.learner.state(), before)


def test_some_are_clustered_weighed_and_averaged_among_themselves(made, monkeypatch):
    """Client 3 is away. Of (0, 1, 2) the clusters are (0) and (1, 2); over all three by hand."""
    one = made("strategy.clusters=2", SHARES)
    decision = averaging(one, monkeypatch, 0, (0, 1, 2))
    assert decision.clusters == ((0,), (1, 2))
    second = normalised([30 * math.exp(-KL_Q_H / 2), 10 * math.exp(-KL_H_Q / 2)])
    # First filter h, h, q; second q, h, h. Of client 0: Q = (h + q)/2 and h; of 1: (h + q)/2 both; of 2: h, (q + h)/2.
    mean = mix(0.5, H, Q)
    three = ((kl(mean, H) + kl(H, Q)) / 2, kl(mean, H), (kl(H, Q) + kl(mean, H)) / 2)
    over_all = normalised([n * math.exp(-d) for n, d in zip(SIZES, three, strict=False)])
    one.learner.apply(Commit(9, 0.0, "evaluate", EVERYBODY, (), {"round": 0, "last": 0}))
    for net, which in ((one.learner.generator, slice(0, 2)), (one.learner.discriminator, slice(2, 4))):
        ends = [cut[which] for cut in CUTS]
        for block in range(5):
            seen = [
                own if block < head or block >= 5 - tail else 1000.0
                for own, (head, tail) in zip((100.0, 200.0, 300.0), ends, strict=False)
            ]
            mixed = second[0] * seen[1] + second[1] * seen[2]
            for k, wanted in ((0, 100.0), (1, mixed), (2, mixed), (3, 400.0)):
                if block in net.own[k]:
                    assert value_of(net.own[k][block]) == pytest.approx(wanted, rel=1e-12)
            if 0 < block < 4:
                wanted = sum(w * number for w, number in zip(over_all, seen, strict=True))
                assert value_of(net.server[block]) == pytest.approx(wanted, rel=1e-12)


def test_clusters_hold_the_ids_of_those_who_were_there(made, monkeypatch):
    one = made("strategy.clusters=2", SHARES)
    assert averaging(one, monkeypatch, 0, (0, 2, 3)).clusters == ((0, 3), (2,))


def test_there_are_no_more_clusters_than_clients(made, monkeypatch):
    assert averaging(made("strategy.clusters=3"), monkeypatch, 0, (1, 3)).clusters == ((1,), (3,))
    assert averaging(made("strategy.clusters=auto"), monkeypatch, 0, (2,)).clusters == ((2,),)


def test_a_domain_is_judged_by_its_first_client_that_was_averaged_last(made, monkeypatch):
    one = made("strategy.warmup_rounds=1")
    monkeypatch.setattr(one.learner, "generate", lambda client, labels, rng: client)

    def judged():
        return [one.learner.generator_for(domain)(None, None) for domain in ("mnist5k", "glyphs")]

    assert judged() == [0, 2]
    one.learner.apply(aggregation(0, (1, 3)))
    assert judged() == [1, 3]
    one.learner.apply(aggregation(0, (1,)))
    assert judged() == [1, 2]  # none of glyphs was there
    one.learner.apply(aggregation(0))
    assert judged() == [0, 2]


def rejoin(*clients: int) -> Commit:
    return Commit(9, 0.0, "rejoin", clients, (), {"round": 0})


def adams_of(one, client):
    return [net._adam[client] for net in (one.learner.generator, one.learner.discriminator)]


def test_who_comes_back_with_nothing_gets_the_average_of_its_last_cluster(made, monkeypatch):
    one = made("strategy.clusters=2", SHARES)
    averaging(one, monkeypatch, 0)
    after = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    monkeypatch.undo()
    one.learner.apply(iteration(1, 0))
    changed = {name: tensor.clone() for name, tensor in one.learner.state().items()}
    one.learner.apply(rejoin(0, 2))
    for name, tensor in one.learner.state().items():
        lost = name.split(".")[1] in ("client-0", "client-2")
        assert torch.equal(tensor, (after if lost else changed)[name])
    for client in EVERYBODY:
        assert all(bool(adam.state) == (client in (1, 3)) for adam in adams_of(one, client))
    one.learner.apply(iteration(1, 1))  # and it goes on


def test_who_was_away_at_an_aggregation_gets_the_one_before(made, monkeypatch):
    one = made("strategy.warmup_rounds=5")
    one.learner.apply(aggregation(0))
    name = "generator.client-1.block-0.linear.weight"
    first = one.learner.state()[name].clone()
    one.learner.apply(iteration(1))
    one.learner.apply(aggregation(1, (0, 2, 3)))
    one.learner.apply(rejoin(1))
    assert torch.equal(one.learner.state()[name], first)


def test_before_the_first_aggregation_it_gets_the_weights_of_the_servers_key(made, tmp_path):
    one = made()  # independent weights: its own were others
    one.learner.apply(iteration())
    one.learner.apply(rejoin(1))
    common = make_learner(make_plan(tmp_path, one.data, "strategy.init=common"), one.data).state()
    own = [name for name in common if ".client-1." in name]
    assert own
    assert all(torch.equal(one.learner.state()[name], common[name]) for name in own)


OTHER_CUTS = [[2, 2, 1, 1], [1, 1, 1, 1], [1, 1, 2, 2], [2, 1, 2, 1]]


def recut(cuts) -> Commit:
    return Commit(9, 0.0, "recut", EVERYBODY, (), {"round": 0, "cuts": [list(cut) for cut in cuts]})


def test_a_recut_to_the_same_cuts_changes_nothing(made):
    one, other = made(), made()
    for learner in (one.learner, other.learner):
        learner.apply(iteration())
        learner.apply(aggregation(0))
    one.learner.apply(recut(CUTS))
    for learner in (one.learner, other.learner):
        learner.apply(iteration(1))
    assert_identical(one.learner.state(), other.learner.state())
    assert list(one.learner.state()) == list(other.learner.state())


def test_after_a_recut_everybody_holds_what_the_new_cuts_say(made):
    one = made()
    one.learner.apply(iteration())
    one.learner.apply(aggregation(0))
    one.learner.apply(recut(OTHER_CUTS))
    nets = ((one.learner.generator, slice(0, 2)), (one.learner.discriminator, slice(2, 4)))
    for net, which in nets:
        for own, cut in zip(net.own, OTHER_CUTS, strict=True):
            head, tail = cut[which]
            assert sorted(own) == [b for b in range(5) if b < head or b >= 5 - tail]
    one.learner.apply(iteration(1))
    one.learner.apply(aggregation(1))
    assert all(math.isfinite(loss) for loss in one.learner.losses)


@pytest.mark.parametrize("client", EVERYBODY)
def test_images_after_a_recut_are_those_of_the_clients_ends_and_the_servers_copies(made, client):
    one = made()
    one.learner.apply(iteration())
    one.learner.apply(aggregation(0))
    net = one.learner.generator
    ends = {block: net.own[client][block] for block in (0, 4)}  # nobody else's, whatever the cut
    copies = {block: net.server[block] for block in (1, 2, 3)}
    kept = {b: net.own[client][b] for b in net.own[client] if b in copies}
    one.learner.apply(recut(OTHER_CUTS))
    still = {block: module for block, module in kept.items() if block in net.own[client]}
    labels = np.arange(7) % 10
    came = one.learner.generate(client, labels, np.random.default_rng(3))
    rows = torch.from_numpy(np.random.default_rng(3).standard_normal((7, 100)))
    blocks = [(copies | still | ends)[block].eval() for block in range(5)]
    with torch.no_grad():
        rows = blocks[0](rows, torch.from_numpy(labels))
        for block in blocks[1:]:
            rows = block(rows)
    np.testing.assert_array_equal(came, rows.float().numpy())


def test_a_log_with_losses_rejoining_and_recuts_gives_the_same_weights_again(made):
    """Law 2 where not everybody is there."""
    log = [
        iteration(0, 0, who=LOST["two clients, two passes"]),
        iteration(0, 1, skips_d=[0], skips_g=[3]),
        aggregation(0, (0, 2, 3)),
        recut(OTHER_CUTS),
        rejoin(1),
        iteration(1, 0, who=LOST["real altogether"]),
        rejoin(2),
        iteration(1, 1, who={"discriminator_fake": ((), ())}),
        aggregation(1),
    ]
    once, again = made(), made()
    for learner in (once.learner, again.learner):
        for one in log:
            learner.apply(one)
    assert_identical(once.learner.state(), again.learner.state())
