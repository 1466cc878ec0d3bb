"""The learner after HFL-GAN against plain PyTorch, its averages and clusters, and what rounds send and need."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from plain_gan import assert_same_but_for_rounding
from plain_whole import (
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
from tiny_world import assert_identical, domains, make_learner, make_plan, play_run

from models.cost import network_costs
from models.memory import network_memory_bytes
from scenarios.load import ScenarioError
from simulator.commits import Decision, NullLearner
from simulator.ledger import ledger
from simulator.strategies.hfl_gan.assignment import first_assignment, members_of, reassigned
from simulator.strategies.hfl_gan.learner import projections
from simulator.strategies.hfl_gan.reveals import REVEALS
from simulator.streams import Streams

NETWORKS = ("edge_generator", "global_generator", "discriminator")


@pytest.fixture
def made(tmp_path):
    """Make a learner, and plain copies of all its networks."""

    def make(clients: int, *overrides: str, names=("mnist5k",)):
        data = domains()[: len(names)]
        plan = make_plan(tmp_path, data, *overrides, text=tiny_text("hfl_gan", clients, names))
        learner = make_learner(plan, data)
        copies = zip(learner.edge_generators, learner.global_generators, learner.discriminators, strict=True)
        plain = [
            (plain_generator(e.blocks), plain_generator(g.blocks), plain_discriminator(d.blocks))
            for e, g, d in copies
        ]
        return SimpleNamespace(plan=plan, learner=learner, plain=plain, data=data)

    return make


def plain_step(one, client: int, number: int) -> tuple[float, float]:
    """D learns from real images and from both generators' fakes; then each generator through the new D."""
    e, g, d = one.plain[client]
    images, labels, latent = drawn(one.plan, *held(one.plan, one.data, client), client, number)
    rng = one.plan.setting.streams.draw("noise.global", number, client)
    rng.integers(10, size=len(labels))  # labels that nobody needs
    noises = (latent, torch.from_numpy(rng.standard_normal((len(labels), 100))))
    fakes = [network(noise, labels) for network, noise in zip((e, g), noises, strict=True)]
    d.adam.zero_grad()
    d_loss = sum(bce(d(made.detach(), labels), 0.0) for made in fakes) + bce(d(images, labels), 1.0)
    d_loss.backward()
    d.adam.step()
    losses = []
    for network, made in zip((e, g), fakes, strict=True):
        network.adam.zero_grad()
        loss = bce(d(made, labels), 1.0)
        loss.backward()
        network.adam.step()
        losses.append(loss.item())
    return d_loss.item(), sum(losses) / 2


def assert_equals_plain(one) -> None:
    learner = one.learner
    copies = zip(learner.edge_generators, learner.global_generators, learner.discriminators, strict=True)
    for own, plain in zip(copies, one.plain, strict=True):
        for network, twin in zip(own, plain, strict=True):
            assert_same_but_for_rounding(network.blocks, twin.blocks, LEARNING_RATE)


@pytest.mark.parametrize("clients", [1, 3])
def test_clients_train_as_plain_pytorch_does(made, clients):
    one = made(clients)
    for number in range(4):
        one.learner.apply(commit("iteration", clients, *divmod(number, STEPS_PER_ROUND)))
        losses = [plain_step(one, client, number) for client in range(clients)]
        assert one.learner.losses == pytest.approx(np.mean(losses, axis=0), rel=1e-6)
    assert_equals_plain(one)


def test_the_generators_begin_with_weights_of_their_own_and_common_ones_are_common(made):
    learner = made(2, "strategy.init=common").learner
    for copies in (learner.edge_generators, learner.global_generators, learner.discriminators):
        assert_identical(copies[0].state(), copies[1].state())
    pairs = zip(
        learner.edge_generators[0].blocks.parameters(),
        learner.global_generators[0].blocks.parameters(),
        strict=True,
    )
    assert not any(torch.equal(*pair) for pair in pairs if pair[0].dim() > 1)


def state_of(learner, network: str, client: int) -> dict[str, torch.Tensor]:
    """Copies of a network's tensors that are not counters."""
    start = f"{network}.client-{client}."
    return {
        name.removeprefix(start): tensor.clone()
        for name, tensor in learner.state().items()
        if name.startswith(start) and tensor.dtype.is_floating_point
    }


def assert_average(came, states, weights) -> None:
    for name, tensor in came.items():
        wanted = sum(weight * state[name] for weight, state in zip(weights, states, strict=True))
        torch.testing.assert_close(tensor, wanted, rtol=1e-12, atol=1e-15)


