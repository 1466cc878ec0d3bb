"""Cuts for very many clients: stated, shared by all, or the best of some random ones.

The answers are those of the selectors of the same names (:mod:`simulator.cuts`), from the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from models.memory import memory_bytes, server_memory_bytes
from models.split import Cut
from scenarios.load import ScenarioError
from simulator.arrays.ground import Ground
from simulator.arrays.split import Kinds, latency_s
from simulator.arrays.times import ChosenCuts, check_memory, check_server_memory
from simulator.cuts.fixed import FixedOptions
from simulator.cuts.homogeneous import HomogeneousOptions
from simulator.cuts.random_search import RandomOptions


def choose_cuts(ground: Ground) -> ChosenCuts:
    """Return the cuts that the scenario's selector finds.

    Raises:
        ScenarioError: where they do not fit the model, the fleet or some memory.
    """
    options = ground.loaded.scenario.cuts
    match options:
        case FixedOptions():
            cuts = _stated(ground, options)
        case HomogeneousOptions():
            cuts = _shared(ground)
        case RandomOptions():
            cuts = _best_of_random(ground, options)
        case _:
            raise ValueError(f"selector {options.selector!r} has no array path")
    kinds = Kinds.of(ground, cuts)
    check_memory(ground, kinds.client_bytes(ground), "its part under the cuts")
    check_server_memory(ground, kinds.server_bytes(ground), "what the cuts leave to it")
    return cuts


def _stated(ground: Ground, options: FixedOptions) -> ChosenCuts:
    """Return the cuts that the scenario states."""
    clients = ground.fleet.size
    if options.every_client is not None:
        cut = _checked(ground, options.every_client, "cuts.every_client")
        return ChosenCuts((cut,), np.zeros(clients, dtype=np.intp))
    rows = options.per_client or []
    if len(rows) != clients:
        came = f"the number of cuts is {len(rows)}"
        raise ground.loaded.error("cuts.per_client", came, f"allowed: {clients}, one per client")
    cuts = [_checked(ground, row, f"cuts.per_client.{client}") for client, row in enumerate(rows)]
    choices = tuple(sorted(set(cuts)))
    gene_of = {cut: gene for gene, cut in enumerate(choices)}
    return ChosenCuts(choices, np.array([gene_of[cut] for cut in cuts], dtype=np.intp))


def _checked(ground: Ground, row: list[int], key_path: str) -> Cut:
    cut = Cut(*row)
    try:
        ground.costs.check(cut)
    except ValueError as error:
        came, _, allowed = f"cut {row}: {error}".partition("; ")
        raise ground.loaded.error(key_path, came, allowed) from error
    return cut


def _shared(ground: Ground) -> ChosenCuts:
    """Return the best cut that all clients can share; of equals the first."""
    search = _Search(ground)
    fitting = np.flatnonzero(search.allowed.all(axis=0)).tolist()
    if not fitting:
        raise ground.loaded.error(
            "cuts.selector",
            "selector homogeneous: no cut fits the memory of every client",
            "a smaller batch_size or model.width would do, or a selector that gives each its own cut",
        )
    for gene in fitting:
        search.consider(np.full(ground.fleet.size, gene, dtype=np.intp))
    return search.best()


def _best_of_random(ground: Ground, options: RandomOptions) -> ChosenCuts:
    """Return the best of the assignments drawn; the first one is not drawn, but the lightest for the server."""
    search = _Search(ground)
    search.consider(search.lightest_for_server())
    drawn = search.drawn(ground.streams.draw("cuts.random"))
    for _ in range(options.max_evaluations - 1):
        search.consider(next(drawn))
    return search.best()


class _Search:
    """The best of the assignments it has seen.

    Args:
        ground: what they are judged on.

    Attributes:
        allowed: whether a cut fits a client's memory, ``[N, C]``.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._choices = ground.costs.cut_choices()
        self._batches, self._batch_of = np.unique(ground.batches, return_inverse=True)
        self.allowed = self._fitting_cuts()
        self._best: NDArray[np.intp] | None = None
        self._best_latency_s = np.inf

    def consider(self, gene_of: NDArray[np.intp]) -> None:
        """Look at an assignment."""
        cuts, limit = ChosenCuts(self._choices, gene_of), self._ground.fleet.server.memory_bytes
        if limit is not None and Kinds.of(self._ground, cuts).server_bytes(self._ground) > limit:
            return
        own_s = latency_s(self._ground, cuts)
        if own_s < self._best_latency_s:
            self._best, self._best_latency_s = gene_of, own_s

    def best(self) -> ChosenCuts:
        """Return the best assignment.

        Raises:
            ScenarioError: none of them fits the server's memory.
        """
        if self._best is None:
            raise self._too_much_for_server()
        return ChosenCuts(self._choices, self._best)

    def lightest_for_server(self) -> NDArray[np.intp]:
        """Return the assignment that leaves the server the least memory to hold."""
        costs = self._ground.costs
        empty = server_memory_bytes(costs, [], [])
        shares = self._per_batch(lambda cut, batch: server_memory_bytes(costs, [cut], [batch]) - empty)
        return np.asarray(np.where(self.allowed, shares[self._batch_of], np.inf).argmin(axis=1))

    def drawn(self, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """Yield random assignments within every client's memory: every other one is the same cut for all.

        They are those of :func:`simulator.cuts.random_search.random_genes`, drawn one at a time.
        """
        cumulative = self.allowed.cumsum(axis=1) / self.allowed.sum(axis=1, keepdims=True)
        same = True
        while True:
            draws = rng.random((len(cumulative), 1))
            yield ((draws[:1] if same else draws) >= cumulative).sum(axis=1)
            same = not same

    def _fitting_cuts(self) -> NDArray[np.bool_]:
        costs, limits = self._ground.costs, self._ground.fleet.memory_bytes
        needed = self._per_batch(lambda cut, batch: memory_bytes(costs, cut, batch))
        allowed = np.asarray(needed[self._batch_of] <= limits[:, None])
        if not allowed.any(axis=1).all():
            check_memory(self._ground, needed.min(axis=1)[self._batch_of], "the smallest cut")
        return allowed

    def _per_batch(self, n_bytes: Callable[[Cut, int], int]) -> NDArray[np.float64]:
        """Return some number of bytes for each distinct batch and each cut, ``[B, C]``."""
        batches: list[int] = self._batches.tolist()
        table = [[n_bytes(cut, batch) for cut in self._choices] for batch in batches]
        return np.array(table, dtype=np.float64)

    def _too_much_for_server(self) -> ScenarioError:
        server = self._ground.fleet.server
        return self._ground.loaded.error(
            "devices.server",
            f"what every assignment of cuts leaves to server ({server.name}) is more than its memory",
            "allowed: longer heads and tails, a smaller batch_size or model.width, or more memory",
        )
