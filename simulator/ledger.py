"""What a strategy lets others see, in words: one disclosure for each kind of payload and pair of roles.

The recorder counts the bytes of every transfer. What they tell whom is a property of the strategy, and stands beside
its other halves in ``reveals.py``. A run that sends something its strategy does not declare is at fault.

One rule says what is private, for all strategies: a payload is, where it tells its receiver something of a client's
own data, or depends on data of other clients than the receiver. It may depend on them by way of what has learned from
them: weights, statistics, and whatever is computed with either. So images of a shared generator are private, and so are
activations that a shared network returns to a client for rows of its own. Labels drawn at random are not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from models.split import PayloadKind

ROLES = ("server", "client", "edge")
"""What a device is to the others; its name begins with it."""


@dataclass(frozen=True)
class Disclosure:
    """What one kind of payload tells its receiver.

    Attributes:
        kind: the payload.
        sender: the role of who sends it.
        receiver: the role of who gets it.
        words: what the receiver learns of whom; a phrase without a full stop.
        private: whether it tells something of a client's own data, or depends on other clients' (the module's rule).
        whole_network: whether the receiver gets a whole network that one client has trained, or what is missing of one
            that it holds in part; not an average.
        images_made: whether the receiver does make images with it in every run, not only could.
        within_household: whether both ends are devices of one household: it crosses a LAN, and no network between
            parties.
    """

    kind: PayloadKind
    sender: str
    receiver: str
    words: str
    private: bool
    whole_network: bool = False
    images_made: bool = False
    within_household: bool = False

    def __post_init__(self) -> None:
        for role in (self.sender, self.receiver):
            if role not in ROLES:
                raise ValueError(f"{role!r} is no role; allowed: {', '.join(ROLES)}")
        if self.within_household and (self.sender, self.receiver) != ("client", "client"):
            raise ValueError(
                f"from {self.sender} to {self.receiver} within a household; allowed: client to client"
            )


@dataclass(frozen=True)
class LedgerLine:
    """One line of a run's ledger: what kind went from whom to whom, and how many bytes.

    Attributes:
        disclosure: what that tells.
        n_bytes: all of a run's bytes of it.
    """

    disclosure: Disclosure
    n_bytes: float


class UndeclaredPayloadError(RuntimeError):
    """A strategy has sent what it does not declare: a fault of the strategy, never of its input."""


def role_of(device: str) -> str:
    """Return the role of a device by its name: ``client-3`` is a client."""
    return device.partition("-")[0]


def check_declared(sent: Iterable[tuple[str, str, str]], reveals: Iterable[Disclosure]) -> None:
    """Check that all of a round was declared.

    Args:
        sent: kind, source and target of what was sent: names of devices, each combination once or more often.
        reveals: what the strategy declares.

    Raises:
        UndeclaredPayloadError: Something was sent that is not declared.
    """
    declared = {(str(one.kind), one.sender, one.receiver) for one in reveals}
    for kind, source, target in sent:
        _require((kind, role_of(source), role_of(target)), declared)


def _require(way: tuple[str, str, str], declared: Collection[tuple[str, str, str]]) -> None:
    if way not in declared:
        kind, sender, receiver = way
        raise UndeclaredPayloadError(f"{kind} from {sender} to {receiver} was sent, but is not declared")


def ledger(transfers: pd.DataFrame, reveals: Iterable[Disclosure]) -> tuple[LedgerLine, ...]:
    """Return a run's ledger, in the order of the declarations.

    Args:
        transfers: the run's table of transfers, full or summed.
        reveals: what its strategy declares.

    Raises:
        UndeclaredPayloadError: Something was sent that is not declared.
    """
    roles = {f"{end}_role": transfers[end].astype(str).map(role_of) for end in ("source", "target")}
    sums = transfers.assign(**roles).groupby(["kind", *roles], observed=True)["bytes"].sum().reset_index()
    sent = {
        (str(row[0]), str(row[1]), str(row[2])): float(row[3])
        for row in sums.itertuples(index=False, name=None)
    }
    lines = []
    for one in reveals:
        n_bytes = sent.pop((str(one.kind), one.sender, one.receiver), None)
        if n_bytes is not None:
            lines.append(LedgerLine(one, n_bytes))
    for way in sent:
        _require(way, ())
    return tuple(lines)


def ledger_facts(lines: Sequence[LedgerLine]) -> list[dict[str, object]]:
    """Return a ledger as JSON can hold it."""
    return [
        {
            "kind": str(line.disclosure.kind),
            "sender": line.disclosure.sender,
            "receiver": line.disclosure.receiver,
            "bytes": line.n_bytes,
            "private": line.disclosure.private,
            "whole_network": line.disclosure.whole_network,
            "images_made": line.disclosure.images_made,
            "within_household": line.disclosure.within_household,
            "reveals": line.disclosure.words,
        }
        for line in lines
    ]