UNEQUAL = "data.partition={kind: quantity, shares: [1, 2, 2, 3]}"


def test_a_round_without_the_cloud_averages_within_edges(made):
    one = made(4, "strategy.edges=2", UNEQUAL)
    assert one.plan.setting.deal.sizes == (5, 10, 10, 15)
    one.learner.apply(commit("iteration", 4))
    before = {name: [state_of(one.learner, name, k) for k in range(4)] for name in NETWORKS}
    assert one.learner.apply(commit("aggregate", 4, round_=0)) is None
    for network in NETWORKS:
        for (first, second), weights in (((0, 2), (1 / 3, 2 / 3)), ((1, 3), (0.4, 0.6))):
            states = [before[network][first], before[network][second]]
            for client in (first, second):
                assert_average(state_of(one.learner, network, client), states, weights)


def test_a_round_in_the_cloud_averages_the_global_generator_over_all(made):
    one = made(4, "strategy.edges=2", UNEQUAL)
    one.learner.apply(commit("iteration", 4))
    before = {name: [state_of(one.learner, name, k) for k in range(4)] for name in NETWORKS}
    decision = one.learner.apply(commit("aggregate", 4, round_=1))
    assert sorted(client for members in decision.clusters for client in members) == [0, 1, 2, 3]
    for client in range(4):
        came = state_of(one.learner, "global_generator", client)
        assert_average(came, before["global_generator"], (1 / 8, 2 / 8, 2 / 8, 3 / 8))
    for network in ("edge_generator", "discriminator"):
        states = [before[network][0], before[network][2]]
        assert_average(state_of(one.learner, network, 2), states, (1 / 3, 2 / 3))


def test_optimisers_keep_what_they_have_gathered(made):
    learner = made(2).learner
    learner.apply(commit("iteration", 2))
    learner.apply(commit("aggregate", 2, round_=1))
    for copies in (learner.edge_generators, learner.global_generators, learner.discriminators):
        for network in copies:
            assert {float(state["step"]) for state in network.adam.state.values()} == {1.0}


def move_discriminators(learner, by: dict[int, float]) -> None:
    with torch.no_grad():
        for client, offset in by.items():
            for own in learner.discriminators[client].blocks.parameters():
                own += offset


def test_clients_with_like_discriminators_share_an_edge_from_then_on(made):
    one = made(4, "strategy.edges=2", "strategy.init=common")
    move_discriminators(one.learner, {0: 5.0, 3: 5.0})
    assert one.learner.apply(commit("aggregate", 4, round_=1)) == Decision(clusters=((0, 3), (1, 2)))
    one.learner.apply(commit("iteration", 4, round_=2))
    one.learner.apply(commit("aggregate", 4, round_=2))
    states = [one.learner.discriminators[client].state() for client in range(4)]
    assert_identical(states[0], states[3])
    assert_identical(states[1], states[2])
    with pytest.raises(AssertionError):
        assert_identical(states[0], states[1])


@pytest.mark.parametrize(("by", "alike"), [("weights", ((0, 2), (1, 3))), ("updates", ((0, 3), (1, 2)))])
def test_what_changed_in_the_round_is_not_what_weights_are(made, by, alike):
    one = made(4, "strategy.edges=2", "strategy.init=common", f"strategy.clustered_by={by}")
    move_discriminators(one.learner, {0: 9.0, 2: 9.0})  # edge 0, long ago
    one.learner.apply(commit("aggregate", 4, round_=0))
    move_discriminators(one.learner, {0: 1.0, 3: 1.0})  # in the round that meets the cloud
    assert one.learner.apply(commit("aggregate", 4, round_=1)).clusters == alike


def test_updates_count_from_the_first_weights_where_the_first_round_meets_the_cloud(made):
    options = ("strategy.edges=2", "strategy.cloud_every=1", "strategy.clustered_by=updates")
    one = made(4, *options)  # all begin with weights of their own
    move_discriminators(one.learner, {1: 0.5, 2: 0.5})
    assert one.learner.apply(commit("aggregate", 4, round_=0)).clusters == ((0, 3), (1, 2))


