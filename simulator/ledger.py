"""What a strategy lets others see, in words: one disclosure for each kind of payload and pair of roles.

The recorder counts the bytes of every transfer. What they tell whom is a property of the strategy, and stands beside
its other halves in ``reveals.py``. A run that sends something its strategy does not declare is at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        private: whether it tells something of a client's own data (true of gradients and parameters too).
        whole_network: whether it is a whole network that one client has trained, not parts of one or an average.
    """

    kind: PayloadKind
    sender: str
    receiver: str
    words: str
    private: bool
    whole_network: bool = False

    def __post_init__(self) -> None:
        for role in (self.sender, self.receiver):
            if role not in ROLES:
                raise ValueError(f"{role!r} is no role; allowed: {', '.join(ROLES)}")


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
    if sent:
        kind, sender, receiver = next(iter(sent))
        raise UndeclaredPayloadError(f"{kind} from {sender} to {receiver} was sent, but is not declared")
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
            "reveals": line.disclosure.words,
        }
        for line in lines
    ]
