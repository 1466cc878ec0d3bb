"""KLD weights, weighted averages of segments, and means of weighted updates (docs/model.md, section 8)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.ensemble import Ensemble, State

__all__ = [
    "State",
    "UpdateBuffer",
    "aggregate",
    "kl_divergences",
    "kld_weights",
    "weighted_average",
]


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
        average[name] = _as_stored(total, first)
    return average


def _as_stored(total: Tensor | float, like: Tensor) -> Tensor:
    """Return a sum in float64 in the precision of a tensor; whole numbers are truncated."""
    # Weights sum to 1 but for rounding: equal counters must not lose one to it.
    exact = total if like.dtype.is_floating_point else total * (1 + 1e-12)
    return torch.as_tensor(exact).to(like.dtype)


def aggregate(
    ensemble: Ensemble,
    clusters: Sequence[Sequence[int]],
    cluster_weights: Sequence[Sequence[float]],
    global_weights: Sequence[float],
    clients: Sequence[int] | None = None,
) -> None:
    """Average one network's segments at the end of a round, in place.

    Client-held blocks take their cluster's average, where the server's copy stands in for members that do not
    hold the block. The server's copy of a block some client holds takes one average over all clients: holders
    give their own copy, the others the server's. Blocks the server alone holds are thereby unchanged. Optimiser
    states are not averaged.

    Where not all clients are averaged, those left out keep what they have, and give nothing.

    Args:
        ensemble: all copies of the network.
        clusters: the members of each cluster.
        cluster_weights: each cluster's weights, in the order of its members, summing to 1.
        global_weights: the weights of all averaged clients, summing to 1.
        clients: the averaged clients, in the order of their weights; left out = every client.
    """
    averaged = range(len(ensemble.own)) if clients is None else clients
    for block in range(ensemble.length):
        holders = {
            client: ensemble.own[client][block] for client in averaged if block in ensemble.own[client]
        }
        if not holders:
            continue
        shared = ensemble.server.get(block)
        states = {client: _copy(holders.get(client, shared)) for client in averaged}
        for members, weights in zip(clusters, cluster_weights, strict=True):
            average = weighted_average([states[client] for client in members], weights)
            for client in members:
                if client in holders:
                    ensemble.settle(client, block, average)
        if shared is not None:
            shared.load_state_dict(weighted_average(list(states.values()), global_weights))


def _copy(module: nn.Module | None) -> State:
    """Return a copy of a block's state, taken before any block is overwritten."""
    if module is None:
        raise ValueError("a client without this block needs the server's copy, and the server has none")
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


class UpdateBuffer:
    """Weighted updates of a network, gathered until the server takes a step by their mean (arXiv 2106.06639).

    Parameters step by the mean of the weighted differences, ``w + rate / K sum_i s_i (after_i - before_i)``.
    BatchNorm's statistics are no directions, and by summed differences from old states a variance could fall below
    zero. They move towards those that have come, ``(1 - r mean_i s_i) v + r / K sum_i s_i after_i`` with
    ``r = min(rate, 1)``: the same where all updates began with the state that takes the step, and ``rate <= 1``.

    Args:
        statistics: the names of what is no parameter.
    """

    def __init__(self, statistics: frozenset[str]) -> None:
        self._statistics = statistics
        self._sums: dict[str, Tensor] = {}
        self._weight = 0.0
        self._updates = 0

    def __len__(self) -> int:
        """Return how many updates have been gathered."""
        return self._updates

    def add(self, before: State, after: State, weight: float) -> None:
        """Gather one update.

        Args:
            before: the state it began with.
            after: the state it ended with.
            weight: what it counts, in 0..1.
        """
        for name, ended in after.items():
            update = ended.detach().to(torch.float64)
            if name not in self._statistics:
                update = update - before[name].to(torch.float64)
            update = update * weight
            self._sums[name] = self._sums[name] + update if name in self._sums else update
        self._weight += weight
        self._updates += 1

    def applied_to(self, state: State, rate: float) -> dict[str, Tensor]:
        """Return a state after the step; the buffer stays as it is.

        Args:
            state: what takes the step.
            rate: its length, as a factor.
        """
        stepped = {}
        for name, value in state.items():
            if name in self._statistics:
                share = min(rate, 1.0)
                kept = 1.0 - share * self._weight / self._updates
            else:
                share, kept = rate, 1.0
            total = kept * value.to(torch.float64) + share / self._updates * self._sums[name]
            stepped[name] = _as_stored(total, value)
        return stepped