def test_projections_keep_distances_on_average_and_are_linear():
    rng = np.random.default_rng(0)
    shapes = ((30, 20), (50,))
    networks = [[torch.from_numpy(rng.normal(size=shape)) for shape in shapes] for _ in range(12)]
    points = projections(networks, Streams(0))
    flat = np.stack([np.concatenate([one.numpy().ravel() for one in own]) for own in networks])
    pairs = [(i, j) for i in range(12) for j in range(i)]
    ratios = [((points[i] - points[j]) ** 2).sum() / ((flat[i] - flat[j]) ** 2).sum() for i, j in pairs]
    # Each ratio is a mean of 64 squared normals: its deviation is sqrt(2 / 64), and 12 points tell about 11 apart.
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 64 / 11))
    difference = [[a - b for a, b in zip(networks[0], networks[1], strict=True)]]
    np.testing.assert_allclose(projections(difference, Streams(0))[0], points[0] - points[1], atol=1e-4)


def test_clients_are_dealt_to_edges_and_clusters_renew_the_deal():
    dealt = first_assignment(5, 2)
    assert dealt == (0, 1, 0, 1, 0)
    assert members_of(dealt) == {0: (0, 2, 4), 1: (1, 3)}
    assert reassigned(dealt, ((0, 1), (2, 3, 4))) == (0, 0, 1, 1, 1)
    assert members_of((2, 0, 2)) == {0: (1,), 2: (0, 2)}


def test_one_cluster_leaves_the_deal_as_it_is():
    assert reassigned((0, 1, 0), ((0, 1, 2),)) == (0, 1, 0)
    assert reassigned((0, 1, 0), ()) == (0, 1, 0)


@pytest.mark.parametrize("judged", ["edge", "global"])
def test_a_domain_is_judged_by_the_generator_that_was_chosen(made, judged):
    one = made(4, f"strategy.judged={judged}", names=("mnist5k", "glyphs"))
    labels = one.data[0].train_labels[:3]
    streams = one.plan.setting.streams
    noise = torch.from_numpy(streams.draw("test").standard_normal((3, 100)))
    for domain, client in (("mnist5k", 0), ("glyphs", 2)):
        came = one.learner.generator_for(domain)(labels, streams.draw("test"))
        generator = one.plain[client][0 if judged == "edge" else 1].eval()
        wanted = generator(noise, torch.from_numpy(labels)).detach()
        torch.testing.assert_close(torch.from_numpy(came), wanted.float())


def test_other_commits_are_refused(made):
    with pytest.raises(ValueError, match="kind 'merge'"):
        made(2).learner.apply(commit("merge", 2))


def sums_of(plan) -> tuple[tuple[int, int], tuple[int, int]]:
    """Bytes of parameters and of statistics, of G and of D, in double precision."""
    nets = plan.setting.architecture
    both = [network_costs(net, 8) for net in (nets.generator, nets.discriminator)]
    g, d = [
        (sum(one.parameter_bytes for one in costs), sum(one.statistics_bytes for one in costs))
        for costs in both
    ]
    return g, d


def came(plan, learner) -> dict[tuple[str, str, str], float]:
    lines = ledger(play_run(plan, learner).tables["transfers"], REVEALS)
    return {
        (str(li.disclosure.kind), li.disclosure.sender, li.disclosure.receiver): li.n_bytes for li in lines
    }


def test_the_ledger_of_a_round_without_the_cloud_is_between_clients_and_edges(made):
    plan = made(3, "strategy.rounds=1", "strategy.edges=2").plan
    (g, g_statistics), (d, d_statistics) = sums_of(plan)
    sums = {"parameters": 3 * (2 * g + d), "statistics": 3 * (2 * g_statistics + d_statistics)}
    ways = (("client", "edge"), ("edge", "client"))
    assert came(plan, NullLearner()) == {(k, *way): n_bytes for k, n_bytes in sums.items() for way in ways}


def test_the_cloud_gets_global_generators_and_64_numbers_of_each_member(made):
    one = made(3, "strategy.rounds=2", "strategy.edges=2")
    (g, g_statistics), _ = sums_of(one.plan)
    sent = came(one.plan, one.learner)
    assert sent["parameters", "edge", "server"] == 2 * g == sent["parameters", "server", "edge"]
    assert sent["statistics", "edge", "server"] == 2 * g_statistics + 3 * 64 * 8
    assert sent["statistics", "server", "edge"] == 2 * g_statistics
    assert ("parameters", "client", "server") not in sent


