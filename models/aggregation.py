"""KLD weights and weighted averages of segments (docs/model.md, section 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.ensemble import Ensemble

State = Mapping[str, Tensor]


def kl_divergences(activations: Tensor) -> Tensor:
    """Return how far each member's activations are from the mean of the others'.

    For each of ``F`` filters a softmax over its ``M`` positions gives ``P_k``; ``Q_k`` is the mean of the
    *other* members' distributions; the divergence is ``KL(Q_k || P_k)`` summed over positions and filters,
    divided by ``F`` (arXiv 2507.12979, as in the authors' code).

    Args:
        activations: ``[K, F, M]``, one mean activation per member.

    Returns:
        ``[K]``, each >= 0; zero for a single member, whose divergence would be 0/0.
    """
    members, filters, _ = activations.shape
    if members == 1:
        return activations.new_zeros(1)
    log_p = torch.log_softmax(activations, dim=2)
    p = log_p.exp()
    q = (p.sum(dim=0, keepdim=True) - p) / (members - 1)
    divergence: Tensor = (torch.special.xlogy(q, q) - q * log_p).sum(dim=(1, 2)) / filters
    return divergence


def kld_weights(sizes: Sequence[int], divergences: Sequence[float], alpha: float) -> NDArray[np.float64]:
    """Return ``w_k = n_k exp(-alpha KLD_k) / sum_j n_j exp(-alpha KLD_j)`` (arXiv 2507.12979); they sum to 1."""
    exponents = -alpha * np.asarray(divergences, dtype=float)
    # Only ratios count, and relative to the largest not all exponentials can underflow.
    weights = np.asarray(sizes, dtype=float) * np.exp(exponents - exponents.max())
    return np.asarray(weights / weights.sum())


def weighted_average(states: Sequence[State], weights: Sequence[float]) -> dict[str, Tensor]:
    """Return the weighted average of state dictionaries; whole-number entries (BatchNorm's counter) are truncated."""
    average = {}
    for name, first in states[0].items():
        total = sum(
            float(weight) * state[name].to(torch.float64)
            for weight, state in zip(weights, states, strict=True)
        )
        whole = not first.dtype.is_floating_point
        # Weights sum to 1 but for rounding: equal counters must not lose one to it.
        average[name] = torch.as_tensor(total * (1 + 1e-12) if whole else total).to(first.dtype)
    return average


def aggregate(
    ensemble: Ensemble,
    clusters: Sequence[Sequence[int]],
    cluster_weights: Sequence[Sequence[float]],
    global_weights: Sequence[float],
) -> None:
    """Average one network's segments at the end of a round, in place.

    Client-held blocks take their cluster's average, where the server's copy stands in for members that do not
    hold the block. The server's copy of a block some client holds takes one average over all clients: holders
    give their own copy, the others the server's. Blocks the server alone holds are thereby unchanged. Optimiser
    states are not averaged.

    Args:
        ensemble: all copies of the network.
        clusters: the members of each cluster.
        cluster_weights: each cluster's weights, in the order of its members, summing to 1.
        global_weights: the weights of all clients, summing to 1.
    """
    for block in range(ensemble.length):
        holders = {client: own[block] for client, own in enumerate(ensemble.own) if block in own}
        if not holders:
            continue
        shared = ensemble.server.get(block)
        states = [_copy(holders.get(client, shared)) for client in range(len(ensemble.own))]
        for members, weights in zip(clusters, cluster_weights, strict=True):
            average = weighted_average([states[client] for client in members], weights)
            for client in members:
                if client in holders:
                    holders[client].load_state_dict(average)
        if shared is not None:
            shared.load_state_dict(weighted_average(states, global_weights))


def _copy(module: nn.Module | None) -> State:
    """Return a copy of a block's state, taken before any block is overwritten."""
    if module is None:
        raise ValueError("a client without this block needs the server's copy, and the server has none")
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
