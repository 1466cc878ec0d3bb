"""What HuSCF-GAN lets others see (arXiv 2507.12979, section 3): no image, real or synthetic, and no label is sent.

At a round's end the server holds whole networks of every client: their heads and tails come to it, and the middle
blocks of each are its own.
"""

from __future__ import annotations

from models.split import PayloadKind
from simulator.ledger import Disclosure

REVEALS = (
    Disclosure(
        PayloadKind.ACTIVATION,
        "client",
        "server",
        "activations of a client's own images and of its fakes, cut off behind its heads",
        private=True,
    ),
    Disclosure(
        PayloadKind.ACTIVATION,
        "server",
        "client",
        "activations of the client's own rows, further on: through blocks that others' rows have trained, and "
        "normalised together with them",
        private=True,
    ),
    Disclosure(
        PayloadKind.GRADIENT, "client", "server", "gradients of a client's losses at its tails", private=True
    ),
    Disclosure(
        PayloadKind.GRADIENT,
        "server",
        "client",
        "gradients of the client's own rows, through blocks that others' rows have trained",
        private=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "client",
        "server",
        "the blocks a client has trained, its heads and tails: with the middle blocks that it holds the server has the "
        "client's whole generator and discriminator, and can make images like the client's",
        private=True,
        whole_network=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "server",
        "client",
        "the average of its cluster's heads and tails",
        private=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "client",
        "server",
        "means and variances of the activations in its blocks",
        private=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "server",
        "client",
        "the average of its cluster's means and variances",
        private=True,
    ),
)
"""Every kind of payload that is ever sent."""