def test_a_round_ends_later_where_it_meets_the_cloud(made):
    plan = made(3, "strategy.rounds=4", "strategy.edges=2").plan
    ends_s = play_run(plan, NullLearner()).tables["iterations"]["aggregation_s"].to_numpy()
    ends_s = ends_s[STEPS_PER_ROUND - 1 :: STEPS_PER_ROUND]
    assert ends_s[0] == pytest.approx(ends_s[2], rel=1e-9)
    assert ends_s[1] == pytest.approx(ends_s[3], rel=1e-9)
    (g, g_statistics), _ = sums_of(plan)
    both_ways = 2 * (g + g_statistics) + 2 * 64 * 8  # the larger edge has two members
    assert ends_s[1] - ends_s[0] == pytest.approx(2 * 1e-3 + both_ways / 1e9, rel=1e-9)
    assert ends_s.mean() == pytest.approx(plan.aggregation_seconds(), rel=1e-9)


class Clustering:
    """A learner that finds the clusters it is told to find in the cloud."""

    losses = (0.0, 0.0)

    def __init__(self, clusters) -> None:
        self._clusters = clusters

    def apply(self, commit):
        in_cloud = commit.kind == "aggregate" and commit.info["round"] == 1
        return Decision(self._clusters) if in_cloud else None


def edge_of_each(transfers, round_: int, way: str) -> dict[str, str]:
    own = transfers[(transfers["round"] == round_) & transfers[way].str.startswith("client")]
    other = "target" if way == "source" else "source"
    return dict(sorted(zip(own[way].astype(str), own[other].astype(str), strict=True)))


def test_from_the_next_round_on_clients_talk_to_the_edge_of_their_cluster(made):
    plan = made(4, "strategy.rounds=3", "strategy.edges=2").plan
    transfers = play_run(plan, Clustering(((0,), (1, 2, 3)))).tables["transfers"]
    before = {f"client-{k}": f"edge-{k % 2}" for k in range(4)}
    after = {"client-0": "edge-0", "client-1": "edge-1", "client-2": "edge-1", "client-3": "edge-1"}
    for way in ("source", "target"):
        assert edge_of_each(transfers, 0, way) == before
        assert edge_of_each(transfers, 1, way) == before
        assert edge_of_each(transfers, 2, way) == after


def test_an_edge_without_members_sends_nothing(made):
    plan = made(6, "strategy.rounds=4", "strategy.edges=3").plan
    transfers = play_run(plan, Clustering(((0, 1), (2, 3, 4, 5)))).tables["transfers"]
    later = transfers[transfers["round"] == 3]
    assert set(later["source"]) == {"server", "edge-0", "edge-1", *(f"client-{k}" for k in range(6))}


def test_each_client_is_listed_with_its_first_edge(made):
    plan = made(3, "strategy.edges=2").plan
    assert [plan.placement_columns(client)["edge"] for client in range(3)] == ["edge-0", "edge-1", "edge-0"]


def test_devices_too_small_are_named(made):
    with pytest.raises(
        ScenarioError, match=r"devices\.clients: two generators and a discriminator .* on client-1"
    ):
        made(2, "devices.clients=[{profile: paper-1}, {profile: paper-1, memory: 500 kB}]")
    with pytest.raises(ScenarioError, match=r"devices\.server: an average of generators needs .* on server"):
        made(2, "devices.server={profile: paper-server, memory: 100 kB}")
    with pytest.raises(
        ScenarioError, match=r"strategy\.edge: an average of three networks needs .* on edge-0"
    ):
        made(2, "strategy.edge=stm32h743", "model.width=64")


@pytest.mark.parametrize(("rounds", "said"), [(1, 1), (2, 1), (3, 0), (4, 0)])
def test_a_run_that_never_meets_the_cloud_says_so_once(made, caplog, rounds, said):
    made(2, f"strategy.rounds={rounds}", "strategy.cloud_every=3")
    words = f"strategy.cloud_every is 3, but the run has {rounds} rounds: its edges never meet in the cloud"
    assert [record.getMessage() for record in caplog.records].count(words) == said


def test_a_client_needs_memory_for_two_generators_and_a_discriminator(made):
    plan = made(2).plan
    nets = plan.setting.costs
    wanted = 2 * network_memory_bytes(nets.generator, 4) + network_memory_bytes(nets.discriminator, 4)
    assert plan.memory_bytes() == (wanted, wanted)


def test_the_profile_of_the_edges_decides_time_and_no_weight(made):
    plans = [made(2, f"strategy.edge={edge}").plan for edge in ("laptop", "raspberry-pi-4")]
    assert plans[0].aggregation_seconds() < plans[1].aggregation_seconds()
    assert plans[0].training_facts(["digest"]) == plans[1].training_facts(["digest"])
    assert plans[0].training_facts(["digest"]) != made(2, "strategy.cloud_every=3").plan.training_facts(
        ["digest"]
    )
