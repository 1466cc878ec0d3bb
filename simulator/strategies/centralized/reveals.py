"""What centralised training lets others see: everything."""

from __future__ import annotations

from models.split import PayloadKind
from simulator.ledger import Disclosure

REVEALS = (
    Disclosure(
        PayloadKind.REAL_SAMPLE, "client", "server", "every image a client has, as it is", private=True
    ),
    Disclosure(PayloadKind.LABEL, "client", "server", "the label of every image a client has", private=True),
)
"""Every kind of payload that is ever sent."""
