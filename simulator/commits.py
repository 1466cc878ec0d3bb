"""The commit log: the only place where time and mathematics meet.

A protocol plays out in simulated time who computes, who sends what and who arrives when. Whenever something
becomes final it writes a :class:`Commit`, inside the event in which that happens, and the learner applies it
there and then. The learner knows no clock; the protocol knows no tensor. Where time needs a value (the clusters
found, say) the learner returns a :class:`Decision`, which is logged beside its commit, so that a timeline can
be replayed without any mathematics.

Kinds of commits; every ``info`` has the ``round`` in which it was written, -1 before training:

=========== ================================================================ ==========================================
kind        what has become final                                            ``info`` besides the round
=========== ================================================================ ==========================================
evaluate    the generators are judged as they are now                        ``last``: whether the run ends with it
iteration   the clients have trained; of a split one, who was in which pass  ``step`` of the round; ``skips_d`` and
                                                                             ``skips_g``, where there are any: who came
                                                                             back and left before its own step
aggregate   the clients, maybe not all, are averaged                         nothing
rejoin      the clients come back and have lost all they had                 nothing
recut       the networks are cut anew from now on                            ``cuts``: of every client its four numbers
dispatch    a client gets a job: its inputs are fixed                        ``job``, the ``version`` of the server's
                                                                             networks, the client's ``first_step``
merge       the server takes a job's outputs in                              ``job``; ``staleness``: server steps since
                                                                             its dispatch; ``server_step``: whether the
                                                                             server takes one now
lost        a job came to nothing                                            ``job``; ``steps``: how many of its steps
                                                                             the client's optimiser has gone through
=========== ================================================================ ==========================================
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Pass:
    """Who was in one pass of a split iteration: in the forward batch, and back for the backward (sorted client ids)."""

    name: str
    forward: tuple[int, ...]
    backward: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """A fact that time has decided and mathematics must follow."""

    seq: int
    time_s: float
    kind: str
    clients: tuple[int, ...]
    passes: tuple[Pass, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)
    """What else the protocol says, in values as JSON gives them back: lists, not tuples."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A value that mathematics found and time needs.

    Attributes:
        clusters: the clients of each cluster, sorted; clusters ordered by their first member. Of an aggregation.
        stop: whether the run ends here, its target being reached. Of an evaluation.
    """

    clusters: tuple[tuple[int, ...], ...] = ()
    stop: bool = False


class Learner(Protocol):
    """The mathematics of a strategy, seen from the log."""

    losses: tuple[float, float]
    """The discriminator's and the generator's mean loss in the last iteration; NaN where nothing is trained."""

    def apply(self, commit: Commit) -> Decision | None:
        """Apply one commit; return a decision where time needs a value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: a commit and what was decided on it."""

    commit: Commit
    decision: Decision | None


class CommitLog:
    """Numbers commits, has them applied at once, and keeps them with their decisions."""

    def __init__(
        self, clock: Callable[[], float], learner: Learner, observe: Callable[[Entry], None] | None = None
    ) -> None:
        self._clock = clock
        self._learner = learner
        self._observe = observe
        self.entries: list[Entry] = []

    @property
    def losses(self) -> tuple[float, float]:
        """The learner's mean losses in the last iteration (discriminator, generator)."""
        return self._learner.losses

    def commit(
        self, kind: str, clients: Iterable[int], passes: tuple[Pass, ...] = (), **info: object
    ) -> Decision | None:
        """Write one commit at the present simulated time, apply it, and return the learner's decision."""
        commit = Commit(len(self.entries), self._clock(), kind, tuple(sorted(clients)), passes, info)
        entry = Entry(commit, self._learner.apply(commit))
        self.entries.append(entry)
        if self._observe is not None:
            self._observe(entry)
        return entry.decision


class NullLearner:
    """A learner without mathematics: it replays recorded decisions, or answers that all clients are one cluster.

    Args:
        recorded: decisions by sequence number; None where there is no record.
        clusters: without a record, whether the strategy decides clusters at every aggregation; one that does not is
            answered nothing.
    """

    losses = (math.nan, math.nan)
    latest: Mapping[str, Mapping[str, float]] = {}

    def __init__(self, recorded: Mapping[int, Decision] | None = None, clusters: bool = True) -> None:
        self._recorded = recorded
        self._clusters = clusters

    def apply(self, commit: Commit) -> Decision | None:
        """Return the recorded decision of this commit; without a record, one cluster where clusters are decided."""
        if self._recorded is not None:
            return self._recorded.get(commit.seq)
        return Decision((commit.clients,)) if self._clusters and commit.kind == "aggregate" else None

    def weights_sha256(self) -> None:
        """Return None: there are no weights."""


def decisions(entries: Iterable[Entry]) -> dict[int, Decision]:
    """Return the decisions of a log by sequence number, for a :class:`NullLearner` to replay."""
    return {entry.commit.seq: entry.decision for entry in entries if entry.decision is not None}


def replay(entries: Iterable[Entry], learner: Learner) -> None:
    """Apply a finished log to a fresh learner (law 2: the weights come out the same)."""
    for entry in entries:
        learner.apply(entry.commit)


def training_key(entries: Iterable[Entry], facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a log without its times, and of what else decides the weights.

    For a synchronous lossless strategy two runs with the same key have the same weights (law 6), on the same kind of
    machine with the same versions.

    Args:
        entries: the log.
        facts: what the log builds on, as JSON can hold it: the plan's ``training_facts``.
    """
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for entry in entries:
        digest.update(json.dumps(_timeless(entry.commit), sort_keys=True).encode())
    return digest.hexdigest()


def _timeless(commit: Commit) -> dict[str, Any]:
    # By hand: a key is made of every commit of a run, and dataclasses.asdict takes ten times as long.
    return {
        "seq": commit.seq,
        "kind": commit.kind,
        "clients": commit.clients,
        "passes": [
            {"name": one.name, "forward": one.forward, "backward": one.backward} for one in commit.passes
        ],
        "info": dict(commit.info),
    }
