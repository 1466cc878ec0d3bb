"""KLD weights and averages against numbers worked by hand.

With ln 2 = 0.693147 and ln 3 = 1.098612, between the distributions h = (1/2, 1/2) and q = (1/4, 3/4):
KL(q || h) = 1/4 ln 1/2 + 3/4 ln 3/2 = 0.130812 and KL(h || q) = 1/2 ln 2 + 1/2 ln 2/3 = 0.143841.
"""

import math

import numpy as np
import pytest
import torch

from models.aggregation import UpdateBuffer, aggregate, kl_divergences, kld_weights, weighted_average
from models.architecture import Network, chain_blocks
from models.ensemble import Ensemble
from models.layers import Activation, BatchNorm, LabelInput, Linear

H, Q = [0.5, 0.5], [0.25, 0.75]
KL_Q_H = 0.13081203594113694
KL_H_Q = 0.14384103622589042


def logs(*members):
    return torch.tensor(members, dtype=torch.float64).log()


def test_two_members_by_hand():
    # Member 0 is (h, q), member 1 is (q, q): they differ in the first of two filters. Each one's Q is the other's P.
    came = kl_divergences(logs([H, Q], [Q, Q]))
    assert came.tolist() == pytest.approx([KL_Q_H / 2, KL_H_Q / 2], rel=1e-12)


def test_three_members_by_hand():
    # Filter 1: (1/2, 1/2), (1/4, 3/4), (3/4, 1/4). Filter 2: all alike, adding nothing but the division by 2.
    # Q_0 = (1/2, 1/2): KL 0.  Q_1 = (5/8, 3/8) against (1/4, 3/4).  Q_2 = (3/8, 5/8) against (3/4, 1/4).
    came = kl_divergences(logs([H, Q], [Q, Q], [[0.75, 0.25], Q]))
    one = 5 / 8 * math.log(5 / 2) + 3 / 8 * math.log(1 / 2)
    assert one == pytest.approx(0.31275151, abs=1e-8)
    assert came.tolist() == pytest.approx([0.0, one / 2, one / 2], abs=1e-12)


def test_three_positions_by_hand():
    # P_0 = (1/2, 1/4, 1/4), P_1 = (1/4, 1/4, 1/2): KL(P_1 || P_0) = 1/4 ln 1/2 + 0 + 1/2 ln 2 = 1/4 ln 2.
    came = kl_divergences(logs([[0.5, 0.25, 0.25]], [[0.25, 0.25, 0.5]]))
    assert came.tolist() == pytest.approx([0.25 * math.log(2)] * 2, rel=1e-12)


