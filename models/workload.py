"""What an iteration consists of under a cost model: its crossings, and what everybody does in them.

A workload is what the plan, the closed form and the event simulation ask. The default one is the dataflow iteration
with exact counts (:class:`DataflowWorkload`); the authors' own formula is another (:mod:`models.paper`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from models.split import (
    VISITS,
    ChainCosts,
    ClientLegs,
    ComputeLeg,
    Cut,
    ModelCosts,
    Phase,
    Visit,
    Work,
    chain_of,
    client_legs,
    core_position,
    phases_of,
    segment_leg,
    server_leg,
    server_positions,
)


@dataclass(frozen=True)
class Workload(ABC):
    """The work of one iteration.

    Attributes:
        costs: the exact costs of both networks: what memory and the traffic of a round are reckoned with, whatever
            the cost model.
        visits: the crossings of the server's middle, in order.
        lockstep: whether every crossing waits until all clients are through with the one before.
    """

    costs: ModelCosts
    visits: ClassVar[tuple[Visit, ...]]
    lockstep: ClassVar[bool]

    @abstractmethod
    def client_legs(self, cut: Cut, rows: int) -> ClientLegs:
        """Return all that a client with this cut does in one iteration on ``rows`` charged rows.

        Raises:
            ValueError: where the cut takes the core from the server, or there are no rows.
        """

    @abstractmethod
    def server_leg(self, number: int, position: int, rows: int) -> ComputeLeg:
        """Return the server's joined work at one position of crossing ``number``, on ``rows`` charged rows."""

    @abstractmethod
    def charged_rows(self, batch: int) -> int:
        """Return the rows a client with this batch is charged for."""

    @abstractmethod
    def blocks_leg(self, network: str, blocks: range, work: Work, rows: int, phase: str) -> ComputeLeg:
        """Return the work of consecutive blocks of a network on one machine.

        Args:
            network: ``generator`` or ``discriminator``.
            blocks: which of its blocks.
            work: what is computed of them.
            rows: charged rows.
            phase: the part of an iteration it belongs to.
        """

    def network_leg(self, network: str, work: Work, rows: int, phase: str) -> ComputeLeg:
        """Return the work of a whole network on one machine; see :meth:`blocks_leg`."""
        return self.blocks_leg(network, range(self.network(network).length), work, rows, phase)

    def network(self, name: str) -> ChainCosts:
        """Return the exact costs of a network by its name."""
        return self.costs.generator if name == "generator" else self.costs.discriminator

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of an iteration, in order."""
        return phases_of(self.visits)

    def chain(self, number: int) -> ChainCosts:
        """Return the chain that crossing ``number`` runs through."""
        return chain_of(self.costs, self.visits[number])

    def positions(self, number: int) -> range:
        """Return the positions of crossing ``number`` that the server may hold, in the order it runs them."""
        return server_positions(self.chain(number))

    def core(self, number: int) -> int:
        """Return the position of crossing ``number`` that all rows pass: the barrier."""
        return core_position(self.chain(number), self.visits[number])


@dataclass(frozen=True)
class DataflowWorkload(Workload):
    """Exact counts, and everybody goes on as soon as it has what it needs (docs/model.md, sections 1 and 4)."""

    visits = VISITS
    lockstep = False

    def client_legs(self, cut: Cut, rows: int) -> ClientLegs:
        """Return the legs of :func:`models.split.client_legs`."""
        return client_legs(self.costs, cut, rows)

    def server_leg(self, number: int, position: int, rows: int) -> ComputeLeg:
        """Return the leg of :func:`models.split.server_leg`."""
        return server_leg(self.costs, self.visits[number], position, rows)

    def blocks_leg(self, network: str, blocks: range, work: Work, rows: int, phase: str) -> ComputeLeg:
        """Return the exact work of these blocks."""
        return segment_leg(self.network(network), blocks, work, rows, phase, f"{network} {work}")

    def charged_rows(self, batch: int) -> int:
        """Return the batch itself."""
        return batch
