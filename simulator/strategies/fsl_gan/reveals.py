"""What Federated Split GANs let others see (arXiv 2207.01750): raw images within a household, weights on the server."""

from __future__ import annotations

from models.split import PayloadKind
from simulator.ledger import Disclosure

REVEALS = (
    Disclosure(
        PayloadKind.SYNTHETIC_SAMPLE,
        "server",
        "client",
        "images of the generator, which has learned from all households' discriminators",
        private=True,
    ),
    Disclosure(PayloadKind.LABEL, "server", "client", "the drawn labels of these images", private=False),
    Disclosure(
        PayloadKind.REAL_SAMPLE,
        "client",
        "client",
        "raw images, to the device of the same household with the discriminator's first part",
        private=True,
        within_household=True,
    ),
    Disclosure(
        PayloadKind.LABEL,
        "client",
        "client",
        "the labels of the raw images and of the generator's, to that device",
        private=True,
        within_household=True,
    ),
    Disclosure(
        PayloadKind.SYNTHETIC_SAMPLE,
        "client",
        "client",
        "the generator's images, to that device",
        private=True,
        within_household=True,
    ),
    Disclosure(
        PayloadKind.ACTIVATION,
        "client",
        "client",
        "activations of raw images and the generator's, to the household's device with the next part",
        private=True,
        within_household=True,
    ),
    Disclosure(
        PayloadKind.GRADIENT,
        "client",
        "client",
        "gradients of these activations and of the generator's images, within the household",
        private=True,
        within_household=True,
    ),
    Disclosure(
        PayloadKind.GRADIENT,
        "client",
        "server",
        "how a household's discriminator wants the made images to change",
        private=True,
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "client",
        "server",
        "the whole discriminator a household has trained on its images",
        private=True,
        whole_network=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "client",
        "server",
        "means and variances of all activations in it",
        private=True,
    ),
    Disclosure(PayloadKind.PARAMETERS, "server", "client", "the average of all discriminators", private=True),
    Disclosure(
        PayloadKind.STATISTICS, "server", "client", "the average of all means and variances", private=True
    ),
    Disclosure(
        PayloadKind.PARAMETERS,
        "client",
        "client",
        "parts of the discriminator, between a household's devices and its gateway",
        private=True,
        within_household=True,
    ),
    Disclosure(
        PayloadKind.STATISTICS,
        "client",
        "client",
        "means and variances in these parts",
        private=True,
        within_household=True,
    ),
)
"""Every kind of payload that is ever sent."""