def test_it_is_torchs_kl_div_with_batchmean_over_the_filters():
    activations = torch.randn(5, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for k, came in enumerate(kl_divergences(activations)):
        others = [j for j in range(5) if j != k]
        q = activations[others].softmax(dim=-1).mean(dim=0)
        log_p = activations[k].log_softmax(dim=-1)
        assert float(came) == pytest.approx(
            float(torch.nn.functional.kl_div(log_p, q, reduction="batchmean"))
        )


def test_a_constant_added_to_a_filter_changes_nothing_but_one_added_to_a_position_does():
    activations = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    shifted, bumped = activations.clone(), activations.clone()
    shifted[0, 1] += 3.0
    bumped[0, 1, 2] += 3.0
    torch.testing.assert_close(kl_divergences(shifted), kl_divergences(activations))
    assert float((kl_divergences(bumped) - kl_divergences(activations)).abs().max()) > 0.01


def test_members_far_apart_give_large_finite_divergences():
    came = kl_divergences(torch.tensor([[[1000.0, 0.0]], [[0.0, 1000.0]]], dtype=torch.float64))
    assert came.tolist() == pytest.approx([1000.0, 1000.0])


def test_a_single_member_diverges_from_nobody_and_weighs_one():
    came = kl_divergences(torch.randn(1, 3, 4, dtype=torch.float64))
    assert came.tolist() == [0.0]
    assert kld_weights([17], came.tolist(), alpha=1.0).tolist() == [1.0]


def test_weights_by_hand():
    # 10 exp(-0) = 10, 20 exp(-ln 2) = 10, 30 exp(-ln 3) = 10: a third each. Twice alpha: 10, 5, 10/3.
    divergences = [0.0, math.log(2), math.log(3)]
    assert kld_weights([10, 20, 30], divergences, 1.0) == pytest.approx([1 / 3] * 3)
    assert kld_weights([10, 20, 30], divergences, 2.0) == pytest.approx([6 / 11, 3 / 11, 2 / 11])
    assert kld_weights([10, 20, 30], divergences, 0.0) == pytest.approx([1 / 6, 2 / 6, 3 / 6])


def test_weights_of_the_two_members_above_by_hand():
    # exp(-0.065406) = 0.936687, exp(-0.071921) = 0.930605; times 30 and 10: 28.1006 and 9.3060.
    came = kld_weights([30, 10], [KL_Q_H / 2, KL_H_Q / 2], 1.0)
    assert came.tolist() == pytest.approx([0.7512197, 0.2487803], abs=1e-6)


def test_weights_stay_finite_where_every_exponential_underflows():
    came = kld_weights([10, 30], [2000.0, 2000.0], 1.0)
    assert came.tolist() == pytest.approx([0.25, 0.75])


def test_an_average_is_weighted_and_its_counter_truncated():
    states = [
        {"w": torch.tensor([1.0, 10.0]), "num_batches_tracked": torch.tensor(10)},
        {"w": torch.tensor([3.0, 20.0]), "num_batches_tracked": torch.tensor(15)},
    ]
    came = weighted_average(states, [0.25, 0.75])
    assert came["w"].tolist() == [2.5, 17.5]
    assert came["w"].dtype == torch.float32
    assert came["num_batches_tracked"].dtype == torch.int64
    assert int(came["num_batches_tracked"]) == 13  # 13.75


LAYERS = (
    (LabelInput(2, (1,)), Linear(2), BatchNorm()),
    (Linear(2), BatchNorm()),
    (Linear(2), BatchNorm()),
    (Linear(2), BatchNorm()),
    (Linear(1), Activation("sigmoid")),
)
NETWORK = Network("discriminator", chain_blocks("D", (3,), LAYERS))
CUTS = [(1, 1), (2, 1), (2, 2)]
"""Block 2 (index 1) is held by clients 1 and 2, block 4 (index 3) by client 2."""


def filled() -> Ensemble:
    """Every value of client k's copies is 10 (k + 1), the server's 100; every counter likewise."""
    ensemble = Ensemble(NETWORK, CUTS, [1, 2, 3], 4, 0.1, dtype=torch.float64)
    for value, blocks in zip((100, 10, 20, 30), (ensemble.server, *ensemble.own), strict=True):
        for module in blocks.values():
            for tensor in module.state_dict().values():
                tensor.fill_(value)
    return ensemble


def values(module) -> set[float]:
    return {round(float(v), 9) for tensor in module.state_dict().values() for v in tensor.flatten()}


def test_clustered_and_global_averages_by_hand():
    ensemble = filled()
    aggregate(ensemble, [(0, 1), (2,)], [[0.25, 0.75], [1.0]], [0.5, 0.3, 0.2])
    # Everybody holds the first and the last block. Cluster (0, 1): 0.25 x 10 + 0.75 x 20 = 17.5; cluster (2): 30.
    for block in (0, 4):
        # The last has no counter; the first's counter is truncated to 17.
        assert values(ensemble.own[0][block]) - {17.0} == {17.5}
        assert values(ensemble.own[1][block]) - {17.0} == {17.5}
        assert values(ensemble.own[2][block]) == {30.0}
    # Block 2: in cluster (0, 1) the server's copy stands in for client 0: 0.25 x 100 + 0.75 x 20 = 40.
    assert values(ensemble.own[1][1]) == {40.0}
    assert values(ensemble.own[2][1]) == {30.0}
    # The server's own: the global weights; itself for client 0: 0.5 x 100 + 0.3 x 20 + 0.2 x 30 = 62.
    assert values(ensemble.server[1]) == {62.0}
    # Block 4: only client 2 holds it, alone in its cluster. The server's: (0.5 + 0.3) x 100 + 0.2 x 30 = 86.
    assert values(ensemble.own[2][3]) == {30.0}
    assert values(ensemble.server[3]) == {86.0}
    # The core is the server's alone.
    assert values(ensemble.server[2]) == {100.0}


def test_the_servers_copy_enters_a_clusters_average_as_it_was_before_the_round_end():
    ensemble = filled()
    # One cluster of all: block 2 takes 0.5 x 100 + 0.3 x 20 + 0.2 x 30 = 62 everywhere, whoever is written first.
    aggregate(ensemble, [(0, 1, 2)], [[0.5, 0.3, 0.2]], [0.5, 0.3, 0.2])
    assert [values(own[1]) for own in ensemble.own[1:]] == [{62.0}, {62.0}]
    assert values(ensemble.server[1]) == {62.0}


def test_statistics_are_averaged_and_counters_truncated():
    ensemble = filled()
    aggregate(ensemble, [(0, 1), (2,)], [[0.25, 0.75], [1.0]], [0.5, 0.3, 0.2])
    norm = ensemble.own[0][0].norm
    assert norm.running_mean.tolist() == [17.5, 17.5]
    assert norm.running_var.tolist() == [17.5, 17.5]
    assert int(norm.num_batches_tracked) == 17


def test_members_of_a_cluster_get_copies_not_one_tensor():
    ensemble = filled()
    aggregate(ensemble, [(0, 1, 2)], [[0.5, 0.3, 0.2]], [0.5, 0.3, 0.2])
    with torch.no_grad():
        ensemble.own[0][0].linear.weight.fill_(-1.0)
    assert float(ensemble.own[1][0].linear.weight.detach().max()) > 0


def test_the_optimisers_moments_are_not_averaged():
    ensemble = filled()
    for value, adam in enumerate((ensemble._server_adam, *ensemble._adam)):
        for group in adam.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.full_like(parameter, value + 1.0)
        adam.step()
    before = [[s["exp_avg"].clone() for s in adam.state.values()] for adam in ensemble._adam]
    aggregate(ensemble, [(0, 1, 2)], [[0.5, 0.3, 0.2]], [0.5, 0.3, 0.2])
    after = [[s["exp_avg"] for s in adam.state.values()] for adam in ensemble._adam]
    for mine, theirs in zip(before, after, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))
    parameters = [p for blocks in (ensemble.own[1],) for block in blocks.values() for p in block.parameters()]
    assert {id(p) for p in parameters} == {id(p) for p in ensemble._adam[1].param_groups[0]["params"]}


