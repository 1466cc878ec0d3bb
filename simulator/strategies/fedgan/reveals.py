"""What FedGAN lets others see (arXiv 2006.07228): the weights of both networks."""

from __future__ import annotations

from models.split import PayloadKind
from simulator.ledger import Disclosure

REVEALS = (
    Disclosure(
        PayloadKind.PARAMETERS,
        "client",
        "server",
        "the whole generator and discriminator a client has trained: the server can make images like the client's",
        private=True,
        whole_network=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "server",
        "client",
        "the server's generator and discriminator, averaged or mixed from those of all clients",
        private=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "client",
        "server",
        "means and variances of all activations in both",
        private=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "server",
        "client",
        "the means and variances in both of the server's networks",
        private=True,
    ),
)
"""Every kind of payload that is ever sent."""
