"""What a run after PFL-GAN lets others see: every client's generator, which the server makes images with."""

from __future__ import annotations

from models.split import PayloadKind
from simulator.ledger import Disclosure

REVEALS = (
    Disclosure(
        PayloadKind.PARAMETERS,
        "client",
        "server",
        "the whole generator a client has trained: the server does make images like the client's with it, to compare "
        "clients and to train others' generators, so synthetic data of every client exist there",
        private=True,
        whole_network=True,
        images_made=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "client",
        "server",
        "means and variances of all activations in that generator",
        private=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "server",
        "client",
        "a generator that has learned from images like those of the most similar other clients",
        private=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "server",
        "client",
        "means and variances of all activations in that generator",
        private=True,
    ),
)
"""Every kind of payload that is ever sent."""