def test_blocks_without_holders_stay_the_servers():
    ensemble = Ensemble(NETWORK, [(1, 1), (1, 1)], [1, 2], 4, 0.1, dtype=torch.float64)
    before = {name: tensor.clone() for name, tensor in ensemble.state().items() if name.startswith("server")}
    aggregate(ensemble, [(0, 1)], [[0.5, 0.5]], [0.5, 0.5])
    assert all(torch.equal(ensemble.state()[name], tensor) for name, tensor in before.items())


def test_an_average_of_equal_copies_changes_no_weight():
    ensemble = Ensemble(NETWORK, CUTS, [7, 7, 7], 7, 0.1, dtype=torch.float64)
    before = {name: tensor.clone() for name, tensor in ensemble.state().items()}
    weights = [float(w) for w in np.array([1.0, 2.0, 4.0]) / 7.0]
    aggregate(ensemble, [(0, 1, 2)], [weights], weights)
    for name, tensor in ensemble.state().items():
        torch.testing.assert_close(tensor, before[name], rtol=1e-14, atol=1e-15)


def test_an_average_of_some_leaves_the_others_as_they_are_and_asks_nothing_of_them():
    ensemble = filled()
    # Client 1 is away. Clients 0 and 2 are averaged alone, each in a cluster of its own.
    aggregate(ensemble, [(0,), (2,)], [[1.0], [1.0]], [0.25, 0.75], clients=(0, 2))
    assert [values(own[0]) for own in ensemble.own] == [{10.0}, {20.0}, {30.0}]
    # Block 2: client 2 holds it, for client 0 the server's stands in: 0.25 x 100 + 0.75 x 30 = 47.5, counter 47.
    assert values(ensemble.own[1][1]) == {20.0}
    assert values(ensemble.server[1]) == {47.5, 47.0}


