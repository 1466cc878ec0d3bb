"""What MD-GAN lets others see (arXiv 1811.03850): clients pass on networks that have learned from their images."""

from __future__ import annotations

from models.split import PayloadKind
from simulator.ledger import Disclosure

REVEALS = (
    Disclosure(
        PayloadKind.SYNTHETIC_SAMPLE,
        "server",
        "client",
        "images of the generator, which has learned from all clients' discriminators",
        private=True,
    ),
    Disclosure(
        PayloadKind.LABEL,
        "server",
        "client",
        "the labels the generator's images were made for, drawn at random",
        private=False,
    ),
    Disclosure(
        PayloadKind.GRADIENT,
        "client",
        "server",
        "how a client's discriminator would change the generator's images to make them look real",
        private=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "client",
        "client",
        "the whole discriminator another client has trained: it can tell whether an image was among its data",
        private=True,
        whole_network=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "client",
        "client",
        "means and variances of another client's activations in that discriminator",
        private=True,
    ),
)
"""Every kind of payload that is ever sent."""
