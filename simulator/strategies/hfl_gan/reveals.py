"""What a run after HFL-GAN lets others see: all three networks at an edge, the global generator in the cloud."""

from __future__ import annotations

from models.split import PayloadKind
from simulator.ledger import Disclosure

REVEALS = (
    Disclosure(
        PayloadKind.PARAMETERS,
        "client",
        "edge",
        "both generators and the discriminator a client has trained: its edge can make images like the client's",
        private=True,
        whole_network=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "client",
        "edge",
        "means and variances of all activations in the three networks",
        private=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "edge",
        "client",
        "the average of the networks of all members of the edge, and of all clients' global generators",
        private=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS, "edge", "client", "the average of all means and variances", private=True
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "edge",
        "server",
        "the average of the global generators of an edge's members: the cloud can make images like theirs; where an "
        "edge has a single member it is that client's own generator",
        private=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "edge",
        "server",
        "means and variances of the activations in that generator, and a short random projection of each member's "
        "discriminator, which tells whose data are alike",
        private=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS, "server", "edge", "the average of all global generators", private=True
    ),
    Disclosure(
        PayloadKind.STATISTICS, "server", "edge", "the average of their means and variances", private=True
    ),
)
"""Every kind of payload that is ever sent."""
