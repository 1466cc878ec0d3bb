"""Who took part: in how many of a run's iterations a client's work reached the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

UNITS = ("iteration", "merge", "aggregate")
"""Kinds of commits that tell whose work came back; those of the first kind that a run has count."""


class LoggedRun(Protocol):
    """The part of a run that tells who took part (`analysis.runs.Run` has all of it)."""

    @property
    def commits(self) -> pd.DataFrame:
        """The commit log: columns kind, clients and passes among others."""

    @property
    def cuts(self) -> pd.DataFrame:
        """One row per client in the order of their ids: columns client, profile and domain among others."""


def participation(run: LoggedRun) -> pd.DataFrame:
    """Return the share of a run's iterations in which each client's work came back.

    A client took part in a pass where it was back for the pass's backward. An iteration of a strategy that knows no
    passes has one: those whom it names took part in it. A run without iterations in common has jobs: where they are
    merged one by one, a client's share is that of the merged jobs, so that all clients' sum to 1; else that of the
    rounds in which its job was averaged.

    Args:
        run: a finished run.

    Returns:
        One row a client, in the order of ``cuts``, with columns ``client, profile, domain, every_pass, any_pass``: the
        shares, 0..1, of iterations in which it was in every pass, and in one at least. NaN where the run has learned
        nothing.
    """
    kinds = set(run.commits["kind"])
    log = run.commits[run.commits["kind"] == next((kind for kind in UNITS if kind in kinds), None)]
    every: Counter[int] = Counter()
    any_: Counter[int] = Counter()
    for clients, passes in zip(log["clients"], log["passes"], strict=True):
        backs = _backs(json.loads(passes), json.loads(clients))
        every.update(set.intersection(*backs))
        any_.update(set.union(*backs))
    table = run.cuts[["client", "profile", "domain"]].reset_index(drop=True)
    return table.assign(
        every_pass=_shares(every, len(table), len(log)),
        any_pass=_shares(any_, len(table), len(log)),
    )


def participation_by_domain(run: LoggedRun) -> pd.DataFrame:
    """Return the mean of :func:`participation` over the clients of each domain.

    Returns:
        One row a domain, in order of appearance, with columns ``domain, clients`` (how many), ``every_pass`` and
        ``any_pass``.
    """
    by_domain = participation(run).groupby("domain", sort=False)
    means = by_domain[["every_pass", "any_pass"]].mean()
    return means.assign(clients=by_domain.size())[["clients", "every_pass", "any_pass"]].reset_index()


def _backs(passes: Sequence[Mapping[str, Any]], clients: Sequence[int]) -> list[set[int]]:
    """Return who was back for the backward of each pass; without passes, who is named."""
    return [set(one["backward"]) for one in passes] or [set(clients)]


def _shares(counts: Mapping[int, int], clients: int, of: int) -> list[float]:
    return [counts[client] / of if of else float("nan") for client in range(clients)]