def test_a_block_that_none_of_the_averaged_holds_stays_the_servers_to_the_last_bit():
    ensemble = filled()
    aggregate(ensemble, [(0,)], [[1.0]], [1.0], clients=(0,))
    assert values(ensemble.server[1]) == values(ensemble.server[3]) == {100.0}
    assert values(ensemble.own[0][0]) == {10.0}


def test_some_in_one_cluster_by_hand():
    ensemble = filled()
    aggregate(ensemble, [(1, 2)], [[0.5, 0.5]], [0.5, 0.5], clients=(1, 2))
    assert values(ensemble.own[0][0]) == {10.0}
    assert values(ensemble.own[1][0]) == values(ensemble.own[2][0]) == {25.0}
    assert values(ensemble.server[1]) == {25.0}  # both hold it
    assert values(ensemble.server[3]) == {65.0}  # client 2 alone holds it: (100 + 30) / 2


def state_of(weight: float, variance: float, count: int):
    return {
        "weight": torch.tensor([weight]),
        "variance": torch.tensor([variance]),
        "count": torch.tensor(count),
    }


STATISTICS = frozenset({"variance", "count"})


def test_a_buffer_steps_by_the_mean_of_weighted_differences():
    buffer = UpdateBuffer(STATISTICS)
    buffer.add(state_of(1.0, 1.0, 10), state_of(3.0, 2.0, 14), weight=1.0)
    buffer.add(state_of(0.0, 4.0, 10), state_of(-4.0, 6.0, 12), weight=0.5)
    assert len(buffer) == 2
    came = buffer.applied_to(state_of(10.0, 8.0, 20), rate=1.0)
    # Parameters: 10 + (1 x (3 - 1) + 0.5 x (-4 - 0)) / 2 = 10.
    assert came["weight"].tolist() == [10.0]
    # Statistics: the mean weight is 0.75: 0.25 x 8 + (1 x 2 + 0.5 x 6) / 2 = 4.5; 0.25 x 20 + (14 + 6) / 2 = 15.
    assert came["variance"].tolist() == [4.5]
    assert came["count"].tolist() == 15
    assert came["count"].dtype == torch.int64
    half = buffer.applied_to(state_of(10.0, 8.0, 20), rate=0.5)
    assert half["variance"].tolist() == [0.5 * 8.0 + 0.5 * 4.5]
    twice = buffer.applied_to(state_of(11.0, 8.0, 20), rate=2.0)
    assert twice["weight"].tolist() == [11.0]
    assert twice["variance"].tolist() == [4.5]  # no farther than to what has come


def test_updates_from_the_state_that_steps_give_their_mean():
    start = state_of(2.0, 3.0, 5)
    ends = [state_of(2.5, 4.0, 7), state_of(1.5, 6.0, 9), state_of(5.0, 5.0, 8)]
    buffer = UpdateBuffer(STATISTICS)
    for end in ends:
        buffer.add(start, end, weight=1.0)
    came, wanted = buffer.applied_to(start, rate=1.0), weighted_average(ends, [1 / 3] * 3)
    for name, value in came.items():
        torch.testing.assert_close(value, wanted[name])


def test_a_variance_stays_a_variance_however_old_the_updates_are():
    """By summed differences it would be 0.2 - 0.8 x 1: many clients have each told of the same fall."""
    buffer = UpdateBuffer(STATISTICS)
    buffer.add(state_of(0.0, 1.0, 1), state_of(0.0, 0.2, 2), weight=1.0)
    came = buffer.applied_to(state_of(0.0, 0.2, 3), rate=1.0)
    assert came["variance"].tolist() == pytest.approx([0.2])
