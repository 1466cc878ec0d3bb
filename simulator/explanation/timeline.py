"""The timeline of one iteration: for every client, leg by leg, what it does, and for whom it waits.

The times are those of the closed form (:class:`~simulator.closed_form.IterationTrace`); what happens between them is
read from the plan's legs. Only what is asked for is spelled out, so that a large fleet costs no more than a small one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from devices.fleet import SERVER_ID, Device
from models.split import ComputeLeg, Phase, TransferLeg
from simulator.explanation.legs import (
    Cause,
    Kind,
    Leg,
    computation,
    computations,
    message_bound,
    spoken,
)
from simulator.split_plan import SplitPlan


@dataclass(frozen=True)
class JoinedWork:
    """One joined batch of the server.

    Attributes:
        number: its crossing, from 0.
        position: its position in the crossing.
        clients: how many clients' rows it joins.
        last_to_join: the last client whose rows join here, if any do.
        waits_for_rows: whether the server could have begun earlier, had the last rows been there.
    """

    number: int
    position: int
    leg: ComputeLeg
    clients: int
    last_to_join: int | None
    waits_for_rows: bool
    start_s: float
    end_s: float


class Timeline:
    """One iteration of a plan, in detail.

    Attributes:
        plan: what is played.
        model: the closed form over the plan's cuts.
        trace: when everything happens.
        latency_s: the iteration's latency.
        server: the server's joined work, in order.
    """

    def __init__(self, plan: SplitPlan) -> None:
        self.plan = plan
        self.model = plan.iteration_model()
        self.trace = self.model.trace(plan.cuts)
        self.latency_s = self.trace.latency_s
        self.server = self._joined_work()
        self._work_ends_s = np.array([work.end_s for work in self.server])
        self._work_at = {(work.number, work.position): index for index, work in enumerate(self.server)}

    @property
    def last_client(self) -> int:
        """The client that ends the iteration."""
        return int(self.trace.done_s.argmax())

    def last_to_finish(self, crossing: int) -> int:
        """Return the client that is the last through with the phase before a crossing."""
        return int(self.trace.finished_s[crossing].argmax())

    def index_of_exit(self, client: int, crossing: int) -> int:
        """Return the index in :attr:`server` of the last joined work on a client's rows in a crossing."""
        return self._work_at[crossing, self.plan.legs[client].visits[crossing].exit]

    def client_legs(self, client: int) -> tuple[Leg, ...]:
        """Return all that a client does and waits for, in order; start to end they tile the iteration."""
        return tuple(self._walk(client))

    def _walk(self, client: int) -> Iterator[Leg]:
        for crossing in range(len(self.plan.legs[client].visits)):
            yield from self.finishing(client, crossing)
            yield from self._waiting_for_everybody(client, crossing)
            yield from self.preparing(client, crossing)
            yield self.sending(client, crossing)
            yield from self._at_the_server(client, crossing)
            yield self.receiving(client, crossing)
        yield from self.ending(client)
        yield from self._waiting_for_the_end(client)

    def finishing(self, client: int, crossing: int) -> list[Leg]:
        """Return what a client computes to end the phase before a crossing."""
        start_s = float(self.trace.ready_s[crossing - 1][client]) if crossing else 0.0
        end_s = float(self.trace.finished_s[crossing][client])
        legs = self.plan.legs[client].visits[crossing].finish
        return computations(self._device(client), crossing, legs, start_s, end_s)

    def preparing(self, client: int, crossing: int) -> list[Leg]:
        """Return what a client computes to have something to send in a crossing."""
        start_s, end_s = float(self.trace.begun_s[crossing][client]), self.trace.prepared_s[crossing][client]
        legs = self.plan.legs[client].visits[crossing].prepare
        return computations(self._device(client), crossing, legs, start_s, float(end_s))

    def sending(self, client: int, crossing: int) -> Leg:
        """Return a client's message to the server in a crossing."""
        times_s = self.trace.prepared_s[crossing][client], self.trace.arrived_s[crossing][client]
        up = self.plan.legs[client].visits[crossing].up
        return self._message(client, crossing, up, (client, SERVER_ID), *map(float, times_s))

    def receiving(self, client: int, crossing: int) -> Leg:
        """Return the server's message to a client in a crossing."""
        times_s = self.trace.left_s[crossing][client], self.trace.ready_s[crossing][client]
        down = self.plan.legs[client].visits[crossing].down
        return self._message(client, crossing, down, (SERVER_ID, client), *map(float, times_s))

    def ending(self, client: int) -> list[Leg]:
        """Return what a client computes after the last crossing."""
        crossing = len(self.trace.ready_s) - 1
        start_s, end_s = float(self.trace.ready_s[crossing][client]), float(self.trace.done_s[client])
        return computations(self._device(client), crossing, self.plan.legs[client].after, start_s, end_s)

    def served(self, work: JoinedWork) -> Leg:
        """Return a joined batch of the server as a leg."""
        server = self.plan.setting.fleet.server
        return computation(server, work.number, work.leg, work.start_s, work.end_s, work.clients)

    def _at_the_server(self, client: int, crossing: int) -> Iterator[Leg]:
        """Tell what the server does between a client's message and its answer."""
        visit = self.plan.legs[client].visits[crossing]
        reached_s = float(self.trace.arrived_s[crossing][client])
        for work in self.server[self._first_work_after(reached_s) : self.index_of_exit(client, crossing) + 1]:
            if work.start_s > reached_s:
                yield self._waiting_for_rows(client, crossing, work, reached_s)
                reached_s = work.start_s
            if work.number == crossing and work.position >= visit.entry:
                yield self.served(work)
            else:
                busy = Cause(SERVER_ID, spoken(work.leg))
                yield self._wait(client, crossing, "wait for the server", (reached_s, work.end_s), busy)
            reached_s = work.end_s

    def _first_work_after(self, time_s: float) -> int:
        """Return the index of the first joined work that ends after a time."""
        return int(np.searchsorted(self._work_ends_s, time_s, side="right"))

    def _waiting_for_rows(self, client: int, crossing: int, work: JoinedWork, from_s: float) -> Leg:
        if work.last_to_join is None:
            raise RuntimeError(f"the server idles before {work.leg.what}, though no rows are missing there")
        kind = self.plan.legs[work.last_to_join].visits[work.number].up.kind
        cause = Cause(work.last_to_join, f"send {kind}")
        return self._wait(
            client, crossing, f"wait for rows of {spoken(work.leg)}", (from_s, work.start_s), cause
        )

    def _waiting_for_everybody(self, client: int, crossing: int) -> Iterator[Leg]:
        """Tell, in lockstep, for whom a client waits between two crossings."""
        span_s = float(self.trace.finished_s[crossing][client]), float(self.trace.begun_s[crossing][client])
        if span_s[1] > span_s[0]:
            last = self.last_to_finish(crossing)
            cause = Cause(last, spoken(self.plan.legs[last].visits[crossing].finish[-1]))
            phase = self.plan.setting.workload.visits[crossing - 1].phase
            yield self._wait(client, crossing, "wait for everybody", span_s, cause, phase)

    def _waiting_for_the_end(self, client: int) -> Iterator[Leg]:
        done_s = float(self.trace.done_s[client])
        if done_s < self.latency_s:
            last = self.last_client
            cause = Cause(last, spoken(self.plan.legs[last].after[-1]))
            crossing = len(self.trace.ready_s) - 1
            yield self._wait(
                client, crossing, "wait for the iteration to end", (done_s, self.latency_s), cause
            )

    def _wait(
        self,
        client: int,
        crossing: int,
        what: str,
        span_s: tuple[float, float],
        cause: Cause,
        phase: Phase | None = None,
    ) -> Leg:
        phase = phase or self.plan.setting.workload.visits[crossing].phase
        return Leg(client, crossing, phase, Kind.WAIT, what, *span_s, cause=cause)

    def _message(
        self, client: int, crossing: int, leg: TransferLeg, way: tuple[int, int], start_s: float, end_s: float
    ) -> Leg:
        setting = self.plan.setting
        return Leg(
            device=client,
            crossing=crossing,
            phase=setting.workload.visits[crossing].phase,
            kind=Kind.TRANSFER,
            what=f"{'send' if way[0] == client else 'receive'} {leg.kind}",
            start_s=start_s,
            end_s=end_s,
            n_bytes=leg.n_bytes,
            bound=message_bound(setting.network.pace(*way), *way, leg.n_bytes),
        )

    def _joined_work(self) -> tuple[JoinedWork, ...]:
        tables, genes = self.model.tables, self.model.genes_of(self.plan.cuts)
        works = []
        for (number, position, leg), run in zip(self.plan.server_program, self.trace.server, strict=True):
            entry, exit_ = tables.entry[number][genes], tables.exit[number][genes]
            joins = np.flatnonzero(entry == position)
            arrivals_s = self.trace.arrived_s[number][joins]
            works.append(
                JoinedWork(
                    number=number,
                    position=position,
                    leg=leg,
                    clients=int(((entry <= position) & (position <= exit_)).sum()),
                    last_to_join=int(joins[arrivals_s.argmax()]) if joins.size else None,
                    waits_for_rows=run.last_arrival_s == run.start_s,
                    start_s=run.start_s,
                    end_s=run.end_s,
                )
            )
        return tuple(works)

    def _device(self, client: int) -> Device:
        return self.plan.setting.fleet.clients[client]
